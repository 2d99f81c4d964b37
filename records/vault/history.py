"""What changed in a record: by whom, on what basis, from what to what (P30, P38).

Over every table that keeps former values. A page goes by key: the newest changes older than the
last one shown. Drafts of a clinician and private answers follow the rules of the record itself.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose, Role
from records.changes import Basis
from records.people.models import GrantKind, Patient
from records.people.search import current_id, subject_ids
from records.vault.content import ChangeView
from records.vault.entries import NOT_PRIVATE
from records.vault.gate import SEES_DRAFTS, look
from records.vault.load import names_of
from records.vault.wording import FACTS, ROOMS, facts, section_of, sections
from records.withholding.selectors import shown

PAGE = 30
BASIS_WORDS: dict[str, Any] = {
    Basis.PATIENT_EDIT: _("The patient changed it"),
    Basis.REQUEST: _("Changed on a request"),
    Basis.CLINICAL_CARE: _("Changed for the care"),
    Basis.ERROR_CORRECTION: _("An error was corrected"),
}
DRAFTED = ("Assessment", "Plan")
# Columns that are never read for a page of changes.
CLOSED = {"Entry": ("number",)}


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes, newest first; ``older`` is the key of the next page, empty on the last."""

    lines: tuple[ChangeView, ...]
    older: str
    sections: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """One kept former state: of which table and row, and the state that came after it (None: see the row)."""

    model: str
    at: dt.datetime
    number: int
    of: UUID
    following: int | None

    @property
    def key(self) -> str:
        return f"{self.at.isoformat()}~{self.model}~{self.number}"


def open_changes(
    *, by: Actor, patient_id: UUID, purpose: Purpose, section: str = "", before: str = ""
) -> ChangePage:
    """Changes of a record, or of one ``section`` of it, older than the key ``before``.

    Access, trace, one query for the order of things, two for each table that occurs, one for names.
    """
    grant = look(by=by, patient_id=patient_id, purpose=purpose, kind="records.history", object_id=patient_id)
    if not Patient.objects.filter(pk=patient_id).exists():
        raise NotVisible
    steps = _steps(patient_id, grant, section, before)
    page = steps[:PAGE]
    states = {model: _states(model, [step for step in page if step.model == model]) for model in FACTS}
    names = names_of(_actor(states[step.model][0][step.number]) for step in page)
    lines = [line for step in page for line in _lines(step, *states[step.model], by, grant, names)]
    return ChangePage(tuple(lines), page[-1].key if len(steps) > PAGE else "", tuple(sections()))


def _steps(patient_id: UUID, grant: GrantKind, section: str, before: str) -> list[_Step]:
    """The newest former states over all tables, in one statement."""
    key = _key(before)
    tables = [
        _after(_events(model, patient_id, grant, section), model, key).annotate(of=Value(model))
        .values_list("of", "pgh_created_at", "pgh_id", "pgh_obj_id", "following").order_by("-pgh_id")[: PAGE + 1]
        for model in _models(section)
    ]
    if not tables:
        return []
    first, *others = tables
    rows: Any = first.union(*others, all=True) if others else first
    found = [_Step(*row) for row in rows]
    return sorted(found, key=lambda step: (step.at, step.model, step.number), reverse=True)[: PAGE + 1]


def _models(section: str) -> list[str]:
    if not section:
        return list(FACTS)
    own = [model for model, (code, _label) in ROOMS.items() if code == section]
    return own or (["Entry"] if section in dict(sections()) else [])


