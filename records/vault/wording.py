"""What a row of a tracked table says, in words, part by part: so that two of its states can be compared.

Each function gives ``{label: words}`` of one row, or of a former state of it. What no key opens
reads "cannot be read". A sweep fails for a tracked table that is missing here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from records.documents.models import DocumentKind
from records.history.kinds import PARTS, choice_words, topic_words
from records.history.models import SHEET, Section
from records.people.models import Gender
from records.vault.content import UNREADABLE, AddressView, AnswerView, opened
from records.vault.entries import COVER, entry_words

Facts = dict[str, str]
Words = str | Promise

# Parts of the record, beside the sections that the patient keeps, as the page of changes names them.
ROOMS: dict[str, tuple[str, Words]] = {
    "Patient": ("contact", _("Who you are")),
    "Answer": ("answers", _("Answers in a consult")),
    "Assessment": ("finding", _("What the clinician found")),
    "Plan": ("plan", _("Plan")),
    "Document": ("documents", _("Documents")),
}
PERSON: dict[str, Words] = {
    "given_name": _("First name"),
    "family_name": _("Last name"),
    "birth_date": _("Date of birth"),
    "gender": _("Gender"),
    "phone": _("Phone"),
    "address": _("Address"),
}
FINDING: dict[str, Words] = {
    "diagnosis_text": _("Diagnosis"), "diagnosis_code": _("Code of the diagnosis"), "note": _("Note"),
}
PLAN: dict[str, Words] = {
    "letter": _("Letter"), "morning": _("Morning"), "evening": _("Evening"), "warnings": _("Warnings"),
    "weeks": _("Weeks until the next look"),
}


def section_of(model: str, row: Any) -> tuple[str, str]:
    """Code and label of the part of the record to which a row belongs."""
    if model == "Entry":
        return row.section, str(Section(row.section).label)
    code, label = ROOMS[model]
    return code, str(label)


def sections() -> list[tuple[str, str]]:
    """Every part of the record in which something can have changed."""
    return [
        *((code, str(label)) for code, label in ROOMS.values()),
        *((section.value, str(section.label)) for section in Section),
    ]


def facts(model: str, row: Any) -> Facts:
    """What this row, or this former state of one, says."""
    return FACTS[model](row)


def _person(row: Any) -> Facts:
    found = {str(label): _words(opened(row, name)) for name, label in PERSON.items()}
    gender = str(opened(row, "gender"))
    return found | {str(PERSON["gender"]): str(Gender(gender).label) if gender in Gender.values else gender}


def _answer(row: Any) -> Facts:
    view = AnswerView(
        question_id=row.question_id, question_text=row.question_text, position=row.position,
        value=opened(row, "value", None), private=row.private, answered_at=row.answered_at,
    )
    return {row.question_text: str(view.text)}


def _entry(row: Any) -> Facts:
    value: Mapping[str, Any] | None = opened(row, "value", None)
    section, name = Section(row.section), entry_words(row)
    if row.code == SHEET:
        said = UNREADABLE if value is None else value.get("none") and _now("I have none")
        return {str(section.label): str(said or "")}
    if section in (Section.HISTORY, Section.PRIVATE):
        return {name: str(UNREADABLE) if value is None else topic_words(section, row.code, value)}
    found = {
        f"{name}: {part.label}" if name else str(part.label): _part(section, value, part) for part in PARTS[section]
    }
    if section == Section.IDENTIFIERS:
        found[_now("Number")] = str(UNREADABLE) if value is None else f"{COVER} {value.get('tail', '')}"
    return found | {_now("Kept from parents and guardians"): _now("yes") if row.private else ""}


def _part(section: Section, value: Mapping[str, Any] | None, part: Any) -> str:
    if value is None:
        return str(UNREADABLE)
    given = value.get(part.name, "")
    return choice_words(section, part.name, given) if part.choices and given else str(given)


def _plan(row: Any) -> Facts:
    return {str(label): _words(opened(row, name)) for name, label in PLAN.items()}


def _finding(row: Any) -> Facts:
    return {str(label): _words(opened(row, name)) for name, label in FINDING.items()}


def _document(row: Any) -> Facts:
    return {
        _now("What it is"): str(DocumentKind(row.kind).label),
        _now("Title"): _words(opened(row, "title")),
        _now("Day on the document"): _words(opened(row, "dated")),
    }


FACTS: dict[str, Callable[[Any], Facts]] = {
    "Patient": _person, "Answer": _answer, "Entry": _entry, "Assessment": _finding, "Plan": _plan,
    "Document": _document,
}


def _words(value: Any) -> str:
    """A stored value as a person reads it: a date, an address, the steps of a plan, or text."""
    if value is None:
        return ""
    if isinstance(value, dt.date):
        return date_format(value, "F j, Y")
    if isinstance(value, dict):
        return "; ".join(AddressView(**{name: str(value.get(name, "")) for name in AddressView.__slots__}).lines)
    if isinstance(value, list):
        return "; ".join(" ".join(str(step.get(part, "")) for part in ("what", "how")).strip() for step in value)
    return str(value)
