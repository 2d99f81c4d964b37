"""Long work as staff see it: kinds, states and times."""

from __future__ import annotations

from portal.admin_site import ReadOnlyAdmin, site
from portal.jobs.models import Job
from portal.permissions import Permission


class JobAdmin(ReadOnlyAdmin):
    permission = Permission.JOBS_VIEW
    list_display = ("kind", "state", "done", "total", "attempts", "error", "created_at", "finished_at")
    list_filter = ("state", "kind")
    ordering = ("-created_at",)


site.register(Job, JobAdmin)
