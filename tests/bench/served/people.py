"""Patients with finished consults, and a session for each, as the services would have left them.

``python -m tests.bench.served.people 1 20`` makes one with 1 consult and one with 20 in the
database of its environment, and prints the key of each one's session.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from portal.accounts.models import User
    from records.models import Patient

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def person(consults: int) -> User:
    """A patient's account; each consult with its signed plan, and a month between them."""
    from portal.accounts.models import User
    from records.people.services import patient_create

    user = User.objects.create_user(f"bench-{uuid4().hex}@example.org", display_name="Ana Okafor")
    patient = patient_create(by=user.actor, given_name="Ana", family_name="Okafor", birth_date=dt.date(2001, 4, 4))
    for number in range(consults):
        _consult(user, patient, number)
    return user


def _consult(user: User, patient: Patient, number: int) -> None:
    from django.utils import timezone

    from consults.models import Consult
    from records.models import Assessment, Encounter, Plan

    then = timezone.now() - dt.timedelta(days=20 + 30 * number)
    encounter = Encounter.objects.create(patient=patient, concern="acne", submitted_at=then, closed_at=then)
    Consult.objects.create(
        encounter=encounter, patient=patient, account_id=user.pk, questionnaire="acne-1", state="closed",
        submitted_at=then, paid_at=then, answered_at=then, ended_at=then,
        consented_at=then, consent_version="care-1", order_id=uuid4(), due_at=then, assigned_to=uuid4(),
    )
    signed = {"encounter": encounter, "patient": patient, "author_id": uuid4(), "signed_by": uuid4(), "signed_at": then}
    step = {"what": "Wash", "how": "Lukewarm water", "prescription": False}
    Assessment.objects.create(diagnosis_text="Acne vulgaris", **signed)
    Plan.objects.create(letter="Hello", morning=[step] * 3, evening=[step] * 3, weeks=12, **signed)


def session_of(user: User) -> str:
    """The key of a fresh session, as after a sign-in."""
    from django.test import Client

    client = Client()
    client.force_login(user, backend=BACKEND)
    return str(client.session.session_key)


if __name__ == "__main__":
    import django

    django.setup()
    for argument in sys.argv[1:]:
        print(session_of(person(int(argument))))
