"""One case as its page shows it: who, what is dangerous, answers against last time, pictures, plans.

Everything comes out of one opening of the record (one trace); this module only arranges it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consults import questionnaires
from consults.desk.cautions import dangers
from consults.desk.glance import Glance, glance_of
from consults.models import Consult
from consults.questionnaire import Flag, FlagAction, Questionnaire, QuestionnaireError, codes_of
from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.amendments.models import PartKind
from records.documents.selectors import DocumentCard
from records.photos.models import PhotoView
from records.photos.selectors import PhotoCard
from records.vault import UNREADABLE, AnswerView, EncounterView, PatientView, open_record
from records.vault.papers import NO_NOTES, Notes

# Questions whose answers stand in the banner, by id, in any version of a questionnaire.
ALLERGIES, REACTION, PREGNANCY = "allergies", "reaction", "pregnancy"
MEDICINE, MEDICINE_NAMES = "medicine", "medicine_names"


@dataclass(frozen=True)
class AnswerRow:
    """One answer; ``former`` is last time's where it was another, ``fresh`` where it wasn't asked."""

    label: str
    answer: AnswerView
    former: str
    fresh: bool

    @property
    def changed(self) -> bool:
        return bool(self.former) or self.fresh


@dataclass(frozen=True)
class AnswerGroup:
    """Answers that belong together, under the questionnaire's own heading."""

    title: str
    rows: tuple[AnswerRow, ...]


@dataclass(frozen=True)
class Shelf:
    """The ready pictures of one consult."""

    when: dt.datetime
    current: bool
    photos: tuple[PhotoCard, ...]


@dataclass(frozen=True)
class Picture:
    """One of the two large pictures."""

    photo: PhotoCard
    when: dt.datetime
    current: bool


@dataclass(frozen=True)
class CaseFile:
    """All that the case page needs to know."""

    consult: Consult
    patient: PatientView
    encounter: EncounterView
    earlier: tuple[EncounterView, ...]
    groups: tuple[AnswerGroup, ...]
    flags: tuple[Flag, ...]
    shelves: tuple[Shelf, ...]
    dangers: frozenset[str]
    glance: Glance
    documents: tuple[DocumentCard, ...] = ()
    notes: Notes = NO_NOTES

    @property
    def entry_notes(self) -> Notes:
        """Corrections and disputes of what the record's sections say; the page shows those in short."""
        return self.notes.only(PartKind.ENTRY, PartKind.DOCUMENT)

    @property
    def cautioned(self) -> frozenset[str]:
        """Cautions that this consult's answers or the patient's record call for."""
        return self.dangers | self.glance.dangers

    @property
    def allergies(self) -> AnswerView | None:
        return self.encounter.answers_by_question.get(ALLERGIES)

    @property
    def pregnancy(self) -> AnswerView | None:
        return self.encounter.answers_by_question.get(PREGNANCY)

    @property
    def medication(self) -> AnswerView | None:
        """By name where names were given, else what was chosen."""
        answers = self.encounter.answers_by_question
        return answers.get(MEDICINE_NAMES) or answers.get(MEDICINE)

    @property
    def reaction(self) -> AnswerView | None:
        return self.encounter.answers_by_question.get(REACTION)

    @property
    def allergic(self) -> bool:
        """Something other than "none" was named."""
        return "allergic" in self.dangers

    @property
    def maybe_pregnant(self) -> bool:
        return "pregnancy" in self.dangers

    @property
    def signed(self) -> bool:
        plan = self.encounter.plan
        return plan is not None and plan.signed_at is not None

    @property
    def unreadable(self) -> bool:
        """Part of what was written cannot be opened: writing over it would lose it for good."""
        found, plan = self.encounter.assessment, self.encounter.plan
        words = [found.diagnosis_code, found.diagnosis_text, found.note] if found is not None else []
        return any(str(text) == str(UNREADABLE) for text in words) or bool(plan is not None and plan.unreadable)

    @property
    def waiting_photos(self) -> int:
        return sum(photo.waiting for photo in self.encounter.photos)

    @property
    def refused_photos(self) -> list[PhotoCard]:
        return [photo for photo in self.encounter.photos if photo.reason]

    def pair(self, left: str = "", right: str = "") -> list[Picture]:
        """The two pictures side by side: the chosen ones, else the front now and the front last time."""
        every = [
            Picture(photo, shelf.when, shelf.current) for shelf in self.shelves for photo in shelf.photos
        ]
        if not every:
            return []
        by_id = {str(picture.photo.id): picture for picture in every}
        first = by_id.get(left) or _front(every) or every[0]
        rest = [picture for picture in every if picture.photo.id != first.photo.id]
        past = [picture for picture in rest if not picture.current and picture.photo.view == first.photo.view]
        second = by_id.get(right) or next(iter(past or rest), None)
        return [first] if second is None else [first, second]


