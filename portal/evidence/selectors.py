"""Reading evidence: the newest proof of each kind, and whether it still counts."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from portal.evidence.models import Evidence, UnreadableValue


def latest(kind: str) -> Evidence | None:
    """The newest proof of this kind, passed or not, in date or not; None when there is none."""
    return Evidence.objects.filter(kind=kind).order_by("-recorded_at").first()


def latest_passed(kind: str) -> Evidence | None:
    """The newest proof of this kind that passed, so that a page can say when it last held."""
    return Evidence.objects.filter(kind=kind, passed=True).order_by("-recorded_at").first()


def latest_by_kind() -> dict[str, Evidence]:
    """The newest proof of every kind, in one query."""
    rows = Evidence.objects.order_by("kind", "-recorded_at").distinct("kind")
    return {row.kind: row for row in rows}


def holds(kind: str) -> bool:
    """True when the newest proof of this kind passed and is not older than its limit."""
    row = latest(kind)
    return row is not None and row.passed and row.good_until >= timezone.now()


def unreadable_open() -> QuerySet[UnreadableValue]:
    """Values that cannot be read and have not opened since, newest first."""
    return UnreadableValue.objects.filter(resolved_at=None)
