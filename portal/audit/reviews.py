"""The log of a month: how much of what happened in it, by whom it was gone through (RULES 2.7).

The numbers are counts of rows; none of them names anybody.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Min, Q

from portal.audit.models import LOOKS, AccessEvent, Action, LogReview
from portal.audit.verification import VERIFY_EVIDENCE
from portal.dates import clinic_zone, start_of_day, today
from portal.evidence.models import Evidence
from portal.permissions import Role

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Month:
    """One month of the log. ``review`` None: nobody has signed it; ``late``: it should have been signed."""

    first: dt.date
    review: LogReview | None
    late: bool

    @property
    def over(self) -> bool:
        return month_after(self.first) <= today()


def month_after(first: dt.date) -> dt.date:
    """The first day of the next month."""
    return (first.replace(day=28) + 4 * ONE_DAY).replace(day=1)


def month_before(first: dt.date) -> dt.date:
    """The first day of the month before."""
    return (first - ONE_DAY).replace(day=1)


def first_month() -> dt.date | None:
    """The first day of the month in which the log begins; None while it is empty."""
    at: dt.datetime | None = AccessEvent.objects.aggregate(at=Min("at"))["at"]
    return None if at is None else at.astimezone(clinic_zone()).date().replace(day=1)


def month_due(*, on: dt.date | None = None) -> dt.date | None:
    """The latest month whose review should be there by now; None where the log is younger than that.

    A month may be signed off until the day ``LOG_REVIEW_DAY`` of the next one.
    """
    day, begun = on or today(), first_month()
    due = month_before(day.replace(day=1))
    if day.day <= settings.LOG_REVIEW_DAY:
        due = month_before(due)
    return None if begun is None or due < begun else due


def review_missing(*, on: dt.date | None = None) -> dt.date | None:
    """The month that ``month_due`` names while nobody has signed it."""
    due = month_due(on=on)
    return None if due is None or LogReview.objects.filter(month=due).exists() else due


def months(*, most: int = 24) -> list[Month]:
    """The months of the log, the newest first, this one included; three queries."""
    begun, due = first_month(), month_due()
    reviews = {row.month: row for row in LogReview.objects.defer("words")[:most]}
    month, found = today().replace(day=1), list[Month]()
    while begun is not None and month >= begun and len(found) < most:
        review = reviews.get(month)
        found.append(Month(month, review, late=review is None and due is not None and month <= due))
        month = month_before(month)
    return found


def month_counts(first: dt.date) -> dict[str, int]:
    """How much happened in a month, by codes: ``looks.<role>``, ``emergencies``, ``refused``, ``searches``,
    ``exports``, ``sign_in_failed``, ``rows`` and ``integrity_failed``. Two queries.
    """
    since, until = start_of_day(first), start_of_day(month_after(first))
    rows = AccessEvent.objects.filter(at__gte=since, at__lt=until).order_by()
    counts: dict[str, int] = {f"looks.{role.value}": 0 for role in Role if role != Role.ANONYMOUS}
    counts |= dict.fromkeys(("emergencies", "refused", "searches", "exports", "sign_in_failed", "rows"), 0)
    for role, action, count in rows.values_list("actor_role", "action").annotate(n=Count("number")):
        counts["rows"] += count
        if action in LOOKS and f"looks.{role}" in counts:
            counts[f"looks.{role}"] += count
        if action in _COUNTED:
            counts[_COUNTED[action]] += count
    failed = Q(kind=VERIFY_EVIDENCE, passed=False, recorded_at__gte=since, recorded_at__lt=until)
    return counts | {"integrity_failed": Evidence.objects.filter(failed).count()}


_COUNTED: dict[str, str] = {
    Action.BREAK_GLASS.value: "emergencies", Action.DENIED.value: "refused", Action.SEARCH.value: "searches",
    Action.EXPORT.value: "exports", Action.DOWNLOAD.value: "exports", Action.SIGN_IN_FAILED.value: "sign_in_failed",
}
