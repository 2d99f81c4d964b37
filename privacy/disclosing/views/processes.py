"""The officer's desk for papers of courts and authorities (P13)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.files.base import File
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts.selectors import display_names
from portal.dates import today
from portal.errors import DomainError, NotVisible, StorageUnavailable
from portal.guards import AuthRequest
from privacy.disclosing import selectors, services
from privacy.disclosing.forms import GiveForm, ProcessForm, RefuseForm, SuspensionForm
from privacy.disclosing.models import Assignment, LegalProcess
from privacy.disclosing.papers import Paper, paper_drop, paper_keep, paper_read
from privacy.keeping.selectors import held_people
from records.disclosures.services import suspension_record


def _cards(rows: list[LegalProcess]) -> list[dict[str, Any]]:
    people = held_people(row.subject_id for row in rows)
    return [
        {"row": row, "person": people[row.subject_id], "late": bool(row.answer_by and row.answer_by < today())}
        for row in rows
    ]


@require_http_methods(["GET", "POST"])
def processes(request: AuthRequest) -> HttpResponse:
    """What waits, what the patient does not know of yet, what was decided last; a form for a new one."""
    first = {"person": request.GET.get("person", "")[:40], "received_on": today()}
    form = ProcessForm(request.POST or None, request.FILES or None, initial=first)
    if request.method == "POST" and form.is_valid():
        row = _enter(request, form)
        if row is not None:
            messages.success(request, _("The paper is noted. The record is open to you until it is decided."))
            return redirect("admin:legal_process", process_id=row.pk)
    context = {
        **admin.site.each_context(request), "title": _("Legal papers"), "form": form,
        "waiting": _cards(list(selectors.waiting_processes()[:200])),
        "untold": _cards(list(selectors.untold_processes()[:200])),
        "decided": _cards(list(selectors.decided_processes())),
        "entering": form.is_bound or "person" in request.GET,
    }
    return render(request, "privacy/disclosing/processes.html", context)


def _enter(request: AuthRequest, form: ProcessForm) -> LegalProcess | None:
    given = dict(form.cleaned_data)
    upload: File[bytes] | None = given.pop("document")
    paper: Paper | None = None
    try:
        paper = paper_keep(upload) if upload else None
        row = services.process_enter(by=request.actor, subject_id=given.pop("person"), paper=paper, **given)
    except (DomainError, NotVisible) as error:
        paper_drop(paper)
        problem(form, error)
        return None
    if paper is not None and row.paper_name != paper.name:  # pressed twice: the first one's file is kept
        paper_drop(paper)
    return row


@require_GET
def process(request: AuthRequest, process_id: UUID, bound: dict[str, forms.Form] | None = None) -> HttpResponse:
    """One paper with its words, what can be done with it, and whether the patient knows."""
    view = selectors.open_process(by=request.actor, process_id=process_id)
    row = view.row
    names = display_names([row.entered_by, row.decided_by])
    context = {
        **admin.site.each_context(request), "title": view.kind, "view": view, "row": row,
        "person": held_people([row.subject_id])[row.subject_id],
        "entered_by": names.get(row.entered_by, ""),
        "decided_by": names.get(row.decided_by, "") if row.decided_by else "",
        "suspensions": selectors.suspension_views(row.subject_id, reference=row.pk),
        "give": GiveForm(initial={"on": today()}), "refuse": RefuseForm(), "suspend": SuspensionForm(),
        "problem": next(iter(bound or {}), ""), **(bound or {}),
    }
    return render(request, "privacy/disclosing/process.html", context)


@require_POST
def give(request: AuthRequest, process_id: UUID) -> HttpResponse:
    """Complete it; the patient is told, or there is a ground why not."""
    form = GiveForm(request.POST)
    if form.is_valid():
        try:
            row = services.process_give(by=request.actor, process_id=process_id, **form.cleaned_data)
        except DomainError as error:
            problem(form, error)
        else:
            told = _("It is registered, and a letter tells the patient.")
            later = _("It is registered. The patient is not told for now.")
            messages.success(request, told if row.told_at else later)
            return redirect("admin:legal_process", process_id=process_id)
    return process_again(request, process_id, "give", form)


@require_POST
def refuse(request: AuthRequest, process_id: UUID) -> HttpResponse:
    """Nothing is given."""
    form = RefuseForm(request.POST)
    if form.is_valid():
        try:
            services.process_refuse(by=request.actor, process_id=process_id, reason=form.cleaned_data["refusal"])
        except DomainError as error:
            problem(form, error)
        else:
            messages.success(request, _("Noted: nothing was given."))
            return redirect("admin:legal_process", process_id=process_id)
    return process_again(request, process_id, "refuse", form)


@require_POST
def tell(request: AuthRequest, process_id: UUID) -> HttpResponse:
    """The patient is told now."""
    try:
        services.process_tell(by=request.actor, process_id=process_id)
        messages.success(request, _("A letter tells the patient."))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("admin:legal_process", process_id=process_id)


@require_POST
def suspend(request: AuthRequest, process_id: UUID) -> HttpResponse:
    """Leave its entry out of what the patient reads, since an authority asks for it."""
    form = SuspensionForm(request.POST)
    if form.is_valid():
        row = selectors.open_process(by=request.actor, process_id=process_id).row
        try:
            suspension_record(by=request.actor, subject_id=row.subject_id, reference=row.pk, **form.cleaned_data)
        except DomainError as error:
            problem(form, error)
        else:
            messages.success(request, _("Until that day the patient does not read of it."))
            return redirect("admin:legal_process", process_id=process_id)
    return process_again(request, process_id, "suspend", form)


@require_GET
def process_file(request: AuthRequest, process_id: UUID) -> HttpResponse:
    """The paper itself, as a download."""
    return paper_response(selectors.open_process(by=request.actor, process_id=process_id).row)


def process_again(request: AuthRequest, process_id: UUID, name: str, form: forms.Form) -> HttpResponse:
    request.method = "GET"
    answer = process(request, process_id, {name: form})
    request.method = "POST"
    return answer


def paper_response(row: LegalProcess | Assignment) -> HttpResponse:
    """The clean file of a row; nothing between here and there may keep it."""
    if not row.paper_name:
        raise Http404
    try:
        data = paper_read(row)
    except StorageUnavailable:
        return HttpResponse(status=503, headers={"Retry-After": "30", "Cache-Control": "private, no-store"})
    ending = "pdf" if row.paper_type == "application/pdf" else "jpg"
    return HttpResponse(
        data, content_type=row.paper_type,
        headers={
            "Content-Disposition": f'attachment; filename="paper.{ending}"', "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


def problem(form: forms.Form, error: DomainError | NotVisible) -> None:
    """Put what a service refused beside the field it speaks of."""
    if isinstance(error, NotVisible):
        form.add_error("person" if "person" in form.fields else None, _("There is no record with this number."))
    else:
        form.add_error(error.field if error.field in form.fields else None, error.message)
