"""How the site is used, for the clinic's owner: numbers of pages, browsers and days, and nobody's visit (P09)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.evidence.selectors import latest
from portal.guards import AuthRequest
from portal.pages.templatetags.portal_ui import day_words
from portal.spreadsheets import csv_response
from privacy.smallcells import Cell
from privacy.visitors import proof
from privacy.visitors.selectors import Visits, visits

PERIODS = (30, 90, 365)  # days
COLUMNS = ("what", "name", "visits", "seconds_on_average")


@require_safe
def desk(request: AuthRequest) -> HttpResponse:
    """Three tables with bars; what is too low to be told is hidden."""
    days = _days(request)
    found = visits(days=days)
    context = {
        **admin.site.each_context(request), "title": _("Visits of the site"), "visits": found, "days": days,
        "periods": [period for period in PERIODS if period != days], "least": settings.DEID_SMALL_CELL,
        "tables": [(_("Browser"), found.families), (_when(days), [Cell(day_words(day), n) for day, n in found.spans])],
        "proof": latest(proof.COUNTERS),
    }
    return render(request, "visitors/staff/visits.html", context)


@require_safe
def file(request: AuthRequest) -> HttpResponseBase:
    """The same three tables as CSV; a hidden number is an empty cell."""
    return csv_response("visits.csv", COLUMNS, _rows(visits(days=_days(request))))


def _rows(found: Visits) -> list[tuple[Any, ...]]:
    return [
        *(("page", line.name, line.views, line.seconds) for line in found.pages),
        *(("browser", cell.label, cell.count, None) for cell in found.families),
        *(("from", day, views, None) for day, views in found.spans),
    ]


def _when(days: int) -> str:
    return _("Day") if days <= 31 else _("Week from") if days <= 100 else _("Month from")


def _days(request: AuthRequest) -> int:
    """One of the offered periods; the first for anything else."""
    asked = request.GET.get("days", "")
    return next((period for period in PERIODS if str(period) == asked), PERIODS[0])
