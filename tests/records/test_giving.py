"""P56, RULES 4.2 and 4.4: in an emergency something goes out in three clicks, and stands in the register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from records.access import grant_open
from records.disclosures.models import Disclosure
from records.emergency.giving import GiveReason, emergency_disclose
from records.models import GrantKind, Patient
from tests.consults import building as consults

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P56")]
As = Callable[..., Client]


@pytest.fixture
def patient(ana: User, clinician: User) -> Patient:
    row = consults.person(ana)
    grant_open(by=SYSTEM, patient_id=row.pk, kind=GrantKind.CARE_TEAM, account_id=clinician.pk)
    return row


def give(by: User, patient: Patient, **more: Any) -> None:
    words = {
        "reason": GiveReason.MEDICAL, "recipient": "Emergency room, St. Cloud", "parts": ["allergies", "medicines"],
        "why": "She is unconscious.", "asked_in_vain": True, "form_key": uuid4(), **more,
    }
    emergency_disclose(by=by.actor, patient_id=patient.pk, **words)


@pytest.mark.parametrize(
    ("reason", "purpose", "basis", "counted"),
    [("medical", Purpose.CARE, "emergency", False), ("threat", Purpose.SAFETY, "safety", True)],
)
def test_what_goes_out_stands_in_the_register_once(
    reason: str, purpose: Purpose, basis: str, counted: bool, patient: Patient, clinician: User
) -> None:
    key = uuid4()
    for _press in range(2):
        give(clinician, patient, reason=reason, form_key=key)
    row = Disclosure.objects.get()
    assert (row.purpose, row.basis, row.accountable) == (purpose, basis, counted)
    assert row.without_consent
    assert "Allergies, Medicines" in row.what and "She is unconscious." in row.what
    assert "consent could not be had" in row.what
    trace = AccessEvent.objects.get(action=Action.DISCLOSE)
    assert trace.basis == f"basis:{basis}:no_consent" and trace.subject_id == patient.pk


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"asked_in_vain": False}, "asked_missing"), ({"parts": []}, "parts_missing"), ({"why": " "}, "why_missing"),
        ({"recipient": " "}, "recipient_missing"),
    ],
)
def test_nothing_goes_out_without_its_reason(
    change: dict[str, Any], code: str, patient: Patient, clinician: User
) -> None:
    with pytest.raises(DomainError) as error:
        give(clinician, patient, **change)
    assert error.value.code == code and not Disclosure.objects.exists()


def test_a_threat_needs_no_try_to_ask(patient: Patient, clinician: User) -> None:
    give(clinician, patient, reason=GiveReason.THREAT, asked_in_vain=False)
    assert "consent could not" not in Disclosure.objects.get().what


def test_only_who_may_open_the_record_gives_something_of_it(
    patient: Patient, ana: User, other_clinician: User, officer: User
) -> None:
    for other in (ana, other_clinician, officer):
        with pytest.raises(NotVisible):
            give(other, patient)


def test_three_clicks_from_the_record(patient: Patient, clinician: User, as_: As) -> None:
    browser = as_(clinician)
    page = reverse("admin:give_out", args=[patient.pk])
    assert page in browser.get(reverse("admin:patient_record", args=[patient.pk])).content.decode()
    form = browser.get(page).context["form"]
    data = {
        "form_key": form["form_key"].value(), "reason": "medical", "asked_in_vain": "on", "parts": ["allergies"],
        "recipient": "Emergency room", "why": "Bee sting.",
    }
    answer = browser.post(page, data)
    assert answer["Location"] == reverse("admin:patient_record", args=[patient.pk])
    assert Disclosure.objects.get().recipient == "Emergency room"
