"""The number of a patient: said on the phone, read back, and slips noticed."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from portal.accounts.models import User
from portal.permissions import Purpose
from records import vault
from records.models import Patient
from records.people.public_id import SIGNS, public_id_new, public_id_read, public_id_shown
from tests.records.building import person

LOOK_ALIKES = set("01OIL")


def test_a_number_has_eight_signs_that_nobody_confuses() -> None:
    assert len(SIGNS) == len(set(SIGNS)) == 31
    assert not LOOK_ALIKES & set(SIGNS)
    numbers = {public_id_new() for _ in range(500)}
    assert len(numbers) == 500
    assert all(len(number) == 8 and set(number) <= set(SIGNS) for number in numbers)


@pytest.mark.parametrize("typed", ["{0}-{1}", "{0}{1}", " {0} {1} ", "{0} – {1}"])
def test_a_number_is_read_however_it_is_typed(typed: str) -> None:
    number = public_id_new()
    text = typed.format(number[:4], number[4:])
    assert public_id_read(text) == public_id_read(text.lower()) == number
    assert public_id_shown(number) == f"{number[:4]}-{number[4:]}"


def test_one_wrong_sign_and_two_swapped_are_noticed() -> None:
    number = public_id_new()
    for place in range(8):
        for sign in set(SIGNS) - {number[place]}:
            assert public_id_read(number[:place] + sign + number[place + 1:]) is None
    for first in range(7):
        signs = list(number)
        signs[first], signs[first + 1] = signs[first + 1], signs[first]
        if "".join(signs) != number:
            assert public_id_read("".join(signs)) is None


@pytest.mark.parametrize("text", ["", "K7Q2", "K7Q2-M4X0", "anna", "李", "K7Q2-M4XDD"])
def test_what_is_no_number_is_not_read_as_one(text: str) -> None:
    assert public_id_read(text) is None


@pytest.mark.django_db
def test_two_patients_never_share_a_number_and_keep_theirs() -> None:
    first = Patient.objects.create(given_name="Ana", birth_date="1991-05-04")
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.create(given_name="Ben", birth_date="1991-05-04", public_id=first.public_id)
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.create(given_name="Ben", birth_date="1991-05-04", public_id="OOOOOOOO")
    number = first.public_id
    first.refresh_from_db()
    assert first.public_id == number


@pytest.mark.django_db(transaction=True)
def test_the_patient_sees_their_number_as_people_read_it(ana: User) -> None:
    patient = person(ana)
    seen = vault.open_patient(by=ana.actor, patient_id=patient.pk, purpose=Purpose.CARE)
    assert seen.public_id == public_id_shown(patient.public_id)
    assert public_id_read(seen.public_id) == patient.public_id
