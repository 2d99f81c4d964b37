"""The record's copy: every name printed, machine-readable, whole, and honest about what is missing."""

from __future__ import annotations

import hashlib
import io
import json
import unicodedata
import zipfile
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pypdf
import pytest
from django.core.files.storage import storages

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.crypto.base import SealedField
from portal.errors import NotVisible, StorageUnavailable
from portal.permissions import Purpose
from records.export.archive_file import SealedSpool, build_record_zip
from records.export.bundle import record_files
from records.models import Answer, Assessment, Encounter, Message, Patient, Photo, Plan
from records.people.services import patient_update
from tests.records.building import Kept, broken, filled, person, photo

pytestmark = pytest.mark.django_db
# FIELD_FAULTS 9, 11, 98 and 101.
NAMES = [
    "부산시", "Ольга", "שרה", "عمر", "Nguyễn", "👩🏽", "O'Grady", "Ngũgĩ", "Smith & Sons", "<b>x</b>", "李", "André",
    "Anne-Marie", "Sukarno", "Null", "=1+1", "#panic(\"x\")", "*bold*", "さくら", "สมชาย", "नमिता",
    "Keihanaikukauakahihuliheekahaunaele" * 2 + "Kanakaole",
]


def copy_of(user: User, kept: Kept, **more: Any) -> zipfile.ZipFile:
    spool = build_record_zip(by=user.actor, patient_id=kept.id, purpose=Purpose.COMMUNICATING, **more)
    with spool:
        return zipfile.ZipFile(io.BytesIO(spool.read()))


def pdf_text(data: bytes) -> str:
    """The text, composed and without line breaks, as a person would copy it out."""
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    text = unicodedata.normalize("NFC", "".join(page.extract_text() for page in pages))
    return "".join(text.split())


def bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


@pytest.mark.promise("P32")
@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_accepted_kept_and_printed(name: str, ana: User) -> None:
    patient = person(ana, given=name, family="")
    assert patient.full_name == unicodedata.normalize("NFC", name)
    files = dict(record_files(patient_id=patient.pk))
    text = pdf_text(files["record.pdf"])
    printed = bare(name) if name != "नमिता" else "नम"  # readers give this script's signs in drawing order
    assert printed in text or printed[::-1] in text, text[:200]
    assert "notes.txt" not in files
    resources = [entry["resource"] for entry in json.loads(files["record.fhir.json"])["entry"]]
    (named,) = [resource["name"][0] for resource in resources if resource["resourceType"] == "Patient"]
    assert named["given"] == [patient.full_name]


@pytest.mark.promise("P32")
def test_a_letter_that_no_font_has_is_printed_as_its_code_and_said(ana: User) -> None:
    patient = person(ana, given="Ana 𓀀", family="\ue000")
    files = dict(record_files(patient_id=patient.pk))
    assert "Ana[U+13000][U+E000]" in pdf_text(files["record.pdf"])
    assert b"could not be printed" in files["notes.txt"]
    assert "𓀀" in files["record.fhir.json"].decode()


@pytest.mark.promise("P32")
def test_the_pdf_is_tagged_archivable_and_holds_the_whole_record(ana: User, clinician: User) -> None:
    kept = filled(ana, clinician, word="ZQX")
    pdf = dict(record_files(patient_id=kept.id))["record.pdf"]
    catalogue = pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"] and catalogue["/Lang"] == "en"
    metadata = catalogue["/Metadata"].get_data()
    assert b"pdfaid:part" in metadata and b"pdfuaid:part" in metadata
    text = pdf_text(pdf)
    assert text.count("ZQX") == 9
    for part in ("April4,1990", "Areyoupregnant?", "3months", "Adapalene0.1%", "KarinLind", "after8weeks", "Front"):
        assert part in text, part


@pytest.mark.promise("P32")
def test_the_copy_holds_what_the_manifest_says(anas: Kept, ana: User) -> None:
    told: list[str] = []
    copy = copy_of(ana, anas, progress=lambda _done, _total, message: told.append(message))
    manifest = json.loads(copy.read("manifest.json"))
    assert copy.testzip() is None
    assert set(copy.namelist()) == {*manifest["sha256"], "manifest.json"}
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256(copy.read(name)).hexdigest() == digest
    assert [name for name in copy.namelist() if name.startswith("photos/")]
    assert "missing" not in manifest and "missing" not in copy.read("README.txt").decode().lower()
    assert list(dict.fromkeys(told)) == ["record", "photos", "pdf", "zip"]


@pytest.mark.promise("P32", "P21")
def test_the_copy_is_for_its_owner_and_leaves_its_trace(anas: Kept, ana: User, ben: User) -> None:
    with pytest.raises(NotVisible):
        copy_of(ben, anas)
    copy_of(ana, anas)
    event = AccessEvent.objects.get(action=Action.EXPORT)
    assert (event.actor_id, event.subject_id) == (ana.pk, anas.id)


