"""The patient's pages of requests: asking, following, taking back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, recent_sign_in_required, role_required, visible_or_404
from portal.jobs.selectors import jobs_of
from portal.jobs.views import card_of as job_card
from portal.permissions import Role
from privacy import exports
from privacy.requests import services
from privacy.requests.clock import clock_of
from privacy.requests.forms import CopyForm, DeletionForm
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.state import TRANSITIONS, RequestAction, RequestState
from privacy.selectors import afoot
from records.access import patients_of

PATIENTS = (Role.PATIENT, Role.GUARDIAN)


def own_patient(request: AuthRequest) -> UUID:
    """The record whose privacy is at hand: one's own, else the first one that is looked after."""
    mine = patients_of(request.account_id)
    if not mine:
        raise NotVisible
    return mine[0]


def card_of(row: RightsRequest) -> dict[str, Any]:
    return {"row": row, "clock": clock_of(row), "can_withdraw": withdrawable(row)}


def ground_of(row: RightsRequest) -> str:
    """The ground of a refusal in words."""
    ground = rules_of(row.kind).ground(row.denial_ground)
    return str(ground.label) if ground else ""


def withdrawable(row: RightsRequest) -> bool:
    return (RequestState(row.state), RequestAction.WITHDRAW) in TRANSITIONS


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
@recent_sign_in_required
def ask_copy(request: AuthRequest) -> HttpResponse:
    """Ask for a copy of everything; it is made at once."""
    patient_id = own_patient(request)
    form = CopyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = services.request_open(
            by=request.actor, kind=RequestKind.ACCESS, subject_id=patient_id,
            account_id=request.account_id, form_key=form.cleaned_data["form_key"],
        )
        return redirect("privacy:request", request_id=row.pk)
    return render(request, "privacy/copy.html", {"form": form, "days": settings.EXPORT_LIFE_DAYS})


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
@recent_sign_in_required
def ask_deletion(request: AuthRequest) -> HttpResponse:
    """Say what goes, what stays and until when; take the request."""
    patient_id = own_patient(request)
    form = DeletionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = services.request_open(
            by=request.actor, kind=RequestKind.DELETION, subject_id=patient_id,
            account_id=request.account_id, form_key=form.cleaned_data["form_key"], details=form.cleaned_data["note"],
        )
        return redirect("privacy:request", request_id=row.pk)
    context = {
        "form": form, "years": settings.RETENTION_ADULT_YEARS, "afoot": afoot(patient_id),
        "minor_age": settings.RETENTION_MINOR_UNTIL_AGE,
    }
    return render(request, "privacy/delete.html", context)


@require_GET
@role_required(*PATIENTS)
def request_page(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Where one request stands."""
    row = visible_or_404(RightsRequest.objects.filter(account_id=request.account_id), pk=request_id)
    context = {**card_of(row), "copy": exports.copy_of(row), "ground": ground_of(row)}
    job = jobs_of(request.actor).filter(pk=row.job_id).first() if row.job_id else None
    if job is not None and row.state == RequestState.CARRYING_OUT:
        context |= job_card(job)
    if row.kind == RequestKind.DELETION and not row.ended_at:
        context["afoot"] = afoot(row.subject_id)
    return render(request, "privacy/request.html", context)


@require_POST
@role_required(*PATIENTS)
def withdraw(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Take a request back that has not been carried out."""
    try:
        services.request_withdraw(by=request.actor, request_id=request_id)
        messages.success(request, _("You took your request back. Nothing was changed."))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("privacy:request", request_id=request_id)
