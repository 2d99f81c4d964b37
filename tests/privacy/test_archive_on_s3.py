"""P40 against a running S3 server that enforces Object Lock: the whole way of a copy, and the attacks on it."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyrage
import pytest
import time_machine
from botocore.exceptions import ClientError
from django.core.management import call_command
from django.utils import timezone

from portal.accounts.models import User
from portal.evidence.selectors import latest
from portal.lockbox.s3 import S3Store
from portal.lockbox.store import lockbox
from privacy.archive import archive_encounter, archive_nightly
from privacy.keeping import inventory
from privacy.keeping.destruction import destroy_due
from privacy.models import ArchiveCopy, ArchiveReason
from records.models import Encounter
from tests.lockbox import ministack
from tests.lockbox.conftest import s3_server
from tests.privacy.building import ask, carried_out, ledger_entries, told

__all__ = ["s3_server"]
pytestmark = pytest.mark.promise("P40")


@pytest.fixture
def bucket(s3_server: str, settings: Any) -> S3Store:
    """The archive lies in a locked bucket."""
    address = ministack.bucket(s3_server)
    settings.LOCKBOX_STORE = "portal.lockbox.s3.S3Store"
    settings.LOCKBOX_S3_ENDPOINT, settings.LOCKBOX_S3_BUCKET = address.endpoint, address.bucket
    settings.LOCKBOX_S3_ACCESS_KEY, settings.LOCKBOX_S3_SECRET_KEY = address.access_key, address.secret_key
    settings.LOCKBOX_S3_PREFIX, settings.LOCKBOX_S3_TIMEOUT_SECONDS = address.prefix, address.timeout_seconds
    return S3Store.from_settings()


@pytest.fixture
def copy(bucket: S3Store, ana: User, clinician: User) -> ArchiveCopy:
    told(ana, clinician, word="fernlight")
    archive_nightly()
    return ArchiveCopy.objects.get()


def test_a_bundle_in_the_bucket_opens_with_the_key_alone(copy: ArchiveCopy, bucket: S3Store, settings: Any) -> None:
    raw = ministack.client(bucket._address)
    place = {"Bucket": bucket._address.bucket, "Key": f"clinic/{copy.name}", "VersionId": copy.version}
    data = raw.get_object(**place)["Body"].read()
    assert hashlib.sha256(data).hexdigest() == copy.sha256 and b"fernlight" not in data
    plain = pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(settings.ARCHIVE_IDENTITY)])
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]
    hashes = json.loads(files.pop("manifest.json"))["sha256"]
    assert hashes == {name: hashlib.sha256(held).hexdigest() for name, held in files.items()}
    assert files["record.pdf"].startswith(b"%PDF-") and b"fernlight" in files["record.fhir.json"]
    kept = raw.get_object_retention(**place)["Retention"]
    assert kept["Mode"] == "COMPLIANCE" and kept["RetainUntilDate"].date() > copy.retain_until
    with pytest.raises(ClientError):
        raw.delete_object(**place, BypassGovernanceRetention=True)


def test_the_server_s_refusals_are_evidence(copy: ArchiveCopy, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("lockbox_prove")
    proof = latest(inventory.PROOF)
    deeds = ("delete", "shorten", "loosen", "unlock", "overwrite", "hide", "intact")
    assert proof is not None and proof.passed and proof.facts == {**dict.fromkeys(deeds, True), "store": "S3Store"}
    assert "loosen: held" in capsys.readouterr().out


def test_the_round_over_the_bucket(copy: ArchiveCopy, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("archive_round")
    assert "rows 1, objects 1" in capsys.readouterr().out
    assert latest(inventory.SAMPLE).passed  # type: ignore[union-attr]


def test_the_officer_opens_a_bundle_of_the_bucket(copy: ArchiveCopy, tmp_path: Path, settings: Any) -> None:
    (tmp_path / "key").write_text(settings.ARCHIVE_IDENTITY)
    call_command("archive_open", copy.name, identity=tmp_path / "key", to=tmp_path / "out")
    assert b"fernlight" in (tmp_path / "out" / "record.fhir.json").read_bytes()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_a_day_that_moves_is_moved_in_the_bucket(copy: ArchiveCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    from privacy import archive

    later = copy.retain_until + dt.timedelta(days=366)
    monkeypatch.setattr(archive, "keep_until", lambda encounter: later)
    again = archive_encounter(encounter=Encounter.objects.get(), reason=ArchiveReason.NIGHTLY)
    assert again == copy and lockbox().receipt(copy.name, copy.version).retain_until == later


def test_the_lock_stands_above_the_portal(copy: ArchiveCopy) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(days=9 * 366)):
        assert destroy_due()["failed"] == 1
    assert lockbox().verify(copy.name, copy.version, copy.sha256)


@pytest.mark.django_db(transaction=True)
def test_a_deletion_with_its_ledger_in_the_bucket(bucket: S3Store, ana: User, clinician: User, officer: User) -> None:
    consult = told(ana, clinician)
    request = carried_out(officer, ask(ana, consult.patient))
    assert request.ended_at and [entry["subject_id"] for entry in ledger_entries().values()] == [
        str(consult.patient_id)
    ]
    assert ArchiveCopy.objects.filter(subject_id=consult.patient_id).count() == 1
