"""Patients with full and empty records, and a session for each, as the services would have left them.

``python -m tests.bench.served.records`` makes an empty and a full one in the database of its
environment, and prints the key of each one's session.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.bench.served.people import session_of

if TYPE_CHECKING:
    from portal.accounts.models import User
    from records.models import Encounter, Patient

WORDS = "It gets a bit dry around the mouth in the morning. Should I use it less often, or only in the evening? "
VIEWS = ("front", "left", "right", "left45", "right45", "close_up")


def somebody(*, consults: int, photos: int, messages: int, entries: int = 12) -> User:
    """A patient's account with this much in the record, spread evenly over the consults."""
    from portal.accounts.models import User
    from records.people.services import patient_create

    user = User.objects.create_user(f"bench-{uuid4().hex}@example.org", display_name="Ana Okafor")
    patient = patient_create(by=user.actor, given_name="Ana", family_name="Okafor", birth_date=dt.date(2001, 4, 4))
    if consults:
        _entries(patient, entries)
    for number in range(consults):
        encounter = _consult(patient, number)
        _photos(encounter, photos // consults)
        _messages(encounter, user, messages // consults)
    return user


def _entries(patient: Patient, count: int) -> None:
    from records.history.models import Entry

    value = {"name": "Cetirizine", "kind": "over_the_counter", "dose": "10 mg", "how": WORDS, "status": "taking"}
    for _ in range(count):
        Entry.objects.create(patient=patient, section="medications", value=value)


def _consult(patient: Patient, number: int) -> Encounter:
    from django.utils import timezone

    from records.models import Answer, Assessment, Encounter, Plan

    then = timezone.now() - dt.timedelta(days=20 + 30 * number)
    encounter = Encounter.objects.create(patient=patient, concern="acne", submitted_at=then, closed_at=then)
    for place in range(16):
        Answer.objects.create(
            encounter=encounter, patient=patient, question_id=f"q{place}", position=place,
            question_text="How much does your skin trouble you in daily life?", value={"text": WORDS},
        )
    signed = {"encounter": encounter, "patient": patient, "author_id": uuid4(), "signed_by": uuid4(), "signed_at": then}
    step = {"what": "Wash", "how": "Lukewarm water, not longer than a minute", "prescription": False}
    Assessment.objects.create(diagnosis_text="Acne vulgaris", note=WORDS, **signed)
    Plan.objects.create(letter=WORDS * 4, warnings=WORDS, morning=[step] * 3, evening=[step] * 3, weeks=12, **signed)
    return encounter


def _photos(encounter: Encounter, count: int) -> None:
    from records.models import Photo

    for number in range(count):
        Photo.objects.create(
            encounter=encounter, patient_id=encounter.patient_id, view=VIEWS[number % len(VIEWS)], state="ready",
            uploaded_by=uuid4(), image_name=f"photos/aa/{uuid4().hex}", image_key=b"k" * 32,
            thumb_name=f"photos/aa/{uuid4().hex}", thumb_key=b"k" * 32, width=1536, height=2048,
        )


def _messages(encounter: Encounter, user: User, count: int) -> None:
    from records.models import Message

    for number in range(count):
        Message.objects.create(
            encounter=encounter, patient_id=encounter.patient_id, body=WORDS, form_key=uuid4(),
            author_id=user.pk if number % 2 else uuid4(), from_staff=not number % 2,
        )


if __name__ == "__main__":
    import django

    django.setup()
    print(session_of(somebody(consults=0, photos=0, messages=0)))
    print(session_of(somebody(consults=20, photos=120, messages=200)))
