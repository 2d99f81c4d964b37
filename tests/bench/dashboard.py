"""The patient's home with 20 consults against a view that only knows who asks; queries at 1 and 20."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.bench.row import BenchRow, timed_row

if TYPE_CHECKING:
    from django.test import Client

    from portal.accounts.models import User
    from records.models import Patient

NEEDS_DATABASE = True
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ROWS = 20
MOST_QUERIES = 10
PAGES = 20  # a round


def rows() -> list[BenchRow]:
    from django.test import override_settings

    with override_settings(ROOT_URLCONF="tests.bench.urls"):
        one, one_client = _person("bench-one@example.org", 1)
        many, many_client = _person("bench-many@example.org", ROWS)
        few, lots = _queries(one_client), _queries(many_client)
        if few != lots:
            raise AssertionError(f"{few} queries with one consult, {lots} with {ROWS}")
        timed = timed_row(
            f"patient's home, {ROWS} consults", "session and user",
            lambda: _get(many_client, "/bench/floor/"), lambda: _get(many_client, "/home/"), goal=5,
            extra=f"{PAGES} pages a round",
        )
        count = BenchRow(
            "queries of the patient's home", "session and user", 2, lots, lots / 2, MOST_QUERIES, "queries",
            f"the same with 1 and {ROWS} consults", holds="ours",
        )
        return [timed, count]


def _person(address: str, consults: int) -> tuple[Patient, Client]:
    from django.test import Client

    from portal.accounts.models import User
    from records.people.services import patient_create

    user = User.objects.create_user(address, display_name="Ana Okafor")
    patient = patient_create(by=user.actor, given_name="Ana", family_name="Okafor", birth_date=dt.date(2001, 4, 4))
    for number in range(consults):
        _consult(user, patient, number)
    client = Client()
    client.force_login(user, backend=BACKEND)
    return patient, client


def _consult(user: User, patient: Patient, number: int) -> None:
    """One finished consult with its signed plan, as the services would have left it."""
    from django.utils import timezone

    from consults.models import Consult
    from records.models import Assessment, Encounter, Plan

    then = timezone.now() - dt.timedelta(days=30 + number)
    encounter = Encounter.objects.create(patient=patient, concern="acne", submitted_at=then, closed_at=then)
    Consult.objects.create(
        encounter=encounter, patient=patient, account_id=user.pk, questionnaire="acne-1", state="closed",
        submitted_at=then, paid_at=then, answered_at=then, ended_at=then,
        consented_at=then, consent_version="care-1", order_id=uuid4(), due_at=then, assigned_to=uuid4(),
    )
    signed = {"encounter": encounter, "patient": patient, "author_id": uuid4(), "signed_by": uuid4(), "signed_at": then}
    step = {"what": "Wash", "how": "Lukewarm water", "prescription": False}
    Assessment.objects.create(diagnosis_text="Acne vulgaris", **signed)
    Plan.objects.create(letter="Hello", morning=[step] * 3, evening=[step] * 3, **signed)


def _get(client: Client, address: str, times: int = PAGES) -> None:
    for _ in range(times):
        answer = client.get(address)
        if answer.status_code != 200:
            raise AssertionError(answer.status_code)


def _queries(client: Client) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    _get(client, "/home/", 1)
    with CaptureQueriesContext(connection) as caught:
        _get(client, "/home/", 1)
    return len(caught)
