"""The desk for a clinic that passes to a new owner (P16)."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from privacy.disclosing import assignments as services
from privacy.disclosing import selectors
from privacy.disclosing.forms import AssignmentForm, UndertakingForm
from privacy.disclosing.models import Assignment
from privacy.disclosing.papers import Paper, paper_drop, paper_keep
from privacy.disclosing.views.processes import paper_response, problem
from records.disclosures.models import Disclosure
from records.vault.content import opened


@require_http_methods(["GET", "POST"])
def assignments(request: AuthRequest) -> HttpResponse:
    """New owners, and a form to note one."""
    form = AssignmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.assignment_enter(by=request.actor, **form.cleaned_data)
        except DomainError as error:
            problem(form, error)
        else:
            messages.success(request, _("Noted. Next comes the new owner’s written promise."))
            return redirect("admin:assignment", assignment_id=row.pk)
    rows = [{"row": row, "acquirer": opened(row, "acquirer")} for row in selectors.assignments()[:50]]
    context = {**admin.site.each_context(request), "title": _("A new owner"), "form": form, "rows": rows}
    return render(request, "privacy/disclosing/assignments.html", context)


@require_GET
def assignment(request: AuthRequest, assignment_id: UUID, form: forms.Form | None = None) -> HttpResponse:
    """One of them: what is done, and the next step."""
    row = visible_or_404(Assignment.objects.all(), pk=assignment_id)
    context = {
        **admin.site.each_context(request), "title": _("A new owner"), "row": row, "form": form or UndertakingForm(),
        "acquirer": opened(row, "acquirer"), "address": opened(row, "acquirer_address"),
        "signed_by": opened(row, "undertaking_by"),
        "gone": Disclosure.objects.filter(reference=row.pk).values("patient_id").distinct().count(),
    }
    return render(request, "privacy/disclosing/assignment.html", context)


@require_POST
def undertaking(request: AuthRequest, assignment_id: UUID) -> HttpResponse:
    """Keep the signed promise."""
    form = UndertakingForm(request.POST, request.FILES)
    if form.is_valid():
        paper: Paper | None = None
        try:
            paper = paper_keep(form.cleaned_data["document"])
            services.undertaking_record(
                by=request.actor, assignment_id=assignment_id, signed_by=form.cleaned_data["signed_by"],
                signed_on=form.cleaned_data["signed_on"], paper=paper,
            )
        except DomainError as error:
            paper_drop(paper)
            problem(form, error)
        else:
            messages.success(request, _("The promise is kept here. Next, the patients are told."))
            return redirect("admin:assignment", assignment_id=assignment_id)
    request.method = "GET"
    answer = assignment(request, assignment_id, form)
    request.method = "POST"
    return answer


@require_POST
def tell(request: AuthRequest, assignment_id: UUID) -> HttpResponse:
    """Begin to tell all patients."""
    return _done(request, assignment_id, services.patients_tell, _("All patients are being told."))


@require_POST
def call_off(request: AuthRequest, assignment_id: UUID) -> HttpResponse:
    """It does not happen."""
    return _done(request, assignment_id, services.assignment_call_off, _("It is called off."))


@require_GET
def assignment_file(request: AuthRequest, assignment_id: UUID) -> HttpResponse:
    """The signed promise, as a download."""
    return paper_response(visible_or_404(Assignment.objects.all(), pk=assignment_id))


def _done(request: AuthRequest, assignment_id: UUID, deed: services.Deed, said: str) -> HttpResponse:
    try:
        deed(by=request.actor, assignment_id=assignment_id)
        messages.success(request, said)
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("admin:assignment", assignment_id=assignment_id)
