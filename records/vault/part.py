"""One part of a record, alone: what a correction speaks of, for whoever decides about it (RULES 1.43)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.amendments.models import PartKind
from records.history.models import Entry, Section
from records.messages.models import Message
from records.photos.models import Photo, PhotoView
from records.vault.content import opened
from records.vault.entries import entry_words
from records.vault.gate import look
from records.vault.notes import notes_of
from records.vault.papers import NO_NOTES, Notes
from records.vault.wording import FACTS
from records.withholding.selectors import is_withheld

MODELS = {
    PartKind.ENTRY: "Entry", PartKind.PLAN: "Plan", PartKind.ASSESSMENT: "Assessment", PartKind.MESSAGE: "Message",
    PartKind.ANSWER: "Answer", PartKind.PHOTO: "Photo", PartKind.DOCUMENT: "Document",
}


@dataclass(frozen=True, slots=True)
class PartView:
    """What it says, as (label, words); empty where it was taken out of the record since."""

    kind: PartKind
    id: UUID
    facts: tuple[tuple[str, str], ...]
    notes: Notes = NO_NOTES

    @property
    def label(self) -> str:
        """What kind of part it is."""
        return str(self.kind.label)

    @property
    def gone(self) -> bool:
        return not self.facts


def open_part(*, by: Actor, patient_id: UUID, kind: PartKind | str, part_id: UUID, purpose: Purpose) -> PartView:
    """One part under one trace, and nothing else of the record. Raises ``NotVisible``."""
    kind = PartKind(kind)
    grant = look(by=by, patient_id=patient_id, purpose=purpose, kind=f"records.{kind.value}", object_id=part_id)
    model: Any = apps.get_model("records", MODELS[kind])
    if is_withheld(part_id, grant):
        raise NotVisible
    row = model._default_manager.filter(pk=part_id, patient_id=patient_id).first()
    notes = notes_of(patient_id, grant=grant).of(part_id)
    if row is None:
        return PartView(kind, part_id, (), notes)
    if grant.value == "guardian" and getattr(row, "private", False):
        raise NotVisible
    found = {label: words for label, words in _facts(row).items() if words}
    return PartView(kind, part_id, tuple(found.items()), notes)


def part_title(*, kind: PartKind | str, part_id: UUID) -> str:
    """What a letter calls a part: "Allergies: Nickel", "Message of November 5, 2026". Not what it says.

    Leaves no trace of its own: whoever writes such a letter decided about the part with it open.
    """
    kind = PartKind(kind)
    row: Any = apps.get_model("records", MODELS[kind])._default_manager.filter(pk=part_id).first()
    if row is None:
        return str(kind.label)
    if kind == PartKind.ENTRY:
        return f"{Section(row.section).label}: {entry_words(row)}"
    if kind == PartKind.ANSWER:
        return f"{kind.label}: {row.question_text}"
    if kind == PartKind.DOCUMENT:
        return f"{kind.label}: {opened(row, 'title')}"
    if isinstance(row, Photo):
        return f"{kind.label}: {PhotoView(row.view).label}"
    day = date_format(timezone.localtime(row.sent_at if isinstance(row, Message) else row.signed_at), "F j, Y")
    return _("%(what)s of %(day)s") % {"what": kind.label, "day": day}


def _facts(row: Any) -> dict[str, str]:
    if isinstance(row, Message):
        return {_("Message"): str(opened(row, "body"))}
    if isinstance(row, Photo):
        return {_("Photo"): str(PhotoView(row.view).label)}
    found = FACTS[type(row).__name__](row)
    # On a list of changes each line names its entry; a part that stands alone need not.
    name = f"{entry_words(row)}: " if isinstance(row, Entry) else ""
    return {label.removeprefix(name): words for label, words in found.items()}
