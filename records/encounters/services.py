"""Opening an episode of care, keeping its answers, handing it in, closing it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from records.access import require_open
from records.changes import Basis, basis
from records.encounters.models import Answer, Concern, Encounter
from records.people.models import GrantKind
from records.people.names import clean_text

TEXT_LENGTH = 4000
MOST_CODES = 60
FAMILY = frozenset({GrantKind.SELF, GrantKind.GUARDIAN})


def encounter_open(*, by: Actor, patient_id: UUID, concern: Concern) -> Encounter:
    """Start an episode of care for a patient. Raises ``NotVisible``."""
    require_open(by=by, patient_id=patient_id, purpose=Purpose.CARE, whole=True)
    with transaction.atomic():
        encounter = Encounter.objects.create(patient_id=patient_id, concern=Concern(concern).value)
        _record(by, Action.CREATE, encounter)
    return encounter


def answer_save(
    *, by: Actor, encounter_id: UUID, question_id: str, question_text: str, value: Mapping[str, Any],
    position: int = 0, private: bool = False, why: Basis | None = None,
) -> Answer:
    """Keep the answer to one question, in place of the one before it (P38 keeps that one too).

    ``value`` is ``{"text": str}``, ``{"codes": [str], "labels": [str]}`` or
    ``{"number": int | float, "unit": str}``. Question text, place and privacy are kept as they
    were asked now. The same answer again changes nothing. Raises ``NotVisible``, and
    ``DomainError`` for a closed episode or text that is too long.
    """
    kept = checked_value(value)
    with transaction.atomic():
        encounter, grant = _open_for_change(by, encounter_id)
        with basis(why or _basis_of(grant), by=by):
            answer = (
                Answer.objects.select_for_update(no_key=True)
                .filter(encounter=encounter, question_id=question_id).first()
            )
            fresh = {
                "question_text": question_text, "position": position, "private": private, "value": kept,
                "patient_id": encounter.patient_id,
            }
            if answer is None:
                answer = Answer.objects.create(encounter=encounter, question_id=question_id, **fresh)
            else:
                for name, new in fresh.items():
                    setattr(answer, name, new)
                answer.save()
        _record(by, Action.CHANGE, encounter, kind="records.answer", object_id=answer.pk)
    return answer


def answers_clear_hidden(
    *, by: Actor, encounter_id: UUID, shown: Collection[str], why: Basis | None = None
) -> int:
    """Remove answers to questions that are not asked any more after another answer changed.

    ``shown`` holds the ids of all questions that are asked now. Returns how many went; their
    former values are kept in the history.
    """
    with transaction.atomic():
        encounter, grant = _open_for_change(by, encounter_id)
        with basis(why or _basis_of(grant), by=by):
            gone, _models = Answer.objects.filter(encounter=encounter).exclude(question_id__in=list(shown)).delete()
        if gone:
            _record(by, Action.DELETE, encounter, kind="records.answer")
    return gone


def encounter_submit(*, by: Actor, encounter_id: UUID) -> Encounter:
    """The patient hands it in, or hands it in again after a question; the last time counts."""
    with transaction.atomic():
        encounter, _grant = _open_for_change(by, encounter_id)
        encounter.submitted_at = timezone.now()
        encounter.save(update_fields=["submitted_at"])
        _record(by, Action.SUBMIT, encounter)
    return encounter


def encounter_close(*, by: Actor, encounter_id: UUID, at: dt.datetime | None = None) -> Encounter:
    """End the episode: nothing in it changes any more. Closing twice changes nothing."""
    encounter = _encounter(encounter_id)
    require_open(by=by, patient_id=encounter.patient_id, purpose=Purpose.CARE, whole=True)
    with transaction.atomic():
        encounter = Encounter.objects.select_for_update(no_key=True).get(pk=encounter_id)
        if encounter.closed_at is None:
            encounter.closed_at = at or timezone.now()
            encounter.save(update_fields=["closed_at"])
            _record(by, Action.CHANGE, encounter, note="closed")
    return encounter


def checked_value(value: Mapping[str, Any]) -> dict[str, Any]:
    """An answer's value in one of its three shapes, its text cleaned.

    Raises ``DomainError`` (``answer_too_long``) for what a person wrote, ``ValueError`` for a
    shape that no form makes.
    """
    if "text" in value:
        text = clean_text(str(value["text"]))
        if len(text) > TEXT_LENGTH:
            raise DomainError(
                "answer_too_long", _("Please use at most %(count)d letters here.") % {"count": TEXT_LENGTH}, "answer"
            )
        return {"text": text}
    if "codes" in value:
        codes = [str(code) for code in value["codes"]]
        labels = [str(label) for label in value.get("labels", codes)]
        if len(codes) != len(labels) or len(codes) > MOST_CODES:
            raise ValueError("each chosen code has its label")
        return {"codes": codes, "labels": labels}
    number = value.get("number")
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError("an answer is text, choices or a number")
    return {"number": number, "unit": str(value.get("unit", ""))}


def _encounter(encounter_id: UUID) -> Encounter:
    encounter = Encounter.objects.filter(pk=encounter_id).first()
    if encounter is None:
        raise NotVisible
    return encounter


def _open_for_change(by: Actor, encounter_id: UUID) -> tuple[Encounter, GrantKind]:
    """The episode, locked, if this actor may change it and it is not closed."""
    encounter = Encounter.objects.select_for_update(no_key=True).filter(pk=encounter_id).first()
    if encounter is None:
        raise NotVisible
    grant = require_open(by=by, patient_id=encounter.patient_id, purpose=Purpose.CARE, whole=True)
    if encounter.closed_at is not None:
        raise DomainError("encounter_closed", _("This consult is closed, so it cannot be changed."))
    return encounter, grant


def _basis_of(grant: GrantKind) -> Basis:
    return Basis.PATIENT_EDIT if grant in FAMILY else Basis.CLINICAL_CARE


def _record(
    by: Actor, action: Action, encounter: Encounter, *, kind: str = "records.encounter",
    object_id: UUID | None = None, note: str = "",
) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.CARE, subject_id=encounter.patient_id,
        object_kind=kind, object_id=object_id or encounter.pk, basis=note,
    )
