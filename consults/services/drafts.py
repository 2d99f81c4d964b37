"""Beginning a consult and filling it in: each step is kept on the server when it is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consults.models import Consult
from consults.questionnaire import Flag, FlagAction, Questionnaire, Screen
from consults.questionnaires import load, newest
from consults.services.moves import record
from consults.state import EDITABLE, UNSENT, ConsultState
from portal.accounts.models import User
from portal.audit.models import Action
from portal.context import Actor
from portal.crypto.fields import DecryptionError
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from records.access import require_open
from records.encounters.services import answer_save, answers_clear_hidden, encounter_open
from records.models import Answer, Concern, Patient, Photo
from records.people.services import patient_create
from records.photos.services import photo_receive, photo_remove
from records.vault.content import unreadable_of


@dataclass(frozen=True, slots=True)
class Saved:
    """The receipt of a step: when the server had it, and what the answers now mean.

    ``following`` is the next screen of this person's path, None after the last one. ``stop`` is
    the flag that ends in advice, if any.
    """

    at: dt.datetime
    following: Screen | None
    stop: Flag | None


def person_register(
    *, by: Actor, given_name: str, family_name: str, birth_date: dt.date, state: str, phone: str = ""
) -> Patient:
    """Make the person behind an account, and name the account as they want to be called.

    ``state`` is a code of ``CLINIC_STATES``. Raises ``DomainError`` as ``patient_create``.
    """
    with transaction.atomic():
        patient = patient_create(
            by=by, given_name=given_name, family_name=family_name, birth_date=birth_date, phone=phone,
            address={"state": state},
        )
        account = User.objects.select_for_update(no_key=True).get(pk=by.account)
        if not account.display_name:
            account.display_name = patient.full_name[:150]
            account.save(update_fields=["display_name"])
    return patient


def consult_start(*, by: Actor, patient_id: UUID, form_key: UUID, concern: Concern = Concern.ACNE) -> Consult:
    """The consult to go on with: the unsent one that is there, or a new draft.

    Five presses, or five tabs, make one draft. Raises ``NotVisible``.
    """
    require(by, Permission.CONSULT_START)
    assert by.account_id is not None
    require_open(by=by, patient_id=patient_id, purpose=Purpose.CARE, whole=True)
    with transaction.atomic():
        # No row to lock yet: the patient's row makes two starts wait for each other.
        Patient.objects.select_for_update(no_key=True).only("pk").get(pk=patient_id)
        there = (
            Consult.objects.filter(patient_id=patient_id, form_key=form_key).first()
            or Consult.objects.filter(patient_id=patient_id, state__in=UNSENT).order_by("created_at").first()
        )
        if there is not None:
            return there
        encounter = encounter_open(by=by, patient_id=patient_id, concern=concern)
        try:
            with transaction.atomic():
                consult = Consult.objects.create(
                    encounter=encounter, patient_id=patient_id, account_id=by.account_id, form_key=form_key,
                    questionnaire=newest(concern.value).code,
                )
        except IntegrityError:  # the key stands in another person's consult: it was not made by this page
            raise NotVisible from None
        record(by, consult, Action.CREATE)
    return consult


def step_save(*, by: Actor, consult_id: UUID, screen_id: str, answers: Mapping[str, Any]) -> Saved:
    """Keep the answers of one screen, and forget those that are not asked any more.

    ``answers`` holds, by question id, codes, a text or a number as the form sent them; a question
    that is not there counts as not answered. Raises ``NotVisible`` (also for a screen that is not
    on this person's path) and ``DomainError`` with the question as its field; then nothing is kept.
    """
    with transaction.atomic():
        consult = editable(by=by, consult_id=consult_id)
        questionnaire = load(consult.questionnaire)
        screen = questionnaire.screen(screen_id)
        known = chosen_now(consult)
        if screen is None or not screen.shown(known):
            raise NotVisible
        empty: set[str] = set()
        for question in screen.asked(known):
            value = question.checked(answers.get(question.id))
            known.pop(question.id, None)
            if value is None:
                empty.add(question.id)  # an optional answer that was taken back goes below
                continue
            answer_save(
                by=by, encounter_id=consult.encounter_id, question_id=question.id, question_text=question.text,
                value=value, position=questionnaire.positions[question.id], private=question.private,
            )
            known[question.id] = frozenset(value.get("codes", ()))
        answers_clear_hidden(
            by=by, encounter_id=consult.encounter_id,
            shown=_kept_after(consult, {question.id for question in questionnaire.asked(known)}, empty),
        )
        consult.save(update_fields=["changed_at"])
    return Saved(consult.changed_at, _after(questionnaire, screen, known), stop_of(questionnaire, known))


def photo_send(*, by: Actor, consult_id: UUID, view: str, upload: File[bytes], form_key: UUID) -> Photo:
    """Take one photo for a consult that is being filled in, or that has a question to answer.

    Raises as ``photo_receive``; the store is slow, so no row stays locked while it works.
    """
    consult = photographable(by=by, consult_id=consult_id)
    photo = photo_receive(by=by, encounter=consult.encounter, view=view, upload=upload, form_key=form_key)
    Consult.objects.filter(pk=consult.pk, state__in=EDITABLE).update(changed_at=timezone.now())
    return photo


def photo_take_away(*, by: Actor, consult_id: UUID, photo_id: UUID) -> None:
    """Remove a photo that was not handed in yet. A second press changes nothing."""
    consult = photographable(by=by, consult_id=consult_id)
    photo = Photo.objects.filter(pk=photo_id, encounter_id=consult.encounter_id).first()
    if photo is not None:
        photo_remove(by=by, photo=photo)


def editable(*, by: Actor, consult_id: UUID) -> Consult:
    """The draft, locked, for the person who fills it in. Raises ``NotVisible``, ``DomainError``."""
    require(by, Permission.CONSULT_START)
    consult = (
        Consult.objects.select_for_update(no_key=True, of=("self",)).select_related("encounter")
        .filter(pk=consult_id).first()
    )
    if consult is None:
        raise NotVisible
    require_open(by=by, patient_id=consult.patient_id, purpose=Purpose.CARE, whole=True)
    if consult.state not in EDITABLE:
        raise DomainError("consult_sent", _("This consult is already sent, so its answers stay as they are."))
    return consult


def photographable(*, by: Actor, consult_id: UUID) -> Consult:
    """The consult, if this person may add photos to it now."""
    require(by, Permission.CONSULT_START)
    consult = Consult.objects.select_related("encounter").filter(pk=consult_id).first()
    if consult is None:
        raise NotVisible
    require_open(by=by, patient_id=consult.patient_id, purpose=Purpose.CARE, whole=True)
    if consult.state not in EDITABLE | {ConsultState.NEEDS_INFORMATION}:
        raise DomainError("consult_sent", _("This consult is already sent, so its photos stay as they are."), "photo")
    return consult


def values_now(consult: Consult) -> dict[str, Mapping[str, Any]]:
    """The answers as stored, by question; one that cannot be read counts as not given.

    Read inside the step's transaction, where the vault's committed trace cannot be written; the
    change itself is on the access log, and nothing of this leaves the service.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for row in Answer.objects.filter(encounter_id=consult.encounter_id):
        with suppress(DecryptionError):
            found[row.question_id] = row.value
    return found


def chosen_now(consult: Consult) -> dict[str, frozenset[str]]:
    """The chosen codes as stored, for conditions and flags."""
    return {ident: frozenset(value.get("codes", ())) for ident, value in values_now(consult).items()}


def _kept_after(consult: Consult, asked: set[str], empty: set[str]) -> set[str]:
    """The questions whose answers stay: those asked, without those that were left empty.

    An answer that cannot be read is not taken back by an empty field, which is how it was shown;
    and while there is one, nobody knows which questions follow from it, so all of them stay.
    """
    rows = list(Answer.objects.filter(encounter_id=consult.encounter_id))
    unreadable = {row.question_id for row in rows if unreadable_of(row, "value")}
    if unreadable:
        asked = asked | {row.question_id for row in rows}
    return asked - (empty - unreadable)


def stop_of(questionnaire: Questionnaire, answers: Mapping[str, frozenset[str]]) -> Flag | None:
    """The first flag with which nothing may be sent (RULES 8: never "submit and wait")."""
    return next(iter(questionnaire.raised(answers, FlagAction.STOP)), None)


def _after(questionnaire: Questionnaire, screen: Screen, answers: Mapping[str, frozenset[str]]) -> Screen | None:
    path = questionnaire.path(answers)
    return next(iter(path[path.index(screen) + 1 :]), None)
