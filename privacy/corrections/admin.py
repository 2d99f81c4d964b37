"""Corrections on the desk, in the clinic's admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import site
from portal.permissions import Permission
from privacy.corrections.views import staff

_HANDLE = Permission.REQUESTS_HANDLE
site.page("privacy/<uuid:request_id>/part/", staff.part, _HANDLE, name="privacy_part", title=_("Which part"))
site.page("privacy/<uuid:request_id>/amend/", staff.accept, _HANDLE, name="privacy_amend", title=_("Correct"))
site.page("privacy/<uuid:request_id>/rebut/", staff.rebut, _HANDLE, name="privacy_rebut", title=_("Answer"))
site.page("privacy/<uuid:request_id>/state/", staff.statement, _HANDLE, name="privacy_state", title=_("Statement"))
site.page(
    "privacy/tellings/<uuid:telling_id>/said/", staff.telling_said, _HANDLE, name="privacy_telling_said",
    title=_("What the patient said"),
)
site.page("privacy/tellings/<uuid:telling_id>/", staff.telling, _HANDLE, name="privacy_telling", title=_("Tell them"))
site.page("privacy/inbound/", staff.inbound, _HANDLE, name="privacy_inbound", title=_("Told by another provider"))
