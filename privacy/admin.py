"""The officer's desk and the archive's list in the clinic's admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, ReadOnlyAdmin, site
from portal.context import Actor
from portal.permissions import Permission
from privacy.copies import admin as copies_admin  # noqa: F401 - adds its pages
from privacy.corrections import admin as corrections_admin  # noqa: F401 - adds its pages
from privacy.denials import admin as denials_admin  # noqa: F401 - adds its pages
from privacy.disclosing import admin as disclosing_admin  # noqa: F401 - adds its pages
from privacy.fees import admin as fees_admin  # noqa: F401 - adds its pages
from privacy.guardians import admin as guardians_admin  # noqa: F401 - adds its pages
from privacy.handover import admin as handover_admin  # noqa: F401 - adds its pages
from privacy.incidents import admin as incidents_admin  # noqa: F401 - adds its pages
from privacy.keeping.selectors import holds_to_review
from privacy.leaving import admin as leaving_admin  # noqa: F401 - adds its pages
from privacy.letters import admin as letters_admin  # noqa: F401 - adds its pages
from privacy.limits import admin as limits_admin  # noqa: F401 - adds its pages
from privacy.looks.selectors import open_reports
from privacy.models import ArchiveCopy, Destruction
from privacy.requests import admin as requests_admin  # noqa: F401 - adds its pages
from privacy.safeguards import admin as safeguards_admin  # noqa: F401 - adds its pages
from privacy.views import emergencies, holds, look_reports, merging, reporting
from privacy.visitors import admin as visitors_admin  # noqa: F401 - adds its pages
from records.emergency.selectors import to_review


def _reported(_actor: Actor) -> int:
    return open_reports().count()


def _to_review(_actor: Actor) -> int:
    return to_review().count()


def _to_look_at(_actor: Actor) -> int:
    return holds_to_review()


_HANDLE = Permission.REQUESTS_HANDLE
site.page(
    "numbers/", reporting.numbers, Permission.REPORTS_VIEW, name="numbers", title=_("Numbers without names"),
    menu=_("Numbers without names"), hint=_("How many consults, what for and how they ended; nobody can be told"),
    group=Group.NUMBERS,
)
site.page("numbers/file/", reporting.numbers_file, Permission.REPORTS_VIEW, name="numbers_file", title=_("File"))
site.page("numbers/again/", reporting.numbers_again, Permission.REPORTS_VIEW, name="numbers_again", title=_("Again"))


site.page(
    "looks/", look_reports.reports, _HANDLE, name="privacy_reports", title=_("Reports about looks"),
    menu=_("Reports about looks"), hint=_("Patients say that something in their access log looks wrong"),
    count=_reported,
    group=Group.INCIDENTS,
)
site.page("looks/<uuid:report_id>/", look_reports.report, _HANDLE, name="privacy_report", title=_("Report"))
site.page("looks/<uuid:report_id>/take/", look_reports.take, _HANDLE, name="privacy_report_take", title=_("Take"))
site.page(
    "holds/", holds.holds, _HANDLE, name="privacy_holds", title=_("Legal holds"), menu=_("Legal holds"),
    hint=_("Records that a court or authority told us to keep: nothing of them is deleted"), count=_to_look_at,
    group=Group.KEEPING,
)
site.page("holds/<uuid:hold_id>/", holds.hold_page, _HANDLE, name="privacy_hold", title=_("Legal hold"))
site.page(
    "emergencies/", emergencies.emergencies, Permission.AUDIT_VIEW, name="privacy_emergencies",
    title=_("Emergency access"), menu=_("Emergency access"),
    hint=_("Records that a clinician opened in an emergency, to be looked into"), count=_to_review,
    group=Group.INCIDENTS,
)
site.page(
    "emergencies/<uuid:emergency_id>/", emergencies.emergency, Permission.AUDIT_VIEW, name="privacy_emergency",
    title=_("Opened in an emergency"),
)

site.page(
    "patients/<uuid:old_id>/into/<uuid:new_id>/", merging.merge, Permission.RECORDS_MERGE, name="records_merge",
    title=_("Make two records one"),
)


class ArchiveCopyAdmin(ReadOnlyAdmin):
    """Where sealed copies lie and until when."""

    permission = Permission.ARCHIVE_VIEW
    list_display = ("name", "reason", "sealed_at", "verified_at", "retain_until", "size", "damaged_at", "destroyed_at")
    list_filter = ("reason",)
    ordering = ("-sealed_at",)


site.register(ArchiveCopy, ArchiveCopyAdmin)


class DestructionAdmin(ReadOnlyAdmin):
    """Certificates: which copies were destroyed, when, and how."""

    permission = Permission.ARCHIVE_VIEW
    list_display = ("name", "retain_until", "destroyed_at", "method", "size")
    ordering = ("-destroyed_at",)


site.register(Destruction, DestructionAdmin)
