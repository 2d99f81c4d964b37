"""Entries of a section as lines of a page: what it is, in which state, and the parts that were given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from records.history.kinds import PARTS, SHORT
from records.history.models import Section
from records.vault import UNREADABLE, SectionsView, TopicView

# Which part names the entry, and which codes stand beside the name.
_TITLE = {Section.ALLERGIES: "substance", Section.IDENTIFIERS: "masked"}
_PILLS = {
    Section.ALLERGIES: ("severity",), Section.MEDICATIONS: ("status", "kind"), Section.CONDITIONS: ("status",),
    Section.IDENTIFIERS: ("kind",),
}
_TONES = {"severe": "alert", "moderate": "warm", "active": "", "taking": ""}


@dataclass(frozen=True)
class Pill:
    """A small word; ``tone`` is ``alert``, ``warm`` or empty."""

    words: str
    tone: str = ""


@dataclass(frozen=True)
class Row:
    """One entry. ``facts`` are (label, words) of the parts that were filled in."""

    id: UUID
    title: str
    pills: tuple[Pill, ...]
    facts: tuple[tuple[str, str], ...]
    private: bool
    updated_at: dt.datetime
    readable: bool


def rows_of(sections: SectionsView, section: Section) -> list[Row]:
    """The entries of a section, what matters now first; none for sections of topics."""
    if section in (Section.HISTORY, Section.PRIVATE):
        return []
    return sorted((_row(view, section) for view in entries_of(sections, section)), key=_weight)


def entries_of(sections: SectionsView, section: Section) -> Sequence[Any]:
    """The views of one section."""
    found: Sequence[Any] = getattr(sections, Section(section).value)
    return found


def topics_of(sections: SectionsView, section: Section) -> dict[str, TopicView]:
    """The answers of a section of topics, by topic."""
    return {view.topic: view for view in entries_of(sections, section)}


def is_readable(view: Any, section: Section) -> bool:
    """Whether the parts of an entry could be opened."""
    names = [part.name for part in PARTS[section] if not part.choices] or ["text"]
    return all(getattr(view, name) is not UNREADABLE for name in names)


def _row(view: Any, section: Section) -> Row:
    title, pills = _TITLE.get(section, "name"), _PILLS[section]
    readable = is_readable(view, section)
    facts = [
        (str(part.short), str(getattr(view, part.name)))
        for part in PARTS[section]
        if part.name != title and part.name not in pills and getattr(view, part.name)
    ]
    codes = [getattr(view, name) for name in pills] if readable else []
    return Row(
        id=view.id, title=str(getattr(view, title)),
        pills=tuple(Pill(str(SHORT.get(code, code)), _TONES.get(code, "")) for code in codes),
        facts=tuple(facts) if readable else (), private=getattr(view, "private", False),
        updated_at=view.updated_at, readable=readable,
    )


def _weight(row: Row) -> int:
    """Severe before mild, what is now before what is over; otherwise as they were added."""
    tones = {pill.tone for pill in row.pills}
    over = {str(SHORT["past"]), str(SHORT["stopped"])} & {pill.words for pill in row.pills}
    return 0 if "alert" in tones else 1 if "warm" in tones else 3 if over else 2
