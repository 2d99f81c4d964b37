"""What the officer sees of an export: how far it is, its parts, and who stays with the clinic and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from privacy.handover.folder import place_of
from privacy.handover.models import Handover, HandoverPart, HandoverPerson, SkipReason
from records.models import Patient

SHOWN = 500  # of those who stay; all of them are in the file


@dataclass(frozen=True, slots=True)
class Standing:
    """One export. ``reasons`` are (label, count) of those who stay."""

    handover: Handover
    place: Path
    parts: list[HandoverPart]
    given: int
    left_out: int
    waiting: int
    reasons: list[tuple[str, int]]


def handover_of(assignment_id: UUID) -> Handover | None:
    """The export of an assignment, begun or not."""
    return Handover.objects.filter(assignment_id=assignment_id).first()


def standing(handover: Handover) -> Standing:
    """Five statements, however many people there are."""
    people = HandoverPerson.objects.filter(handover=handover)
    counted = people.aggregate(given=Count("pk", filter=Q(skipped="")), left_out=Count("pk", filter=~Q(skipped="")))
    rows = people.exclude(skipped="").values("skipped").annotate(found=Count("pk")).order_by("-found")
    gone = people.exclude(subject_id__in=Patient.objects.values("pk")).count() if handover.passed_at else 0
    waiting = max(0, Patient.objects.count() - counted["given"] - counted["left_out"] + gone)
    return Standing(
        handover=handover, place=place_of(handover.pk), parts=list(handover.parts.order_by("number")),
        given=counted["given"], left_out=counted["left_out"], waiting=0 if handover.passed_at else waiting,
        reasons=[(str(SkipReason(row["skipped"]).label), row["found"]) for row in rows],
    )


def staying(handover: Handover, reason: str = "") -> QuerySet[HandoverPerson]:
    """Those whose records stay, one reason after the other."""
    rows = HandoverPerson.objects.filter(handover=handover).exclude(skipped="")
    return (rows.filter(skipped=reason) if reason else rows).order_by("skipped", "pk")


def numbers_of(rows: list[HandoverPerson]) -> list[tuple[str, str]]:
    """(record number, reason) of these rows; no names."""
    found = dict(Patient.objects.filter(pk__in=[row.subject_id for row in rows]).values_list("pk", "public_id"))
    return [(found.get(row.subject_id, "–"), str(SkipReason(row.skipped).label)) for row in rows]
