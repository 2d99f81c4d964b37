"""What the reporting data needs of ended consults: chosen codes, never words or pictures (P10)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from portal.context import Actor
from portal.permissions import Purpose
from records.encounters.models import Answer, Encounter
from records.plans.models import Assessment, Plan
from records.vault.content import opened
from records.vault.gate import look_at_each


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One consult as codes. ``birth_date`` and ``postal_code`` are still exact: whoever asks for
    them makes them coarse before anything is kept. What cannot be read is None or empty."""

    encounter_id: UUID
    concern: str
    submitted_at: dt.datetime | None
    birth_date: dt.date | None
    gender: str
    state: str
    postal_code: str
    diagnosis_code: str
    prescription: bool | None
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def open_case_facts(
    *, by: Actor, encounter_ids: Iterable[UUID], questions: Collection[str], purpose: Purpose
) -> list[CaseFacts]:
    """The facts of these consults, with the codes of the named questions. A trace each; six queries.

    Consults that may not be opened for this purpose are left out.
    """
    wanted = list(dict.fromkeys(encounter_ids))
    rows = Encounter.objects.select_related("patient").only(
        "id", "concern", "submitted_at", "patient__birth_date", "patient__gender", "patient__address"
    ).in_bulk(wanted)
    objects = [(row.patient_id, row.pk) for row in rows.values()]
    grants = look_at_each(by=by, purpose=purpose, kind="records.statistics", objects=objects)
    shown = [row for row in rows.values() if row.patient_id in grants]
    ids = [row.pk for row in shown]
    codes = _codes(ids, questions)
    found = {
        row.encounter_id: str(opened(row, "diagnosis_code", ""))
        for row in Assessment.objects.filter(encounter_id__in=ids, signed_at__isnull=False)
    }
    plans = Plan.objects.filter(encounter_id__in=ids, signed_at__isnull=False).only("encounter", "morning", "evening")
    prescribed = {
        row.encounter_id: any(
            step.get("prescription") for step in [*opened(row, "morning", []), *opened(row, "evening", [])]
        )
        for row in plans
    }
    return [_facts(row, found.get(row.pk, ""), prescribed.get(row.pk), codes.get(row.pk, {})) for row in shown]


def _facts(
    row: Encounter, diagnosis_code: str, prescription: bool | None, codes: Mapping[str, tuple[str, ...]]
) -> CaseFacts:
    address = opened(row.patient, "address", {}) or {}
    return CaseFacts(
        encounter_id=row.pk, concern=str(opened(row, "concern", "")), submitted_at=row.submitted_at,
        birth_date=opened(row.patient, "birth_date", None), gender=str(opened(row.patient, "gender", "") or ""),
        state=str(address.get("state", "")), postal_code=str(address.get("postal_code", "")),
        diagnosis_code=diagnosis_code, prescription=prescription, codes=codes,
    )


def _codes(encounter_ids: list[UUID], questions: Collection[str]) -> dict[UUID, dict[str, tuple[str, ...]]]:
    table: dict[UUID, dict[str, tuple[str, ...]]] = defaultdict(dict)
    rows = Answer.objects.filter(encounter_id__in=encounter_ids, question_id__in=questions)
    for row in rows.only("encounter", "question_id", "value"):
        value = opened(row, "value", {})
        table[row.encounter_id][row.question_id] = tuple(str(code) for code in value.get("codes", ()))
    return table
