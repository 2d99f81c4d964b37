"""The answer of who asked to what it costs."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest, role_required, visible_or_404
from portal.permissions import Role
from privacy.fees.models import FeeQuote
from privacy.fees.services import quote_accept, quote_decline
from records.people.names import clean_text

WISH_MAX = 1000
PATIENTS = (Role.PATIENT, Role.GUARDIAN)


@require_POST
@role_required(*PATIENTS)
def accept(request: AuthRequest, quote_id: UUID) -> HttpResponse:
    """Agree, and go on to pay."""
    row = visible_or_404(FeeQuote.objects.filter(account_id=request.account_id), pk=quote_id)
    try:
        order = quote_accept(by=request.actor, quote_id=row.pk)
    except DomainError as error:
        messages.info(request, error.message)
        return redirect("privacy:request", request_id=row.request_id)
    return redirect("billing:pay", order_id=order.pk)


@require_POST
@role_required(*PATIENTS)
def decline(request: AuthRequest, quote_id: UUID) -> HttpResponse:
    """Not at this price. The officer offers something smaller, or the person takes the request back."""
    row = visible_or_404(FeeQuote.objects.filter(account_id=request.account_id), pk=quote_id)
    try:
        quote_decline(by=request.actor, quote_id=row.pk, wish=clean_text(request.POST.get("wish", ""))[:WISH_MAX])
        messages.success(request, _("Nothing is made, and you owe nothing. We write to you with a smaller offer."))
    except DomainError as error:
        messages.info(request, error.message)
    return redirect("privacy:request", request_id=row.request_id)
