"""Outgoing mail as staff see it: kinds, states, times; never an address or a word."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, ReadOnlyAdmin, site
from portal.context import Actor
from portal.outbox.models import OutgoingMail
from portal.outbox.selectors import stuck, without_content
from portal.outbox.views import staff
from portal.permissions import Permission


def _stuck(_actor: Actor) -> int:
    return stuck().count()


site.page(
    "mail/", staff.desk, Permission.MAIL_VIEW, name="mail_stuck", title=_("Mail that is stuck"),
    menu=_("Stuck mail"), hint=_("Mails that did not go out, and why"), count=_stuck,
    group=Group.MAIL,
)
site.page(
    "mail/<uuid:mail_id>/again/", staff.send_again, Permission.MAIL_RESEND, name="mail_again", title=_("Send again")
)


class OutgoingMailAdmin(ReadOnlyAdmin):
    permission = Permission.MAIL_VIEW
    list_display = ("kind", "category", "state", "attempts", "repeats", "last_error", "queued_at", "sent_at")
    list_filter = ("state", "category", "kind")
    ordering = ("-queued_at",)
    fields = (
        "id", "kind", "category", "state", "priority", "attempts", "repeats", "last_error", "message_id",
        "queued_at", "send_after", "send_before", "sent_at", "gate_passed", "account_id", "subject_id",
    )

    def get_queryset(self, request: Any) -> QuerySet[OutgoingMail]:
        return without_content()


site.register(OutgoingMail, OutgoingMailAdmin)
