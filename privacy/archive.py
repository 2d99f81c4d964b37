"""The seven-year archive: one sealed, write-once bundle a patient and consult (P40).

A bundle is a tar, sealed to the archive's public keys, so that whoever writes it cannot read
it; any ``age`` program with the private key opens it. It is read back after writing, and its
row tells whether the record has changed since.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import logging
import tarfile
import tempfile
from collections.abc import Iterator
from typing import BinaryIO
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.dates import clinic_zone
from portal.evidence.services import evidence_record
from portal.lockbox import age
from portal.lockbox.store import Receipt, lockbox
from portal.permissions import Purpose
from privacy.dossier import archive_of, subject_of
from privacy.models import ArchiveCopy, ArchiveReason
from privacy.retention import retain_until
from records.export.bundle import record_files
from records.models import Encounter, Patient

_log = logging.getLogger(__name__)
EVIDENCE = "archive.nightly"


def archive_encounter(*, encounter: Encounter, reason: ArchiveReason) -> ArchiveCopy:
    """Seal one consult of a patient into the lockbox, unless the newest copy still holds.

    Reads the record as the portal itself, which the access log shows. Raises the lockbox's
    errors (``Damaged`` …); then no row is made and the next run tries again.
    """
    patient = encounter.patient
    access_record(
        by=SYSTEM, action=Action.ARCHIVE, purpose=Purpose.LEGAL_DUTY, subject_id=patient.pk,
        object_kind="records.encounter", object_id=encounter.pk, basis=reason.value,
    )
    with tempfile.TemporaryFile() as plain, tempfile.TemporaryFile() as closed:
        content = _write_tar(plain, patient, encounter)
        newest = ArchiveCopy.objects.filter(encounter_id=encounter.pk).order_by("-sealed_at").first()
        if newest is not None and newest.content_sha256 == content:
            ArchiveCopy.objects.filter(pk=newest.pk).update(verified_at=timezone.now())
            newest.refresh_from_db()
            return newest
        plain.seek(0)
        age.seal_stream(plain, closed, settings.ARCHIVE_RECIPIENTS)
        closed.seek(0)
        until = retain_until(birth_date=patient.birth_date, last_service=_last_service(encounter))
        name = f"archive/{uuid4().hex}.tar.age"
        receipt = lockbox().put(name, closed, until)
    return _keep_row(receipt, patient.pk, encounter.pk, reason, content)


def _keep_row(
    receipt: Receipt, patient_id: UUID, encounter_id: UUID, reason: ArchiveReason, content: str
) -> ArchiveCopy:
    now = timezone.now()
    return ArchiveCopy.objects.create(
        subject_id=patient_id, encounter_id=encounter_id, reason=reason, name=receipt.name, version=receipt.version,
        sha256=receipt.sha256, content_sha256=content, size=receipt.size, retain_until=receipt.retain_until,
        verified_at=now,
    )


def _write_tar(target: BinaryIO, patient: Patient, encounter: Encounter) -> str:
    """Write the bundle; returns the hash over its files, which ignores when it was made."""
    hashes: dict[str, str] = {}
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, data in _files(patient.pk, encounter.pk):
            hashes[name] = hashlib.sha256(data).hexdigest()
            _add(tar, name, data)
        manifest = {
            "format": "portal-archive-1",
            "subject_id": str(patient.pk),
            "encounter_id": str(encounter.pk),
            "clinic": settings.CLINIC_LEGAL_NAME,
            "made_at": timezone.now().isoformat(timespec="seconds"),
            "sha256": hashes,
        }
        _add(tar, "manifest.json", json.dumps(manifest, indent=1).encode())
    stable = {name: digest for name, digest in hashes.items() if name not in _VOLATILE}
    return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()


# Not part of the question "has the record changed?": each archive run itself adds to the log.
_VOLATILE = frozenset({"accounting.json", "record.pdf", "record.fhir.json", "held.json"})


def _files(patient_id: UUID, encounter_id: UUID) -> Iterator[tuple[str, bytes]]:
    yield from record_files(patient_id=patient_id, encounter_id=encounter_id)
    held = archive_of(subject_of(patient_id))
    for app, name in (("agreements", "agreements.json"), ("privacy", "requests.json"), ("audit", "accounting.json")):
        yield name, _json(held.pop(app))
    held.pop("records", None)  # the record itself is the bundle's files
    yield "held.json", _json(held)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, default=str, ensure_ascii=False).encode()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mtime = 0
    tar.addfile(entry, io.BytesIO(data))


def _last_service(encounter: Encounter) -> dt.date:
    last = encounter.closed_at or encounter.submitted_at or encounter.opened_at
    return last.astimezone(clinic_zone()).date()


def archive_patient(*, patient_id: UUID, reason: ArchiveReason) -> list[ArchiveCopy]:
    """A copy of every consult that was ever sent. Drafts never sent are not archived."""
    sent = Encounter.objects.filter(patient_id=patient_id, submitted_at__isnull=False).select_related("patient")
    return [archive_encounter(encounter=encounter, reason=reason) for encounter in sent.order_by("opened_at")]


def archive_nightly(*, most: int = 1000) -> dict[str, int]:
    """Copies of finished or changed consults; one that fails does not stop the others.

    Leaves evidence: how many were due, sealed, failed.
    """
    from privacy.selectors import encounters_to_archive

    counts = {"due": 0, "sealed": 0, "failed": 0}
    for encounter in encounters_to_archive()[:most].iterator(chunk_size=100):
        counts["due"] += 1
        try:
            archive_encounter(encounter=encounter, reason=ArchiveReason.NIGHTLY)
            counts["sealed"] += 1
        except Exception:
            _log.exception("archive copy failed for encounter %s", encounter.pk)
            counts["failed"] += 1
    evidence_record(
        kind=EVIDENCE, passed=counts["failed"] == 0, facts=dict(counts), valid_for=dt.timedelta(hours=36)
    )
    return counts


def archive_verify(copy: ArchiveCopy) -> bool:
    """The sealed bytes are in the lockbox and unchanged."""
    good = lockbox().verify(copy.name, copy.version, copy.sha256)
    if good:
        ArchiveCopy.objects.filter(pk=copy.pk).update(verified_at=timezone.now())
    return good
