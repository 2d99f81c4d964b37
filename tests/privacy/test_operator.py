"""P20, P40: what somebody at the keyboard is told when a command cannot do its work: words, no traceback."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.errors import DomainError, StorageUnavailable
from portal.lockbox import age
from portal.lockbox.folder import FolderStore
from portal.lockbox.operating import told
from portal.lockbox.store import AlreadyKept, Damaged, NotDue, NotKept
from privacy.backups import drill as drills
from privacy.backups import restore as restoring
from privacy.backups import services as backups_made
from privacy.backups.services import backup_make
from privacy.models import ArchiveCopy, ArchiveReason
from records.models import Encounter, Patient, Photo
from tests.privacy.building import marked

pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places"), pytest.mark.promise("P20", "P40"),
]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/mnt/a"), "the disk is full: /mnt/a"),
        (OSError(errno.EDQUOT, "x"), "the disk quota is used up"),
        (PermissionError(errno.EACCES, "Permission denied", "/safe/key"), "no permission: /safe/key"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), "there is no such file or folder: /x"),
        (age.CannotOpen(), "this private key does not open it: it is another key, or the content is damaged"),
        (StorageUnavailable("the archive's store answered 503"), "the archive's store answered 503; nothing half done "
                                                                 "counts, so try again"),
        (NotKept("backups/x"), "the lockbox holds nothing of this name: backups/x"),
        (AlreadyKept("a"), "the lockbox holds something of this name already, and overwrites nothing: a"),
        (NotDue("a"), "the lockbox keeps this longer: a"),
        (Damaged("a"), "what lies in the lockbox is not what was put there: a"),
        (DomainError("too_early", "The day is still to come."), "The day is still to come."),
        (ImproperlyConfigured("there is no public key to seal to"), "there is no public key to seal to"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_every_refusal_is_one_line(error: Exception, words: str) -> None:
    assert told(error) == words


@pytest.fixture
def key(settings: Any, tmp_path: Path) -> Path:
    file = tmp_path / "backup-identity.txt"
    file.write_text(settings.BACKUP_IDENTITY)
    return file


@pytest.fixture
def scratch() -> Iterator[str]:
    with drills._scratch("") as url:
        yield url


def refused(words: str, *command: Any, **options: Any) -> None:
    with pytest.raises(CommandError, match=words):
        call_command(*command, **options)


def test_a_restore_that_cannot_be_says_why_and_loads_nothing(key: Path, scratch: str, tmp_path: Path) -> None:
    target = {"identity": key, "database": scratch, "sealed": tmp_path / "back"}
    refused("there is no whole backup", "restore", **target)
    backup_make()
    other = tmp_path / "other.txt"
    other.write_text(age.new_key_pair()[0])
    refused("does not open it", "restore", **{**target, "identity": other})
    refused("holds no private key", "restore", **{**target, "identity": tmp_path / "none.txt"})
    refused("no whole backup named yesterday", "restore", **target, name="yesterday")
    refused("no address of a database", "restore", **{**target, "database": "postgresql//nowhere"})
    refused("database says no: .*nowhere", "restore", **{**target, "database": f"{scratch}&host=/nowhere"})
    with psycopg.connect(scratch) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert not list((tmp_path / "back").iterdir())


def test_a_backup_of_a_later_release_is_not_loaded(
    key: Path, scratch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = backups_made._manifest

    def later(*args: Any) -> dict[str, Any]:
        made = whole(*args)
        return {**made, "release": "2027.3", "migrations": [*made["migrations"], "records.0002_of_next_year"]}

    monkeypatch.setattr(backups_made, "_manifest", later)
    backup_make()
    refused("another release .2027.3.: install", "restore", identity=key, database=scratch, sealed=tmp_path / "back")
    with psycopg.connect(scratch) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_restore_that_ran_full_is_begun_anew_in_another_database(
    ana: User, clinician: User, key: Path, scratch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    marked(ana, clinician)
    backup_make()
    target = {"identity": key, "database": scratch, "sealed": tmp_path / "back"}
    with monkeypatch.context() as patch:
        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

        patch.setattr(restoring, "_files_back", full)
        refused(f"the disk is full: {tmp_path}", "restore", **target)
    refused("is not empty: make a new one", "restore", **target)
    with drills._scratch("") as fresh:
        call_command("restore", **{**target, "database": fresh})
    said = capsys.readouterr().out
    assert "is back" in said and "files opened" in said and "start the site" in said


def test_a_restore_names_the_files_that_no_mirror_has(
    ana: User, clinician: User, key: Path, scratch: str, tmp_path: Path, settings: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    marked(ana, clinician)
    backup_make()
    photo = Photo.objects.exclude(image_name="").first()
    assert photo is not None
    (Path(settings.MIRROR_DIR) / photo.image_name).unlink()
    call_command("restore", identity=key, database=scratch, sealed=tmp_path / "back")
    assert "1 files that the database names lie neither here nor in the mirror" in capsys.readouterr().out
    refused("1 files that the database names are not in the mirror", "restore_drill", identity=key)


def test_a_restore_without_the_keys_of_that_time_says_so(
    ana: User, clinician: User, key: Path, scratch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked(ana, clinician)
    backup_make()
    monkeypatch.setenv("FIELD_ENCRYPTION_KEY", "c29tZW9uZS1lbHNlLXMta2V5LW9mLTMyLWJ5dGVzISE=")
    refused("cannot be opened: .*keys of that time", "restore", identity=key, database=scratch, sealed=tmp_path / "s")


def test_a_database_that_was_lent_for_a_drill_is_empty_again(ana: User, key: Path, scratch: str) -> None:
    backup_make()
    call_command("restore_drill", identity=key, database=scratch)
    with psycopg.connect(scratch) as connection:
        query = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert connection.execute(query).fetchone() == (0,)
    call_command("restore_drill", identity=key, database=scratch)  # as good as new
    with psycopg.connect(scratch) as connection:
        connection.execute("CREATE TABLE somebody_elses (id int)")
    refused("not empty", "restore_drill", identity=key, database=scratch)
    with psycopg.connect(scratch) as connection:
        assert connection.execute("SELECT count(*) FROM somebody_elses").fetchone() == (0,), "not ours to empty"


def test_a_role_that_may_make_no_database_is_told_what_to_do(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup_make()
    with psycopg.connect(drills._address(drills.connection_parts(), "postgres"), autocommit=True) as server:
        server.execute("DROP ROLE IF EXISTS modest")
        server.execute("CREATE ROLE modest LOGIN")
        whole = drills.connection_parts
        monkeypatch.setattr(drills, "connection_parts", lambda: {**whole(), "user": "modest"})
        refused("name it with --database", "restore_drill", identity=key)
        server.execute("DROP ROLE modest")


@pytest.mark.parametrize("command", ["backup", "archive_round", "erasures_check", "erasures_replay", "lockbox_prove"])
def test_a_full_disk_or_a_silent_store_is_said_in_words(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any, **__: Any) -> Any:
        raise StorageUnavailable("the archive's store answered ConnectTimeout")

    deeds: dict[str, Callable[[], None]] = {
        name: lambda name=name: monkeypatch.setattr(FolderStore, name, silent)  # type: ignore[misc]
        for name in ("put", "names", "listing")
    }
    for deed in deeds.values():
        deed()
    refused("archive.inventory" if command == "archive_round" else "ConnectTimeout; nothing half done", command)


def test_an_empty_clinic_says_that_it_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    refused("no whole backup", "backup", list=True)
    for command, words in (
        ("archive_rotate", "there is no bundle yet"), ("assignment_export", "no assignment is entered"),
        ("erasures_check", "names nobody"),
    ):
        call_command(command)
        assert words in capsys.readouterr().out
    backup_make()
    call_command("backup", list=True)
    assert "1 whole backups; the newest is 0.0 h old" in capsys.readouterr().out


def test_half_a_file_of_keys_is_never_left(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KEYS_RECIPIENTS = [age.new_key_pair()[1]]

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("privacy.management.commands.backup_keys.os.fsync", full)
        refused("the disk is full", "backup_keys", to=tmp_path / "safe")
    assert list((tmp_path / "safe").iterdir()) == []
    call_command("backup_keys", to=tmp_path / "safe")
    assert len(list((tmp_path / "safe").iterdir())) == 1


def test_one_bundle_that_cannot_be_sealed_anew_stops_no_other(
    ana: User, ben: User, clinician: User, settings: Any, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from privacy import archive
    from privacy.management.commands import archive_rotate

    for person in (ana, ben):
        marked(person, clinician)
    for encounter in Encounter.objects.filter(submitted_at__isnull=False).select_related("patient"):
        archive.archive_encounter(encounter=encounter, reason=ArchiveReason.NIGHTLY)
    settings.ARCHIVE_RECIPIENTS = [age.new_key_pair()[1]]
    whole, bad = archive.archive_encounter, Patient.objects.earliest("created_at")

    def sometimes(*, encounter: Encounter, **more: Any) -> Any:
        if encounter.patient_id == bad.pk:
            raise Damaged("archive/x")
        return whole(encounter=encounter, **more)

    monkeypatch.setattr(archive_rotate, "archive_encounter", sometimes)
    refused("could not be sealed anew: start it again", "archive_rotate", seal_anew=True)
    keys = {copy.subject_id: copy.key_ids for copy in ArchiveCopy.objects.order_by("sealed_at")}
    assert keys.pop(bad.pk) != ",".join(archive.current_keys())
    assert set(keys.values()) == {",".join(archive.current_keys())}
    said = capsys.readouterr()
    assert f"is {settings.ARCHIVE_RECIPIENTS[0]}" in said.out and "is not what was put there" in said.err
    monkeypatch.undo()


def test_a_bundle_that_no_row_knows_is_on_the_log_too(
    ana: User, clinician: User, settings: Any, tmp_path: Path
) -> None:
    """After a disaster the lockbox may know more than the database."""
    from privacy import archive

    patient = marked(ana, clinician)
    encounter = Encounter.objects.filter(submitted_at__isnull=False).select_related("patient").earliest("opened_at")
    copy = archive.archive_encounter(encounter=encounter, reason=ArchiveReason.NIGHTLY)
    assert copy is not None
    key = tmp_path / "archive.txt"
    key.write_text(settings.ARCHIVE_IDENTITY)
    ArchiveCopy.objects.all()._raw_delete(using="default")
    call_command("archive_open", copy.name, identity=key, to=tmp_path / "out")
    row = AccessEvent.objects.get(object_kind="privacy.archive", action=Action.EXPORT)
    assert row.subject_id == patient.pk
