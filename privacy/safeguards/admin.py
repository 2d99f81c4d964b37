"""The pages of the safeguards in the clinic's admin; imported by ``privacy.admin``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.context import Actor
from portal.permissions import Permission
from privacy.safeguards.selectors import to_do
from privacy.safeguards.views import binders, pages

_KEEP, _HANDLE = Permission.SAFEGUARDS_KEEP, Permission.REQUESTS_HANDLE


def _waiting(_actor: Actor) -> int:
    return to_do()


site.page(
    "safeguards/", pages.hub, _KEEP, name="safeguards", title=_("Safeguards"), menu=_("Safeguards"),
    hint=_("Risks, reviews of the log, training, sanctions, policies and binders"), count=_waiting,
    group=Group.SAFEGUARDS,
)
for _route, _view, _permission, _name, _title in (
    ("risks", pages.analyses, _KEEP, "risk_analyses", _("Risk analyses")),
    ("risks/<uuid:analysis_id>", pages.analysis, _KEEP, "risk_analysis", _("Risk analysis")),
    ("risks/<uuid:analysis_id>/sign", pages.analysis_sign, _KEEP, "risk_analysis_sign", _("Sign")),
    ("risk/<uuid:risk_id>", pages.risk, _KEEP, "risk", _("Risk")),
    ("decisions", pages.decisions, _KEEP, "safeguard_decisions", _("Addressable items")),
    ("decisions/<slug:item>", pages.decision, _KEEP, "safeguard_decision", _("Decision")),
    ("sanctions", pages.sanctions, _KEEP, "sanctions", _("Sanctions")),
    ("training", pages.training, _KEEP, "training", _("Training roster")),
    ("training/<uuid:training_id>/void", pages.training_void, _KEEP, "training_void", _("Entered by mistake")),
    ("policies", pages.policies, _KEEP, "policies_desk", _("Policies")),
    ("binders", binders.binders, _HANDLE, "binders", _("Binders")),
    ("binders/<uuid:binder_id>", binders.binder, _HANDLE, "binder", _("Binder")),
    ("binders/<uuid:binder_id>/file", binders.binder_file, _HANDLE, "binder_file", _("File")),
):
    site.page(f"safeguards/{_route}/", _view, _permission, name=_name, title=_title)
site.page(
    "privacy/<uuid:request_id>/binder/", binders.binder_of_request, _HANDLE, name="binder_of_request",
    title=_("Make the binder"),
)
