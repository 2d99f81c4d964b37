"""Rows of the sections into content, and the one way to a whole number (P07)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.apps import apps
from django.utils import timezone

from portal.audit.models import Action
from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.access import may_open
from records.history.kinds import TOPICS, choice_words, topic_of, topic_words
from records.history.models import SHEET, Entry, Section
from records.people.models import GrantKind
from records.vault.content import UNREADABLE, opened
from records.vault.gate import look
from records.vault.sections import (
    AllergyView,
    ConditionView,
    IdentifierView,
    MedicationView,
    RemovedView,
    SectionPage,
    SectionsView,
    TopicView,
)
from records.withholding.selectors import is_withheld, shown

# Who does not see what a patient keeps private (RULES 4.14).
NOT_PRIVATE = frozenset({GrantKind.GUARDIAN})
# What the preview of a waiting case shows: what makes a medicine dangerous (docs/decisions/0133).
PREVIEW = (Section.ALLERGIES, Section.MEDICATIONS)
COVER = "••••"
PUT_BACK_DAYS, PUT_BACK_MOST = 30, 10


def open_sections(*, by: Actor, patient_id: UUID, purpose: Purpose) -> SectionsView:
    """All sections of one record under one trace. Three queries."""
    grant = look(by=by, patient_id=patient_id, purpose=purpose, kind="records.entry", object_id=patient_id)
    return sections_view(patient_id, grant=grant)


def open_section(*, by: Actor, patient_id: UUID, section: Section, purpose: Purpose) -> SectionPage:
    """One section, with what was taken out of it lately, under one trace. Four queries."""
    grant = look(by=by, patient_id=patient_id, purpose=purpose, kind="records.entry", object_id=patient_id)
    sections = sections_view(patient_id, grant=grant, only=(section,))
    return SectionPage(sections, _removed(patient_id, section, grant))


def reveal_identifier(*, by: Actor, identifier_id: UUID, purpose: Purpose) -> str:
    """The whole number, after a trace of its own that the patient sees (P07, P21).

    ``UNREADABLE`` where no key opens it. Raises ``NotVisible``; ``RuntimeError`` in a transaction.
    """
    row = Entry.objects.filter(pk=identifier_id, section=Section.IDENTIFIERS).defer("value", "number").first()
    if row is None:
        raise NotVisible
    grant = look(
        by=by, patient_id=row.patient_id, purpose=purpose, kind="records.identifier", object_id=row.pk,
        action=Action.REVEAL,
    )
    if is_withheld(row.pk, grant):
        raise NotVisible
    return str(opened(row, "number") or "")


def numbers_to_take(*, by: Actor, patient_id: UUID, purpose: Purpose) -> dict[UUID, str]:
    """The patient's own whole numbers for a copy, by entry; nothing for anybody else. Each leaves a trace of its own.

    What no key opens is left out: the copy then shows what stands on the page.
    """
    if may_open(by=by, patient_id=patient_id, purpose=purpose, whole=True) is not GrantKind.SELF:
        return {}
    rows = Entry.objects.filter(patient_id=patient_id, section=Section.IDENTIFIERS).exclude(code=SHEET)
    found = {}
    for ident in shown(rows, GrantKind.SELF).values_list("pk", flat=True):
        number = reveal_identifier(by=by, identifier_id=ident, purpose=purpose)
        if number and number != UNREADABLE:
            found[ident] = number
    return found


def sections_view(
    patient_id: UUID, *, grant: GrantKind, only: Collection[Section] = tuple(Section)
) -> SectionsView:
    """The asked sections as this grant may see them. One query; no number is loaded."""
    rows = Entry.objects.filter(patient_id=patient_id).defer("number", "form_key").order_by("added_at", "pk")
    if len(only) < len(Section):
        rows = rows.filter(section__in=[section.value for section in only])
    hidden = grant in NOT_PRIVATE
    if hidden:
        rows = rows.filter(private=False)
    return view_of(shown(rows, grant), private_hidden=hidden)


def view_of(rows: Iterable[Entry], *, private_hidden: bool = False) -> SectionsView:
    """Rows into content; also for rows of the history."""
    found: dict[str, list[Entry]] = {section.value: [] for section in Section}
    sheets: list[Entry] = []
    checked: dict[str, dt.datetime] = {}
    for row in rows:
        (sheets if row.code == SHEET else found[row.section]).append(row)
        checked[row.section] = max(row.updated_at, checked.get(row.section, row.updated_at))
    none = {row.section for row in sheets if _part(_value(row), "none") is True and not found[row.section]}
    return SectionsView(
        conditions=tuple(_condition(row) for row in found[Section.CONDITIONS]),
        allergies=tuple(_allergy(row) for row in found[Section.ALLERGIES]),
        medications=tuple(_medication(row) for row in found[Section.MEDICATIONS]),
        identifiers=tuple(_identifier(row) for row in found[Section.IDENTIFIERS]),
        history=_topics(found[Section.HISTORY], Section.HISTORY),
        private=_topics(found[Section.PRIVATE], Section.PRIVATE),
        stated_none=frozenset(none), private_hidden=private_hidden, checked_at=checked,
    )


def _value(row: Entry) -> Mapping[str, Any] | None:
    """The parts, or None when they cannot be read."""
    value: Mapping[str, Any] | None = opened(row, "value", None)
    return value


def _part(value: Mapping[str, Any] | None, name: str) -> Any:
    return UNREADABLE if value is None else value.get(name, "")


def _code(value: Mapping[str, Any] | None, name: str, instead: str) -> str:
    """A chosen code; what cannot be read or was never chosen is the careful one."""
    return instead if value is None else str(value.get(name) or instead)


def _condition(row: Entry) -> ConditionView:
    value = _value(row)
    return ConditionView(
        id=row.pk, name=_part(value, "name"), since=_part(value, "since"), status=_code(value, "status", "active"),
        note=_part(value, "note"), private=row.private, updated_at=row.updated_at,
    )


def _allergy(row: Entry) -> AllergyView:
    value = _value(row)
    return AllergyView(
        id=row.pk, substance=_part(value, "substance"), reaction=_part(value, "reaction"),
        severity=_code(value, "severity", "unknown"), note=_part(value, "note"), updated_at=row.updated_at,
        private=row.private,
    )


def _medication(row: Entry) -> MedicationView:
    value = _value(row)
    return MedicationView(
        id=row.pk, name=_part(value, "name"), kind=_code(value, "kind", "prescribed"), dose=_part(value, "dose"),
        how=_part(value, "how"), since=_part(value, "since"), status=_code(value, "status", "taking"),
        reason=_part(value, "reason"), updated_at=row.updated_at, private=row.private,
    )


def _identifier(row: Entry) -> IdentifierView:
    value = _value(row)
    tail = "" if value is None else str(value.get("tail", ""))
    return IdentifierView(
        id=row.pk, kind=_code(value, "kind", "medical_id"), masked=f"{COVER} {tail}".strip(),
        issuer=_part(value, "issuer"), updated_at=row.updated_at,
    )


def _topics(rows: Iterable[Entry], section: Section) -> tuple[TopicView, ...]:
    """In the order in which they are asked; topics that are not asked any more come last."""
    order = {topic.code: place for place, topic in enumerate(TOPICS[section])}
    return tuple(_topic(row, section) for row in sorted(rows, key=lambda row: order.get(row.code, len(order))))


def _topic(row: Entry, section: Section) -> TopicView:
    value, topic = _value(row), topic_of(section, row.code)
    return TopicView(
        topic=row.code, label=str(topic.label if topic else row.code),
        text=UNREADABLE if value is None else topic_words(section, row.code, value),
        private=row.private, updated_at=row.updated_at, choice=str(value.get("choice", "")) if value else "",
        note=str(value.get("text", "")) if value else "", id=row.pk,
    )


def _removed(patient_id: UUID, section: Section, grant: GrantKind) -> tuple[RemovedView, ...]:
    """What was taken out of a section in the last weeks and is not there again, newest first."""
    since = timezone.now() - dt.timedelta(days=PUT_BACK_DAYS)
    table = apps.get_model("records", "EntryEvent")
    rows = table._default_manager.defer("number").filter(
        patient_id=patient_id, section=section.value, pgh_label="delete", pgh_created_at__gte=since
    ).exclude(code=SHEET).exclude(pgh_obj_id__in=Entry.objects.filter(patient_id=patient_id).values("pk"))
    if grant in NOT_PRIVATE:
        rows = rows.filter(private=False)
    rows = shown(rows, grant, part="pgh_obj_id")
    if TOPICS.get(section):
        answered = Entry.objects.filter(patient_id=patient_id, section=section.value).values("code")
        rows = rows.exclude(code__in=answered)
    newest: dict[UUID, Any] = {}
    for row in rows.order_by("-pgh_id")[:PUT_BACK_MOST * 2]:
        newest.setdefault(row.pgh_obj_id, row)
    return tuple(
        RemovedView(event_id=row.pgh_id, words=entry_words(row), removed_at=row.pgh_created_at)
        for row in list(newest.values())[:PUT_BACK_MOST]
    )


def entry_words(row: Any) -> str:
    """What an entry, or a former one, is called in a line; "cannot be read" where no key opens it."""
    value = _value(row)
    if value is None:
        return UNREADABLE
    if row.section == Section.ALLERGIES:
        return str(value.get("substance", ""))
    if row.section == Section.IDENTIFIERS:
        label = choice_words(Section.IDENTIFIERS, "kind", value.get("kind", ""))
        return f"{label}, {COVER} {value.get('tail', '')}"
    if row.section in (Section.HISTORY, Section.PRIVATE):
        topic = topic_of(Section(row.section), row.code)
        return str(topic.label if topic else row.code)
    return str(value.get("name", ""))
