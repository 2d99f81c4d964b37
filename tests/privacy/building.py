"""Requests and whole records for these tests, made through the product's own services."""

from __future__ import annotations

import datetime as dt
import json
import re
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.test import Client

from consults.models import Consult
from portal.accounts.models import User
from portal.dates import today
from portal.jobs.runner import run_job
from portal.lockbox import age
from portal.lockbox.store import lockbox
from privacy.models import RequestKind, RightsRequest
from privacy.requests import services
from records.access import grant_open
from records.encounters.services import answer_save
from records.guardians.services import guardian_grant
from records.messages.services import message_send
from records.models import Encounter, GrantKind, Patient
from records.people.services import patient_update
from records.plans.services import assessment_save, plan_save
from tests.consults import building as consults

WORD = "ZQX-unique"
TOKEN = re.compile(r"gAAAA[\w=-]{60,}")


def ask(user: User, patient: Patient, kind: RequestKind = RequestKind.DELETION, **more: Any) -> RightsRequest:
    return services.request_open(
        by=user.actor, kind=kind, subject_id=patient.pk, account_id=user.pk, **{"form_key": uuid4(), **more}
    )


def child_of(guardian: User, officer: User, own: User | None = None, *, given: str = "Mo") -> Patient:
    """A patient of fifteen whom this guardian may act for; ``own`` is the sign-in of the child's own."""
    born = today().replace(day=1) - dt.timedelta(days=15 * 365)
    patient = Patient.objects.create(given_name=given, family_name="Okafor", birth_date=born)
    if own is not None:
        grant_open(by=own.actor, patient_id=patient.pk, kind=GrantKind.SELF, account_id=own.pk)
    guardian_grant(by=officer.actor, patient_id=patient.pk, account_id=guardian.pk)
    return patient


def copy_asked(user: User, patient: Patient, **more: Any) -> RightsRequest:
    return ask(user, patient, RequestKind.ACCESS, **more)


def carried_out(officer: User, request: RightsRequest) -> RightsRequest:
    """The officer takes it on and has it done; the worker does it."""
    services.request_start(by=officer.actor, request_id=request.pk)
    services.request_carry_out(by=officer.actor, request_id=request.pk)
    work(request)
    return request


def work(request: RightsRequest) -> None:
    """The worker's turn on this request's job, whatever pause it was in."""
    request.refresh_from_db()
    assert request.job_id
    run_job(request.job_id)
    request.refresh_from_db()


def told(user: User, clinician: User, patient: Patient | None = None, word: str = WORD) -> Consult:
    """An answered consult with ``word`` in each text that anybody can write."""
    consult = consults.answered(user, clinician, patient)
    encounter = Encounter.objects.get(pk=consult.encounter_id)
    message_send(by=user.actor, encounter_id=encounter.pk, body=f"It itches {word}", form_key=uuid4())
    message_send(by=clinician.actor, encounter_id=encounter.pk, body=f"Try this {word}", form_key=uuid4())
    return consult


def marked(user: User, clinician: User, word: str = WORD) -> Patient:
    """A person whose record holds ``word`` in every field, and in what those fields held before."""
    patient = consults.person(user, given=f"Ana{word}", family=f"Okafor{word}")
    address = {"street": f"1 {word} Street", "city": f"{word}ville", "state": "MN", "zip": "55319"}
    patient_update(by=user.actor, patient_id=patient.pk, address=address, given_name=f"Anna{word}")
    patient_update(by=user.actor, patient_id=patient.pk, given_name=f"Ana{word}")
    consult = consults.start(user, patient)
    consults.answer_all(user, consult, tried_how=f"first {word}")
    consults.answer_all(user, consult, tried_how=f"then {word}")
    consults.photos(consult)
    consult = consults.services.consult_submit(by=user.actor, consult_id=consult.pk, consent=consults.YES)
    consults.pay(consult.order_id)
    consults.services.consult_paid(consult_id=consult.pk)
    consult = consults.services.consult_take(by=clinician.actor, consult_id=consult.pk)
    plan(clinician, consult, word)
    consults.services.consult_answer(by=clinician.actor, consult_id=consult.pk)
    message_send(by=user.actor, encounter_id=consult.encounter_id, body=f"It itches {word}", form_key=uuid4())
    message_send(by=clinician.actor, encounter_id=consult.encounter_id, body=f"Try {word}", form_key=uuid4())
    return patient


def plan(clinician: User, consult: Consult, word: str) -> None:
    assessment_save(
        by=clinician.actor, encounter_id=consult.encounter_id, diagnosis_code="L70.0",
        diagnosis_text=f"Acne {word}", note=f"Mild {word}",
    )
    step = {"what": f"Wash {word}", "how": f"gently {word}", "prescription": False}
    plan_save(
        by=clinician.actor, encounter_id=consult.encounter_id, letter=f"Dear Ana {word}", morning=[step],
        evening=[step], warnings=f"Stop if {word}", weeks=8,
    )


def draft_with(user: User, patient: Patient, word: str = WORD) -> Consult:
    """A draft that was never sent, with ``word`` in it."""
    consult = consults.start(user, patient)
    answer_save(
        by=user.actor, encounter_id=consult.encounter_id, question_id="goals", question_text="What do you hope for?",
        value={"text": f"draft {word}"}, position=1,
    )
    consults.photos(consult)
    return consult


# --- Looking for what is left ------------------------------------------------------------------------------


def rows_with(*words: Any) -> dict[str, int]:
    """Rows, by table, of the whole database that hold one of the words in any column."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(r)::text FROM "{table}" AS r')
            # Letters of an encrypted value are random: a short word turns up in them now and then.
            texts = [TOKEN.sub("", text).lower() for (text,) in cursor.fetchall()]
            count = sum(any(str(word).lower() in text for word in words) for text in texts)
            if count:
                found[table] = count
    return found


def opened_with(word: str) -> dict[str, int]:
    """As ``rows_with``, through the models: encrypted fields are opened first, sealed ones counted too."""
    from django.apps import apps

    found: dict[str, int] = {}
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model._meta.proxy:
            continue
        names = [field.attname for field in model._meta.concrete_fields]
        count = sum(word in " ".join(str(getattr(row, name)) for name in names) for row in model._default_manager.all())
        if count:
            found[model._meta.label] = count
    return found


def sealed_files() -> set[str]:
    root = Path(settings.SEALED_DIR)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def bundles() -> list[dict[str, bytes]]:
    """Every archive bundle in the lockbox, opened with the key that the servers don't have."""
    return [bundle(name, version) for name, version in lockbox().names("archive/")]


def bundle(name: str, version: str) -> dict[str, bytes]:
    with lockbox().open(name, version) as sealed:
        plain = age.open(sealed.read(), settings.ARCHIVE_IDENTITY)
    with tarfile.open(fileobj=BytesIO(plain)) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()}  # type: ignore[union-attr]


def ledger_entries() -> dict[str, dict[str, Any]]:
    found = {}
    for name, version in lockbox().names("erasures/"):
        with lockbox().open(name, version) as entry:
            found[name] = json.loads(entry.read())
    return found


def alive(client: Client) -> bool:
    """True when this browser is still signed in."""
    return client.get("/privacy/").status_code == 200
