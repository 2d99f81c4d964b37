"""A record without the parts that are held back: everything else is given all the same (RULES 1.16)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from records.vault.content import EncounterView, RecordView
from records.vault.papers import Notes
from records.vault.sections import SectionsView

T = TypeVar("T")


def without(record: RecordView, held_back: Collection[UUID]) -> RecordView:
    """The same record, and nothing of these parts: neither they nor what was noted about them."""
    if not held_back:
        return record
    gone = frozenset(held_back)
    return replace(
        record, sections=_sections(record.sections, gone), documents=_kept(record.documents, gone),
        encounters=tuple(_encounter(one, gone) for one in record.encounters),
        notes=Notes(
            tuple(one for one in record.notes.amendments if one.part_id not in gone),
            tuple(one for one in record.notes.disputes if one.part_id not in gone),
        ),
    )


def _kept(items: tuple[T, ...], gone: frozenset[UUID]) -> tuple[T, ...]:
    return tuple(item for item in items if _id(item) not in gone)


def _id(item: Any) -> UUID:
    found: UUID = item.id
    return found


def _sections(sections: SectionsView, gone: frozenset[UUID]) -> SectionsView:
    return replace(
        sections, conditions=_kept(sections.conditions, gone), allergies=_kept(sections.allergies, gone),
        medications=_kept(sections.medications, gone), identifiers=_kept(sections.identifiers, gone),
        history=_kept(sections.history, gone), private=_kept(sections.private, gone),
    )


def _encounter(encounter: EncounterView, gone: frozenset[UUID]) -> EncounterView:
    assessment, plan = encounter.assessment, encounter.plan
    return replace(
        encounter, answers=_kept(encounter.answers, gone), photos=_kept(encounter.photos, gone),
        messages=_kept(encounter.messages, gone),
        assessment=None if assessment is not None and assessment.id in gone else assessment,
        plan=None if plan is not None and plan.id in gone else plan,
    )
