"""The vault's part of making two records of one person one: every row and its history change hands.

Nothing is thrown away: a value that the surviving record has as well goes into the history, as
does who the old record said the person was. ``privacy.merging`` decides and asks; this only moves.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pgtrigger
from django.apps import apps
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from portal.audit.append_only import TRIGGER, RewriteReason, rewrite_allowed
from portal.subjects import Subject
from records.contact.models import ContactChoice
from records.history.models import SHEET, Entry
from records.people.models import AccessGrant, GrantKind, Patient
from records.people.public_id import public_id_new
from records.people.search_models import SearchToken, ToldApart
from records.people.search_tokens import tokens_write

# Made anew from the surviving row, or settled by the merge itself.
NOT_MOVED = (SearchToken, ToldApart)


def tables() -> list[type[models.Model]]:
    """Every table of the vault whose rows name a patient, history tables included."""
    own = apps.get_app_config("records").get_models()
    return [model for model in own if model not in NOT_MOVED and _names_a_patient(model)]


def _names_a_patient(model: type[models.Model]) -> bool:
    return any(column.name == "patient" for column in model._meta.concrete_fields)


def patient_rows_move(old: Subject, new: Subject) -> dict[str, int]:
    """Move all rows; returns how many by model. Runs in a transaction with a basis of the change open.

    The caller holds both patients. Where the old one is gone already, nothing is done.
    """
    if not Patient.objects.filter(pk=old.subject_id).exists():
        return {}
    with transaction.atomic():
        moved = {"records.Entry": _entries_settle(old.subject_id, new.subject_id)}
        _grants_settle(old, new)
        _contact_settle(old.subject_id, new.subject_id)
        for label, count in _rows_move(old.subject_id, new.subject_id).items():
            moved[label] = moved.get(label, 0) + count
        _none_means_none(new.subject_id)
        _told_apart_move(old.subject_id, new.subject_id)
        _patient_end(old.subject_id)
        tokens_write(Patient.objects.get(pk=new.subject_id))
    return {label: count for label, count in moved.items() if count}


def _rows_move(old_id: UUID, new_id: UUID) -> dict[str, int]:
    """The move itself changes no content, so it leaves no former value; history rows move with theirs."""
    found = tables()
    registered: Any = pgtrigger.registered()
    closed = {model for model, trigger in registered if trigger.name == TRIGGER}
    kept = [table for table in found if table in closed]
    with pgtrigger.ignore(*_history_triggers(found)), rewrite_allowed(*kept, reason=RewriteReason.MERGE):
        return {
            table._meta.label: table._default_manager.filter(patient_id=old_id).update(patient_id=new_id)
            for table in found
        }


def _is_history(table: type[models.Model]) -> bool:
    return hasattr(table, "pgh_tracked_model")


def _history_triggers(found: list[type[models.Model]]) -> list[str]:
    registered: Any = pgtrigger.registered()
    return [
        f"{model._meta.label}:{trigger.name}"
        for model, trigger in registered
        if model in found and not _is_history(model) and trigger.name != TRIGGER
    ]


def _entries_settle(old_id: UUID, new_id: UUID) -> int:
    """Of two answers to one question the younger stands; the other goes into the history."""
    kept = {(row.section, row.code): row for row in _coded(new_id)}
    settled = 0
    for row in _coded(old_id):
        twin = kept.get((row.section, row.code))
        if twin is not None:
            (twin if row.updated_at > twin.updated_at and row.code != SHEET else row).delete()
            settled += 1
    return settled


def _coded(patient_id: UUID) -> models.QuerySet[Entry]:
    rows = Entry.objects.select_for_update().filter(patient_id=patient_id).exclude(code="")
    return rows.only("id", "patient", "section", "code", "updated_at")


def _contact_settle(old_id: UUID, new_id: UUID) -> None:
    """Of two ways to be reached the one that was asked for last holds."""
    running = ContactChoice.objects.filter(patient_id__in=(old_id, new_id), since__isnull=False, until=None)
    for row in list(running.order_by("-since"))[1:]:
        ContactChoice.objects.filter(pk=row.pk).update(until=timezone.now())


def _none_means_none(patient_id: UUID) -> None:
    """ "I have none" in one record and something in the other: something it is, until asked again."""
    filled = Entry.objects.filter(patient_id=patient_id, code="").values("section")
    for sheet in Entry.objects.filter(patient_id=patient_id, code=SHEET, section__in=filled):
        sheet.value = {"none": False}
        sheet.save(update_fields=["value", "updated_at"])


def _grants_settle(old: Subject, new: Subject) -> None:
    """One sign-in of one's own survives; what both have open stays open once; a parent keeps their children."""
    now = timezone.now()
    mine = AccessGrant.objects.select_for_update()
    running = list(mine.filter(patient_id=old.subject_id, ends_at=None))
    there = {_what(grant) for grant in mine.filter(patient_id=new.subject_id, ends_at=None)}
    twice = [
        grant.pk for grant in running
        if _what(grant) in there or (grant.kind == GrantKind.SELF and new.account_ids)
    ]
    mine.filter(pk__in=twice).update(ends_at=Greatest(F("starts_at"), now))
    if not new.account_ids:
        return
    survivor = new.account_ids[0]
    looked_after = mine.filter(account_id__in=old.account_ids, kind=GrantKind.GUARDIAN, ends_at=None)
    already = AccessGrant.objects.filter(account_id=survivor, kind=GrantKind.GUARDIAN, ends_at=None)
    looked_after.exclude(patient_id__in=[new.subject_id, *already.values_list("patient_id", flat=True)]).update(
        account_id=survivor
    )


def _what(grant: AccessGrant) -> tuple[Any, ...]:
    return (grant.kind, grant.account_id, grant.role, grant.reference)


def _told_apart_move(old_id: UUID, new_id: UUID) -> None:
    """That the old one is not somebody holds for the new one; that these two are two is over."""
    rows = ToldApart.objects.filter(models.Q(first=old_id) | models.Q(second=old_id))
    notes = [(row, row.second_id if row.first_id == old_id else row.first_id) for row in rows]
    rows.delete()
    for row, other in notes:
        if other != new_id:
            first, second = sorted((new_id, other))
            ToldApart.objects.get_or_create(first_id=first, second_id=second, defaults={"said_by": row.said_by})


def _patient_end(old_id: UUID) -> None:
    """The last change of the old row keeps who it said the person was; then the row goes.

    Raises ``RuntimeError`` where another table still names it: deleting would take those rows along.
    """
    for relation in Patient._meta.related_objects:
        if relation.related_model not in NOT_MOVED and not _is_history(relation.related_model):
            left = relation.related_model._default_manager.filter(**{relation.field.attname: old_id})
            if left.exists():
                raise RuntimeError(f"{relation.related_model._meta.label} was not moved")
    Patient.objects.filter(pk=old_id).update(public_id=public_id_new())
    Patient.objects.filter(pk=old_id).delete()
