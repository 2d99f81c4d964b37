"""Ana with a consult that she is filling in, and the files of the store counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from portal.accounts.models import User
from portal.context import Actor
from portal.permissions import Role
from records.encounters.models import Concern, Encounter
from records.intake import sandbox
from records.people.models import AccessGrant, GrantKind, Patient


def patient_for(user: User) -> Patient:
    patient = Patient.objects.create(given_name="Ana", family_name="Okafor", birth_date="1991-05-04")
    AccessGrant.objects.create(
        patient=patient, kind=GrantKind.SELF, account_id=user.pk, starts_at=timezone.now(), opened_by=user.pk
    )
    return patient


def actor(user: User) -> Actor:
    return Actor(user.pk, Role(user.role))


def upload(data: bytes, name: str = "IMG_0001.HEIC") -> ContentFile[bytes]:
    return ContentFile(data, name=name)


@pytest.fixture
def encounter(ana: User) -> Encounter:
    return Encounter.objects.create(patient=patient_for(ana), concern=Concern.ACNE)


@pytest.fixture
def store(settings, tmp_path: Path) -> Callable[[], list[str]]:
    """An empty store of sealed files; call it for the names that lie in it."""
    folder = tmp_path / "sealed"
    settings.STORAGES = {
        **settings.STORAGES,
        "sealed": {"BACKEND": "portal.crypto.storage.SealedFolder", "OPTIONS": {"location": str(folder)}},
    }
    return lambda: sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(autouse=True, scope="session")
def end_of_the_decoding_process() -> Iterator[None]:
    yield
    sandbox.close()
