"""Who looked at my record, and "this looks wrong" (P21)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.dates import clinic_zone, today
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, role_required, visible_or_404
from portal.permissions import Role
from privacy.looks import selectors, services
from privacy.looks.forms import LookFilterForm, LookReportForm
from privacy.looks.models import LookReport
from privacy.requests.clock import Clock
from records.access import patients_of
from records.vault.content import opened

PATIENTS = (Role.PATIENT, Role.GUARDIAN)
REPORTS_SHOWN = 10


@require_GET
@role_required(*PATIENTS)
def who_looked(request: AuthRequest) -> HttpResponse:
    """Everybody who opened the record: who, when, what, why; one's own looks only when asked for."""
    mine = patients_of(request.account_id)
    if not mine:
        raise NotVisible
    form = LookFilterForm(request.GET or None)
    page = selectors.look_page(
        subject_id=mine[0], account_id=request.account_id, wanted=form.wanted, after=request.GET.get("before", "")
    )
    reports = LookReport.objects.defer("words", "answer").filter(account_id=request.account_id).order_by("-created_at")
    context: dict[str, Any] = {
        "form": form, "page": page, "narrowed": form.narrowed, "first": "before" not in request.GET,
        "older": _with(request.GET, before=page.older) if page.older else "",
        "newest": _with(request.GET), "own_too": _with(request.GET, own="on"),
        "reports": reports[:REPORTS_SHOWN],
    }
    return render(request, "privacy/who_looked.html", context)


def _with(query: QueryDict, **more: str) -> str:
    """The address of the same list with something else in it; the page's place is left out."""
    changed = query.copy()
    changed.pop("before", None)
    for name, value in more.items():
        changed[name] = value
    return f"?{changed.urlencode()}"


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
def report(request: AuthRequest, event_id: UUID) -> HttpResponse:
    """This looks wrong: a line of the log, a few words, and the officer looks into it."""
    row = services.look_for(by=request.actor, event_id=event_id)
    form = LookReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, new = services.report_make(by=request.actor, event_id=event_id, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            said = _("Thank you. We look into it.") if new else _("We added this to the report that you made before.")
            messages.success(request, said)
            return redirect("privacy:report", report_id=made.pk)
    line = selectors.line_of(row, account_id=request.account_id)
    return render(request, "privacy/look_report.html", {"form": form, "line": line})


@require_GET
@role_required(*PATIENTS)
def report_page(request: AuthRequest, report_id: UUID) -> HttpResponse:
    """Where one report stands, one's own words, and the answer."""
    row = visible_or_404(LookReport.objects.filter(account_id=request.account_id), pk=report_id)
    context = {
        "report": row, "words": opened(row, "words"), "answer": opened(row, "answer"), "clock": report_clock(row),
        "what": selectors.report_words(row),
    }
    return render(request, "privacy/report.html", context)


def report_clock(row: LookReport) -> Clock:
    """The report's clock; one that was answered shows the day on which it was."""
    day = row.answered_at.astimezone(clinic_zone()).date() if row.answered_at else today()
    days = (row.due_on - row.received_on).days
    passed = max(0, (day - row.received_on).days)
    return Clock(row.received_on, row.due_on, min(passed, days), days, (row.due_on - day).days)
