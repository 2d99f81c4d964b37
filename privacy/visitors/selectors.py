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
    days: tuple[Cell, ...]


def visits(*, days: int) -> Visits:
    """The counters of the last ``days`` days, today included. One query."""
    until = today()
    since = until - dt.timedelta(days=days - 1)
    rows = VisitCount.objects.filter(day__range=(since, until)).values_list("day", "page", "family", "stay")
    pages: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    families: Counter[str] = Counter()
    by_day: Counter[str] = Counter()
    for day, page, family, stay, views in rows.annotate(n=Sum("views")).order_by():
        name = str(PAGES[page].name) if page in PAGES else page
        pages[name] += views
        seconds[name] += views * STAY_MIDDLES[stay]
        families[family] += views
        by_day[day.isoformat()] += views
    in_order = {cell.label: cell for cell in cells(by_day)}
    return Visits(
        since, until, sum(pages.values()), _lines(pages, seconds), tuple(cells(families)),
        tuple(in_order[label] for label in sorted(in_order, reverse=True)),
    )


def _lines(pages: Mapping[str, int], seconds: Mapping[str, int]) -> tuple[PageLine, ...]:
    return tuple(
        PageLine(cell.label, cell.count, None if cell.count is None else round(seconds[cell.label] / cell.count))
        for cell in cells(pages)
    )
