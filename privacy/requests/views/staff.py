"""The officer's desk in the admin: every open request with its clock, and what to do next."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.accounts.models import User
from portal.accounts.selectors import display_names
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from portal.jobs.models import Job
from portal.permissions import Purpose
from privacy.keeping.selectors import on_hold
from privacy.requests import services
from privacy.requests.clock import clock_of
from privacy.requests.forms import DenialForm
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.selectors import ended_requests, open_requests
from privacy.requests.state import steps
from privacy.selectors import afoot, archive_copies


def _cards(rows: list[RightsRequest]) -> list[dict[str, Any]]:
    names = display_names(row.officer_id for row in rows)
    return [{"row": row, "clock": clock_of(row), "owner": _name(names, row)} for row in rows]


def _name(names: dict[UUID, str], row: RightsRequest) -> str:
    """Who has taken the request on; empty for nobody."""
    return names.get(row.officer_id, "") if row.officer_id else ""


@require_GET
def desk(request: AuthRequest) -> HttpResponse:
    """Open requests, nearest date first, and what was done last."""
    context = {
        **admin.site.each_context(request),
        "title": _("Privacy requests"),
        "open_cards": _cards(list(open_requests()[:200])),
        "ended_cards": _cards(list(ended_requests())),
    }
    return render(request, "privacy/staff/desk.html", context)


@require_GET
def request_page(request: AuthRequest, request_id: UUID, form: DenialForm | None = None) -> HttpResponse:
    """One request: who asked and how we know, the clock, what happened, what can be done."""
    row = visible_or_404(RightsRequest.objects.all(), pk=request_id)
    access_record(
        by=request.actor, action=Action.VIEW, purpose=Purpose.LEGAL_DUTY, subject_id=row.subject_id,
        object_kind="privacy.request", object_id=row.pk, basis=f"request:{row.pk}", durable=True,
    )
    rules = rules_of(row.kind)
    may = {action.value for action in steps(services.standing_of(row), request.actor.role)}
    ground = rules.ground(row.denial_ground)
    context = {
        **admin.site.each_context(request),
        "title": row.get_kind_display(), "row": row, "clock": clock_of(row), "may": may,
        "asked_by": User.objects.only("email", "closed_at").filter(pk=row.account_id).first(),
        "owner": _name(display_names([row.officer_id]), row),
        "afoot": afoot(row.subject_id) if row.kind == RequestKind.DELETION and not row.ended_at else None,
        "job": Job.objects.filter(pk=row.job_id).first() if row.job_id else None,
        "held": row.kind == RequestKind.DELETION and not row.ended_at and on_hold(row.subject_id),
        "copies": archive_copies(row.subject_id)[:20], "form": form or DenialForm(grounds=rules.grounds),
        "ground": ground.label if ground else row.denial_ground,
    }
    return render(request, "privacy/staff/request.html", context)


def _done(request: AuthRequest, request_id: UUID) -> HttpResponse:
    return redirect("admin:privacy_request", request_id=request_id)


@require_POST
def start(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Take the request on."""
    return _act(request, request_id, services.request_start, _("The request is yours now."))


@require_POST
def carry_out(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Have it done. A deletion needs the box ticked: it cannot be undone."""
    row = RightsRequest.objects.filter(pk=request_id).only("kind").first()
    if row is not None and row.kind == RequestKind.DELETION and request.POST.get("sure") != "yes":
        messages.error(request, _("Tick the box first: a deletion cannot be undone."))
        return _done(request, request_id)
    return _act(request, request_id, services.request_carry_out, _("It is being carried out. The patient is told."))


def _act(request: AuthRequest, request_id: UUID, service: Any, said: str) -> HttpResponse:
    try:
        row = service(by=request.actor, request_id=request_id)
        if row.held_at:
            messages.warning(request, _("A legal hold stands: the deletion is noted, and goes on when it ends."))
        else:
            messages.success(request, said)
    except DomainError as error:
        messages.error(request, error.message)
    return _done(request, request_id)


@require_POST
def deny(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Refuse on a listed ground, with a letter."""
    row = visible_or_404(RightsRequest.objects.only("kind"), pk=request_id)
    form = DenialForm(request.POST, grounds=rules_of(row.kind).grounds)
    if not form.is_valid():
        request.method = "GET"
        return request_page(request, request_id, form)
    try:
        services.request_deny(by=request.actor, request_id=request_id, **form.cleaned_data)
        messages.success(request, _("The letter is in the patient’s portal, and a mail tells them so."))
    except DomainError as error:
        messages.error(request, error.message)
    return _done(request, request_id)
