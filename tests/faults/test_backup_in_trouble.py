"""The backup when it is killed, its disk is full, its store misbehaves, or two are at it at once (P20)."""

from __future__ import annotations

import datetime as dt
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest
import time_machine
import zstandard
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from portal.accounts.models import User
from portal.crypto import sealed
from portal.crypto.storage import SealedFolder
from portal.errors import StorageUnavailable
from portal.evidence.models import Evidence
from portal.lockbox import age
from portal.lockbox.folder import FolderStore
from portal.lockbox.store import LockboxError, lockbox
from portal.outbox.models import OutgoingMail
from privacy.backups import drill
from privacy.backups.dump import ToolFailed
from privacy.backups.mirror import mirror_storage, walk
from privacy.backups.restore import choose, folder_storage, read_manifest, restore
from privacy.backups.services import EVIDENCE, FOLDER, backup_make, backups, backups_expire, overdue
from privacy.models import MirroredFile
from privacy.tasks import backup_nightly, backup_watch
from tests.faults.fuse import at_every_step
from tests.faults.stage import HOW, disk_goes_on, full_disk, later, twice
from tests.lockbox import fake_s3
from tests.lockbox.fake_s3 import Proxy

pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quiet", "places"), pytest.mark.promise("P20"),
]


def next_one() -> dict[str, Any]:
    """The next run. The lock of a killed one goes when the server notices, an instant later."""
    ends = time.monotonic() + 10
    while not (facts := backup_make()):
        assert time.monotonic() < ends, "the killed run still holds its lock"
        time.sleep(0.05)
    return facts


def opened(settings: Any) -> int:
    """The newest backup's dump, unsealed and unpacked from its pieces; returns its size in bytes."""
    manifest = read_manifest(choose(), settings.BACKUP_IDENTITY)
    sealed_dump = b""
    for piece in manifest["pieces"]:
        assert lockbox().verify(piece["name"], piece["version"], piece["sha256"])
        with lockbox().open(piece["name"], piece["version"]) as file:
            sealed_dump += file.read()
    plain = BytesIO()
    zstandard.ZstdDecompressor().copy_stream(BytesIO(age.open(sealed_dump, settings.BACKUP_IDENTITY)), plain)
    assert plain.getvalue().startswith(b"PGDMP")
    return len(plain.getvalue())


def mirrored() -> None:
    """The mirror holds what the store holds, byte for byte, and has a row for each."""
    store, mirror = storages["sealed"], mirror_storage()
    there = {name: store.open(name).read() for name in walk(store)}
    assert there == {name: mirror.open(name).read() for name in walk(mirror)}
    assert set(MirroredFile.objects.values_list("name", flat=True)) == set(there)


def left_long_ago(settings: Any) -> None:
    """A file of the mirror that the store has not had for longer than backups live."""
    name = f"photos/{uuid4().hex}"
    mirror_storage().save(name, ContentFile(b"ciphertext"))
    gone = timezone.now() - dt.timedelta(days=settings.BACKUP_DAYS + 1)
    MirroredFile.objects.create(name=name, size=10, sha256="0" * 64, mirrored_at=gone, left_at=gone)


def expired(settings: Any) -> None:
    """After their days cut-off pieces go like whole backups, and no half-written file is left."""
    disk_goes_on(*Path(settings.LOCKBOX_DIR).glob(".incoming"), settings.MIRROR_DIR)
    with time_machine.travel(timezone.now() + dt.timedelta(days=settings.BACKUP_DAYS + 2), tick=True):
        backups_expire()
        assert list(lockbox().names(f"{FOLDER}/")) == []
        next_one()
    assert list(Path(settings.LOCKBOX_DIR).glob(".incoming/*")) == []
    assert list(Path(settings.MIRROR_DIR).rglob("*.part")) == []


# --- Killed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reads", HOW)
def test_a_night_that_was_killed_anywhere_is_made_up_for_by_the_next_run(reads: bool, settings: Any) -> None:
    def scene() -> tuple[Callable[[], Any], Callable[[int], None]]:
        sealed.write(b"a picture", folder="photos")
        left_long_ago(settings)
        known = {backup.name for backup in backups()}

        def holds(at: int) -> None:
            assert len({backup.name for backup in backups()} - known) <= 1, f"killed at {at}"
            with later(15 + at):  # a second or more after the newest of the scene before
                facts = next_one()
                assert choose().name == facts["backup"] and not overdue(), f"killed at {at}"
            assert opened(settings) > 100_000, f"killed at {at}"
            mirrored()

        return backup_nightly, holds

    assert at_every_step(scene, reads=reads, stride=3 if reads else 1) >= 12
    expired(settings)


