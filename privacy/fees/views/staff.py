"""The officer names what a request costs, and notes a check."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest
from privacy.fees.forms import CostForm, PagesForm
from privacy.fees.models import FeeQuote
from privacy.fees.services import cost_name, quote_settled_by_post


def back(request_id: UUID) -> HttpResponse:
    """To the page of the request."""
    return redirect("admin:privacy_request", request_id=request_id)


def refused(request: AuthRequest, form: CostForm, request_id: UUID) -> HttpResponse:
    """What is wrong with the numbers, said above the page."""
    messages.error(request, " ".join(str(text) for found in form.errors.values() for text in found))
    return back(request_id)


def named(request: AuthRequest, row: FeeQuote) -> None:
    """What follows from naming it."""
    messages.success(
        request, _("The cost is named. We wait for the answer.") if row.cents else _("It is free. You can go on.")
    )


@require_POST
def name_cost(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Name what a request costs whose pages nobody has counted: a list of disclosures on paper."""
    form = PagesForm(request.POST)
    if not form.is_valid():
        return refused(request, form, request_id)
    told = form.cleaned_data
    try:
        named(request, cost_name(
            by=request.actor, request_id=request_id, pages=told["pages"], minutes=told["minutes"],
            postage_cents=form.postage_cents, waive=told["waive"],
        ))
    except DomainError as error:
        messages.error(request, error.message)
    return back(request_id)


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
    return back(request_id)
