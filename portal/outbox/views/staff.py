"""The desk of stuck mail: what did not go out, why, and "send again". No address, no words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest
from portal.outbox.models import OutgoingMail
from portal.outbox.registry import mail_of, subject_of
from portal.outbox.selectors import counts_by_state, oldest_wait, stuck
from portal.outbox.services import mail_send_again
from portal.permissions import Permission, allows

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class StuckMail:
    """One line of the desk. ``code`` is for whoever runs the portal, ``why`` for everybody."""

    id: UUID
    name: str
    why: str
    code: str
    attempts: int
    queued_at: datetime


@require_GET
def desk(request: AuthRequest) -> HttpResponse:
    """Stuck mails, newest first, and how the rest stands."""
    counts = counts_by_state()
    context = {
        **admin.site.each_context(request),
        "title": _("Mail that is stuck"),
        "mails": [_line(mail) for mail in stuck()[:_SHOWN]],
        "counts": counts,
        "shown": _SHOWN,
        "minutes_late": int(oldest_wait().total_seconds() // 60),
        "may_resend": allows(request.actor, Permission.MAIL_RESEND),
    }
    return render(request, "outbox/staff/stuck.html", context)


@require_POST
def send_again(request: AuthRequest, mail_id: UUID) -> HttpResponse:
    """Give one stuck mail a new set of tries."""
    try:
        mail_send_again(by=request.actor, mail_id=mail_id)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The mail is on its way again."))
    return redirect("admin:mail_stuck")


def _line(mail: OutgoingMail) -> StuckMail:
    try:
        name = subject_of(mail_of(mail.kind))
    except LookupError:
        name = mail.kind
    return StuckMail(mail.pk, name, _why(mail.last_error), mail.last_error, mail.attempts, mail.queued_at)


def _why(code: str) -> str:
    """What went wrong, in words that say what to do about it."""
    if code.startswith("smtp_5"):
        return _("The other side takes no mail for this address. Ask the person for another one.")
    if code == "outcome_unknown":
        return _("It may have arrived. Ask the person before you send it again.")
    if code == "not_sendable":
        return _("The address cannot be right. Ask the person for another one.")
    if code.startswith(("smtp_", "line_")):
        return _("The mail server put us off each time. Send it again later.")
    return _("The mail could not be written. Tell the people who run the portal.")
