"""The page of parents and guardians with their three wishes, and the officer's list of frozen records."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, recent_sign_in_required, role_required
from portal.permissions import Purpose, Role
from privacy.guardians.forms import ChildDeletionForm, LiftForm, ReviewForm, StopForm
from privacy.keeping.selectors import held_people
from privacy.requests.forms import AskForm
from privacy.requests.models import RequestKind
from privacy.requests.services import request_open
from records.freezing import selectors as freezing
from records.freezing.services import freeze_lift
from records.guardians.selectors import looked_after
from records.vault import open_person_cards

FAMILY = (Role.PATIENT, Role.GUARDIAN)
WISHES: dict[str, tuple[RequestKind, type[AskForm]]] = {
    "review": (RequestKind.GUARDIAN_REVIEW, ReviewForm),
    "delete": (RequestKind.GUARDIAN_DELETION, ChildDeletionForm),
    "stop": (RequestKind.STOP_USING, StopForm),
}


@require_GET
@role_required(*FAMILY)
def children(request: AuthRequest) -> HttpResponse:
    """Whom one looks after, and what one can ask for each; for whom has no access yet, how to get it."""
    mine = looked_after(request.account_id)
    people = open_person_cards(by=request.actor, patient_ids=list(mine), purpose=Purpose.CARE)
    frozen = freezing.frozen_of(mine)
    cards = [
        {"person": people[one], "acts": acts, "frozen": one in frozen} for one, acts in mine.items() if one in people
    ]
    return render(request, "privacy/guardians/children.html", {"cards": cards})


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*FAMILY)
@recent_sign_in_required
def wish(request: AuthRequest, patient_id: UUID, wish: str) -> HttpResponse:
    """One wish about one child: what follows is said first."""
    if wish not in WISHES or not looked_after(request.account_id).get(patient_id):
        raise NotVisible
    kind, form_class = WISHES[wish]
    form = form_class(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = request_open(
                by=request.actor, kind=kind, subject_id=patient_id, account_id=request.account_id, **form.asked()
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("privacy:request", request_id=row.pk)
    people = open_person_cards(by=request.actor, patient_ids=[patient_id], purpose=Purpose.CARE)
    context = {"form": form, "wish": wish, "kind": kind, "person": people.get(patient_id)}
    return render(request, "privacy/guardians/wish.html", context)


@require_GET
def frozen(request: AuthRequest) -> HttpResponse:
    """Records that may not be used, and those that may again; numbers, no names."""
    rows = list(freezing.freezes()[:200])
    people = held_people(row.patient_id for row in rows)
    cards = [{"row": row, "person": people[row.patient_id]} for row in rows]
    context: dict[str, Any] = {
        **admin.site.each_context(request), "title": _("Frozen records"),
        "running": [card for card in cards if card["row"].lifted_at is None],
        "lifted": [card for card in cards if card["row"].lifted_at is not None],
    }
    return render(request, "privacy/guardians/frozen.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def lift(request: AuthRequest, freeze_id: UUID) -> HttpResponse:
    """The officer says that a record may be used again, and why."""
    row = freezing.running().filter(pk=freeze_id).defer("lift_note").first()
    if row is None:
        raise NotVisible
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        freeze_lift(by=request.actor, freeze_id=freeze_id, note=form.cleaned_data["note"])
        messages.success(request, _("The record may be used again."))
        return redirect("admin:privacy_frozen")
    context = {
        **admin.site.each_context(request), "title": _("Use it again"), "form": form, "row": row,
        "person": held_people([row.patient_id])[row.patient_id],
    }
    return render(request, "privacy/guardians/lift.html", context)
