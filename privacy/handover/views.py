"""The officer's page of an export for a new owner: begin it, see how far it is, and say that it was handed over."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.errors import DomainError
from portal.guards import AuthRequest, recent_sign_in_required, visible_or_404
from portal.jobs.models import Job
from portal.jobs.views import card_of
from portal.spreadsheets import csv_response
from privacy.disclosing.models import Assignment
from privacy.handover import selectors, services
from privacy.handover.forms import PassedForm, RecipientForm
from privacy.handover.models import Handover
from records.vault.content import opened


@require_http_methods(["GET", "POST"])
@recent_sign_in_required
def handover(request: AuthRequest, assignment_id: UUID) -> HttpResponse:
    """What is made for one assignment; before that, the form with the new owner's key."""
    assignment = visible_or_404(Assignment.objects.all(), pk=assignment_id)
    form = RecipientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.handover_start(
                by=request.actor, assignment_id=assignment.pk, recipient_key=form.cleaned_data["recipient_key"]
            )
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("The export is being made."))
            return redirect("admin:privacy_handover", assignment_id=assignment.pk)
    row = selectors.handover_of(assignment.pk)
    job = Job.objects.filter(pk=row.job_id).first() if row and row.job_id else None
    context = {
        **admin.site.each_context(request), "title": _("Export for the new owner"), "assignment": assignment,
        "acquirer": opened(assignment, "acquirer"), "form": form, "handover": row, "passed": PassedForm(),
        "standing": selectors.standing(row) if row else None,
        "card": card_of(job) if job and row and row.finished_at is None else None,
        "stay": selectors.numbers_of(list(selectors.staying(row)[: selectors.SHOWN])) if row else [],
    }
    return render(request, "privacy/staff/handover.html", context)

@require_POST
@recent_sign_in_required
def go_on(request: AuthRequest, assignment_id: UUID) -> HttpResponse:
    """Begin the work again, where it was given up or a part was withdrawn."""
    row = visible_or_404(Handover.objects.all(), assignment_id=assignment_id)
    try:
        services.handover_go_on(by=request.actor, handover_id=row.pk)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("admin:privacy_handover", assignment_id=assignment_id)

@require_POST
@recent_sign_in_required
def passed(request: AuthRequest, assignment_id: UUID) -> HttpResponse:
    """The new owner has it: the parts go from here."""
    row = visible_or_404(Handover.objects.all(), assignment_id=assignment_id)
    form = PassedForm(request.POST)
    if not form.is_valid():
        messages.warning(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("admin:privacy_handover", assignment_id=assignment_id)
    try:
        services.handover_passed(by=request.actor, handover_id=row.pk)
        messages.success(request, _("Noted. The parts are removed here."))
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("admin:privacy_handover", assignment_id=assignment_id)

@require_safe
def stays_file(request: AuthRequest, assignment_id: UUID) -> HttpResponseBase:
    """Everybody whose record stays, with the reason, as CSV: record numbers, no names."""
    row = visible_or_404(Handover.objects.all(), assignment_id=assignment_id)
    lines = ((number, reason) for number, reason in selectors.numbers_of(list(selectors.staying(row))))
    return csv_response("who-stays.csv", ("record", "reason"), lines)