def open_case_file(*, by: Actor, consult: Consult) -> CaseFile:
    """Open the case and the patient's earlier ones, under one trace. Raises ``NotVisible``."""
    record = open_record(by=by, patient_id=consult.patient_id, purpose=Purpose.CARE)
    sent = [row for row in record.encounters if row.submitted_at is not None]
    here = next((row for row in sent if row.id == consult.encounter_id), None)
    if here is None:
        raise NotVisible
    earlier = tuple(row for row in sent if row.opened_at < here.opened_at)
    asked = _questionnaire(consult.questionnaire)
    return CaseFile(
        consult=consult, patient=record.patient, encounter=here, earlier=earlier,
        groups=_groups(_against(here, earlier), asked), flags=_flags(here, asked),
        shelves=_shelves(here, earlier), dangers=_dangers(here, asked), glance=glance_of(record.sections),
        documents=record.documents, notes=record.notes,
    )


def _questionnaire(code: str) -> Questionnaire | None:
    """The version that was asked; without it the answers still stand in the words they were asked in."""
    try:
        return questionnaires.load(code)
    except QuestionnaireError:
        return None


def _dangers(here: EncounterView, asked: Questionnaire | None) -> frozenset[str]:
    """Cautions that the answers call for, and "allergic" when any allergy at all was named."""
    answers = here.answers_by_question
    named = _named(answers.get(ALLERGIES), asked)
    told = [str(answers[name].text) for name in (ALLERGIES, REACTION) if name in answers] if named else []
    found = dangers(codes_of(here.answers), " ".join(told))
    return found | {"allergic"} if named else found


def _named(answer: AnswerView | None, asked: Questionnaire | None) -> bool:
    """True for an answer that names something; false for "none of these"."""
    if answer is None:
        return False
    if not answer.codes:
        return str(answer.text).strip().casefold().rstrip(".") not in {"", "no", "none", "nothing"}
    questions = [question for screen in asked.screens for question in screen.questions] if asked else []
    none_of_these = next((q.exclusive for q in questions if q.id == answer.question_id), frozenset({"none", "no"}))
    return bool(set(answer.codes) - none_of_these)


def _flags(here: EncounterView, asked: Questionnaire | None) -> tuple[Flag, ...]:
    """What the questionnaire marks for the clinician's eyes (RULES 8: REVIEW, URGENT)."""
    if asked is None:
        return ()
    return asked.raised(codes_of(here.answers), FlagAction.URGENT, FlagAction.REVIEW)


def _against(here: EncounterView, earlier: Sequence[EncounterView]) -> list[tuple[AnswerView, str, bool]]:
    """Each answer with the newest earlier, other one to the same question; and whether it is new."""
    before: dict[str, AnswerView] = {}
    for encounter in reversed(earlier):
        before.update(encounter.answers_by_question)
    rows = []
    for answer in here.answers:
        old = before.get(answer.question_id)
        former = str(old.text) if old is not None and old.value != answer.value else ""
        rows.append((answer, former, bool(earlier) and old is None))
    return rows


def _groups(
    rows: Iterable[tuple[AnswerView, str, bool]], asked: Questionnaire | None
) -> tuple[AnswerGroup, ...]:
    """In the parts of the questionnaire, with its short labels; what it doesn't know comes last."""
    places = {
        question.id: (screen.part, question.label)
        for screen in (asked.screens if asked else ()) for question in screen.questions
    }
    parts: dict[str, list[AnswerRow]] = {part: [] for part, _label in places.values()}
    for answer, former, fresh in rows:
        part, label = places.get(answer.question_id, ("", answer.question_text))
        parts.setdefault(part, []).append(AnswerRow(label, answer, former, fresh))
    return tuple(AnswerGroup(part, tuple(found)) for part, found in parts.items() if found)


def _shelves(here: EncounterView, earlier: Iterable[EncounterView]) -> tuple[Shelf, ...]:
    found = []
    for encounter in (here, *earlier):
        ready = tuple(photo for photo in encounter.photos if photo.ready)
        if ready:
            found.append(Shelf(encounter.submitted_at or encounter.opened_at, encounter is here, ready))
    return tuple(found)


def _front(pictures: Sequence[Picture]) -> Picture | None:
    return next((picture for picture in pictures if picture.photo.view == PhotoView.FRONT), None)
