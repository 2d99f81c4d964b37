"""The officer's deeds on a correction: name the part, accept, answer a statement, tell others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Purpose
from privacy.corrections import services
from privacy.corrections.forms import (
    AcceptForm,
    AddressForm,
    EnteredForm,
    InboundForm,
    RebuttalForm,
    StatementNotedForm,
)
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.views.deeds import filled
from records import vault
from records.amendments.models import PaperKind, Telling
from records.amendments.parts import Part, parts_of
from records.amendments.selectors import has_paper
from records.amendments.services import request_paper
from records.vault import RecordView
from records.vault.part import open_part

FORM = require_http_methods(["GET", "POST"])


def _row(request_id: UUID) -> RightsRequest:
    rows = RightsRequest.objects.filter(kind=RequestKind.AMENDMENT, subject_id__isnull=False)
    return visible_or_404(rows, pk=request_id)


def _record(request: AuthRequest, row: RightsRequest) -> RecordView:
    """Open while the request is in this officer's hands; "not found" otherwise (RULES 1.43)."""
    assert row.subject_id is not None
    return vault.open_record(by=request.actor, patient_id=row.subject_id, purpose=Purpose.LEGAL_DUTY)


def _back(request_id: UUID) -> HttpResponse:
    return redirect("admin:privacy_request", request_id=request_id)


def _page(request: AuthRequest, row: RightsRequest | None, title: str, **more: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "row": row, **more}
    return render(request, "privacy/corrections/deed.html", context)


@FORM
def part(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Write down which part a request speaks of that came by letter, by phone or from another provider."""
    row = _row(request_id)
    parts = {one.code: one for one in parts_of(_record(request, row))}
    told_by = (row.particulars or {}).get("provider", "")
    form = EnteredForm(request.POST or None, parts=parts.values(), initial={"reason": row.details, "told_by": told_by})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        found = parts[data["part"]]
        try:
            services.correction_enter(
                by=request.actor, request_id=row.pk, part=(found.kind, found.id), words=data["words"],
                reason=data["reason"], told_by=data["told_by"],
            )
            return _back(row.pk)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return _page(request, row, _("Which part is it about?"), form=form, submit=_("Note it"))


@FORM
def accept(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Write the correction as it shall stand beside the part, and beside others that it concerns."""
    row = _row(request_id)
    record = _record(request, row)
    if not has_paper(row.pk, PaperKind.REQUEST):
        return redirect("admin:privacy_part", request_id=row.pk)  # it came by post: which part is it about?
    asked = request_paper(row.pk)
    parts = [one for one in parts_of(record) if one.id != asked.part_id]
    form = AcceptForm(request.POST or None, parts=parts, initial={"words": asked.words})
    if request.method == "POST" and form.is_valid():
        also = [_named(parts, code) for code in form.cleaned_data.get("also", [])]
        try:
            services.correction_accept(
                by=request.actor, request_id=row.pk, words=form.cleaned_data["words"],
                also=[(one.kind, one.id) for one in also],
            )
            messages.success(request, _("The correction stands in the record, and the patient gets a letter."))
            return _back(row.pk)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    view = open_part(
        by=request.actor, patient_id=asked.patient_id, kind=asked.part_kind, part_id=asked.part_id,
        purpose=Purpose.LEGAL_DUTY,
    )
    return _page(request, row, _("Correct the record"), form=form, submit=_("Put it into the record"), part=view,
                 asked=asked)


def _named(parts: list[Part], code: str) -> Part:
    found = next((one for one in parts if one.code == code), None)
    if found is None:
        raise NotVisible
    return found


@require_POST
def rebut(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Answer the statement; the patient gets a copy."""
    said = _("The answer stands with the statement, and a copy goes to the patient.")
    form = RebuttalForm(request.POST)
    return filled(request, request_id, "rebuttal_form", form, services.rebuttal_write, said)


@require_POST
def statement(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Copy a statement that came by letter or mail: it stands with the part as if written in the portal."""
    said = _("The statement stands with this part of the record.")
    form = StatementNotedForm(request.POST)
    return filled(request, request_id, "statement_form", form, services.statement_note, said)


@require_POST
def telling_said(request: AuthRequest, telling_id: UUID) -> HttpResponse:
    """Note what the patient said by letter or phone: shall this one be told?"""
    row = services.telling_note(by=request.actor, telling_id=telling_id, agreed=request.POST.get("agreed") == "yes")
    return _back(row.request_id)


@FORM
def telling(request: AuthRequest, telling_id: UUID) -> HttpResponse:
    """Write to one whom the patient agreed to tell."""
    row = visible_or_404(Telling.objects.filter(agreed=True), pk=telling_id)
    form = AddressForm(request.POST or None, initial={"address": row.address})
    if request.method == "POST" and form.is_valid():
        try:
            services.telling_send(by=request.actor, telling_id=row.pk, address=form.cleaned_data["address"])
            messages.success(request, _("The letter waits to be printed, and the register shows it."))
            return _back(row.request_id)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    request_row = visible_or_404(RightsRequest.objects.all(), pk=row.request_id)
    return _page(request, request_row, _("Tell them"), form=form, submit=_("Write the letter"), telling=row)


@FORM
def inbound(request: AuthRequest) -> HttpResponse:
    """Another provider told the clinic of an amendment: a task on the desk (RULES 1.27)."""
    form = InboundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            row = services.correction_inbound(by=request.actor, **data)
            messages.success(request, _("It is on the desk. Take it on, then choose the part it is about."))
            return _back(row.pk)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return _page(request, None, _("Told by another provider"), form=form, submit=_("Put it on the desk"))
