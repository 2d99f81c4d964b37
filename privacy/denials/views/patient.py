"""The patient's answer to a "no": have somebody else look at it (P37)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, recent_sign_in_required, role_required, visible_or_404
from portal.permissions import Role
from privacy.denials import services
from privacy.denials.forms import ReviewAskForm
from privacy.requests.models import RightsRequest
from privacy.requests.state import TRANSITIONS, RequestAction, RequestState


@require_http_methods(["GET", "POST"])
@role_required(Role.PATIENT, Role.GUARDIAN)
@recent_sign_in_required
def ask_review(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Ask for a review of a refusal, whole or in part."""
    row = visible_or_404(RightsRequest.objects.filter(account_id=request.account_id), pk=request_id)
    if (RequestState(row.state), RequestAction.ASK_REVIEW) not in TRANSITIONS:
        raise NotVisible
    form = ReviewAskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.review_ask(by=request.actor, request_id=row.pk, words=form.cleaned_data["words"])
            messages.success(request, _("Somebody else looks at it now. We write to you when that is done."))
        except DomainError as error:
            messages.error(request, error.message)
        return redirect("privacy:request", request_id=row.pk)
    return render(request, "privacy/denials/ask_review.html", {"form": form, "row": row})
