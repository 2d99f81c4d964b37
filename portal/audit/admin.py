"""The access log as the officer sees it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, ReadOnlyAdmin, site
from portal.audit import views
from portal.audit.models import AccessEvent
from portal.audit.verification import VERIFY_EVIDENCE
from portal.context import Actor
from portal.evidence.selectors import latest
from portal.permissions import Permission


def _broken(_actor: Actor) -> int:
    """How many faults the last check found."""
    check = latest(VERIFY_EVIDENCE)
    return 0 if check is None or check.passed else int(check.facts["faults"])


site.page(
    "log/", views.state, Permission.AUDIT_VIEW, name="access_log_state", title=_("Access log"),
    menu=_("Access log"), hint=_("Is the log whole, and who has gone through it"), count=_broken,
    group=Group.KEEPING,
)
site.page(
    "log/<int:year>/<int:month>/", views.month, Permission.AUDIT_VIEW, name="access_log_month",
    title=_("A month of the log"),
)


class AccessEventAdmin(ReadOnlyAdmin):
    permission = Permission.AUDIT_VIEW
    list_display = ("number", "at", "actor_role", "action", "object_kind", "purpose", "basis", "subject_id")
    list_filter = ("action", "purpose", "actor_role")
    ordering = ("-number",)
    list_per_page = 50


site.register(AccessEvent, AccessEventAdmin)
