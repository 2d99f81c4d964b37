"""An assignment that is ready, consents to it, and the parts of its export opened outside the portal."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyrage

from portal.accounts.models import User
from portal.dates import today
from portal.jobs.runner import run_job
from privacy.disclosing.assignments import assignment_enter, patients_tell, patients_told, undertaking_record
from privacy.disclosing.models import Assignment
from privacy.disclosing.papers import Paper
from privacy.handover.folder import place_of
from privacy.handover.models import Handover
from privacy.handover.services import handover_start
from records.models import Patient
from records.releases.models import ConsentKind
from records.releases.services import consent_give

ACQUIRER = "North Star Dermatology"
IDENTITY = pyrage.x25519.Identity.generate()  # the new owner's; its private half never reaches the portal
KEY = str(IDENTITY.to_public())


def assigned(
    officer: User, *, acquirer: str = ACQUIRER, statute: str = "", promised: bool = True, told: bool = True, **more: Any
) -> Assignment:
    """An assignment as far as the test wants it; by default records may go now."""
    row = assignment_enter(
        by=officer.actor, acquirer=acquirer, acquirer_address="7 Pine Street, Duluth, MN 55802", form_key=uuid4(),
        statute=statute, **{"passes_on": today(), **more},
    )
    if promised:
        paper = Paper(f"legal/aa/{uuid4().hex}", b"k" * 32, "application/pdf")
        undertaking_record(
            by=officer.actor, assignment_id=row.pk, signed_by="Nora Star", signed_on=today(), paper=paper
        )
    if promised and told:
        patients_tell(by=officer.actor, assignment_id=row.pk)
        while patients_told():
            pass
    row.refresh_from_db()
    return row


def consents(user: User, patient: Patient, *, acquirer: str = ACQUIRER) -> None:
    consent_give(
        by=user.actor, patient_id=patient.pk, kind=ConsentKind.NEW_OWNER, recipient=acquirer,
        what="My whole record", signed_name="Ana Okafor", form_key=uuid4(),
    )


def begun(officer: User, assignment: Assignment) -> Handover:
    return handover_start(by=officer.actor, assignment_id=assignment.pk, recipient_key=KEY)


def made(officer: User, assignment: Assignment) -> Handover:
    """The export, made by the worker."""
    handover = begun(officer, assignment)
    assert handover.job_id
    run_job(handover.job_id)
    handover.refresh_from_db()
    return handover


def parts(handover: Handover) -> list[dict[str, bytes]]:
    """Every part in the folder, opened with the private key alone, and compared with its own manifest."""
    return [_opened(file) for file in sorted(place_of(handover.pk).glob("part-*.tar.age"))]


def _opened(file: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(file.read_bytes(), [IDENTITY]))) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()}  # type: ignore[union-attr]
    hashes = json.loads(files["manifest.json"])["sha256"]
    assert hashes == {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "manifest.json"}
    return files


def manifest(handover: Handover) -> dict[str, Any]:
    sealed = (place_of(handover.pk) / "manifest.json.age").read_bytes()
    return dict(json.loads(pyrage.decrypt(sealed, [IDENTITY])))


def resources(files: dict[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """FHIR resources of a part by type, one a line."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, data in files.items():
        if name.startswith("fhir/"):
            found[name.split("/")[1].split(".")[0]] = [json.loads(line) for line in data.splitlines()]
    return found
