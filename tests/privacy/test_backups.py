"""P20 and P39: backups that come back, and erased people who don't."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import Action, AuditDigest
from portal.audit.services import access_record
from portal.crypto import sealed
from portal.evidence.models import Evidence
from portal.lockbox import age
from portal.lockbox.folder import FolderStore
from portal.lockbox.store import LockboxError
from portal.outbox.models import OutgoingMail
from portal.permissions import Purpose
from privacy import receivers, replay
from privacy.backups import drill as drills
from privacy.backups import services
from privacy.backups.mirror import mirror_run, walk
from privacy.backups.restore import CannotRestore, choose, folder_storage, manage, read_manifest, restore
from privacy.backups.services import EVIDENCE, EXPIRY, backup_make, backups, backups_expire, overdue
from privacy.middleware import RestoreGateMiddleware
from privacy.models import ErasureDone, LedgerCheck, MirroredFile
from privacy.tasks import backup_watch
from records.models import Patient, Photo
from tests.privacy.building import ask, carried_out, marked

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places"), pytest.mark.promise("P20")]


@pytest.fixture
def identity_file(settings: Any, tmp_path: Path) -> Path:
    file = tmp_path / "backup-identity.txt"
    file.write_text(f"# made for a test\n{settings.BACKUP_IDENTITY}\n")
    return file


@pytest.fixture
def scratch() -> Iterator[str]:
    with drills._scratch("") as url:
        yield url


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_a_backup_comes_back_with_every_row_and_every_file(
    ana: User, clinician: User, scratch: str, settings: Any, tmp_path: Path
) -> None:
    marked(ana, clinician)
    facts = backup_make()
    restored = restore(
        backup=choose(), identity=settings.BACKUP_IDENTITY, database_url=scratch,
        sealed=folder_storage(tmp_path / "back"),
    )
    manifest = restored.manifest
    assert sum(manifest["rows"].values()) == facts["rows"] > 50
    for table, count in manifest["rows"].items():
        assert rows(scratch, f'SELECT count(*) FROM "{table}"') == [(count,)], table
    before = {name: storages["sealed"].open(name).read() for name in walk(storages["sealed"])}
    back = folder_storage(tmp_path / "back")
    assert before and before == {name: back.open(name).read() for name in walk(back)}


def test_a_backup_holds_no_field_key_and_opens_with_its_own_key_only(
    ana: User, clinician: User, settings: Any, anas: Patient
) -> None:
    backup_make()
    with pytest.raises(age.CannotOpen):
        read_manifest(choose(), settings.ARCHIVE_IDENTITY)
    told = json.dumps(read_manifest(choose(), settings.BACKUP_IDENTITY))
    for secret in [*settings.FIELD_ENCRYPTION_KEY, settings.SECRET_KEY, *settings.SEARCH_HMAC_KEY]:
        assert secret not in told
    assert settings.CLINIC_NAME in told


@pytest.mark.promise("P39")
def test_who_was_erased_after_the_backup_is_gone_again_before_the_site_opens(
    ana: User, clinician: User, officer: User, settings: Any, scratch: str, identity_file: Path, tmp_path: Path
) -> None:
    patient = marked(ana, clinician)
    photo = Photo.objects.first()
    assert photo is not None
    backup_make()
    carried_out(officer, ask(ana, patient))
    assert not Patient.objects.filter(pk=patient.pk).exists()
    call_command(
        "restore", identity=identity_file, database=scratch, sealed=tmp_path / "back", name=backups()[-1].name
    )
    assert rows(scratch, f"SELECT count(*) FROM records_patient WHERE id = '{patient.pk}'") == [(0,)]
    assert rows(scratch, f"SELECT count(*) FROM accounts_user WHERE id = '{ana.pk}'") == [(0,)]
    tables = [name for (name,) in rows(scratch, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    everything = [str(row) for name in tables for row in rows(scratch, f'SELECT * FROM "{name}"')]
    assert len(everything) > 50 and not [row for row in everything if ana.email in row]
    assert rows(scratch, "SELECT count(*) FROM privacy_erasuredone WHERE replayed") == [(1,)]
    assert rows(scratch, "SELECT count(*) FROM privacy_ledgercheck") == [(1,)]
    assert not (tmp_path / "back" / photo.image_name).exists(), "the erased person's picture came back"


@pytest.mark.promise("P39")
def test_a_site_with_an_unread_ledger_stays_closed(
    ana: User, clinician: User, officer: User, settings: Any, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried_out(officer, ask(ana, marked(ana, clinician)))
    LedgerCheck.objects.all().delete()  # as in a database that was restored by hand …
    ErasureDone.objects.all().delete()  # … from before the erasure
    settings.RESTORE_GATE = True
    closed = RestoreGateMiddleware(lambda request: pytest.fail("the site was open"))
    answer = closed(rf.get("/"))
    assert answer.status_code == 503 and b"back soon" in answer.content
    replay.replay()
    assert RestoreGateMiddleware(lambda request: "open")(rf.get("/")) == "open"


@pytest.mark.promise("P39")
def test_a_site_whose_ledger_cannot_be_read_stays_closed(
    settings: Any, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise LockboxError("no answer")

    LedgerCheck.objects.all().delete()
    settings.RESTORE_GATE = True
    monkeypatch.setattr(replay, "lockbox", broken)
    closed = RestoreGateMiddleware(lambda request: pytest.fail("the site was open"))
    assert closed(rf.get("/")).status_code == 503


@pytest.mark.promise("P39")
@pytest.mark.parametrize("knows", ["an erasure", "a digest"])
def test_a_lockbox_that_is_not_mounted_is_no_empty_ledger(
    knows: str, ana: User, clinician: User, officer: User, settings: Any, rf: RequestFactory, tmp_path: Path
) -> None:
    if knows == "an erasure":
        carried_out(officer, ask(ana, marked(ana, clinician)))
    else:
        access_record(
            by=officer.actor, action=Action.VIEW, purpose=Purpose.CARE, subject_id=None, object_kind="records.record",
            object_id=None,
        )
        call_command("audit_digest")
        assert AuditDigest.objects.exists()
    LedgerCheck.objects.all().delete()
    settings.RESTORE_GATE = True
    ours, settings.LOCKBOX_DIR = settings.LOCKBOX_DIR, tmp_path / "not-mounted"
    closed = RestoreGateMiddleware(lambda request: pytest.fail("the site was open"))
    assert closed(rf.get("/")).status_code == 503
    for command in ("erasures_replay", "erasures_check"):
        with pytest.raises(CommandError, match="is it ours"):
            call_command(command)
    settings.LOCKBOX_DIR = ours
    assert RestoreGateMiddleware(lambda request: "open")(rf.get("/")) == "open"


@pytest.mark.promise("P39")
def test_a_worker_waits_for_the_ledger_as_the_site_does(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RESTORE_GATE = True
    answers, waited = [False, False, True], []
    monkeypatch.setattr(replay, "may_open", lambda: answers.pop(0))
    monkeypatch.setattr(receivers.time, "sleep", waited.append)
    monkeypatch.setattr(receivers.connections, "close_all", lambda: None)
    receivers.wait_for_ledger()
    assert answers == [] and waited == [10, 10]


def test_a_database_that_was_found_complete_is_not_asked_about_again(
    settings: Any, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RESTORE_GATE = True
    assert replay.may_open()
    monkeypatch.setattr(replay, "entries", lambda: pytest.fail("the lockbox was read"))
    assert RestoreGateMiddleware(lambda request: "open")(rf.get("/")) == "open"


def test_a_restored_database_has_another_name_than_the_one_it_came_from(
    scratch: str, settings: Any, tmp_path: Path
) -> None:
    replay.opened()
    backup_make()
    back = folder_storage(tmp_path / "b")
    restore(backup=choose(), identity=settings.BACKUP_IDENTITY, database_url=scratch, sealed=back)
    [(brought,)] = rows(scratch, "SELECT database FROM privacy_ledgercheck")
    assert brought == replay.database_name()
    env = {"database_url": scratch, "sealed_dir": str(tmp_path / "b")}
    manage("erasures_replay", **env)
    assert len(rows(scratch, "SELECT database FROM privacy_ledgercheck")) == 2


def test_a_drill_opens_values_and_files_and_leaves_evidence(
    ana: User, clinician: User, identity_file: Path
) -> None:
    marked(ana, clinician)
    backup_make()
    call_command("restore_drill", identity=identity_file)
    proof = Evidence.objects.get(kind=drills.EVIDENCE)
    assert proof.passed and proof.facts["values_opened"] > 20 and proof.facts["files_opened"] >= 6
    assert proof.facts["took_seconds"] > 0


def test_a_drill_of_a_damaged_backup_fails_and_says_so(
    ana: User, identity_file: Path, settings: Any, anas: Patient
) -> None:
    backup_make()
    [piece] = [place for place in Path(settings.LOCKBOX_DIR).rglob("data") if "database.001" in str(place)]
    piece.chmod(0o644)
    piece.write_bytes(piece.read_bytes()[:-20] + bytes(20))
    with pytest.raises(CommandError, match="damaged"):
        call_command("restore_drill", identity=identity_file)
    assert not Evidence.objects.get(kind=drills.EVIDENCE).passed


def test_a_backup_is_never_loaded_into_a_database_that_holds_something(
    settings: Any, scratch: str, tmp_path: Path
) -> None:
    backup_make()
    with psycopg.connect(scratch) as connection:
        connection.execute("CREATE TABLE something (id int)")
    with pytest.raises(CannotRestore, match="not empty"):
        back = folder_storage(tmp_path / "b")
        restore(backup=choose(), identity=settings.BACKUP_IDENTITY, database_url=scratch, sealed=back)


def refuses(word: str, whole: Any) -> Any:
    def receipt(store: FolderStore, name: str, version: str) -> Any:
        if word in name:
            raise LockboxError("no answer")
        return whole(store, name, version)

    return receipt


def test_backups_run_out_after_their_days(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backup_make()
    assert backups_expire() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=settings.BACKUP_DAYS), tick=False):
        assert backups_expire() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=settings.BACKUP_DAYS + 2), tick=False):
        with monkeypatch.context() as patch:
            patch.setattr(FolderStore, "receipt", refuses("manifest", FolderStore.receipt))
            assert backups_expire() == 1, "one that the store does not give up stops no other"
            proof = Evidence.objects.filter(kind=EXPIRY).latest("recorded_at")
            assert not proof.passed and proof.facts == {"destroyed": 1, "failed": 1}
        assert backups_expire() == 1
    assert backups() == []


def test_a_removed_file_stays_in_the_mirror_as_long_as_a_backup_can_name_it(settings: Any) -> None:
    ref = sealed.write(b"a picture", folder="photos")
    mirror_run()
    sealed.delete(ref.name)
    now = timezone.now()
    mirror_run()
    mirror = storages["mirror"]
    with time_machine.travel(now + dt.timedelta(days=settings.BACKUP_DAYS - 1), tick=False):
        mirror_run()
        assert mirror.exists(ref.name)
    with time_machine.travel(now + dt.timedelta(days=settings.BACKUP_DAYS + 1), tick=False):
        assert mirror_run()["removed"] == 1
        assert not mirror.exists(ref.name)
    assert not MirroredFile.objects.filter(name=ref.name).exists()


def test_downloads_are_not_mirrored() -> None:
    ref = sealed.write(b"a copy", folder="copies")
    mirror_run()
    assert not storages["mirror"].exists(ref.name)


def test_a_file_that_comes_while_the_mirror_is_made_is_in_the_backup_that_names_it(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    dump, came = services.sealed_dump, []

    def late(**how: Any) -> Any:
        came.append(sealed.write(b"a letter", folder="letters").name)
        return dump(**how)

    monkeypatch.setattr(services, "sealed_dump", late)
    assert backup_make()["files_mirrored"] == 1 and storages["mirror"].exists(came[0])


def test_a_file_is_mirrored_once() -> None:
    sealed.write(b"a picture", folder="photos")
    assert mirror_run()["mirrored"] == 1
    assert mirror_run()["mirrored"] == 0


def test_an_old_backup_raises_the_alarm_once_a_day(
    officer: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup_make()
    assert not overdue()
    later = timezone.now() + dt.timedelta(hours=settings.BACKUP_MAX_AGE_HOURS, minutes=5)
    monkeypatch.setattr("privacy.tasks.backup_make", dict)  # whatever stops it
    with time_machine.travel(later, tick=False):
        backup_watch()
        backup_watch()
        assert overdue()
    assert OutgoingMail.objects.filter(kind="privacy.backup_overdue", account_id=officer.pk).count() == 1


def test_a_night_without_a_backup_is_made_up_for(officer: User) -> None:
    backup_watch()
    assert not overdue() and Evidence.objects.filter(kind=EVIDENCE, passed=True).count() == 1
    assert not OutgoingMail.objects.filter(kind="privacy.backup_overdue").exists()


def test_the_keys_are_sealed_apart_from_the_data(settings: Any, tmp_path: Path) -> None:
    keeper, public = age.new_key_pair()
    settings.KEYS_RECIPIENTS = [public]
    call_command("backup_keys", to=tmp_path / "safe")
    [file] = (tmp_path / "safe").iterdir()
    kept = json.loads(age.open(file.read_bytes(), keeper))
    hashing = [name for name in dir(django_settings) if name.endswith("_HMAC_KEY")]
    ours = {"SECRET_KEY", "FIELD_ENCRYPTION_KEY", *hashing}
    assert len(hashing) >= 3 and kept == {name: getattr(settings, name) for name in ours}
    settings.KEYS_RECIPIENTS = settings.BACKUP_RECIPIENTS
    with pytest.raises(CommandError, match="one key"):
        call_command("backup_keys", to=tmp_path / "safe2")
    settings.KEYS_RECIPIENTS = [public]
    with pytest.raises(CommandError, match="apart"):
        call_command("backup_keys", to=Path(settings.LOCKBOX_DIR) / "keys")


@pytest.mark.promise("P39")
def test_every_night_the_erased_are_looked_for(ana: User, clinician: User, officer: User, ben: User) -> None:
    patient = marked(ana, clinician)
    request = carried_out(officer, ask(ana, patient))
    assert [replay.leftovers(one.subject) for one in replay.entries()] == [{}]
    assert replay.erased_check() == {"erasures": 1, "looked_at": 1, "with_leftovers": 0}
    Patient.objects.create(pk=patient.pk, given_name="Back", family_name="Again", birth_date=dt.date(1990, 4, 4))
    assert replay.erased_check()["with_leftovers"] == 1
    assert not Evidence.objects.filter(kind=replay.EVIDENCE).latest("recorded_at").passed
    assert Patient.objects.filter(pk=patient.pk).exists(), "looking removes nothing"
    assert request.pk
