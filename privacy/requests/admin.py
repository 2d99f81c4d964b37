"""The officer's desk of requests in the clinic's admin; imported by ``privacy.admin``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.context import Actor
from portal.permissions import Permission
from privacy.requests.selectors import open_requests
from privacy.requests.views import deeds, entering, staff

_HANDLE = Permission.REQUESTS_HANDLE


def _waiting(_actor: Actor) -> int:
    return open_requests().count()


site.page(
    "privacy/", staff.desk, _HANDLE, name="privacy_desk", title=_("Privacy requests"), menu=_("Privacy requests"),
    hint=_("All that people asked for about their data, with the legal clocks"), count=_waiting,
    group=Group.REQUESTS, leads=True,
)
site.page("privacy/new/", entering.enter, _HANDLE, name="privacy_enter", title=_("Write down a request"))
site.page("privacy/<uuid:request_id>/", staff.request_page, _HANDLE, name="privacy_request", title=_("Request"))
for _route, _view, _name, _title in (
    ("start", deeds.start, "privacy_start", _("Start")),
    ("carry-out", deeds.carry_out, "privacy_carry_out", _("Do")),
    ("answer", deeds.answer, "privacy_answer", _("Answer")),
    ("extend", deeds.extend, "privacy_extend", _("More time")),
    ("assign", deeds.assign, "privacy_assign", _("Hand over")),
    ("identity/ask", deeds.identity_ask, "privacy_identity_ask", _("Ask who it was")),
    ("identity", deeds.identity, "privacy_identity", _("Identity")),
    ("identity/unproven", deeds.unproven, "privacy_unproven", _("Identity could not be proven")),
    ("about", deeds.about, "privacy_about", _("Whose record")),
    ("join/<uuid:main_id>", deeds.join, "privacy_join", _("Join")),
    ("separate", deeds.separate, "privacy_separate", _("Take apart")),
    ("put-back", deeds.put_back, "privacy_put_back", _("Put back")),
    ("taken-back", deeds.take_back, "privacy_taken_back", _("Taken back")),
):
    site.page(f"privacy/<uuid:request_id>/{_route}/", _view, _HANDLE, name=_name, title=_title)
