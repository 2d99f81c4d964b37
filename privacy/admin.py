"""The officer's desk and the archive's list in the clinic's admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import ReadOnlyAdmin, site
from portal.context import Actor
from portal.permissions import Permission
from privacy.models import ArchiveCopy
from privacy.selectors import open_requests
from privacy.views import staff


def _waiting(_actor: Actor) -> int:
    return open_requests().count()


_HANDLE = Permission.REQUESTS_HANDLE
site.page(
    "privacy/", staff.desk, _HANDLE, name="privacy_desk", title=_("Privacy requests"), menu=_("Privacy requests"),
    hint=_("Copies and deletions that patients asked for, with their legal clocks"), count=_waiting,
)
site.page("privacy/<uuid:request_id>/", staff.request_page, _HANDLE, name="privacy_request", title=_("Request"))
site.page("privacy/<uuid:request_id>/start/", staff.start, _HANDLE, name="privacy_start", title=_("Start"))
site.page("privacy/<uuid:request_id>/carry-out/", staff.carry_out, _HANDLE, name="privacy_carry_out", title=_("Do"))
site.page("privacy/<uuid:request_id>/deny/", staff.deny, _HANDLE, name="privacy_deny", title=_("Deny"))


class ArchiveCopyAdmin(ReadOnlyAdmin):
    """Where sealed copies lie and until when."""

    permission = Permission.ARCHIVE_VIEW
    list_display = ("name", "reason", "sealed_at", "verified_at", "retain_until", "size")
    list_filter = ("reason",)
    ordering = ("-sealed_at",)


site.register(ArchiveCopy, ArchiveCopyAdmin)
