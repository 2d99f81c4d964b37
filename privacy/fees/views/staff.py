"""The officer names what a request costs, and notes a check."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.context import Actor
from portal.errors import DomainError
from portal.guards import AuthRequest
from privacy.fees.forms import PagesForm
from privacy.fees.models import FeeQuote
from privacy.fees.services import cost_name, quote_settled_by_post
from privacy.requests.views.deeds import filled


def back(request_id: UUID) -> HttpResponse:
    """To the page of the request."""
    return redirect("admin:privacy_request", request_id=request_id)


def named(row: FeeQuote) -> str:
    """What follows from naming it."""
    return _("The cost is named. We wait for the answer.") if row.cents else _("It is free. You can go on.")


@require_POST
def name_cost(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Name what a request costs whose pages nobody has counted: a list of disclosures on paper."""
    form = PagesForm(request.POST)

    def deed(*, by: Actor, request_id: UUID, postage: Any, **told: Any) -> FeeQuote:
        return cost_name(by=by, request_id=request_id, postage_cents=form.postage_cents, **told)

    return filled(request, request_id, "cost_form", form, deed, named)


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
