"""Keeping the answers of the health history, and the private ones (P07, RULES 4.14)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.context import Actor
from portal.crypto.fields import DecryptionError
from portal.errors import DomainError, NotVisible
from records.changes import Basis
from records.history.checks import checked_topic
from records.history.kinds import TOPICS
from records.history.locks import MayChange, changing, record
from records.history.models import SHEET, Entry, Section
from records.history.services import version_of
from records.history.sheets import touch
from records.withholding.selectors import withheld_ids


@dataclass(frozen=True)
class Said:
    """What one topic was given now, and the version that the person looked at ("" for none)."""

    choice: str = ""
    text: str = ""
    seen: str = ""


def topics_save(
    *, by: Actor, patient_id: UUID, section: Section, answers: Mapping[str, Said], why: Basis | None = None
) -> int:
    """Keep the answers given; a topic left out stays, an emptied one is removed. Returns how many changed.

    All or none: raises ``DomainError`` ``changed_meanwhile`` (with the topic as its field) when one
    of those that differ was changed since it was seen. What cannot be read stays unless answered anew.
    """
    section = Section(section)
    topics = {topic.code: topic for topic in TOPICS.get(section, ())}
    if not topics or set(answers) - set(topics):
        raise NotVisible
    values = {code: checked_topic(topics[code], said.choice, said.text) for code, said in answers.items()}
    with changing(by=by, patient_id=patient_id, why=why) as may:
        if section == Section.PRIVATE and not may.sees_private:
            raise NotVisible
        rows = {row.code: row for row in _rows(patient_id, section)}
        kept = withheld_ids((row.pk for row in rows.values()), may.grant)
        closed = {code for code, row in rows.items() if row.pk in kept}  # who sees no answer gives none
        changed = [
            code for code, value in values.items()
            if code not in closed and _keep(may, section, code, rows.get(code), value, answers[code])
        ]
    return len(changed)


def _rows(patient_id: UUID, section: Section) -> Iterable[Entry]:
    return Entry.objects.filter(patient_id=patient_id, section=section).exclude(code=SHEET)


def _keep(
    may: MayChange, section: Section, code: str, row: Entry | None, value: dict[str, str], said: Said
) -> bool:
    """Keep one answer, if it is another than the one that stands there."""
    before = _before(row)
    if value == before or (before is None and not value):
        return False
    if version_of(row) != said.seen:
        raise DomainError(
            "changed_meanwhile",
            _("This answer was changed meanwhile. Below is what you typed; please compare it and save again."),
            f"{code}-text",
        )
    if row is None:
        row = Entry.objects.create(
            patient_id=may.patient_id, section=section, code=code, value=value, private=section == Section.PRIVATE
        )
        action = Action.CREATE
    elif value:
        row.value = value
        row.save(update_fields=["value", "updated_at"])
        action = Action.CHANGE
    else:
        action = Action.DELETE
    record(may, action, row)
    touch(row, some=bool(value))
    if action == Action.DELETE:
        row.delete()
    return True


def _before(row: Entry | None) -> dict[str, str] | None:
    """The answer that stands there; empty for none, None for one that cannot be read."""
    if row is None:
        return {}
    try:
        return dict(row.value)
    except DecryptionError:
        return None
