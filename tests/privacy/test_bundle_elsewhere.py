"""P40: a bundle out of either store, opened in seven years: pyrage, the identity and nothing of this product.

The stranger below runs in a Python that has never heard of Django or of the portal, on bytes that were read
from the store by its own means: a file of the folder, an object of the bucket.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.accounts.models import User
from portal.evidence.selectors import latest
from portal.lockbox.store import lockbox
from privacy.archive import archive_nightly
from privacy.keeping import inventory
from privacy.models import ArchiveCopy
from tests.lockbox import ministack
from tests.lockbox.conftest import s3_server
from tests.privacy.building import told
from tests.privacy.test_archive_on_s3 import bucket

__all__ = ["bucket", "s3_server"]
pytestmark = pytest.mark.promise("P40")

STRANGER = """
import hashlib, io, json, sys, tarfile
import pypdf, pyrage

sealed, identity = open(sys.argv[1], "rb").read(), open(sys.argv[2]).read().strip()
assert sealed.startswith(b"age-encryption.org/v1")
plain = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(identity)])
with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
    files = {entry.name: tar.extractfile(entry).read() for entry in tar}
told = json.loads(files.pop("manifest.json"))
wrong = [name for name, data in files.items() if told["sha256"].get(name) != hashlib.sha256(data).hexdigest()]
bundle = json.loads(files["record.fhir.json"])
kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
pages = pypdf.PdfReader(io.BytesIO(files["record.pdf"])).pages
print(json.dumps({
    "wrong": wrong, "listed": sorted(told["sha256"]) == sorted(files), "type": bundle["type"], "kinds": kinds,
    "words": "".join(page.extract_text() for page in pages), "photos": sum(n.endswith(".jpg") for n in files),
    "heads": sorted({files[n][:2].hex() for n in files if n.endswith(".jpg")}),
    "fhir": files["record.fhir.json"].decode(),
    "strangers": [name for name in sys.modules if name.split(".")[0] in ("django", "portal", "privacy", "records")],
}))
"""


def bytes_in_the_folder(copy: ArchiveCopy, settings: Any) -> bytes:
    [file] = [place for place in Path(settings.LOCKBOX_DIR).rglob("data") if Path(copy.name).name in str(place)]
    return file.read_bytes()


def bytes_in_the_bucket(copy: ArchiveCopy, store: Any) -> bytes:
    raw, address = ministack.client(store._address), store._address
    place = {"Bucket": address.bucket, "Key": f"{address.prefix}{copy.name}", "VersionId": copy.version}
    return bytes(raw.get_object(**place)["Body"].read())


@pytest.mark.parametrize("store", ["folder", "bucket"])
def test_a_stranger_with_the_identity_alone_reads_the_record(
    store: str, request: pytest.FixtureRequest, ana: User, clinician: User, settings: Any, tmp_path: Path
) -> None:
    kept = request.getfixturevalue("bucket") if store == "bucket" else None
    told(ana, clinician, word="fernlight")
    archive_nightly()
    copy = ArchiveCopy.objects.get()
    data = bytes_in_the_folder(copy, settings) if kept is None else bytes_in_the_bucket(copy, kept)
    (tmp_path / "bundle.age").write_bytes(data)
    (tmp_path / "identity.txt").write_text(settings.ARCHIVE_IDENTITY)
    done = subprocess.run(
        [sys.executable, "-I", "-c", STRANGER, str(tmp_path / "bundle.age"), str(tmp_path / "identity.txt")],
        capture_output=True, text=True, cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["strangers"] == [], "this product was needed after all"
    assert found["wrong"] == [] and found["listed"] is True
    assert found["type"] == "document" and found["kinds"][0] == "Composition"
    assert {"Patient", "Encounter", "QuestionnaireResponse", "Media", "CarePlan"} <= set(found["kinds"])
    assert "fernlight" in found["fhir"] and "fernlight" in found["words"] and "Okafor" in found["words"]
    assert found["photos"] == 3 and found["heads"] == ["ffd8"]


@pytest.mark.parametrize("store", ["folder", "bucket"])
def test_deleting_shortening_and_overwriting_a_locked_bundle_is_refused_and_kept_as_evidence(
    store: str, request: pytest.FixtureRequest, ana: User, clinician: User
) -> None:
    if store == "bucket":
        request.getfixturevalue("bucket")
    told(ana, clinician)
    archive_nightly()
    copy = ArchiveCopy.objects.get()
    attacks = lockbox().attacks(copy.name, copy.version)
    assert attacks and all(attacks.values()) and {"delete", "shorten", "overwrite"} <= set(attacks), attacks
    assert lockbox().verify(copy.name, copy.version, copy.sha256), "the bundle is whole after all of it"
    inventory.archive_prove()
    proof = latest(inventory.PROOF)
    assert proof is not None and proof.passed
    assert {"delete": True, "shorten": True, "overwrite": True, "intact": True}.items() <= proof.facts.items()
    assert proof.facts["store"] == {"folder": "FolderStore", "bucket": "S3Store"}[store]


def test_neither_web_nor_worker_has_a_place_for_a_private_key() -> None:
    """Split of duties: the settings that both read name public keys only."""
    from portal import settings as product

    names = [name for name in dir(product) if "IDENTITY" in name or "PRIVATE" in name]
    assert names == [] and {"ARCHIVE_RECIPIENTS", "BACKUP_RECIPIENTS", "KEYS_RECIPIENTS"} <= set(dir(product))
    example = (Path(product.BASE_DIR) / "docs" / "production.env.example").read_text()
    assert "AGE-SECRET-KEY" not in example and "ARCHIVE_RECIPIENTS=" in example
