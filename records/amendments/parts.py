"""The parts of a record that a correction can speak of: which there are, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from records.amendments.models import PartKind
from records.documents.models import Document
from records.encounters.models import Answer
from records.history.kinds import choice_words
from records.history.models import SHEET, Entry, Section
from records.intake.models import UploadState
from records.messages.models import Message
from records.photos.models import Photo
from records.plans.models import Assessment, Plan
from records.vault.content import EncounterView, RecordView
from records.vault.sections import SectionsView

SHORT = 60


@dataclass(frozen=True, slots=True)
class Part:
    """One part: ``title`` is what a list calls it, ``group`` under which heading it stands."""

    kind: PartKind
    id: UUID
    title: str
    group: str
    private: bool = False

    @property
    def code(self) -> str:
        """As an address and a form have it: ``plan:<id>``."""
        return f"{self.kind.value}:{self.id}"


def parts_of(record: RecordView) -> list[Part]:
    """Every part of an opened record that its reader can ask about, in the order of the record's page."""
    found = list(_entries(record.sections))
    found += [
        Part(PartKind.DOCUMENT, card.id, card.shown_title, _("Documents")) for card in record.documents if card.ready
    ]
    for encounter in record.encounters:
        found += _of_encounter(encounter)
    return found


def part_named(record: RecordView, code: str) -> Part | None:
    """The part that a form or an address names, if this reader sees it."""
    return next((part for part in parts_of(record) if part.code == code), None)


def titles(record: RecordView) -> dict[UUID, str]:
    """What each part is called, with its heading, by its id."""
    return {part.id: f"{part.group}: {part.title}" for part in parts_of(record)}


def exists(*, patient_id: UUID, kind: PartKind, part_id: UUID) -> bool:
    """Whether there is such a part in this record, without opening it."""
    rows: dict[PartKind, models.QuerySet[Any]] = {
        PartKind.ENTRY: Entry.objects.exclude(code=SHEET),
        PartKind.PLAN: Plan.objects.filter(signed_at__isnull=False),
        PartKind.ASSESSMENT: Assessment.objects.filter(signed_at__isnull=False),
        PartKind.MESSAGE: Message.objects.all(),
        PartKind.ANSWER: Answer.objects.all(),
        PartKind.PHOTO: Photo.objects.filter(state=UploadState.READY),
        PartKind.DOCUMENT: Document.objects.filter(state=UploadState.READY),
    }
    return rows[kind].filter(pk=part_id, patient_id=patient_id).exists()


def kind_of(*, patient_id: UUID, part_id: UUID) -> PartKind | None:
    """Which kind of part this is, without opening it; None for one that was taken out."""
    return next((kind for kind in PartKind if exists(patient_id=patient_id, kind=kind, part_id=part_id)), None)


def is_private(*, kind: PartKind, part_id: UUID) -> bool:
    """Whether parents and guardians do not see this part (RULES 4.14)."""
    table = {PartKind.ENTRY: Entry, PartKind.ANSWER: Answer}.get(kind)
    return table is not None and table._default_manager.filter(pk=part_id, private=True).exists()


def _entries(sections: SectionsView) -> Iterable[Part]:
    for item in sections.allergies:
        yield Part(PartKind.ENTRY, item.id, str(item.substance), _label(Section.ALLERGIES), item.private)
    for medicine in sections.medications:
        yield Part(PartKind.ENTRY, medicine.id, str(medicine.name), _label(Section.MEDICATIONS), medicine.private)
    for condition in sections.conditions:
        yield Part(PartKind.ENTRY, condition.id, str(condition.name), _label(Section.CONDITIONS), condition.private)
    for section, topics in ((Section.HISTORY, sections.history), (Section.PRIVATE, sections.private)):
        for topic in topics:
            yield Part(PartKind.ENTRY, topic.id, topic.label, _label(section), topic.private)
    for number in sections.identifiers:
        words = choice_words(Section.IDENTIFIERS, "kind", number.kind)
        yield Part(PartKind.ENTRY, number.id, f"{words}, {number.masked}", _label(Section.IDENTIFIERS))


def _label(section: Section) -> str:
    return str(section.label)


def _of_encounter(encounter: EncounterView) -> Iterable[Part]:
    group = _("Consult of %(day)s") % {"day": _day(encounter.opened_at)}
    if encounter.assessment is not None and encounter.assessment.signed_at:
        yield Part(PartKind.ASSESSMENT, encounter.assessment.id, _("What the clinician found"), group)
    if encounter.plan is not None and encounter.plan.signed_at:
        yield Part(PartKind.PLAN, encounter.plan.id, _("The plan"), group)
    for answer in encounter.answers:
        yield Part(PartKind.ANSWER, answer.id, _cut(answer.question_text), group, answer.private)
    for message in encounter.messages:
        title = _("Message: %(words)s") % {"words": _cut(str(message.body))}
        yield Part(PartKind.MESSAGE, message.id, title, group)
    for photo in encounter.photos:
        if photo.ready:
            title = _("Photo: %(view)s") % {"view": photo.view.label}
            yield Part(PartKind.PHOTO, photo.id, title, group)


def _cut(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= SHORT else f"{line[:SHORT].rstrip()}…"


def _day(at: object) -> str:
    return date_format(timezone.localtime(at), "F j, Y")  # type: ignore[arg-type]
