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

from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, recent_sign_in_required, role_required, visible_or_404
from portal.permissions import Role
from privacy.letters.selectors import WORDS, lines, visible_letters
from privacy.requests import services, words
from privacy.requests.clock import clock_of, first_due
from privacy.requests.forms import CopyForm, DeletionForm
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import KindRules, kinds, rules_of, with_panel
from privacy.requests.state import steps
from privacy.selectors import afoot
from records.access import patients_of
from records.freezing.selectors import is_frozen
from records.guardians.selectors import looked_after
from records.vault.content import opened

PATIENTS = (Role.PATIENT, Role.GUARDIAN)


def own_patient(request: AuthRequest) -> UUID:
    """The record whose privacy is at hand: one's own, else the first one that is looked after."""
    mine = patients_of(request.account_id)
    if not mine:
        raise NotVisible
    return mine[0]


def own_record(request: AuthRequest, mine: list[UUID]) -> UUID | None:
    """Of the records at hand, the person's own comes first; None where they only look after others."""
    return mine[0] if mine and mine[0] not in looked_after(request.account_id) else None


def card_of(row: RightsRequest) -> dict[str, Any]:
    """A request on a list: its clock (of the one that it is joined to, if any) and what happens next."""
    main = row.joined_to or row
    return {"row": row, "main": main, "clock": clock_of(main), "next": words.patient_next(row)}


def wishes(request: AuthRequest, mine: list[UUID]) -> list[KindRules]:
    """What this person can ask for, in the order of the kinds."""
    own = own_record(request, mine) is not None
    return [
        rules for rules in kinds()
        if rules.wish and request.actor.role in rules.roles
        and (mine or rules.for_anybody or not rules.about_record) and (own or not rules.own_only)
    ]


def _open(request: AuthRequest, kind: RequestKind, subject_id: UUID | None, told: dict[str, Any]) -> RightsRequest:
    return services.request_open(
        by=request.actor, kind=kind, subject_id=subject_id, account_id=request.account_id, **told
    )


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
@recent_sign_in_required
def ask_copy(request: AuthRequest) -> HttpResponse:
    """Ask for a copy of everything; it is made at once."""
    patient_id = own_patient(request)
    if is_frozen(patient_id):
        messages.error(request, _("This record is only kept and not used. Ask our compliance officer for a copy."))
        return redirect("privacy:home")
    form = CopyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = _open(request, RequestKind.ACCESS, patient_id, form.asked())
        return redirect("privacy:request", request_id=row.pk)
    return render(request, "privacy/copy.html", {"form": form, "days": settings.EXPORT_LIFE_DAYS})


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
@recent_sign_in_required
def ask_deletion(request: AuthRequest) -> HttpResponse:
    """Say what goes, what stays and until when; take the request."""
    patient_id = own_patient(request)
    if own_record(request, [patient_id]) is None:  # a guardian asks on the child's own page, which says what follows
        return redirect("privacy:children")
    form = DeletionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = {"form_key": form.cleaned_data["form_key"], "details": form.cleaned_data["note"]}
        return redirect("privacy:request", request_id=_open(request, RequestKind.DELETION, patient_id, told).pk)
    context = {
        "form": form, "years": settings.RETENTION_ADULT_YEARS, "afoot": afoot(patient_id),
        "minor_age": settings.RETENTION_MINOR_UNTIL_AGE,
    }
    return render(request, "privacy/delete.html", context)


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
def ask(request: AuthRequest, kind: str) -> HttpResponse:
    """The ask page of a kind with a form of its own; what needs proof asks for a recent sign-in."""
    rules = next((one for one in kinds() if one.kind == kind and one.ask_form is not None), None)
    if rules is None or request.actor.role not in rules.roles:
        raise NotVisible
    return (recent_sign_in_required(_ask) if rules.needs_identity else _ask)(request, rules)


def _ask(request: AuthRequest, rules: KindRules) -> HttpResponse:
    assert rules.ask_form is not None
    mine = patients_of(request.account_id)
    if rules.about_record and not mine:
        raise NotVisible
    form = rules.ask_form(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = _open(request, rules.kind, mine[0] if mine else None, form.asked())
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("We have your request. This page shows where it stands."))
            return redirect("privacy:request", request_id=row.pk)
    context = {"form": form, "rules": rules, "due": first_due(rules, today())}
    return render(request, "privacy/ask.html", context)


@require_GET
@role_required(*PATIENTS)
def request_page(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Where one request stands: the clock, what happens next, what happened, letters and answers."""
    row = visible_or_404(RightsRequest.objects.filter(account_id=request.account_id), pk=request_id)
    rules = rules_of(row.kind)
    letters = visible_letters(request.actor).filter(request_id=row.pk).defer(*WORDS)
    context: dict[str, Any] = {
        **card_of(row), "rules": rules, "ground": words.ground(row),
        "particulars": words.particulars(row), "letters": lines(letters),
        "may": {action.value for action in steps(services.standing_of(row), request.actor.role)},
        "told": {name: opened(row, name) for name in ("details", "denial_letter", "extension_reason", "answer")},
        "outcome": dict(rules.outcomes).get(row.outcome, ""), "history": _history(row),
    }
    if rules.patient_context is not None:
        context = with_panel(context, rules.patient_context(row, request.actor))
    return render(request, "privacy/request.html", context)


def _history(row: RightsRequest) -> list[dict[str, Any]]:
    lines = [{"at": one.at, "what": words.step_words(one.action, role=one.by_role)} for one in row.steps.order_by("id")]
    return [line for line in lines if line["what"]]


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

