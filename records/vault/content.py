"""What leaves the vault: frozen copies of rows, opened, for pages, copies and letters.

A value that no key opens becomes ``UNREADABLE`` ("cannot be read") in its place, or an empty
value beside its name in ``unreadable``; its neighbours stay as they are. Staff find the place on a list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import DecryptionError
from portal.dates import age_on, today
from records.documents.selectors import DocumentCard
from records.photos.selectors import PhotoCard
from records.vault.papers import NO_NOTES, Notes
from records.vault.sections import NOT_KEPT, SectionsView
from records.withholding.selectors import Kept

UNREADABLE = cast(str, _("cannot be read"))


def opened(row: Model, name: str, instead: Any = UNREADABLE) -> Any:
    """The value of one column, or ``instead`` when it cannot be read; staff hear of it (portal.evidence)."""
    try:
        return getattr(row, name)
    except DecryptionError:
        return instead


def unreadable_of(row: Model, *names: str) -> frozenset[str]:
    """Which of these columns cannot be read."""
    return frozenset(name for name in names if not _opens(row, name))


def _opens(row: Model, name: str) -> bool:
    try:
        getattr(row, name)
    except DecryptionError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class AddressView:
    """A postal address; parts that are not known are empty."""

    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""

    @property
    def lines(self) -> list[str]:
        """As written on a letter."""
        region = " ".join(part for part in (self.state, self.postal_code) if part)
        place = ", ".join(part for part in (self.city, region) if part)
        return [line for line in (self.street, place) if line]

    def __bool__(self) -> bool:
        return bool(self.lines)


@dataclass(frozen=True, slots=True)
class PatientView:
    """Who the patient is. ``birth_date`` is None when it cannot be read.

    In the preview of a waiting case phone and address stay empty.
    """

    id: UUID
    given_name: str
    family_name: str
    birth_date: dt.date | None
    phone: str
    address: AddressView
    created_at: dt.datetime
    updated_at: dt.datetime
    unreadable: frozenset[str] = frozenset()
    gender: str = ""  # a code of ``Gender``; empty when it was not said
    public_id: str = ""  # as people read it: K7Q2-M4XD

    @property
    def full_name(self) -> str:
        return joined_name(self.given_name, self.family_name)

    @property
    def age(self) -> int | None:
        return None if self.birth_date is None else age_on(self.birth_date, today())


def joined_name(given_name: str, family_name: str) -> str:
    return " ".join(str(part) for part in (given_name, family_name) if part)


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One answer as the person gave it. ``value`` is None when it cannot be read."""

    question_id: str
    question_text: str
    position: int
    value: Mapping[str, Any] | None
    private: bool
    answered_at: dt.datetime
    id: UUID = NOT_KEPT

    @property
    def codes(self) -> tuple[str, ...]:
        """The chosen codes; empty for text and numbers."""
        return tuple((self.value or {}).get("codes", ()))

    @property
    def text(self) -> str:
        """In words, for people: chosen labels, the text, or number and unit."""
        if self.value is None:
            return UNREADABLE
        if "codes" in self.value:
            return ", ".join(self.value.get("labels") or self.value["codes"])
        if "number" in self.value:
            return f"{self.value['number']} {self.value.get('unit', '')}".strip()
        return str(self.value.get("text", ""))


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message. ``author`` is the writer's shown name, empty when not known."""

    id: UUID
    encounter_id: UUID
    body: str
    from_staff: bool
    author_id: UUID
    author: str
    sent_at: dt.datetime
    read_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class AssessmentView:
    """What was found."""

    id: UUID
    diagnosis_code: str
    diagnosis_text: str
    note: str
    author_id: UUID
    signed_by: UUID | None
    signed_at: dt.datetime | None
    signer: str
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a morning or an evening."""

    what: str
    how: str
    prescription: bool


@dataclass(frozen=True, slots=True)
class RoutineView:
    """What a signed plan says to do each day. ``weeks`` is None when it is not set or cannot be read.

    ``unreadable`` names the parts that no key opens: a page must say so, and never "nothing to do".
    """

    morning: tuple[StepView, ...]
    evening: tuple[StepView, ...]
    weeks: int | None
    signed_at: dt.datetime
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlanView:
    """What to do. ``weeks`` is None, and steps are empty, when they cannot be read."""

    id: UUID
    letter: str
    morning: tuple[StepView, ...]
    evening: tuple[StepView, ...]
    warnings: str
    weeks: int | None
    author_id: UUID
    signed_by: UUID | None
    signed_at: dt.datetime | None
    signer: str
    updated_at: dt.datetime
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EncounterView:
    """One episode of care; the parts that were not asked for are empty."""

    id: UUID
    patient_id: UUID
    concern: str
    concern_label: str
    opened_at: dt.datetime
    submitted_at: dt.datetime | None
    closed_at: dt.datetime | None
    answers: tuple[AnswerView, ...] = ()
    photos: tuple[PhotoCard, ...] = ()
    messages: tuple[MessageView, ...] = ()
    assessment: AssessmentView | None = None
    plan: PlanView | None = None

    @property
    def answers_by_question(self) -> dict[str, AnswerView]:
        return {answer.question_id: answer for answer in self.answers}


@dataclass(frozen=True, slots=True)
class RecordView:
    """Everything held about a patient; episodes newest first."""

    patient: PatientView
    encounters: tuple[EncounterView, ...]
    sections: SectionsView = field(default_factory=SectionsView)
    documents: tuple[DocumentCard, ...] = ()
    notes: Notes = NO_NOTES
    withheld: tuple[Kept, ...] = ()  # what the reader is not shown, by the answer that says why


@dataclass(frozen=True, slots=True)
class CaseView:
    """One episode with its patient. In the preview of a waiting case: only allergies and medicines."""

    patient: PatientView
    encounter: EncounterView
    sections: SectionsView = field(default_factory=SectionsView)
    notes: Notes = NO_NOTES


@dataclass(frozen=True, slots=True)
class PersonCard:
    """A patient on a list: what tells two people apart, no more."""

    id: UUID
    full_name: str
    birth_date: dt.date | None
    public_id: str = ""

    @property
    def age(self) -> int | None:
        return None if self.birth_date is None else age_on(self.birth_date, today())


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A case on a list. ``photos`` are the ready ones; ``unread`` counts the patient's new messages."""

    encounter_id: UUID
    patient: PersonCard
    concern: str
    concern_label: str
    opened_at: dt.datetime
    submitted_at: dt.datetime | None
    photos: tuple[PhotoCard, ...] = ()
    unread: int = 0


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One changed value of a record: by whom, on what basis, from what to what."""

    at: dt.datetime
    what: str
    old: str
    new: str
    basis: str
    by: str = field(default="")
    section: str = ""
    section_label: str = ""
