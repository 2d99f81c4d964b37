"""Records for the tests, made through the product's own services."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pgtrigger
from django.db import connection, models
from django.utils import timezone
from PIL import Image

from portal.accounts.models import User
from portal.crypto import sealed
from records.access import grant_open
from records.encounters.models import Concern, Encounter
from records.encounters.services import answer_save, encounter_open, encounter_submit
from records.history.models import Entry, Section
from records.history.services import entry_add
from records.history.topics import Said, topics_save
from records.messages.services import message_send
from records.people.models import GrantKind, Patient
from records.people.services import patient_create
from records.photos.models import Photo, PhotoState
from records.plans.services import assessment_save, plan_save, plan_sign

BORN = dt.date(1990, 4, 4)


@dataclass
class Kept:
    """A patient's record with one episode that has everything."""

    patient: Patient
    encounter: Encounter
    photo: Photo

    @property
    def id(self) -> UUID:
        return self.patient.pk


def person(user: User, *, given: str = "Ana", family: str = "Okafor", born: dt.date = BORN, **more: Any) -> Patient:
    return patient_create(by=user.actor, given_name=given, family_name=family, birth_date=born, **more)


def jpeg(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def photo(encounter: Encounter, *, view: str = "front", data: bytes | None = None, by: UUID | None = None) -> Photo:
    """A ready photo with its two sealed files."""
    image = sealed.write(data or jpeg((200, 150, 120)), folder="photos")
    thumb = sealed.write(data or jpeg((100, 50, 20)), folder="photos")
    return Photo.objects.create(
        encounter=encounter, patient_id=encounter.patient_id, view=view, state=PhotoState.READY,
        uploaded_by=by or uuid4(), ready_at=timezone.now(), image_name=image.name, image_key=image.key,
        image_bytes=image.size, image_sha256="0" * 64, thumb_name=thumb.name, thumb_key=thumb.key,
        width=64, height=48,
    )


def filled(user: User, clinician: User, *, patient: Patient | None = None, word: str = "") -> Kept:
    """A record with an answered episode. ``word`` stands in each text, to be looked for."""
    patient = patient or person(user)
    me = user.actor
    encounter = encounter_open(by=me, patient_id=patient.pk, concern=Concern.ACNE)
    answer_save(
        by=me, encounter_id=encounter.pk, question_id="where", question_text="Where do you have acne?", position=1,
        value={"codes": ["face", "back"], "labels": ["Face", f"Back {word}".strip()]},
    )
    answer_save(
        by=me, encounter_id=encounter.pk, question_id="since", question_text="For how long?", position=2,
        value={"number": 3, "unit": "months"},
    )
    answer_save(
        by=me, encounter_id=encounter.pk, question_id="pregnant", question_text="Are you pregnant?", position=3,
        value={"text": f"no {word}".strip()}, private=True,
    )
    kept = photo(encounter, by=user.pk)
    encounter = encounter_submit(by=me, encounter_id=encounter.pk)
    care(patient, clinician)
    message_send(by=clinician.actor, encounter_id=encounter.pk, body=f"Does it hurt? {word}".strip(), form_key=uuid4())
    message_send(by=me, encounter_id=encounter.pk, body=f"A little. {word}".strip(), form_key=uuid4())
    assessment_save(
        by=clinician.actor, encounter_id=encounter.pk, diagnosis_code="L70.0",
        diagnosis_text=f"Acne vulgaris {word}".strip(), note=f"Mild. {word}".strip(),
    )
    plan_save(
        by=clinician.actor, encounter_id=encounter.pk, letter=f"Dear Ana, {word}".strip(),
        morning=[{"what": f"Benzoyl peroxide 5 % {word}".strip(), "how": "thin layer", "prescription": False}],
        evening=[{"what": "Adapalene 0.1 %", "how": "pea size", "prescription": True}],
        warnings=f"Not in pregnancy. {word}".strip(), weeks=8,
    )
    plan_sign(by=clinician.actor, encounter_id=encounter.pk)
    return Kept(patient, encounter, kept)


def care(patient: Patient, clinician: User) -> None:
    grant_open(by=clinician.actor, patient_id=patient.pk, kind=GrantKind.CARE_TEAM, account_id=clinician.pk)


def broken(model: type[models.Model], column: str, **lookup: Any) -> None:
    """Put a token there that no key opens, past the field and its triggers, as damage would."""
    table = model._meta.db_table
    for ident in model._default_manager.filter(**lookup).values_list("pk", flat=True):
        with pgtrigger.ignore(), connection.cursor() as cursor:
            cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', ["gAAAAABnotatoken", ident])


def entry(user: User, patient: Patient, section: Section, *, number: str = "", private: bool = False,
          form_key: UUID | None = None, **parts: str) -> Entry:
    """One entry of a section, by whoever may add it."""
    return entry_add(
        by=user.actor, patient_id=patient.pk, section=section, values=parts, number=number, private=private,
        form_key=form_key or uuid4(),
    )


def allergy(user: User, patient: Patient, *, substance: str = "Penicillin", form_key: UUID | None = None) -> Entry:
    return entry(
        user, patient, Section.ALLERGIES, substance=substance, reaction="hives", severity="severe", form_key=form_key
    )


def identifier(user: User, patient: Patient, *, number: str = "K-123-456-789-012") -> Entry:
    return entry(user, patient, Section.IDENTIFIERS, kind="drivers_license", issuer="Minnesota", number=number)


def private_answers(user: User, patient: Patient, **texts: str) -> None:
    """Private answers by topic, in words."""
    topics_save(
        by=user.actor, patient_id=patient.pk, section=Section.PRIVATE,
        answers={code: Said(text=text) for code, text in texts.items()},
    )
