"""P40: sealed once, again after a change, read back, opened only with the key that lies apart."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import tempfile
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pyrage
import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.models import Order
from consults.models import Consult
from consults.services import consult_close
from portal.accounts.models import User
from portal.agreements.services import notices_by_email, policies_publish
from portal.audit.models import AccessEvent, Action
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.evidence.selectors import latest
from portal.lockbox import age, folder
from portal.lockbox.store import lockbox
from portal.permissions import Purpose, Role
from privacy import archive
from privacy.archive import archive_encounter, archive_nightly, archive_patient, archive_verify
from privacy.incidents.report_models import ReportKind
from privacy.incidents.services.reports import Told, report_make
from privacy.models import ArchiveCopy, ArchiveReason
from privacy.selectors import CHANGES_NOTHING, encounters_to_archive, last_service
from records.access import grant_open
from records.amendments.models import PartKind
from records.amendments.services import amendment_ask
from records.contact.services import Wanted, contact_ask
from records.history.services import entry_change, entry_remove, version_of
from records.messages.services import message_send
from records.models import Encounter, GrantKind, Patient, Plan
from records.people.services import patient_update
from records.restrictions.models import RecipientKind
from records.restrictions.services import restriction_ask
from tests.conftest import account
from tests.consults import building as consults
from tests.privacy.building import bundle, bundles, copy_asked, draft_with, told, work
from tests.privacy.writing import written
from tests.records.building import allergy

pytestmark = pytest.mark.promise("P40")
LATER = dt.timedelta(hours=1)


def counts(**wanted: int) -> dict[str, int]:
    return {"due": 0, "sealed": 0, "unchanged": 0, "failed": 0, **wanted}


def night() -> dict[str, int]:
    """The nightly run, an hour later, so that nothing was changed while it reads."""
    with time_machine.travel(timezone.now() + LATER):
        return archive_nightly()


def sealed_copy(consult: Consult) -> ArchiveCopy:
    encounter = Encounter.objects.select_related("patient").get(pk=consult.encounter_id)
    copy = archive_encounter(encounter=encounter, reason=ArchiveReason.NIGHTLY)
    assert copy is not None
    return copy


def test_a_bundle_opens_with_the_stock_age_format_and_matches_its_manifest(ana: User, clinician: User) -> None:
    consult = told(ana, clinician, word="fernlight")
    copy = sealed_copy(consult)
    with lockbox().open(copy.name, copy.version) as file:
        data = file.read()
    assert data.startswith(b"age-encryption.org/v1") and b"fernlight" not in data
    assert hashlib.sha256(data).hexdigest() == copy.sha256 and len(data) == copy.size
    identity = pyrage.x25519.Identity.from_str(settings.ARCHIVE_IDENTITY)
    assert pyrage.decrypt(data, [identity])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(data, [pyrage.x25519.Identity.generate()])
    [files] = bundles()
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["sha256"] == {name: hashlib.sha256(held).hexdigest() for name, held in files.items()}
    assert manifest["encounter_id"] == str(consult.encounter_id) and manifest["format"] == "portal-archive-1"
    names = list(files)
    assert [name for name in names if not name.endswith(".jpg")] == [
        "record.pdf", "record.fhir.json", "record.json", "agreements.json", "requests.json", "accounting.json",
        "reports.json", "access-log.json", "held.json",
    ]
    assert files["record.pdf"].startswith(b"%PDF-") and sum(name.endswith(".jpg") for name in names) == 3
    assert b"fernlight" in files["record.fhir.json"] and json.loads(files["agreements.json"])["agreements"]


def test_nothing_of_a_bundle_ever_lies_on_the_disk_in_clear(
    ana: User, clinician: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    consult = told(ana, clinician, word="fernlight")
    seal, seen, opened = age.seal_stream, [], []

    def watched(source: Any, sink: Any, recipients: Any) -> None:
        seal(source, sink, recipients)
        sink._file.flush()
        seen.extend(file.read_bytes() for file in settings.LOCKBOX_DIR.rglob("*") if file.is_file())

    monkeypatch.setattr(age, "seal_stream", watched)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *_args, **_more: opened.append("a file") or io.BytesIO())
    sealed_copy(consult)
    assert seen and not opened and not any(b"fernlight" in data or b"%PDF" in data for data in seen)


def test_the_nightly_run_seals_each_finished_consult_once(ana: User, ben: User, clinician: User) -> None:
    told(ana, clinician)
    consults.taken(ben, clinician)  # not finished
    assert night() == counts(due=1, sealed=1)
    seen = AccessEvent.objects.count()
    with time_machine.travel(timezone.now() + dt.timedelta(days=1)):
        assert archive_nightly() == counts()
    assert len(bundles()) == 1 and AccessEvent.objects.count() == seen, "an unchanged record is not even opened"


@pytest.mark.parametrize("change", ["message", "contact", "closed", "request"])
def test_a_record_that_changed_is_sealed_again_the_next_night(change: str, ana: User, clinician: User) -> None:
    consult = told(ana, clinician)
    night()
    with time_machine.travel(timezone.now() + 2 * LATER):
        if change == "message":
            message_send(by=ana.actor, encounter_id=consult.encounter_id, body="One more thing", form_key=uuid4())
        elif change == "contact":
            patient_update(by=ana.actor, patient_id=consult.patient_id, phone="(320) 555-0111")
        elif change == "closed":
            consult_close(by=SYSTEM, consult_id=consult.pk)
        else:
            work(copy_asked(ana, consult.patient))
    with time_machine.travel(timezone.now() + 4 * LATER):
        assert archive_nightly() == counts(due=1, sealed=1)
        assert not encounters_to_archive().exists()
    assert len(bundles()) == 2


@pytest.mark.parametrize("change", ["added", "set right", "removed"])
def test_what_changes_in_a_section_is_sealed_too(change: str, ana: User, clinician: User) -> None:
    """Former values bear the database's own time, so the past is made and the change comes now."""
    with time_machine.travel(timezone.now() - 3 * LATER):
        patient = consults.answered(ana, clinician).patient
        entry = allergy(ana, patient, substance="Latex")
    with time_machine.travel(timezone.now() - LATER):
        archive_nightly()
    assert not encounters_to_archive().exists()
    if change == "added":
        allergy(ana, patient, substance="Nickel")
    elif change == "removed":
        entry_remove(by=ana.actor, entry_id=entry.pk, seen=version_of(entry))
    else:
        entry_change(
            by=ana.actor, entry_id=entry.pk, seen=version_of(entry), values={**entry.value, "reaction": "a rash"}
        )
    assert encounters_to_archive().count() == 1