def _events(model: str, patient_id: UUID, grant: GrantKind, section: str) -> QuerySet[Any]:
    """Former states that this grant may see, each with the number of the state that followed."""
    table = apps.get_model("records", f"{model}Event")
    whose = {"pgh_obj_id__in": subject_ids(patient_id)} if model == "Patient" else {"patient_id": patient_id}
    rows: QuerySet[Any] = table._default_manager.filter(**whose)
    if model == "Entry" and section:
        rows = rows.filter(section=section)
    if grant in NOT_PRIVATE and any(field.name == "private" for field in table._meta.concrete_fields):
        rows = rows.filter(private=False)
    if grant not in SEES_DRAFTS and model in DRAFTED:
        rows = rows.filter(signed_at__isnull=False)
    rows = shown(rows, grant, part="pgh_obj_id")
    later = table._default_manager.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__gt=OuterRef("pgh_id"))
    followed: QuerySet[Any] = rows.annotate(following=Subquery(later.order_by("pgh_id").values("pgh_id")[:1]))
    return followed


def _key(text: str) -> tuple[dt.datetime, str, int] | None:
    """The place of a page; nonsense is the first page."""
    moment, _sep, rest = text.partition("~")
    model, _sep, number = rest.partition("~")
    try:
        at, last = dt.datetime.fromisoformat(moment), int(number)
    except ValueError:
        return None
    return (at, model, last) if at.tzinfo and 0 <= last < 2**63 else None


def _after(rows: QuerySet[Any], model: str, key: tuple[dt.datetime, str, int] | None) -> QuerySet[Any]:
    """What comes after the key in the order (time, table, number), newest first."""
    if key is None:
        return rows
    at, name, number = key
    if model < name:
        return rows.filter(pgh_created_at__lte=at)
    same = Q(pgh_created_at=at, pgh_id__lt=number) if model == name else Q(pk__in=[])
    return rows.filter(Q(pgh_created_at__lt=at) | same)


def _states(model: str, steps: list[_Step]) -> tuple[dict[int, Any], dict[UUID, Any]]:
    """Former states by number, and the rows as they are now by id; nothing where there are no steps."""
    if not steps:
        return {}, {}
    numbers = {step.number for step in steps} | {step.following for step in steps if step.following is not None}
    ends = {step.of for step in steps if step.following is None}
    closed = CLOSED.get(model, ())
    table = apps.get_model("records", f"{model}Event")
    former = table._default_manager.defer(*closed).select_related("pgh_context").in_bulk(numbers)
    rows = apps.get_model("records", model)._default_manager.defer(*closed).in_bulk(ends)
    if model == "Patient":  # a record that was merged ends in what the surviving one says
        rows |= {end: rows.get(current_id(end)) or Patient.objects.get(pk=current_id(end)) for end in ends - set(rows)}
    return former, rows


def _lines(
    step: _Step, former: dict[int, Any], rows: dict[UUID, Any], by: Actor, grant: GrantKind, names: dict[UUID, str]
) -> list[ChangeView]:
    """What this step changed, a line for each part that reads differently."""
    old = former[step.number]
    new = None if _removed(old) else former[step.following] if step.following is not None else rows.get(step.of)
    if grant in NOT_PRIVATE and getattr(new, "private", False):
        return []
    before = facts(step.model, old)
    after = facts(step.model, new) if new is not None else {}
    code, label = section_of(step.model, old)
    actor = _actor(old)
    return [
        ChangeView(
            at=step.at, what=what, old=before.get(what, ""), new=after.get(what, ""), section=code,
            section_label=label, basis=_basis(old, by), by=names.get(actor, "") if actor else "",
        )
        for what in dict.fromkeys([*before, *after])
        if before.get(what, "") != after.get(what, "")
    ]


def _removed(event: Any) -> bool:
    return bool(event.pgh_label == "delete_delete" or event.pgh_label == "delete")


def _basis(event: Any, by: Actor) -> str:
    meta = event.pgh_context.metadata
    why = meta.get("basis")
    if why == Basis.PATIENT_EDIT and _actor(event) == by.account_id:
        return _now("You changed it")
    if why == Basis.PATIENT_EDIT and meta.get("role") == Role.GUARDIAN:
        return _now("A parent or guardian changed it")
    return str(BASIS_WORDS.get(why, ""))


def _actor(event: Any) -> UUID | None:
    ident = event.pgh_context.metadata.get("by")
    return UUID(ident) if ident else None
