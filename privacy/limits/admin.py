"""Limits and other ways to be reached on the desk, in the clinic's admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import site
from portal.permissions import Permission
from privacy.limits import views

_HANDLE = Permission.REQUESTS_HANDLE
site.page(
    "privacy/<uuid:request_id>/limit/", views.limit_enter, _HANDLE, name="privacy_limit_enter", title=_("Limit")
)
site.page("privacy/<uuid:request_id>/limit/end/", views.limit_stop, _HANDLE, name="privacy_limit_stop", title=_("End"))
site.page(
    "privacy/<uuid:request_id>/reach/", views.reach_enter, _HANDLE, name="privacy_reach_enter", title=_("How to reach")
)
site.page(
    "privacy/limits/<uuid:restriction_id>/override/", views.override, Permission.RECORD_OPEN, name="privacy_override",
    title=_("Shared in an emergency"),
)