BESIDE: dict[str, Callable[[User, User, Patient], object]] = {
    "a correction that is asked for": lambda ana, _karin, patient: amendment_ask(
        by=ana.actor, patient_id=patient.pk, request_id=uuid4(), kind=PartKind.PLAN,
        part_id=Plan.objects.get(patient=patient).pk, words="Once a day", reason="It says twice",
    ),
    "a limit": lambda ana, _karin, patient: restriction_ask(
        by=ana.actor, patient_id=patient.pk, request_id=uuid4(), recipient_kind=RecipientKind.FAMILY, what="All of it",
    ),
    "a way to be reached": lambda ana, _karin, patient: contact_ask(
        by=ana.actor, patient_id=patient.pk, request_id=uuid4(), wanted=Wanted(no_phone=True)
    ),
    "a door that is opened": lambda _ana, karin, patient: grant_open(
        by=SYSTEM, patient_id=patient.pk, kind=GrantKind.CARE_TEAM, account_id=karin.pk
    ),
    "a letter": lambda ana, _karin, patient: written(ana, patient),
    "a policy that is agreed to": lambda ana, _karin, _patient: notices_by_email(by=ana.actor, wanted=True),
    "a report": lambda ana, _karin, _patient: report_make(
        by=ana.actor, told=Told(ReportKind.COMPLAINT, "A letter lay open.", named=True), form_key=uuid4()
    ),
}


@pytest.mark.parametrize("change", BESIDE)
def test_what_changes_beside_the_record_is_sealed_too(change: str, ana: User, clinician: User) -> None:
    policies_publish()
    with time_machine.travel(timezone.now() - 3 * LATER):
        patient = told(ana, clinician).patient
    with time_machine.travel(timezone.now() - LATER):
        archive_nightly()
    assert not encounters_to_archive().exists()
    BESIDE[change](ana, account("omar@clinic.example", Role.CLINICIAN, "Omar Haddad"), patient)
    with time_machine.travel(timezone.now() + LATER):
        assert archive_nightly() == counts(due=1, sealed=1)
        assert not encounters_to_archive().exists()


def test_looks_at_a_record_seal_nothing_anew(ana: User, clinician: User) -> None:
    with time_machine.travel(timezone.now() - 3 * LATER):
        patient = told(ana, clinician).patient
    with time_machine.travel(timezone.now() - LATER):
        archive_nightly()
    assert len(CHANGES_NOTHING) >= 12
    for deed in CHANGES_NOTHING:
        access_record(
            by=clinician.actor, action=Action(deed), purpose=Purpose.CARE, subject_id=patient.pk,
            object_kind="records.record", object_id=patient.pk,
        )
    assert not encounters_to_archive().exists()


