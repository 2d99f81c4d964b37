"""The access log as the officer sees it."""

from __future__ import annotations

from portal.admin_site import ReadOnlyAdmin, site
from portal.audit.models import AccessEvent
from portal.permissions import Permission


class AccessEventAdmin(ReadOnlyAdmin):
    permission = Permission.AUDIT_VIEW
    list_display = ("number", "at", "actor_role", "action", "object_kind", "purpose", "basis", "subject_id")
    list_filter = ("action", "purpose", "actor_role")
    ordering = ("-number",)
    list_per_page = 50


site.register(AccessEvent, AccessEventAdmin)
