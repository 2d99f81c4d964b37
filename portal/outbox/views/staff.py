"""The desk of stuck mail: what did not go out, why, and "send again". No address, no words."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest
from portal.outbox.selectors import counts_by_state, oldest_wait, stuck
from portal.outbox.services import mail_send_again
from portal.permissions import Permission, allows

_SHOWN = 100


@require_GET
def desk(request: AuthRequest) -> HttpResponse:
    """Stuck mails, newest first, and how the rest stands."""
    counts = counts_by_state()
    context = {
        **admin.site.each_context(request),
        "title": _("Mail that is stuck"),
        "mails": stuck()[:_SHOWN],
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
