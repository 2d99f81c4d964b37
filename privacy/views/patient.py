"""The patient's privacy pages: clocks, copies, deletion, who looked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts.selectors import display_names
from portal.audit.selectors import who_looked as looks_at
from portal.errors import DomainError
from portal.guards import AuthRequest, recent_sign_in_required, role_required
from portal.permissions import Role
from privacy import exports, services
from privacy.forms import CopyForm, DeletionForm
from privacy.models import RequestKind, RightsRequest
from privacy.selectors import clock_of, requests_of
from privacy.state import TRANSITIONS, RequestAction, RequestState
from records.access import patients_of

PATIENTS = (Role.PATIENT, Role.GUARDIAN)
LOOKS_A_PAGE = 25


def _own_patient(request: AuthRequest) -> UUID:
    """The record whose privacy is at hand: one's own, else the first one that is looked after."""
    mine = patients_of(request.account_id)
    if not mine:
        raise Http404
    return mine[0]


def _card(row: RightsRequest) -> dict[str, Any]:
    return {"row": row, "clock": clock_of(row), "can_withdraw": _withdrawable(row)}


def _withdrawable(row: RightsRequest) -> bool:
    return (RequestState(row.state), RequestAction.WITHDRAW) in TRANSITIONS


def _looks(patient_id: UUID, account_id: UUID, rows: list[Any]) -> list[dict[str, Any]]:
    names = display_names(row.actor_id for row in rows)
    return [
        {"event": row, "name": names.get(row.actor_id, ""), "self": row.actor_id == account_id} for row in rows
    ]


@require_GET
@role_required(*PATIENTS)
def home(request: AuthRequest) -> HttpResponse:
    """Requests with their clocks, who looked last, what can be asked for."""
    mine = patients_of(request.account_id)
    cards, looks = [], []
    if mine:
        cards = [_card(row) for row in requests_of(mine[0])[:20]]
        looks = _looks(mine[0], request.account_id, list(looks_at(mine[0])[:4]))
    context = {"cards": cards, "looks": looks, "has_record": bool(mine)}
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
    return render(request, "privacy/copy.html", {"form": form})


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
    return render(request, "privacy/delete.html", {"form": form, "years": settings.RETENTION_ADULT_YEARS})


@require_GET
@role_required(*PATIENTS)
def request_page(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Where one request stands."""
    row = RightsRequest.objects.filter(pk=request_id, account_id=request.account_id).first()
    if row is None:
        raise Http404
    copy = exports.copy_of(row)
    return render(request, "privacy/request.html", {**_card(row), "copy": copy, "waiting": copy is None})


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
def download(request: AuthRequest, copy_id: UUID) -> StreamingHttpResponse:
    """The copy as a file, streamed; only for its owner, only as long as it is kept."""
    copy, content = exports.copy_open(by=request.actor, copy_id=copy_id)
    response = StreamingHttpResponse(content, content_type="application/zip")
    response["Content-Length"] = str(copy.size)
    response["Content-Disposition"] = f'attachment; filename="my-record-{copy.made_at:%Y-%m-%d}.zip"'
    return response


@require_GET
@role_required(*PATIENTS)
def who_looked(request: AuthRequest) -> HttpResponse:
    """Everybody who opened the record: who, when, why (P21)."""
    patient_id = _own_patient(request)
    page = Paginator(looks_at(patient_id), LOOKS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "looks": _looks(patient_id, request.account_id, list(page.object_list))}
    return render(request, "privacy/who_looked.html", context)
