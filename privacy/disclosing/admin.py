"""The desks of disclosures in the clinic's admin; imported by ``privacy.admin``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.context import Actor
from portal.permissions import Permission
from privacy.disclosing.selectors import waiting_processes
from privacy.disclosing.views import assignments, processes, register
from privacy.vendors import views as vendors
from privacy.vendors.selectors import needs_care

_HANDLE = Permission.REQUESTS_HANDLE


def _papers(_actor: Actor) -> int:
    return waiting_processes().count()


def _companies(_actor: Actor) -> int:
    return needs_care()


site.page(
    "papers/", processes.processes, _HANDLE, name="legal_processes", title=_("Legal papers"), menu=_("Legal papers"),
    hint=_("Court orders, subpoenas and warrants that ask for a record"), count=_papers,
    group=Group.DISCLOSURES,
)
_ONE = "papers/<uuid:process_id>/"
site.page(_ONE, processes.process, _HANDLE, name="legal_process", title=_("Legal paper"))
site.page(f"{_ONE}give/", processes.give, _HANDLE, name="legal_give", title=_("Give"))
site.page(f"{_ONE}refuse/", processes.refuse, _HANDLE, name="legal_refuse", title=_("Do not give"))
site.page(f"{_ONE}tell/", processes.tell, _HANDLE, name="legal_tell", title=_("Tell the patient"))
site.page(f"{_ONE}suspend/", processes.suspend, _HANDLE, name="legal_suspend", title=_("Leave out"))
site.page(f"{_ONE}file/", processes.process_file, _HANDLE, name="legal_file", title=_("File"))

site.page(
    "disclosures/", register.find, _HANDLE, name="disclosures", title=_("Who received what"),
    menu=_("Who received what"), hint=_("The register of everything that was given to somebody outside"),
    group=Group.DISCLOSURES,
)
site.page("disclosures/<uuid:patient_id>/", register.register, _HANDLE, name="disclosures_of", title=_("Register"))
site.page("disclosures/<uuid:patient_id>/add/", register.add, _HANDLE, name="disclosure_add", title=_("Add"))
site.page(
    "disclosures/<uuid:patient_id>/consent/", register.paper_consent, _HANDLE, name="consent_paper", title=_("Consent")
)
site.page(
    "disclosures/consents/<uuid:consent_id>/end/", register.consent_end, _HANDLE, name="consent_end", title=_("End")
)
site.page(
    "disclosures/entries/<uuid:disclosure_id>/suspend/", register.suspend, _HANDLE, name="disclosure_suspend",
    title=_("Leave out"),
)
site.page(
    "disclosures/suspensions/<uuid:suspension_id>/end/", register.lift, _HANDLE, name="suspension_end", title=_("End")
)

site.page(
    "companies/", vendors.vendors, _HANDLE, name="vendors", title=_("Companies that work for us"),
    menu=_("Companies that work for us"), hint=_("Agreements with those who see health information"), count=_companies,
    group=Group.DISCLOSURES,
)
_COMPANY = "companies/<uuid:vendor_id>/"
site.page(_COMPANY, vendors.vendor, _HANDLE, name="vendor", title=_("Company"))
site.page(f"{_COMPANY}end/", vendors.vendor_end, _HANDLE, name="vendor_end", title=_("End"))
site.page(f"{_COMPANY}list/", vendors.import_look, _HANDLE, name="vendor_import", title=_("List"))
site.page(f"{_COMPANY}list/write/", vendors.import_write, _HANDLE, name="vendor_import_write", title=_("Write"))

site.page(
    "owner/", assignments.assignments, _HANDLE, name="assignments", title=_("A new owner"), menu=_("A new owner"),
    hint=_("When the clinic passes on: the promise, the patients, and what goes"),
    group=Group.DISCLOSURES,
)
_OWNER = "owner/<uuid:assignment_id>/"
site.page(_OWNER, assignments.assignment, _HANDLE, name="assignment", title=_("A new owner"))
site.page(f"{_OWNER}promise/", assignments.undertaking, _HANDLE, name="assignment_promise", title=_("Promise"))
site.page(f"{_OWNER}tell/", assignments.tell, _HANDLE, name="assignment_tell", title=_("Tell"))
site.page(f"{_OWNER}off/", assignments.call_off, _HANDLE, name="assignment_off", title=_("Call off"))
site.page(f"{_OWNER}file/", assignments.assignment_file, _HANDLE, name="assignment_file", title=_("File"))