@pytest.mark.promise("P32")
def test_a_missing_photo_is_named_and_ends_nothing(anas: Kept, ana: User) -> None:
    other = photo(anas.encounter, view="left")
    storages["sealed"].delete(Photo.objects.get(pk=anas.photo.pk).image_name)
    copy = copy_of(ana, anas)
    manifest = json.loads(copy.read("manifest.json"))
    (missing,) = manifest["missing"]
    assert missing not in copy.namelist()
    assert missing in copy.read("README.txt").decode()
    assert bare(missing) in pdf_text(copy.read("record.pdf"))
    assert len([name for name in copy.namelist() if name.startswith("photos/")]) == 1
    media = [entry["resource"] for entry in json.loads(copy.read("record.fhir.json"))["entry"]]
    urls = {item["id"]: item["content"].get("url") for item in media if item["resourceType"] == "Media"}
    assert urls[str(anas.photo.pk)] is None and urls[str(other.pk)] in copy.namelist()


@pytest.mark.promise("P32", "P17")
def test_values_that_cannot_be_read_say_so_in_the_copy_and_end_nothing(anas: Kept, ana: User) -> None:
    for model in (Patient, Encounter, Answer, Message, Assessment, Plan):
        for column in model._meta.concrete_fields:
            if isinstance(column, SealedField):
                broken(model, str(column.column))
    copy = copy_of(ana, anas)
    assert pdf_text(copy.read("record.pdf")).count("cannotberead") >= 14
    resources = [entry["resource"] for entry in json.loads(copy.read("record.fhir.json"))["entry"]]
    patient = next(resource for resource in resources if resource["resourceType"] == "Patient")
    assert "birthDate" not in patient and patient["_birthDate"]["extension"][0]["valueCode"] == "error"
    kept = dict(record_files(patient_id=anas.id))
    assert "cannot be read" in kept["record.json"].decode()
    assert not any(b"gAAAA" in data for data in kept.values())


def test_a_damaged_photo_is_named_too(anas: Kept, ana: User) -> None:
    name = Photo.objects.get(pk=anas.photo.pk).image_name
    path = Path(storages["sealed"].path(name))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    assert json.loads(copy_of(ana, anas).read("manifest.json"))["missing"]


def test_a_store_that_is_down_is_tried_again_and_never_called_missing(
    anas: Kept, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_args: Any) -> bytes:
        raise ConnectionError

    monkeypatch.setattr("records.vault.files.sealed.read", down)
    with pytest.raises(StorageUnavailable):
        copy_of(ana, anas)


@pytest.mark.promise("P40")
def test_an_unchanged_record_gives_the_same_bytes_and_a_changed_one_others(anas: Kept, ana: User) -> None:
    first = dict(record_files(patient_id=anas.id, encounter_id=anas.encounter.pk))
    assert dict(record_files(patient_id=anas.id, encounter_id=anas.encounter.pk)) == first
    patient_update(by=ana.actor, patient_id=anas.id, phone="(320) 555-0123")
    changed = dict(record_files(patient_id=anas.id, encounter_id=anas.encounter.pk))
    different = {name for name in first if first[name] != changed[name]}
    assert different == {"record.pdf", "record.fhir.json", "record.json"}


@pytest.mark.promise("P40")
def test_the_bundle_of_one_episode_holds_only_that_episode(anas: Kept, ana: User, clinician: User) -> None:
    second = filled(ana, clinician, patient=anas.patient, word="ZQX-two")
    files = dict(record_files(patient_id=anas.id, encounter_id=anas.encounter.pk))
    assert b"ZQX-two" not in b"".join(files.values()) and "ZQX-two" not in pdf_text(files["record.pdf"])
    assert len([name for name in files if name.startswith("photos/")]) == 1
    whole = dict(record_files(patient_id=anas.id))
    assert "ZQX-two" in pdf_text(whole["record.pdf"])
    assert second.encounter.pk != anas.encounter.pk


def test_the_birth_date_is_the_same_day_everywhere(ana: User) -> None:
    """FIELD_FAULTS 1: a date is never pushed through an instant and a zone."""
    patient = person(ana, born=date(1970, 4, 4))
    ana.time_zone = "America/New_York"
    ana.save()
    files = dict(record_files(patient_id=patient.pk))
    assert "April4,1970" in pdf_text(files["record.pdf"])
    assert '"birthDate": "1970-04-04"' in files["record.fhir.json"].decode()
    assert json.loads(files["record.json"])["patient"]["birth_date"] == "1970-04-04"


class TestSealedSpool:
    def test_it_gives_back_what_was_written_and_keeps_nothing_in_clear(self) -> None:
        spool, plain = SealedSpool(), b"ZQX-unique" * 300_000
        for start in range(0, len(plain), 700_001):
            spool.write(plain[start : start + 700_001])
        spool.rewind()
        assert spool.read() == plain and spool.size == len(plain)
        spool.rewind()
        assert spool.read(10) == b"ZQX-unique"
        spool._file.seek(0)
        assert b"ZQX-unique" not in spool._file.read()
        spool.close()

    def test_it_cannot_be_read_while_it_is_written(self) -> None:
        with SealedSpool() as spool, pytest.raises(io.UnsupportedOperation):
            spool.write(b"x")
            spool.read(1)


def test_a_made_up_record_is_not_there(ana: User) -> None:
    with pytest.raises(NotVisible):
        list(record_files(patient_id=uuid4()))
