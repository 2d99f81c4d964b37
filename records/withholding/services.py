"""Keeping parts of a record from the family, and showing them again (RULES 1.15-1.17)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Greatest, Now

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import Overtaken
from portal.permissions import Purpose
from records.people.models import Patient
from records.withholding.models import Withheld
from records.withholding.selectors import held_now


def parts_withhold(
    *, by: Actor, patient_id: UUID, request_id: UUID, part_ids: Iterable[UUID], asked_by: UUID | None = None,
    guardians_only: bool = False,
) -> int:
    """Keep these parts back from now on, on every way the family has to the record. Twice changes nothing.

    Whoever calls it has said why in a letter, with the right to a review. Returns how many are new.
    """
    wanted = list(dict.fromkeys(part_ids))
    with transaction.atomic():
        Patient.objects.select_for_update(no_key=True).only("pk").get(pk=patient_id)
        there = set(
            Withheld.objects.filter(request_id=request_id, ended_at=None).values_list("part_id", flat=True)
        )
        made = Withheld.objects.bulk_create(
            Withheld(
                patient_id=patient_id, request_id=request_id, part_id=part, asked_by=asked_by,
                guardians_only=guardians_only,
            )
            for part in wanted if part not in there
        )
        if made:
            _record(by, patient_id, request_id)
    return len(made)


def parts_show_again(*, by: Actor, request_id: UUID) -> int:
    """What the answer to this request kept back is shown again: a review took the answer back (RULES 1.17)."""
    with transaction.atomic():
        rows = Withheld.objects.select_for_update().filter(request_id=request_id, ended_at=None)
        patient_id = rows.values_list("patient_id", flat=True).first()
        ended = rows.update(ended_at=Greatest("started_at", Now()))
        if patient_id is not None:
            _record(by, patient_id, request_id)
    return ended


def still_held(patient_id: UUID, held: frozenset[UUID]) -> None:
    """In the transaction that keeps what was made of a record: raises ``Overtaken`` unless ``held`` is so still.

    Holds up ``parts_withhold``, so that whoever refuses a part finds the kept copy, or the copy finds the refusal.
    """
    Patient.objects.select_for_update(no_key=True).only("pk").filter(pk=patient_id).first()
    if held_now(patient_id) != held:
        raise Overtaken


def _record(by: Actor, patient_id: UUID, request_id: UUID) -> None:
    access_record(
        by=by, action=Action.CHANGE, purpose=Purpose.LEGAL_DUTY, subject_id=patient_id,
        object_kind="records.withheld", object_id=request_id, basis=f"request:{request_id}",
    )
