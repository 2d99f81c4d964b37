"""Proofs of kept promises, as the officer sees them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, ReadOnlyAdmin, site
from portal.context import Actor
from portal.evidence import views
from portal.evidence.models import Evidence
from portal.evidence.selectors import unreadable_open
from portal.permissions import Permission


def _unreadable(_actor: Actor) -> int:
    return unreadable_open()[:101].count()


site.page(
    "unreadable/", views.unreadable, Permission.HEALTH_VIEW, name="unreadable", title=_("Values that cannot be read"),
    menu=_("Cannot be read"), hint=_("Stored values that no key opens, and where they stand"), count=_unreadable,
    group=Group.KEEPING,
)
site.page(
    "unreadable/again/", views.again, Permission.HEALTH_VIEW, name="unreadable_again", title=_("Try again")
)


class EvidenceAdmin(ReadOnlyAdmin):
    permission = Permission.ARCHIVE_VIEW
    list_display = ("kind", "passed", "recorded_at", "good_until")
    list_filter = ("passed", "kind")
    ordering = ("-recorded_at",)


site.register(Evidence, EvidenceAdmin)
