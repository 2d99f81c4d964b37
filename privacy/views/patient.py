"""The patient's privacy pages: requests with their clocks, copies, deletion."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts.selectors import display_names
from portal.audit.selectors import who_looked as looks_at
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, recent_sign_in_required, role_required, visible_or_404
from portal.jobs.selectors import jobs_of
from portal.jobs.views import card_of
from portal.permissions import Role
from privacy import exports, services
from privacy.forms import CopyForm, DeletionForm
from privacy.models import RequestKind, RightsRequest
from privacy.promises import PROMISES, tested_count
from privacy.selectors import afoot, clock_of, looks_by_day, requests_of
from privacy.state import TRANSITIONS, RequestAction, RequestState
from records.access import patients_of

PATIENTS = (Role.PATIENT, Role.GUARDIAN)
REQUESTS_AT_HOME, DAYS_AT_HOME, LOOKS_AT_HOME = 8, 4, 200


def _own_patient(request: AuthRequest) -> UUID:
    """The record whose privacy is at hand: one's own, else the first one that is looked after."""
    mine = patients_of(request.account_id)
    if not mine:
        raise NotVisible
    return mine[0]


def _card(row: RightsRequest) -> dict[str, Any]:
    return {"row": row, "clock": clock_of(row), "can_withdraw": _withdrawable(row)}


def _withdrawable(row: RightsRequest) -> bool:
    return (RequestState(row.state), RequestAction.WITHDRAW) in TRANSITIONS


def _who(actor_id: UUID | None, account_id: UUID, names: dict[UUID, str]) -> dict[str, Any]:
    return {"name": names.get(actor_id, "") if actor_id else "", "self": actor_id == account_id}


def _days(patient_id: UUID, account_id: UUID) -> list[dict[str, Any]]:
    """Who looked on the last days, gathered; two queries."""
    groups = looks_by_day(looks_at(patient_id)[:LOOKS_AT_HOME], most=DAYS_AT_HOME)
    names = display_names(group.actor_id for group in groups)
    return [{**_who(g.actor_id, account_id, names), "event": g.event, "what": g.what} for g in groups]


@require_GET
@role_required(*PATIENTS)
def home(request: AuthRequest) -> HttpResponse:
    """Requests with their clocks, who looked last, what can be asked for."""
    mine = patients_of(request.account_id)
    context: dict[str, Any] = {"has_record": bool(mine), "tested": tested_count(), "promises": len(PROMISES)}
    if mine:
        context["cards"] = [_card(row) for row in requests_of(mine[0])[:REQUESTS_AT_HOME]]
        context["looks"] = _days(mine[0], request.account_id)
    return render(request, "privacy/home.html", context)


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
@recent_sign_in_required
def ask_copy(request: AuthRequest) -> HttpResponse:
    """Ask for a copy of everything; it is made at once."""
    patient_id = _own_patient(request)
    form = CopyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = services.request_make(
            by=request.actor, kind=RequestKind.ACCESS, patient_id=patient_id, form_key=form.cleaned_data["form_key"]
        )
        return redirect("privacy:request", request_id=row.pk)
    return render(request, "privacy/copy.html", {"form": form, "days": settings.EXPORT_LIFE_DAYS})


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
@recent_sign_in_required
def ask_deletion(request: AuthRequest) -> HttpResponse:
    """Say what goes, what stays and until when; take the request."""
    patient_id = _own_patient(request)
    form = DeletionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = services.request_make(
            by=request.actor, kind=RequestKind.DELETION, patient_id=patient_id,
            form_key=form.cleaned_data["form_key"], note=form.cleaned_data["note"],
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
    context = {**_card(row), "copy": exports.copy_of(row)}
    job = jobs_of(request.actor).filter(pk=row.job_id).first() if row.job_id else None
    if job is not None and row.state == RequestState.CARRYING_OUT:
        context |= card_of(job)
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


@require_GET
@role_required(*PATIENTS)
@recent_sign_in_required
def download(request: AuthRequest, copy_id: UUID) -> HttpResponse:
    """The copy as a file, streamed; only for its owner, only as long as it is kept."""
    copy, content = exports.copy_open(by=request.actor, copy_id=copy_id)
    response = StreamingHttpResponse(content, content_type="application/zip")
    response["Content-Length"] = str(copy.size)
    response["Content-Disposition"] = f'attachment; filename="my-record-{copy.made_at:%Y-%m-%d}.zip"'
    return cast(HttpResponse, response)
