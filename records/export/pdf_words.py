"""The words of ``record.pdf``, in the order in which they are read; ``record.typ`` lays them out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from records.amendments.models import PartKind
from records.amendments.parts import titles
from records.documents.selectors import DocumentCard
from records.history.kinds import choice_words
from records.history.models import Section
from records.people.models import Gender
from records.photos.selectors import PhotoCard
from records.vault.content import UNREADABLE, EncounterView, MessageView, PlanView, RecordView, StepView
from records.vault.papers import PaperView
from records.vault.sections import IdentifierView, SectionsView

Row = list[str]
DATE = "F j, Y"


@dataclass(frozen=True, slots=True)
class Looked:
    """One person's looks at the record, added up."""

    who: str
    role: str
    times: int
    last: dt.datetime


@dataclass(frozen=True)
class Extras:
    """What a copy tells besides the record: file names in the copy, whole ID numbers, who looked, what is missing."""

    names: Mapping[UUID, str] = field(default_factory=dict)
    numbers: Mapping[UUID, str] = field(default_factory=dict)
    looks: tuple[Looked, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Words:
    """The content of one PDF. Dates are days at the clinic; birth dates are days anywhere."""

    record: RecordView
    zone: ZoneInfo
    thumbs: frozenset[UUID]
    extras: Extras

    def content(self, changed_at: dt.datetime) -> dict[str, Any]:
        """Lists, dictionaries and strings only."""
        record, at = self.record, changed_at.astimezone(self.zone)
        return {
            "lang": (get_language() or "en").split("-")[0],
            "clinic": settings.CLINIC_NAME,
            "title": _("Health record of %(name)s") % {"name": record.patient.full_name},
            "intro": self._intro(),
            "made": date_format(at, DATE),
            "day": [at.year, at.month, at.day],
            "words": words(),
            "person": self._person(),
            "allergies": self._allergies(record.sections),
            "medicines": self._medicines(record.sections),
            "conditions": self._conditions(record.sections),
            "history": [[topic.label + self._mark(topic.id), topic.text] for topic in record.sections.history],
            "private": [[topic.label + self._mark(topic.id), topic.text] for topic in record.sections.private],
            "private_hidden": record.sections.private_hidden,
            "documents": [self._document(card) for card in record.documents if card.ready],
            "consults": [self._consult(encounter) for encounter in record.encounters],
            "papers": self._papers(),
            "looks": [[look.who, look.role, str(look.times), self._day(look.last)] for look in self.extras.looks],
            "wrong": _("Is something in here wrong? Write to %(email)s or call %(phone)s: we look into it with you.")
            % {"email": settings.CLINIC_OFFICER_EMAIL, "phone": settings.CLINIC_PHONE},
            "notes": list(self.extras.notes),
        }

    def _intro(self) -> str:
        clinic = {"clinic": settings.CLINIC_NAME}
        if self.record.withheld:
            return _("What %(clinic)s holds about you, but for what is left out as said at the end, as of the date at "
                     "the foot of the page.") % clinic
        return _("Everything that %(clinic)s holds about you, as of the date at the foot of the page.") % clinic

    def _person(self) -> list[Row]:
        patient = self.record.patient
        born = date_format(patient.birth_date, DATE) if patient.birth_date else str(UNREADABLE)
        gender = str(Gender(patient.gender).label) if patient.gender in Gender.values else str(patient.gender)
        rows = [
            (_("Name"), patient.full_name), (_("Date of birth"), born), (_("Gender"), gender),
            (_("Phone"), str(patient.phone) or "–"), (_("Address"), "\n".join(patient.address.lines) or "–"),
            (_("Patient number"), patient.public_id),
        ]
        rows += [(self._number_label(item), self._number(item)) for item in self.record.sections.identifiers]
        return filled([*rows, (_("Record number"), str(patient.id))])

    def _number_label(self, item: IdentifierView) -> str:
        kind = choice_words(Section.IDENTIFIERS, "kind", item.kind)
        return (f"{kind} ({item.issuer})" if item.issuer else kind) + self._mark(item.id)

    def _number(self, item: IdentifierView) -> str:
        return str(self.extras.numbers.get(item.id, item.masked))

    def _allergies(self, sections: SectionsView) -> dict[str, Any]:
        rows = [
            [
                f"{item.substance}{self._mark(item.id)}", str(item.reaction) or "–", severity(item.severity),
                str(item.note) or "–",
            ]
            for item in sections.allergies
        ]
        head = [_("What"), _("What happens"), _("How bad"), _("Note")]
        return _table(head, rows, sections, "allergies", _("You said that you have no allergies."))

    def _medicines(self, sections: SectionsView) -> dict[str, Any]:
        rows = [
            [
                f"{item.name}{self._mark(item.id)}", "\n".join(filter(None, [str(item.dose), str(item.how)])) or "–",
                "\n".join(filter(None, [using(item.status), _since(item.since)])),
                "\n".join(filter(None, [origin(item.kind), str(item.reason)])),
            ]
            for item in sections.medications
        ]
        head = [_("Medicine"), _("Strength and use"), _("Now"), _("Where from, what for")]
        return _table(head, rows, sections, "medications", _("You said that you take no medicines."))

    def _conditions(self, sections: SectionsView) -> dict[str, Any]:
        rows = [
            [
                f"{item.name}{self._mark(item.id)}", _("now") if item.status == "active" else _("over"),
                str(item.since) or "–", str(item.note) or "–",
            ]
            for item in sections.conditions
        ]
        head = [_("Condition"), _("Now or over"), _("Since"), _("Note")]
        return _table(head, rows, sections, "conditions", _("You said that you have no conditions."))

    def _document(self, card: DocumentCard) -> Row:
        dated = date_format(card.dated, DATE) if card.dated else "–"
        file = self.extras.names.get(card.id) or (str(UNREADABLE) if self.extras.names or self.extras.notes else "–")
        return [card.shown_title + self._mark(card.id), str(card.kind.label), dated, file]

    def _consult(self, encounter: EncounterView) -> dict[str, Any]:
        plan, assessment = encounter.plan, encounter.assessment
        found: list[tuple[str, str]] = []
        if assessment is not None:
            found = [
                (
                    _("Diagnosis") + self._mark(assessment.id),
                    f"{assessment.diagnosis_text} {assessment.diagnosis_code}".strip(),
                ),
                (_("Note"), str(assessment.note)),
                (_("Signed"), self._signed(assessment.signer, assessment.signed_at)),
            ]
        return {
            "title": _("%(concern)s, %(date)s")
            % {"concern": encounter.concern_label, "date": self._day(encounter.opened_at)},
            "times": self._times(encounter),
            "answers": [
                [answer.question_text + self._mark(answer.id), answer.text or "–"] for answer in encounter.answers
            ],
            "photos": [self._photo(photo) for photo in encounter.photos if photo.ready],
            "assessment": filled(found),
            "plan": [] if plan is None else self._plan(plan),
            "morning": [] if plan is None else steps(plan.morning),
            "evening": [] if plan is None else steps(plan.evening),
            "messages": [[self._from(message), str(message.body)] for message in encounter.messages],
        }

    def _plan(self, plan: PlanView) -> list[Row]:
        parts = {"morning": _("In the morning"), "evening": _("In the evening")}
        unread = [(label, str(UNREADABLE)) for name, label in parts.items() if name in plan.unreadable]
        weeks = str(UNREADABLE) if plan.weeks is None else _("after %(count)d weeks") % {"count": plan.weeks}
        return filled(
            [
                (_("Letter") + self._mark(plan.id), str(plan.letter)), (_("Take care"), str(plan.warnings)),
                (_("Look again"), weeks),
                *unread, (_("Signed"), self._signed(plan.signer, plan.signed_at)),
            ]
        )

    def _photo(self, photo: PhotoCard) -> dict[str, Any]:
        label = _("%(view)s, %(date)s") % {"view": photo.view.label, "date": self._day(photo.received_at)}
        label += self._mark(photo.id)
        if photo.id in self.thumbs:
            alt = _("Photo: %(label)s") % {"label": label}
            return {"file": f"photos/{photo.id.hex}.svg", "label": label, "alt": alt}
        return {"file": None, "label": f"{label} ({UNREADABLE})", "alt": ""}

    def _mark(self, part_id: UUID) -> str:
        """Where the correction or dispute of a part is printed; nothing for a part without one (RULES 1.26)."""
        if part_id not in self.record.notes.part_ids:
            return ""
        return " " + _("(see note %(number)d)") % {"number": self._numbers()[part_id]}

    def _numbers(self) -> dict[UUID, int]:
        notes = self.record.notes
        order = dict.fromkeys([*(one.part_id for one in notes.amendments), *(one.part_id for one in notes.disputes)])
        return {part_id: number for number, part_id in enumerate(order, start=1)}

    def _papers(self) -> list[dict[str, Any]]:
        """Every correction and dispute in full, by the part it speaks of."""
        named = titles(self.record)
        found = []
        for part_id, number in self._numbers().items():
            notes = self.record.notes.of(part_id)
            papers = [*notes.amendments, *(paper for dispute in notes.disputes for paper in dispute.papers)]
            title = named.get(part_id) or str(PartKind(papers[0].part_kind).label)
            found.append({
                "title": _("Note %(number)d. %(part)s") % {"number": number, "part": title},
                "rows": [[f"{paper.label}, {self._day(paper.written_at)}", paper_words(paper)] for paper in papers],
            })
        return found

    def _times(self, encounter: EncounterView) -> str:
        parts = [_("Started %(date)s") % {"date": self._day(encounter.opened_at)}]
        if encounter.submitted_at:
            parts.append(_("sent %(date)s") % {"date": self._day(encounter.submitted_at)})
        if encounter.closed_at:
            parts.append(_("finished %(date)s") % {"date": self._day(encounter.closed_at)})
        return ", ".join(parts)

    def _from(self, message: MessageView) -> str:
        who = message.author or (settings.CLINIC_NAME if message.from_staff else _("You"))
        return f"{who}, {date_format(message.sent_at.astimezone(self.zone), f'{DATE}, P')}{self._mark(message.id)}"

    def _signed(self, signer: str, at: dt.datetime | None) -> str:
        return _("not signed yet") if at is None else f"{signer}, {self._day(at)}".lstrip(", ")

    def _day(self, at: dt.datetime) -> str:
        return date_format(at.astimezone(self.zone), DATE)


def words() -> dict[str, Any]:
    """The headings."""
    return {
        "person": _("About you"), "health": _("Your health"), "answers": _("Your answers"), "photos": _("Photos"),
        "assessment": _("What the clinician found"), "plan": _("Your plan"), "morning": _("In the morning"),
        "evening": _("In the evening"), "messages": _("Messages"), "prescription": _("prescription"),
        "empty": _("There are no consults in this record yet."), "notes": _("What is missing here"),
        "allergies": _("Allergies"), "medicines": _("Medicines"), "conditions": _("Conditions"),
        "history": _("Health history"), "private": _("Private answers"), "documents": _("Documents"),
        "documents_head": [_("Title"), _("Kind"), _("Date on it"), _("File")],
        "hidden": _("Answers that the patient keeps private are not in this copy."),
        "looks": _("Who looked at this record"), "looks_head": [_("Who"), _("Role"), _("Times"), _("Last")],
        "looks_more": _("Every single look stands in the file who-looked.csv."),
        "wrong": _("If something is wrong"), "papers": _("Corrections and disagreements"),
    }


def paper_words(paper: PaperView) -> str:
    """What a paper says, with the reason where one was given."""
    return "\n".join(str(text) for text in (paper.words, paper.reason) if text)


def _table(head: Row, rows: list[Row], sections: SectionsView, name: str, none: str) -> dict[str, Any]:
    """A section's table, or the sentence that stands for it: "none" is said, never guessed."""
    return {"head": head, "rows": rows, "said": none if name in sections.stated_none else _("Not filled in yet.")}


def severity(code: str) -> str:
    """Short, for a table; the form's words say more."""
    return {"mild": _("mild"), "moderate": _("moderate"), "severe": _("severe")}.get(code, _("not known"))


def using(code: str) -> str:
    return _("using it") if code == "taking" else _("stopped")


def origin(code: str) -> str:
    return _("without a prescription") if code == "over_the_counter" else _("prescribed")


def _since(words: str) -> str:
    return _("since %(when)s") % {"when": words} if words else ""


def steps(found: tuple[StepView, ...]) -> list[dict[str, Any]]:
    return [{"what": step.what, "how": step.how, "prescription": step.prescription} for step in found]


def filled(rows: list[tuple[str, str]]) -> list[Row]:
    return [[label, text] for label, text in rows if text]