@contextmanager
def blocked() -> Iterator[None]:
    """``pg_dump`` waits at a table that the run itself never counts: time enough to kill somebody."""
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        other.execute("LOCK TABLE portal_cache IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


def dumping(parent: int) -> psutil.Process:
    """The ``pg_dump`` that works for this process, once it is there and waits."""
    ends = time.monotonic() + 30
    while True:
        for child in psutil.Process(parent).children(recursive=True):
            if child.name() == "pg_dump" and _waits():
                return child
        assert time.monotonic() < ends, "no pg_dump came"
        time.sleep(0.05)


def _waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'portal_cache'::regclass")
        return bool(cursor.fetchone()[0])


def gone(process: psutil.Process) -> bool:
    try:
        process.wait(15)
    except psutil.TimeoutExpired:
        return False
    return True


def test_the_command_killed_in_the_middle_of_the_dump_leaves_nothing_that_counts(settings: Any) -> None:
    sealed.write(b"a picture", folder="photos")
    env = {**os.environ, "DATABASE_URL": url(), "REDIS_URL": os.environ["REDIS_URL"]}
    with blocked():
        command = subprocess.Popen(
            [sys.executable, "-W", "ignore", "manage.py", "backup"], env=env, cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        dump = dumping(command.pid)
        command.kill()
        command.wait()
    assert gone(dump), "pg_dump goes on without anybody who reads what it says"
    assert backups() == [] and not Evidence.objects.filter(kind=EVIDENCE).exists() and overdue()
    next_one()
    assert len(backups()) == 1 and opened(settings) > 100_000
    mirrored()


def url() -> str:
    parts = connection.get_connection_params()
    return drill._address({**drill.connection_parts(), "user": parts.get("user", "")}, parts["dbname"])


def test_a_dump_that_is_killed_is_no_backup(settings: Any) -> None:
    found: list[BaseException] = []

    def run() -> None:
        try:
            backup_make()
        except ToolFailed as error:
            found.append(error)
        finally:
            connection.close()

    with blocked():
        worker = threading.Thread(target=run)
        worker.start()
        dumping(os.getpid()).kill()
        worker.join(30)
    assert len(found) == 1 and backups() == []
    next_one()
    assert opened(settings) > 100_000


# --- A full disk -----------------------------------------------------------------------------------------------


def test_a_full_disk_fails_the_night_cleanly_raises_the_alarm_and_the_next_run_makes_it_good(
    settings: Any, officer: User
) -> None:
    with full_disk(20_000), pytest.raises(OSError):
        backup_watch()
    assert backups() == [] and not Evidence.objects.filter(kind=EVIDENCE).exists()
    assert not [one for one in psutil.Process().children() if one.name() == "pg_dump"]
    assert OutgoingMail.objects.filter(kind="privacy.backup_overdue", account_id=officer.pk).count() == 1
    backup_watch()
    assert not overdue() and opened(settings) > 100_000


@pytest.mark.parametrize("part", ["mirror", "dump", "manifest"])
def test_a_disk_that_fills_up_at_any_part_leaves_no_backup_and_no_half(
    part: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, save = FolderStore.put, SealedFolder._save
    sealed.write(b"a picture", folder="photos")

    def full_lockbox(store: FolderStore, name: str, *rest: Any) -> Any:
        if ("manifest" in name) == (part == "manifest"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return put(store, name, *rest)

    def full_mirror(store: SealedFolder, name: str, content: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if part == "mirror":
            patch.setattr(SealedFolder, "_save", full_mirror)
        else:
            patch.setattr(FolderStore, "put", full_lockbox)
        with pytest.raises(OSError, match="No space"):
            backup_nightly()
    assert save is SealedFolder._save and backups() == [] and overdue()
    backup_nightly()
    assert len(backups()) == 1 and opened(settings) > 100_000
    mirrored()
    expired(settings)


# --- A store that misbehaves -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trick",
    [
        fake_s3.always(fake_s3.refusal(403, "AccessDenied")), fake_s3.always(fake_s3.refusal(500, "InternalError")),
        fake_s3.hanging(1.5), fake_s3.lying, fake_s3.lost,
    ],
    ids=["refuses", "fails", "hangs", "lies about the checksum", "loses its answers"],
)
def test_a_bad_store_gets_no_backup_and_the_next_run_makes_it_good(trick: Any, bad: Proxy, settings: Any) -> None:
    sealed.write(b"a picture", folder="photos")
    bad.trick = trick
    with pytest.raises((LockboxError, StorageUnavailable)):
        backup_nightly()
    bad.trick = None
    assert backups() == [] and overdue()
    backup_nightly()
    assert len(backups()) == 1 and not overdue() and opened(settings) > 100_000
    mirrored()


def test_a_backup_in_the_bucket_comes_back_from_it(
    bad: Proxy, settings: Any, tmp_path: Path, officer: User
) -> None:
    ref = sealed.write(b"a picture", folder="photos")
    facts = backup_make()
    with drill._scratch("") as scratch:
        restored = restore(
            backup=choose(), identity=settings.BACKUP_IDENTITY, database_url=scratch,
            sealed=folder_storage(tmp_path / "back"),
        )
        with psycopg.connect(scratch) as connected:
            assert connected.execute("SELECT email FROM accounts_user").fetchall() == [(officer.email,)]
    assert sum(restored.manifest["rows"].values()) == facts["rows"]
    assert folder_storage(tmp_path / "back").exists(ref.name)


# --- Two at once -----------------------------------------------------------------------------------------------


def test_of_two_that_begin_at_once_one_makes_the_backup(settings: Any) -> None:
    sealed.write(b"a picture", folder="photos")
    found = twice(backup_make)
    assert sorted(map(bool, found)) == [False, True]
    assert len(backups()) == 1 and Evidence.objects.filter(kind=EVIDENCE).count() == 1
    assert opened(settings) > 100_000
    mirrored()
