"""The officer's desk for reports of patients that a look seems wrong."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts.selectors import display_names
from portal.audit.models import AccessEvent, Action
from portal.audit.services import access_record
from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Purpose, Role
from privacy.looks import selectors, services
from privacy.looks.forms import LookAnswerForm
from privacy.looks.models import LookReport, ReportState
from privacy.views.looks import report_clock
from records.vault.content import opened


def _cards(rows: list[LookReport]) -> list[dict[str, Any]]:
    names = display_names([*(row.actor_id for row in rows), *(row.officer_id for row in rows)])
    return [
        {
            "row": row, "clock": report_clock(row), "what": selectors.report_words(row),
            "who": names.get(row.actor_id, "") if row.actor_id else "", "role": Role(row.actor_role).label,
            "owner": names.get(row.officer_id, "") if row.officer_id else "",
        }
        for row in rows
    ]


@require_GET
def reports(request: AuthRequest) -> HttpResponse:
    """Open reports, nearest date first, and what was answered last. No words of anybody."""
    context = {
        **admin.site.each_context(request), "title": _("Reports about looks"),
        "open_cards": _cards(list(selectors.open_reports()[:200])),
        "ended_cards": _cards(list(selectors.answered_reports())),
    }
    return render(request, "privacy/staff/reports.html", context)


@require_http_methods(["GET", "POST"])
def report(request: AuthRequest, report_id: UUID) -> HttpResponse:
    """One report: the patient's words, the rows of the log it is about, and the answer."""
    row = visible_or_404(LookReport.objects.defer("words", "answer"), pk=report_id)
    form = LookAnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.report_answer(by=request.actor, report_id=row.pk, answer=form.cleaned_data["answer"])
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("The answer is in the patient’s portal, and a mail tells them so."))
            return redirect("admin:privacy_report", report_id=row.pk)
    access_record(
        by=request.actor, action=Action.VIEW, purpose=Purpose.ABUSE, subject_id=row.subject_id,
        object_kind="privacy.lookreport", object_id=row.pk, basis=f"report:{row.pk}", durable=True,
    )
    events = AccessEvent.objects.filter(event_id__in=row.events).order_by("-at", "-number")
    context = {
        **admin.site.each_context(request), "title": _("Report about a look"), **_cards([row])[0], "form": form,
        "words": opened(row, "words"), "answer": opened(row, "answer"), "events": events,
        "open": row.state != ReportState.ANSWERED, "about_me": row.actor_id == request.account_id,
    }
    return render(request, "privacy/staff/report.html", context)


@require_POST
def take(request: AuthRequest, report_id: UUID) -> HttpResponse:
    """Take it on; the patient sees that somebody looks into it."""
    services.report_take(by=request.actor, report_id=report_id)
    messages.success(request, _("The report is yours now."))
    return redirect("admin:privacy_report", report_id=report_id)