def test_a_change_that_was_being_written_while_the_record_was_read_is_found(ana: User, clinician: User) -> None:
    consult = told(ana, clinician)
    night()
    copy = ArchiveCopy.objects.get()
    # It bears a time before the reading, and was committed after it.
    with time_machine.travel(copy.read_at - dt.timedelta(seconds=5), tick=False):
        message_send(by=ana.actor, encounter_id=consult.encounter_id, body="One more thing", form_key=uuid4())
    with time_machine.travel(timezone.now() + 24 * LATER):
        assert archive_nightly() == counts(due=1, sealed=1)


def test_looking_again_at_what_did_not_change_makes_no_copy(ana: User, clinician: User) -> None:
    told(ana, clinician)
    archive_nightly()  # right after the change: it will be looked at once more
    with time_machine.travel(timezone.now() + 24 * LATER):
        assert archive_nightly() == counts(due=1, unchanged=1)
        assert archive_nightly() == counts()
    assert len(bundles()) == 1


def test_reading_it_back_does_not_hide_a_change(ana: User, clinician: User) -> None:
    consult = told(ana, clinician)
    night()
    with time_machine.travel(timezone.now() + 2 * LATER):
        message_send(by=ana.actor, encounter_id=consult.encounter_id, body="One more thing", form_key=uuid4())
    with time_machine.travel(timezone.now() + 3 * LATER):
        assert archive_verify(ArchiveCopy.objects.get())
        assert encounters_to_archive().count() == 1


def test_a_draft_is_never_archived(ana: User, anas: Patient) -> None:
    draft_with(ana, anas)
    consults.sent(ana, anas)  # handed in, not paid
    assert night() == counts() and archive_patient(patient_id=anas.pk, reason=ArchiveReason.ERASURE) == []
    assert bundles() == []


