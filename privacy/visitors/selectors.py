"""Reading the counters for the clinic's owner: by page, by browser, by day (P09).

Numbers that are too low to be told leave here hidden (``privacy.smallcells``), for the page and
for the file alike.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Sum

from portal.dates import today
from privacy.smallcells import Cell, cells
from privacy.visitors.models import VisitCount
from privacy.visitors.pages import PAGES, STAY_MIDDLES


@dataclass(frozen=True, slots=True)
class PageLine:
    """A page's visits and how long it was open on average, about, in seconds; None where too few."""

    name: str
    views: int | None
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Visits:
    """What was counted from ``since`` to ``until``, both days included."""

    since: dt.date
    until: dt.date
    total: int
    pages: tuple[PageLine, ...]
    families: tuple[Cell, ...]
    spans: tuple[tuple[dt.date, int | None], ...]


def visits(*, days: int) -> Visits:
    """The counters of the last ``days`` days, today included. One query.

    ``spans`` are days, weeks from Monday or months, by their first day, newest first.
    """
    until = today()
    since = until - dt.timedelta(days=days - 1)
    rows = VisitCount.objects.filter(day__range=(since, until)).values_list("day", "page", "family", "stay")
    pages: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    families: Counter[str] = Counter()
    spans: Counter[str] = Counter()
    for day, page, family, stay, views in rows.annotate(n=Sum("views")).order_by():
        name = str(PAGES[page].name) if page in PAGES else page
        pages[name] += views
        seconds[name] += views * STAY_MIDDLES[stay]
        families[family] += views
        spans[_span(day, days).isoformat()] += views
    in_order = sorted(((dt.date.fromisoformat(cell.label), cell.count) for cell in cells(spans)), reverse=True)
    return Visits(
        since, until, sum(pages.values()), _lines(pages, seconds), tuple(cells(families)), tuple(in_order)
    )


def _span(day: dt.date, days: int) -> dt.date:
    """The first day of what is one line: a day within a month, a week within a season, else a month."""
    if days <= 31:
        return day
    return day - dt.timedelta(days=day.weekday()) if days <= 100 else day.replace(day=1)


def _lines(pages: Mapping[str, int], seconds: Mapping[str, int]) -> tuple[PageLine, ...]:
    return tuple(
        PageLine(cell.label, cell.count, None if cell.count is None else round(seconds[cell.label] / cell.count))
        for cell in cells(pages)
    )
