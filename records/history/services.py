"""Adding, changing and removing entries of the sections; saying that there are none (P07, P30, P38).

Each deed locks the patient's row, so that deeds on one person's sections come one after another,
and keeps the former value with its basis: the patient's own edit, or clinical care. Raises
``NotVisible`` for what is not there or not for this person to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.context import Actor
from portal.crypto.fields import DecryptionError
from portal.errors import DomainError, NotVisible
from records.changes import Basis
from records.history.checks import checked_number, checked_parts, tail_of
from records.history.kinds import CAN_BE_NONE, CAN_BE_PRIVATE
from records.history.locks import MayChange, changing, record
from records.history.models import SHEET, Entry, Section
from records.history.sheets import says_none, sheet_of, touch
from records.withholding.selectors import is_withheld, shown

MOST = 200


def entry_add(
    *, by: Actor, patient_id: UUID, section: Section, values: Mapping[str, str], form_key: UUID,
    number: str = "", private: bool = False, why: Basis | None = None,
) -> Entry:
    """Add one entry. It takes the place of "I have none".

    ``number`` is the whole number of an identifier. The same ``form_key`` again returns the entry
    that is there: five presses, one entry. Raises ``DomainError`` for what cannot be stored.
    """
    section = _of_entries(section)
    parts = checked_parts(section, values)
    plain = checked_number(number) if section == Section.IDENTIFIERS else None
    if plain is not None:
        parts["tail"] = tail_of(plain)
    try:
        with changing(by=by, patient_id=patient_id, why=why) as may:
            made = _made_before(may, section, form_key)
            if made is not None:
                return made
            if Entry.objects.filter(patient_id=patient_id, section=section).count() >= MOST:
                raise DomainError("too_many", _("There are very many entries here already. Please write to us."))
            entry = Entry.objects.create(
                patient_id=patient_id, section=section, value=parts, number=plain, form_key=form_key,
                private=_private(may, section, private, before=False),
            )
            touch(entry, some=True)
            record(may, Action.CREATE, entry)
    except IntegrityError:
        raise NotVisible from None  # a key of somebody else's form
    return entry


def entry_change(
    *, by: Actor, entry_id: UUID, seen: str, values: Mapping[str, str], number: str = "",
    private: bool | None = None, why: Basis | None = None,
) -> Entry:
    """Change one entry; an empty ``number`` leaves the number as it is.

    ``seen`` is the version that the person looked at (``version_of``). Raises ``DomainError``:
    ``changed_meanwhile`` for another version, ``unreadable`` for one that would be lost.
    """
    with changing(by=by, entry_id=entry_id, why=why) as may:
        entry = _entry(may, entry_id)
        parts = checked_parts(_of_entries(Section(entry.section)), values)
        require_version(entry, seen)
        before = _readable(entry)
        plain = checked_number(number) if entry.section == Section.IDENTIFIERS and number.strip() else None
        if entry.section == Section.IDENTIFIERS:
            parts["tail"] = tail_of(plain) if plain is not None else str(before.get("tail", ""))
        wanted = entry.private if private is None else private
        hidden = _private(may, Section(entry.section), wanted, before=entry.private)
        if parts == before and plain is None and hidden == entry.private:
            return entry
        entry.value, entry.private = parts, hidden
        if plain is not None:
            entry.number = plain
        entry.save(update_fields=["value", "private", "updated_at", *(["number"] if plain is not None else [])])
        touch(entry, some=True)
        record(may, Action.CHANGE, entry)
    return entry


def entry_remove(*, by: Actor, entry_id: UUID, seen: str, why: Basis | None = None) -> Entry:
    """Take one entry out; its former value stays in the history, and ``entry_restore`` puts it back."""
    with changing(by=by, entry_id=entry_id, why=why) as may:
        entry = _entry(may, entry_id)
        require_version(entry, seen)
        record(may, Action.DELETE, entry)
        touch(entry, some=False)
        Entry.objects.filter(pk=entry_id).delete()
    return entry


def entry_restore(*, by: Actor, patient_id: UUID, event_id: int, why: Basis | None = None) -> Entry:
    """Put back what was removed, as it was. ``event_id`` is the kept former value. Twice changes nothing."""
    with changing(by=by, patient_id=patient_id, why=why) as may:
        table = apps.get_model("records", "EntryEvent")
        event = table._default_manager.filter(pk=event_id, patient_id=patient_id, pgh_label="delete").first()
        if event is None or event.code == SHEET or (event.private and not may.sees_private):
            raise NotVisible
        if is_withheld(event.pgh_obj_id, may.grant):
            raise NotVisible
        there = Entry.objects.filter(pk=event.pgh_obj_id).first()
        if there is None and event.code:
            there = Entry.objects.filter(patient_id=patient_id, section=event.section, code=event.code).first()
        if there is not None:
            return there
        entry = Entry.objects.create(
            pk=event.pgh_obj_id, patient_id=patient_id, section=event.section, code=event.code, value=event.value,
            number=event.number, private=event.private, form_key=event.form_key,
        )
        touch(entry, some=True)
        record(may, Action.CREATE, entry)
    return entry


def section_none(
    *, by: Actor, patient_id: UUID, section: Section, none: bool = True, why: Basis | None = None
) -> None:
    """Say "I have none", or take it back. Refused while entries stand that this person can see.

    Entries that a guardian does not see, or that are kept back, are no reason to refuse, since that
    would tell of them; they outweigh the word wherever they are seen (``vault.entries.view_of``).
    """
    section = Section(section)
    if section not in CAN_BE_NONE:
        raise NotVisible
    with changing(by=by, patient_id=patient_id, why=why) as may:
        entries = Entry.objects.filter(patient_id=patient_id, section=section).exclude(code=SHEET)
        entries = shown(entries, may.grant)
        if none and (entries if may.sees_private else entries.filter(private=False)).exists():
            raise DomainError(
                "entries_there", _("There are entries here. Remove them first if you really have none.")
            )
        sheet = sheet_of(patient_id, section)
        if says_none(sheet) != none:
            sheet.value = {"none": none}
        sheet.save(update_fields=["value", "updated_at"])
        record(may, Action.CHANGE, sheet)


def section_checked(*, by: Actor, patient_id: UUID, section: Section, why: Basis | None = None) -> None:
    """Note that somebody looked through the section now and it is still right."""
    section = Section(section)
    with changing(by=by, patient_id=patient_id, why=why) as may:
        if section == Section.PRIVATE and not may.sees_private:
            raise NotVisible
        sheet = sheet_of(patient_id, section)
        sheet.save(update_fields=["updated_at"])
        record(may, Action.CHANGE, sheet)


def version_of(entry: Entry | None) -> str:
    """What a form sends back to say which version it shows; empty for "not there yet"."""
    return "" if entry is None else entry.updated_at.isoformat()


def require_version(entry: Entry, seen: str) -> None:
    """Raises ``DomainError`` ``changed_meanwhile`` unless this is the version that was seen."""
    if version_of(entry) != seen:
        raise DomainError(
            "changed_meanwhile",
            _("This was changed meanwhile, in another window or by someone else. Please look at what it says now."),
        )


def _of_entries(section: Section) -> Section:
    """A section of entries; topics are kept by ``topics.topics_save``."""
    section = Section(section)
    if section in (Section.HISTORY, Section.PRIVATE):
        raise NotVisible
    return section


def _entry(may: MayChange, entry_id: UUID) -> Entry:
    entry = Entry.objects.defer("number").exclude(code=SHEET).filter(pk=entry_id, patient_id=may.patient_id).first()
    if entry is None or (entry.private and not may.sees_private) or is_withheld(entry_id, may.grant):
        raise NotVisible
    return entry


def _made_before(may: MayChange, section: Section, form_key: UUID) -> Entry | None:
    """What this form has made already. What it made and somebody removed since is not made again."""
    made = Entry.objects.filter(form_key=form_key).first()
    if made is not None:
        if (made.patient_id, made.section) != (may.patient_id, section):
            raise NotVisible
        return made
    if apps.get_model("records", "EntryEvent")._default_manager.filter(form_key=form_key).exists():
        raise DomainError("removed_since", _("This was added and removed again. Please open the page anew."))
    return None


def _private(may: MayChange, section: Section, wanted: bool, *, before: bool) -> bool:
    """Only those who see private entries make an entry private, and only where the section allows it."""
    return wanted if may.sees_private and section in CAN_BE_PRIVATE else before


def _readable(entry: Entry) -> dict[str, object]:
    try:
        return dict(entry.value)
    except DecryptionError:
        raise DomainError(
            "unreadable",
            _("This cannot be read at the moment, so it is left as it is. You can add it anew beside it."),
        ) from None
