"""The patient's pages: ask for a correction, disagree in writing, say whom to tell."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, recent_sign_in_required, role_required, visible_or_404
from portal.permissions import Purpose, Role
from privacy.corrections import services
from privacy.corrections.forms import CorrectionForm, StatementForm, TellForm
from privacy.corrections.kinds import patient_context
from privacy.requests.models import RequestKind, RightsRequest
from records import vault
from records.access import may_open, patients_of
from records.amendments.parts import part_named, parts_of
from records.amendments.selectors import tellings_of

FAMILY = role_required(Role.PATIENT, Role.GUARDIAN)
FORM = require_http_methods(["GET", "POST"])


@FORM
@FAMILY
@recent_sign_in_required
def correct(request: AuthRequest, patient_id: UUID | None = None) -> HttpResponse:
    """Choose the part that is wrong, say what it should say and why. ``?part=`` has chosen it already."""
    wanted = patient_id or next(iter(patients_of(request.account_id)), None)
    if wanted is None or may_open(by=request.actor, patient_id=wanted, purpose=Purpose.COMMUNICATING) is None:
        raise NotVisible
    record = vault.open_record(by=request.actor, patient_id=wanted, purpose=Purpose.CARE)
    form = CorrectionForm(
        request.POST or None, parts=parts_of(record), initial={"part": request.GET.get("part", "")}
    )
    if request.method == "POST" and form.is_valid():
        part = part_named(record, form.cleaned_data["part"])
        try:
            if part is None:
                raise NotVisible
            row = services.correction_ask(
                by=request.actor, patient_id=wanted, part=(part.kind, part.id), words=form.cleaned_data["words"],
                reason=form.cleaned_data["reason"], form_key=form.cleaned_data["form_key"],
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("privacy:request", request_id=row.pk)
    return render(request, "privacy/corrections/correct.html", {"form": form})


def _mine(request: AuthRequest, request_id: UUID) -> RightsRequest:
    rows = RightsRequest.objects.filter(account_id=request.account_id, kind=RequestKind.AMENDMENT)
    return visible_or_404(rows, pk=request_id)


@FORM
@FAMILY
@recent_sign_in_required
def disagree(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Write the statement of disagreement, once (RULES 1.24, 1.25)."""
    row = _mine(request, request_id)
    panel = patient_context(row, request.actor)
    if not panel["may_state"]:
        raise NotVisible
    form = StatementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.statement_write(by=request.actor, request_id=row.pk, words=form.cleaned_data["words"])
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Your statement now stays with this part of your record."))
            return redirect("privacy:request", request_id=row.pk)
    return render(request, "privacy/corrections/disagree.html", {"form": form, "row": row, "panel": panel})


@FORM
@FAMILY
@recent_sign_in_required
def tell(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Tick who shall hear of the correction, and name others (RULES 1.23)."""
    row = _mine(request, request_id)
    if not patient_context(row, request.actor)["may_tell"]:
        raise NotVisible
    tellings = tellings_of(row.pk)
    form = TellForm(request.POST or None, tellings=tellings)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.telling_choose(
                by=request.actor, request_id=row.pk, agreed=[UUID(pk) for pk in data.get("people", [])],
                name=data["name"], address=data["address"],
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Thank you. We tell those you chose, by letter."))
            return redirect("privacy:request", request_id=row.pk)
    told = [one for one in tellings if one.told_at]
    return render(request, "privacy/corrections/tell.html", {"form": form, "row": row, "told": told})
