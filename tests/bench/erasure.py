"""A deletion from the officer's press to the last row: last copies sealed and read back, then everything out (P39).

Two patients: one as most are, one with 20 consults, 120 photos and 200 messages. The floor is sealing the last
copies of the same record, which the deletion has to do before it may remove anything.
"""

from __future__ import annotations

import io
import os
import time
from typing import TYPE_CHECKING
from uuid import uuid4

from PIL import Image

from tests.bench.row import BenchRow, settled

if TYPE_CHECKING:
    from portal.accounts.models import User
    from records.models import Patient

NEEDS_DATABASE = True
SECONDS = 10
SIZES = (("one patient, 3 consults", 3, 9, 30), ("one patient, 20 consults", 20, 120, 200))


def jpeg(edge: int, quality: int = 90) -> bytes:
    """A picture as heavy as a photo: noise that lies four times coarser than its pixels."""
    noise = Image.frombytes("RGB", (edge // 4, edge // 4), os.urandom(3 * (edge // 4) ** 2))
    out = io.BytesIO()
    noise.resize((edge, edge)).save(out, "JPEG", quality=quality)
    return out.getvalue()


def somebody(consults: int, photos: int, messages: int) -> tuple[User, Patient]:
    """A patient with this much in the record, each photo with its sealed files."""
    from portal.crypto import sealed
    from records.access import patients_of
    from records.models import Patient, Photo
    from tests.bench.served.records import somebody as with_rows

    user = with_rows(consults=consults, photos=photos, messages=messages)
    patient = Patient.objects.get(pk=patients_of(user.pk)[0])
    image, thumb = jpeg(1600), jpeg(320, 80)
    for photo in Photo.objects.filter(patient_id=patient.pk):
        kept, small = sealed.write(image, folder="photos"), sealed.write(thumb, folder="photos")
        Photo.objects.filter(pk=photo.pk).update(
            image_name=kept.name, image_key=kept.key, image_bytes=kept.size, thumb_name=small.name, thumb_key=small.key
        )
    return user, patient


def erased(officer: User, user: User, patient: Patient) -> float:
    """Seconds of the worker's job, from its start to the request's end."""
    from privacy.models import RequestKind
    from privacy.requests.services import request_carry_out, request_start
    from privacy.requests.state import RequestState
    from records.models import Patient as Rows
    from tests.privacy.building import ask, work

    request = ask(user, patient, RequestKind.DELETION)
    request_start(by=officer.actor, request_id=request.pk)
    request_carry_out(by=officer.actor, request_id=request.pk)
    began = time.perf_counter()
    work(request)
    took = time.perf_counter() - began
    if request.state != RequestState.COMPLETED or Rows.objects.filter(pk=patient.pk).exists():
        raise AssertionError(f"the deletion is {request.state}")
    return took


def sealed_copies(patient: Patient) -> float:
    """Seconds for sealing and reading back the last copies of a record like it."""
    from privacy.archive import archive_patient, archive_verify
    from privacy.models import ArchiveReason

    began = time.perf_counter()
    copies = archive_patient(patient_id=patient.pk, reason=ArchiveReason.ERASURE)
    if not all(archive_verify(copy) for copy in copies):
        raise AssertionError("a copy could not be read back")
    return time.perf_counter() - began


def measured(officer: User, name: str, size: tuple[int, int, int]) -> BenchRow:
    _other, like_it = somebody(*size)
    low = sealed_copies(like_it)
    high = erased(officer, *somebody(*size))
    return BenchRow(
        f"deletion, {name}", "sealing its last copies", low, high, high / low, SECONDS, "s",
        f"{size[1]} photos, {size[2]} messages", holds="ours",
    )


def rows() -> list[BenchRow]:
    from django.conf import settings

    from portal.accounts.models import User
    from portal.agreements.services import policies_publish
    from portal.permissions import Role

    settings.POKE_ENABLED = False
    policies_publish()
    officer = User.objects.create_user(f"bench-{uuid4().hex}@clinic.example", role=Role.OFFICER, display_name="Mia")
    measured(officer, "", (1, 1, 1))  # fonts and modules are loaded once
    return [
        settled(lambda name=name, size=size: measured(officer, name, size)) for name, *size in SIZES  # type: ignore[misc]
    ]
