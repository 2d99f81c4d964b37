"""What the tests of the record's sections share: people, and what a browser would send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.permissions import Purpose
from records import vault
from records.history.models import Section
from records.people.models import Patient
from tests.records.building import Kept, filled, person

As = Callable[[User | None], Client]
LISTS = [Section.ALLERGIES, Section.MEDICATIONS, Section.CONDITIONS, Section.IDENTIFIERS]
GOOD: dict[Section, dict[str, str]] = {
    Section.ALLERGIES: {"substance": "Penicillin", "reaction": "hives", "severity": "severe"},
    Section.MEDICATIONS: {"name": "Doxycycline", "kind": "prescribed", "dose": "50 mg", "status": "taking"},
    Section.CONDITIONS: {"name": "Asthma", "since": "2011", "status": "active"},
    Section.IDENTIFIERS: {"kind": "drivers_license", "issuer": "Minnesota", "number": "K-123-456-789-012"},
}


@pytest.fixture
def anas(ana: User) -> Patient:
    return person(ana)


@pytest.fixture
def kept_anas(ana: User, anas: Patient, clinician: User) -> Kept:
    """Ana's record with one sent episode; ``clinician`` cares for her."""
    return filled(ana, clinician, patient=anas)


def sections(user: User, patient: Patient) -> vault.SectionsView:
    return vault.open_sections(by=user.actor, patient_id=patient.pk, purpose=Purpose.CARE)


def events(**which: Any) -> list[Any]:
    return list(apps.get_model("records", "EntryEvent")._default_manager.filter(**which).order_by("pgh_id"))


def url(section: Section, page: str = "section", patient: Patient | None = None) -> str:
    return reverse(f"records:{page}", args=[section] if patient is None else [patient.pk, section])


def form_of(client: Client, address: str, **typed: str) -> dict[str, str]:
    """What a browser would send: the form's own start values, and what was typed."""
    form = client.get(address).context["form"]
    start = {name: form[name].value() for name in form.fields}
    return {name: str(value) for name, value in (start | typed).items() if value not in (None, False)}
