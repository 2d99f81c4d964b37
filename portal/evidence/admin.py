"""Proofs of kept promises, as the officer sees them."""

from __future__ import annotations

from portal.admin_site import ReadOnlyAdmin, site
from portal.evidence.models import Evidence
from portal.permissions import Permission


class EvidenceAdmin(ReadOnlyAdmin):
    permission = Permission.ARCHIVE_VIEW
    list_display = ("kind", "passed", "recorded_at", "good_until")
    list_filter = ("passed", "kind")
    ordering = ("-recorded_at",)


site.register(Evidence, EvidenceAdmin)