def test_one_that_fails_does_not_stop_the_others_and_the_evidence_says_so(
    ana: User, ben: User, clinician: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = told(ana, clinician)
    told(ben, clinician, consults.person(ben, given="Ben", family="Tran"))
    whole = archive._files

    def broken(patient_id: Any, encounter_id: Any) -> Any:
        if encounter_id == bad.encounter_id:
            raise RuntimeError("broken")
        return whole(patient_id, encounter_id)

    with monkeypatch.context() as patch:
        patch.setattr(archive, "_files", broken)
        assert night() == counts(due=2, sealed=1, failed=1)
    proof = latest(archive.EVIDENCE)
    assert proof is not None and not proof.passed and proof.facts == counts(due=2, sealed=1, failed=1)
    with time_machine.travel(timezone.now() + 2 * LATER):
        assert archive_nightly()["sealed"] == 1
    proof = latest(archive.EVIDENCE)
    assert proof is not None and proof.passed


def test_a_store_that_refuses_leaves_no_row_and_the_next_run_tries_again(
    ana: User, clinician: User, settings: Any
) -> None:
    told(ana, clinician)
    settings.LOCKBOX_DIR.mkdir(parents=True)
    (settings.LOCKBOX_DIR / "archive").write_text("in the way")
    assert night() == counts(due=1, failed=1) and not ArchiveCopy.objects.exists()
    (settings.LOCKBOX_DIR / "archive").unlink()
    assert night() == counts(due=1, sealed=1)


def test_a_bundle_that_was_touched_is_found(ana: User, clinician: User, settings: Any) -> None:
    copy = sealed_copy(told(ana, clinician))
    assert archive_verify(copy)
    [file] = settings.LOCKBOX_DIR.glob("archive/*/data")
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert not archive_verify(copy)


def test_it_is_kept_seven_years_from_the_last_dealing_not_from_the_closing(ana: User, clinician: User) -> None:
    with time_machine.travel("2026-11-25T18:00:00Z"):
        consult = told(ana, clinician)
    with time_machine.travel("2027-02-25T18:00:00Z"):
        consult_close(by=SYSTEM, consult_id=consult.pk)
        assert last_service(consult.patient_id) == dt.date(2026, 11, 25)
        assert sealed_copy(consult).retain_until == dt.date(2033, 11, 25)


def test_a_later_consult_keeps_the_older_bundle_longer(ana: User, clinician: User) -> None:
    with time_machine.travel("2026-11-25T18:00:00Z"):
        first = told(ana, clinician)
    with time_machine.travel("2026-11-26T18:00:00Z"):
        archive_nightly()
    with time_machine.travel("2028-06-01T18:00:00Z"):
        told(ana, clinician, first.patient)
    with time_machine.travel("2028-06-02T18:00:00Z"):
        assert archive_nightly() == counts(due=2, sealed=2)
    kept = ArchiveCopy.objects.filter(encounter_id=first.encounter_id).order_by("retain_until")
    assert [copy.retain_until for copy in kept] == [dt.date(2033, 11, 25), dt.date(2035, 6, 1)]


def test_what_need_not_be_kept_any_more_is_not_sealed(ana: User, clinician: User) -> None:
    with time_machine.travel("2026-11-25T18:00:00Z"):
        consult = told(ana, clinician)
    with time_machine.travel("2034-01-01T18:00:00Z"):
        assert archive_patient(patient_id=consult.patient_id, reason=ArchiveReason.ERASURE) == []


def test_sealing_twice_at_once_keeps_one_object_and_one_row(
    ana: User, clinician: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    consult = told(ana, clinician)
    whole = archive._write_bundle

    def late(sink: Any, encounter: Any) -> str:
        monkeypatch.setattr(archive, "_write_bundle", whole)
        assert sealed_copy(consult)  # the other worker is faster
        return whole(sink, encounter)

    monkeypatch.setattr(archive, "_write_bundle", late)
    copy = sealed_copy(consult)
    assert ArchiveCopy.objects.get() == copy and len(bundles()) == 1 and archive_verify(copy)
    assert bundle(copy.name, copy.version)


def test_an_object_whose_worker_was_killed_before_the_row_is_found_again(
    ana: User, clinician: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    consult = told(ana, clinician)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_note", lambda *_: None)
        archive_nightly()
    [(name, version)] = lockbox().names("archive/")
    copy = sealed_copy(consult)
    assert (copy.name, copy.version) == (name, version) and list(lockbox().names("archive/")) == [(name, version)]


def test_a_disk_that_cannot_be_flushed_leaves_no_row(
    ana: User, clinician: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(ana, clinician)
    with monkeypatch.context() as patch:
        def broken(_folder: Any) -> None:
            raise OSError(5, "Input/output error")

        patch.setattr(folder, "_sync_file_system", broken)
        assert archive_nightly() == counts(due=1, failed=1) and not ArchiveCopy.objects.exists()
    assert archive_nightly() == counts(due=1, sealed=1)


def test_the_log_shows_the_archives_own_reading(ana: User, clinician: User) -> None:
    consult = told(ana, clinician)
    sealed_copy(consult)
    row = AccessEvent.objects.filter(action=Action.ARCHIVE).get()
    assert (row.subject_id, row.object_id, row.actor_role) == (consult.patient_id, consult.encounter_id, "system")


def test_the_lists_of_the_lockbox_name_nobody(ana: User, clinician: User) -> None:
    consult = told(ana, clinician)
    copy = sealed_copy(consult)
    order = Order.objects.get()
    for ident in (consult.pk, consult.encounter_id, consult.patient_id, ana.pk, order.pk):
        assert ident.hex not in copy.name and str(ident) not in copy.name


# --- Opening one by hand -----------------------------------------------------------------------------------


def key_file(folder: Any, key: str = settings.ARCHIVE_IDENTITY) -> str:
    file = folder / "identity.txt"
    file.write_text(f"# created: 2026-11-25\n# public key: age1...\n{key}\n")
    return str(file)


def test_the_officer_opens_a_bundle_with_the_key_and_it_is_on_the_log(
    ana: User, clinician: User, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = sealed_copy(told(ana, clinician, word="fernlight"))
    call_command("archive_open", copy.name, identity=key_file(tmp_path), to=tmp_path / "out")
    assert b"fernlight" in (tmp_path / "out" / "record.fhir.json").read_bytes()
    assert "12 files, each as the manifest says" in capsys.readouterr().out
    row = AccessEvent.objects.get(object_kind="privacy.archive")
    assert (row.subject_id, row.object_id, row.action) == (copy.subject_id, copy.pk, Action.EXPORT)


@pytest.mark.parametrize("wrong", ["name", "key", "no key", "folder", "damaged"])
def test_what_cannot_be_opened_says_why(wrong: str, ana: User, clinician: User, tmp_path: Any, settings: Any) -> None:
    copy = sealed_copy(told(ana, clinician))
    key = str(pyrage.x25519.Identity.generate()) if wrong == "key" else settings.ARCHIVE_IDENTITY
    file = key_file(tmp_path, "nothing" if wrong == "no key" else key)
    if wrong == "damaged":
        [held] = settings.LOCKBOX_DIR.glob("archive/*/data")
        held.chmod(0o644)
        held.write_bytes(held.read_bytes()[:-40])
    name = "archive/none.tar.age" if wrong == "name" else copy.name
    with pytest.raises(CommandError):
        call_command("archive_open", name, identity=file, to=tmp_path if wrong == "folder" else tmp_path / "out")
