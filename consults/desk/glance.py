"""What the patient's own record says that matters for a prescription, in a few lines.

Beside the answers of this consult, which may say something else: the page shows both, and cautions
look at both. Joining them into one list is not done here: the clinician asks the patient.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from consults.desk.cautions import dangers
from records.history.kinds import SHORT
from records.vault import UNREADABLE, SectionsView

# The record's choice of pregnancy, in the words of the questionnaire that ``cautions.toml`` knows.
PREGNANCY = {
    "pregnant": "pregnant", "trying": "trying", "possible": "maybe", "breast_feeding": "breast_feeding",
    "unsaid": "not_said",
}


@dataclass(frozen=True)
class Line:
    """One thing, with what belongs to it; ``alarm`` marks a severe or unreadable one."""

    words: str
    more: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class Part:
    """One section: its lines, or that there are none, or that nobody said; and when it was last checked."""

    lines: tuple[Line, ...]
    none: bool
    checked_at: dt.datetime | None


@dataclass(frozen=True)
class Glance:
    """The sections that a prescription turns on, and the cautions that they call for."""

    allergies: Part
    medications: Part
    conditions: Part
    pregnancy: Part
    dangers: frozenset[str]


def glance_of(sections: SectionsView) -> Glance:
    """Out of what the case's own opening has read: no query and no trace of its own."""
    allergies = [
        Line(
            str(row.substance), _joined(SHORT.get(row.severity, ""), row.reaction),
            row.severity == "severe" or _alarming(row.substance),
        )
        for row in sections.allergies
    ]
    medications = [
        Line(str(row.name), _joined(row.dose, row.how), _alarming(row.name))
        for row in sections.medications if row.status != "stopped"
    ]
    conditions = [
        Line(str(row.name), str(row.since), _alarming(row.name))
        for row in sections.conditions if row.status != "past"
    ]
    topic = next((row for row in sections.private if row.topic == "pregnancy"), None)
    danger = topic is not None and (topic.choice in PREGNANCY or _alarming(topic.text))
    pregnancy = (Line(str(topic.text), alarm=danger),) if topic is not None else ()
    return Glance(
        allergies=_part(sections, "allergies", allergies), medications=_part(sections, "medications", medications),
        conditions=_part(sections, "conditions", conditions),
        pregnancy=Part(pregnancy, False, topic.updated_at if topic is not None else None),
        dangers=_dangers(sections, topic.choice if topic is not None else ""),
    )


def _part(sections: SectionsView, section: str, lines: list[Line]) -> Part:
    return Part(tuple(lines), section in sections.stated_none, sections.checked_at.get(section))


def _dangers(sections: SectionsView, pregnancy: str) -> frozenset[str]:
    own_words = " ".join(f"{row.substance} {row.reaction}" for row in sections.allergies)
    code = PREGNANCY.get(pregnancy)
    found = dangers({"pregnancy": [code]} if code else {}, own_words)
    return found | {"allergic"} if sections.allergies else found


def _joined(*parts: object) -> str:
    return " · ".join(str(part) for part in parts if part)


def _alarming(words: object) -> bool:
    """What cannot be read may be the dangerous thing."""
    return words is UNREADABLE
