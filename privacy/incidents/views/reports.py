"""The officer's desk for reports: the queue, one report, and what becomes of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts.selectors import display_names
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.dates import start_of_day, today
from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Permission, Purpose, allows
from privacy.incidents import selectors
from privacy.incidents.codes import code_shown
from privacy.incidents.desk_forms import EndForm, JoinForm, OpenForm, local_now
from privacy.incidents.forms import EnteredForm
from privacy.incidents.freezing import freeze_by_hand, perhaps
from privacy.incidents.report_models import IncidentReport
from privacy.incidents.services import assessing, reports
from privacy.incidents.state import ReportState
from privacy.incidents.views.parts import form_page
from privacy.keeping.selectors import held_people
from privacy.requests.clock import Clock
from records.vault.content import opened


@require_GET
def desk(request: AuthRequest) -> HttpResponse:
    """What waits: reports that nobody has finished, incidents that are open; and what was closed last."""
    rows = list(selectors.open_incidents()[:200])
    lines = selectors.lines_of(rows)
    context = {
        **admin.site.each_context(request), "title": _("Reports and incidents"),
        "reports": [{"row": row, "clock": report_clock(row)} for row in selectors.open_reports()[:200]],
        "incidents": [
            {"row": row, "next": next((line for line in lines[row.pk] if line.done is None), None)} for row in rows
        ],
        "closed": selectors.closed_incidents(), "ended": selectors.ended_reports(),
        "years": selectors.years_with_incidents(),
    }
    return render(request, "privacy/incidents/staff/desk.html", context)


def report_clock(row: IncidentReport) -> Clock:
    """The clock by which the officer looks into a report."""
    days, passed = (row.due_on - row.received_on).days, max(0, (today() - row.received_on).days)
    return Clock(row.received_on, row.due_on, min(passed, days), days, (row.due_on - today()).days)


@require_GET
def report(request: AuthRequest, intake_id: UUID) -> HttpResponse:
    """One report with its words, the record that it may be about, and the ways on."""
    row = visible_or_404(IncidentReport.objects.all(), pk=intake_id)
    _looked(request, row)
    found = perhaps(row) if row.state != ReportState.ENDED else []
    people = held_people([*found, *(UUID(one) for one in row.frozen_ids)])
    names = display_names([row.officer_id, row.entered_by])
    context = {
        **admin.site.each_context(request), "title": _("Report"), "row": row, "clock": report_clock(row),
        "words": {name: opened(row, name) for name in ("words", "reach", "child_name", "child_email", "outcome")},
        "child_born": opened(row, "child_born", None),
        "officer": names.get(row.officer_id, "") if row.officer_id else "",
        "entered_by": names.get(row.entered_by, "") if row.entered_by else "",
        "frozen": [people[UUID(one)] for one in row.frozen_ids],
        "found": [(one, people[one]) for one in found if str(one) not in row.frozen_ids], "join": JoinForm(),
    }
    return render(request, "privacy/incidents/staff/report.html", context)


def _looked(request: AuthRequest, row: IncidentReport) -> None:
    """The trace of a look, before any word is opened: looking into misuse is its purpose (P11)."""
    access_record(
        by=request.actor, action=Action.VIEW, purpose=Purpose.ABUSE, subject_id=None, object_kind="privacy.incident",
        object_id=row.pk, basis=f"report:{row.pk}", durable=True,
    )


@require_POST
def take(request: AuthRequest, intake_id: UUID) -> HttpResponse:
    """Take it on."""
    return _done(request, intake_id, lambda: reports.report_take(by=request.actor, report_id=intake_id))


@require_POST
def join(request: AuthRequest, intake_id: UUID) -> HttpResponse:
    """Make it part of an open incident."""
    form = JoinForm(request.POST)
    number = form.cleaned_data["number"] if form.is_valid() else 0
    return _done(
        request, intake_id, lambda: assessing.report_join(by=request.actor, report_id=intake_id, number=number)
    )


@require_POST
def freeze(request: AuthRequest, intake_id: UUID, subject_id: UUID) -> HttpResponse:
    """Freeze a record that the report is about."""
    return _done(
        request, intake_id, lambda: freeze_by_hand(by=request.actor, report_id=intake_id, subject_id=subject_id)
    )


@require_POST
def from_look(request: AuthRequest, report_id: UUID) -> HttpResponse:
    """Make "this looks wrong" a report of a suspected violation."""
    made = reports.report_from_look(by=request.actor, look_report_id=report_id)
    return redirect("admin:incident_report", intake_id=made.pk)


def _done(request: AuthRequest, intake_id: UUID, deed: Any) -> HttpResponse:
    try:
        deed()
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Done."))
    return redirect("admin:incident_report", intake_id=intake_id)


@require_http_methods(["GET", "POST"])
def end(request: AuthRequest, intake_id: UUID) -> HttpResponse:
    """Finish a report that is no incident."""
    visible_or_404(IncidentReport.objects.all(), pk=intake_id)
    return form_page(
        request, EndForm(request.POST or None), title=_("Finish the report"), submit=_("Finish"),
        back=("incident_report", {"intake_id": intake_id}), done=_("Finished. It is kept for six years."),
        intro=_("For a complaint, a wish or a report in which nothing was used or given away against the rules."),
        deed=lambda values: reports.report_end(by=request.actor, report_id=intake_id, **values),
    )


@require_http_methods(["GET", "POST"])
def open_from(request: AuthRequest, intake_id: UUID) -> HttpResponse:
    """Open an incident out of a report; without an earlier day the clocks run from the one on which it came."""
    row = visible_or_404(IncidentReport.objects.all(), pk=intake_id)
    _looked(request, row)
    first = min(start_of_day(row.received_on), row.created_at)
    initial = {"summary": opened(row, "words"), "discovered_at": first}
    return _open(request, OpenForm(request.POST or None, initial=initial), intake_id)


@require_http_methods(["GET", "POST"])
def open_new(request: AuthRequest) -> HttpResponse:
    """Open an incident that nobody reported: our own people, or a company that works for us, found it."""
    return _open(request, OpenForm(request.POST or None, initial={"discovered_at": local_now()}), None)


def _open(request: AuthRequest, form: OpenForm, intake_id: UUID | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            made = assessing.incident_open(by=request.actor, report_id=intake_id, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("Opened. A breach is presumed until the assessment is signed."))
            return redirect("admin:incident", incident_id=made.pk)
    back = ("incident_report", {"intake_id": intake_id}) if intake_id else ("incidents", {})
    return form_page(request, form, title=_("Open an incident"), submit=_("Open the incident"), back=back)


@require_http_methods(["GET", "POST"])
def enter(request: AuthRequest) -> HttpResponse:
    """Enter a report that came by mail, phone or email; the person gets the receipt code from whoever enters it."""
    form = EnteredForm(request.POST or None)
    code = ""
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            _row, code = reports.report_enter(
                by=request.actor, told=form.told, channel=values["channel"], received_on=values["received_on"],
                form_key=values["form_key"],
            )
        except DomainError as error:
            form.add_error(error.field, error.message)
    context = {
        **admin.site.each_context(request), "title": _("Enter a report"), "form": form,
        "code": code_shown(code) if code else "", "may_handle": allows(request.actor, Permission.REQUESTS_HANDLE),
    }
    return render(request, "privacy/incidents/staff/enter.html", context)
