"""Which records are frozen. Ids only: asked by access, the outbox, statistics and exports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, F, Func, QuerySet

from records.freezing.models import Freeze


def running() -> QuerySet[Freeze]:
    """Freezes that are not lifted."""
    return Freeze.objects.filter(lifted_at=None)


def is_frozen(patient_id: UUID) -> bool:
    """True while nobody may use this record."""
    return running().filter(patient_id=patient_id).exists()


def frozen_of(patient_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these records that are frozen. One query."""
    return set(running().filter(patient_id__in=patient_ids).values_list("patient_id", flat=True))


def frozen(column: str = "patient_id") -> Func:
    """As a condition inside another query, whose ``column`` names the patient.

    Plain SQL: nearly every page asks this, and building a nested query takes longer than its answer.
    """
    asked = "EXISTS (SELECT 1 FROM records_freeze f WHERE f.patient_id = %(expressions)s AND f.lifted_at IS NULL)"
    return Func(F(column), template=asked, output_field=BooleanField())


def freezes() -> QuerySet[Freeze]:
    """For the officer's list: the running ones first, the newest of each; nobody's words."""
    rows: QuerySet[Any] = Freeze.objects.defer("lift_note").order_by("-lifted_at", "-placed_at")
    return rows
