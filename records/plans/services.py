"""Writing down what was found and what to do; signing it. Signed means fixed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from records.access import require_open
from records.changes import Basis, basis
from records.encounters.models import Encounter
from records.people.names import clean_line, clean_text
from records.plans.models import Assessment, Plan

CODE_LENGTH, TITLE_LENGTH, TEXT_LENGTH = 20, 300, 10_000
STEP_LENGTH, MOST_STEPS = 300, 12
WEEKS = range(1, 53)
Written = TypeVar("Written", Assessment, Plan)


def assessment_save(
    *, by: Actor, encounter_id: UUID, diagnosis_code: str = "", diagnosis_text: str = "", note: str = "",
    why: Basis = Basis.CLINICAL_CARE,
) -> Assessment:
    """Keep the finding as a draft, in place of the draft before it.

    A signed one changes only to correct an error (``Basis.ERROR_CORRECTION``), and keeps its
    former words. Raises ``NotVisible``; ``DomainError`` ``signed``, ``too_long``.
    """
    values = {
        "diagnosis_code": _short(clean_line(diagnosis_code), CODE_LENGTH, "diagnosis_code"),
        "diagnosis_text": _short(clean_line(diagnosis_text), TITLE_LENGTH, "diagnosis_text"),
        "note": _short(clean_text(note), TEXT_LENGTH, "note"),
    }
    return _save(Assessment, by, encounter_id, values, why)


def plan_save(
    *, by: Actor, encounter_id: UUID, letter: str = "", morning: Iterable[Mapping[str, Any]] = (),
    evening: Iterable[Mapping[str, Any]] = (), warnings: str = "", weeks: int = 8,
    why: Basis = Basis.CLINICAL_CARE,
) -> Plan:
    """Keep the plan as a draft. ``morning`` and ``evening`` hold ``{"what", "how", "prescription"}``.

    Steps without words fall away. Otherwise as ``assessment_save``; also raises ``DomainError``
    ``weeks_range`` and ``too_many_steps``.
    """
    if weeks not in WEEKS:
        raise DomainError("weeks_range", _("Please give 1 to 52 weeks."), "weeks")
    values = {
        "letter": _short(clean_text(letter), TEXT_LENGTH, "letter"),
        "morning": _steps(morning, "morning"),
        "evening": _steps(evening, "evening"),
        "warnings": _short(clean_text(warnings), TEXT_LENGTH, "warnings"),
        "weeks": weeks,
    }
    return _save(Plan, by, encounter_id, values, why)


def plan_sign(*, by: Actor, encounter_id: UUID) -> Plan:
    """Sign the plan and, where there is one, the assessment: from now on the patient reads them.

    Signing again changes nothing. Raises ``NotVisible``; ``DomainError`` ``plan_missing`` where
    there is nothing to sign, ``plan_empty`` where it says nothing.
    """
    require(by, Permission.CASE_REVIEW)
    with transaction.atomic():
        encounter = _locked(by, encounter_id)
        plan = Plan.objects.select_for_update(no_key=True).filter(encounter=encounter).first()
        if plan is None:
            raise DomainError("plan_missing", _("There is no plan to sign yet."))
        if not (plan.letter or plan.morning or plan.evening):
            raise DomainError("plan_empty", _("The plan is still empty. Write a letter or a step first."), "letter")
        assessment = Assessment.objects.select_for_update(no_key=True).filter(encounter=encounter).first()
        now = timezone.now()
        with basis(Basis.CLINICAL_CARE, by=by):
            for written in (assessment, plan):
                if written is not None and written.signed_at is None:
                    written.signed_at, written.signed_by = now, by.account_id
                    written.save(update_fields=["signed_at", "signed_by", "updated_at"])
                    _record(by, Action.SIGN, written)
    return plan


def _save(model: type[Written], by: Actor, encounter_id: UUID, values: dict[str, Any], why: Basis) -> Written:
    require(by, Permission.CASE_REVIEW)
    if by.account_id is None:
        raise NotVisible
    with transaction.atomic():
        encounter = _locked(by, encounter_id)
        found = model.objects.select_for_update(no_key=True).filter(encounter=encounter).first()
        if found is None:
            made = model.objects.create(
                encounter=encounter, patient_id=encounter.patient_id, author_id=by.account_id, **values
            )
            _record(by, Action.CREATE, made)
            return made
        if found.signed_at is not None and why is not Basis.ERROR_CORRECTION:
            raise DomainError(
                "signed", _("This is signed and with the patient. It changes only to correct an error.")
            )
        with basis(why, by=by):
            for name, value in values.items():
                setattr(found, name, value)
            found.author_id = by.account_id
            found.save()
        _record(by, Action.CHANGE, found, why)
        return found


def _locked(by: Actor, encounter_id: UUID) -> Encounter:
    encounter = Encounter.objects.select_for_update(no_key=True).filter(pk=encounter_id).first()
    if encounter is None:
        raise NotVisible
    require_open(by=by, patient_id=encounter.patient_id, purpose=Purpose.CARE, whole=True)
    return encounter


def _steps(steps: Iterable[Mapping[str, Any]], field: str) -> list[dict[str, Any]]:
    kept = []
    for step in steps:
        what = _short(clean_line(str(step.get("what", ""))), STEP_LENGTH, field)
        how = _short(clean_line(str(step.get("how", ""))), STEP_LENGTH, field)
        if what or how:
            kept.append({"what": what, "how": how, "prescription": bool(step.get("prescription", False))})
    if len(kept) > MOST_STEPS:
        raise DomainError("too_many_steps", _("Please give at most %(count)d steps.") % {"count": MOST_STEPS}, field)
    return kept


def _short(text: str, length: int, field: str) -> str:
    if len(text) > length:
        raise DomainError("too_long", _("Please use at most %(count)d letters here.") % {"count": length}, field)
    return text


def _record(by: Actor, action: Action, written: Assessment | Plan, why: Basis = Basis.CLINICAL_CARE) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.CARE, subject_id=written.patient_id,
        object_kind=f"records.{written._meta.model_name}", object_id=written.pk, basis=f"change:{why.value}",
    )
