"""The export for a new owner in the officer's admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import site
from portal.permissions import Permission
from privacy.handover import views

_HANDLE = Permission.REQUESTS_HANDLE
_PLACE = "owner/<uuid:assignment_id>/export/"
site.page(_PLACE, views.handover, _HANDLE, name="privacy_handover", title=_("Export for the new owner"))
site.page(f"{_PLACE}go-on/", views.go_on, _HANDLE, name="privacy_handover_go_on", title=_("Go on"))
site.page(f"{_PLACE}passed/", views.passed, _HANDLE, name="privacy_handover_passed", title=_("Handed over"))
site.page(f"{_PLACE}stays/", views.stays_file, _HANDLE, name="privacy_handover_stays", title=_("Who stays"))
