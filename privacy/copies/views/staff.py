"""The officer's deeds on the way to a printed copy."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.context import Actor
from portal.errors import DomainError
from portal.guards import AuthRequest
from privacy.copies import services
from privacy.copies.forms import QuoteForm
from privacy.fees.models import FeeQuote
from privacy.fees.views.staff import back, named
from privacy.requests.views.deeds import filled


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
    return back(request_id)


@require_POST
def quote(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Name what it costs, or that it is free."""
    form = QuoteForm(request.POST)

    def deed(*, by: Actor, request_id: UUID, postage: Any, **told: Any) -> FeeQuote:
        return services.copy_quote(by=by, request_id=request_id, postage_cents=form.postage_cents, **told)

    return filled(request, request_id, "quote_form", form, deed, named)
