"""What is kept back from whom: asked by every way of the vault to a part of a record (RULES 1.15, 1.16)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.db.models import BooleanField, Exists, F, Func, Model, OuterRef, QuerySet

from records.people.models import GrantKind
from records.withholding.models import Withheld

M = TypeVar("M", bound=Model)
# Whom something can be kept back from. Staff and the portal's own tasks see the whole record.
FAMILY = frozenset({GrantKind.SELF, GrantKind.GUARDIAN})
# Whether the patient of a row has any, asked along with the row itself.
HAS_WITHHELD = Exists(Withheld.objects.filter(patient_id=OuterRef("patient_id"), ended_at=None))
# The meaning of ``running`` as plain SQL, for the part whose id stands at ``%(expressions)s``: pages that are
# asked for often, since building a nested query takes longer than its answer.
KEPT_FROM_A_GUARDIAN = "SELECT 1 FROM records_withheld w WHERE w.part_id = %(expressions)s AND w.ended_at IS NULL"
KEPT_FROM_THE_PATIENT = f"{KEPT_FROM_A_GUARDIAN} AND NOT w.guardians_only"


@dataclass(frozen=True, slots=True)
class Kept:
    """What one answer keeps back: how many parts, since when, and whose request it was."""

    request_id: UUID
    asked_by: UUID | None
    count: int
    since: dt.datetime


def running(grant: GrantKind) -> QuerySet[Withheld]:
    """What is kept back now from who opens a record by this grant."""
    if grant not in FAMILY:
        return Withheld.objects.none()
    rows = Withheld.objects.filter(ended_at=None)
    return rows if grant is GrantKind.GUARDIAN else rows.filter(guardians_only=False)


def shown(rows: QuerySet[M], grant: GrantKind, *, part: str = "pk") -> QuerySet[M]:
    """The rows without the parts that are kept back; ``part`` is the column with the part's id. No query."""
    if grant not in FAMILY:
        return rows
    asked = KEPT_FROM_A_GUARDIAN if grant is GrantKind.GUARDIAN else KEPT_FROM_THE_PATIENT
    return rows.filter(Func(F(part), template=f"NOT EXISTS ({asked})", output_field=BooleanField()))


def is_withheld(part_id: UUID, grant: GrantKind) -> bool:
    """Whether this one part is kept back. No query for staff."""
    return grant in FAMILY and running(grant).filter(part_id=part_id).exists()


def withheld_ids(part_ids: Iterable[UUID], grant: GrantKind) -> frozenset[UUID]:
    """Which of these are kept back. No query for staff, or for no parts."""
    wanted = list(part_ids)
    if grant not in FAMILY or not wanted:
        return frozenset()
    return frozenset(running(grant).filter(part_id__in=wanted).values_list("part_id", flat=True))


def held_now(patient_id: UUID) -> frozenset[UUID]:
    """What is kept back of a record from anybody: to be asked before it is read, for ``still_held``."""
    return frozenset(Withheld.objects.filter(patient_id=patient_id, ended_at=None).values_list("pk", flat=True))


def withheld_of(patient_id: UUID, grant: GrantKind) -> tuple[Withheld, ...]:
    """All that is kept back of a record, the oldest first."""
    return tuple(running(grant).filter(patient_id=patient_id).order_by("started_at", "pk")) if grant in FAMILY else ()


def kept_back(rows: Collection[Withheld]) -> tuple[Kept, ...]:
    """By the answer that keeps it back."""
    found: dict[UUID, list[Withheld]] = {}
    for row in rows:
        found.setdefault(row.request_id, []).append(row)
    return tuple(
        Kept(request_id, group[0].asked_by, len(group), min(row.started_at for row in group))
        for request_id, group in found.items()
    )
