"""Keeping and sending the clinician's answer. Taking, asking and declining: ``consults.services``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from consults.models import Consult
from consults.services import consult_answer
from consults.state import WITH_CLINICIAN
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, require
from records.models import Assessment, Plan
from records.plans.services import assessment_save, plan_save
from records.vault.content import unreadable_of

FOUND = ("diagnosis_code", "diagnosis_text", "note")
ADVISED = ("letter", "warnings", "weeks", "morning", "evening")


def draft_version(encounter_id: UUID) -> str:
    """The last change of the draft as text, empty while there is none. No health information."""
    changed = Plan.objects.filter(encounter_id=encounter_id).values_list("updated_at", flat=True).first()
    return "" if changed is None else changed.isoformat()


def draft_save(*, by: Actor, consult_id: UUID, version: str, content: Mapping[str, Any]) -> str:
    """Keep the answer as a draft, finding and plan together; returns the draft's new version.

    ``content`` has the fields of ``FOUND`` and ``ADVISED``. Raises ``NotVisible``; ``DomainError``
    ``not_in_review`` when the case was answered or put back meanwhile, ``draft_changed`` when
    another window kept a newer draft than ``version``, ``draft_unreadable``.
    """
    require(by, Permission.CASE_REVIEW)
    with transaction.atomic():
        consult = Consult.objects.select_for_update(no_key=True).filter(pk=consult_id).first()
        if consult is None or consult.assigned_to not in (by.account_id, None):
            raise NotVisible
        if consult.assigned_to is None or consult.state not in WITH_CLINICIAN:
            raise DomainError("not_in_review", _("This case is not in your hands any more. Nothing was saved."))
        if draft_version(consult.encounter_id) != version:
            raise DomainError(
                "draft_changed",
                _("Another window saved this answer after you opened this one. Yours is below, not saved yet. "
                  "Save again to keep yours in its place."),
            )
        encounter_id = consult.encounter_id
        _refuse_to_bury(encounter_id)
        assessment_save(by=by, encounter_id=encounter_id, **{name: content[name] for name in FOUND})
        plan_save(by=by, encounter_id=encounter_id, **{name: content[name] for name in ADVISED})
    return draft_version(encounter_id)


def _refuse_to_bury(encounter_id: UUID) -> None:
    """A draft that no key opens is never written over: a key that comes back opens it again."""
    for row, names in (
        (Assessment.objects.filter(encounter_id=encounter_id).first(), FOUND),
        (Plan.objects.filter(encounter_id=encounter_id).first(), ADVISED),
    ):
        if row is not None and unreadable_of(row, *names):
            raise DomainError(
                "draft_unreadable",
                _("A part of the draft cannot be read. Nothing was saved, so that it is not lost. Please tell "
                  "whoever runs the portal."),
            )


def answer_sign(*, by: Actor, consult_id: UUID, version: str, content: Mapping[str, Any]) -> Consult:
    """Keep the answer, sign it and send it, in one step: what is signed is what this window showed.

    Raises as ``draft_save`` and ``consults.services.consult_answer``; then nothing of it happened.
    """
    with transaction.atomic():
        draft_save(by=by, consult_id=consult_id, version=version, content=content)
        return consult_answer(by=by, consult_id=consult_id)
