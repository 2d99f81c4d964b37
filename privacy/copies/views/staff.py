"""The officer's deeds on the way to a printed copy."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest
from privacy.copies import services
from privacy.copies.forms import QuoteForm
from privacy.fees.models import FeeQuote
from privacy.fees.services import quote_settled_by_post


def _back(request_id: UUID) -> HttpResponse:
    return redirect("admin:privacy_request", request_id=request_id)


@require_POST
def prepare(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Make the copy and count its pages."""
    part = request.POST.get("part", "")
    try:
        services.copy_prepare(by=request.actor, request_id=request_id, encounter_id=UUID(part) if part else None)
        messages.success(request, _("The copy is being made. Its pages are counted in a minute."))
    except ValueError:
        messages.error(request, _("Choose a part from the list."))
    except DomainError as error:
        messages.error(request, error.message)
    return _back(request_id)


@require_POST
def quote(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Name what it costs, or that it is free."""
    form = QuoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(text) for found in form.errors.values() for text in found))
        return _back(request_id)
    told = form.cleaned_data
    try:
        row = services.copy_quote(
            by=request.actor, request_id=request_id, minutes=told["minutes"],
            postage_cents=int(told["postage"] * 100), appeal=told["appeal"], waive=told["waive"],
        )
        said = _("The cost is named. We wait for the answer.") if row.cents else _("It is free. You can go on.")
        messages.success(request, said)
    except DomainError as error:
        messages.error(request, error.message)
    return _back(request_id)


@require_POST
def paid_by_post(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """A check came by post."""
    row = FeeQuote.objects.filter(request_id=request_id).order_by("-quoted_at").first()
    try:
        if row is not None:
            quote_settled_by_post(by=request.actor, quote_id=row.pk)
            messages.success(request, _("It is noted as paid by check."))
    except DomainError as error:
        messages.error(request, error.message)
    return _back(request_id)
