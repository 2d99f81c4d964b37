"""The officer's deeds on the way to a printed copy."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest
from privacy.copies import services
from privacy.copies.forms import QuoteForm
from privacy.fees.views.staff import back, named, refused


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
    if not form.is_valid():
        return refused(request, form, request_id)
    told = form.cleaned_data
    try:
        named(request, services.copy_quote(
            by=request.actor, request_id=request_id, minutes=told["minutes"], postage_cents=form.postage_cents,
            appeal=told["appeal"], current_care=told["current_care"], waive=told["waive"],
        ))
    except DomainError as error:
        messages.error(request, error.message)
    return back(request_id)
