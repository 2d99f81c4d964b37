"""The archive when its worker is killed, its store misbehaves, its disk is full, or two are at it at once (P40)."""

from __future__ import annotations

import datetime as dt
import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.evidence.selectors import latest
from portal.lockbox.store import lockbox
from privacy.archive import EVIDENCE, archive_nightly
from privacy.keeping.destruction import _end, copies_due, destroy_due
from privacy.keeping.inventory import archive_inventory
from privacy.models import ArchiveCopy, Destruction
from tests.consults import building
from tests.faults.fuse import at_every_step
from tests.faults.stage import HOW, full_disk, later, somebody, twice
from tests.faults.stem import Named, Stem
from tests.lockbox import fake_s3
from tests.lockbox.fake_s3 import Proxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quiet"), pytest.mark.promise("P40")]


@pytest.fixture
def stem(transactional_db: None) -> Iterator[Stem]:
    clean = Stem()
    yield clean
    clean.close()


def night(days: float = 1) -> dict[str, int]:
    with time_machine.travel(timezone.now() + dt.timedelta(days=days)):
        return archive_nightly()


def counts(**wanted: int) -> dict[str, int]:
    return {"due": 0, "sealed": 0, "unchanged": 0, "failed": 0, **wanted}


def end_of_time() -> Any:
    """When all copies of these tests are due."""
    return time_machine.travel(timezone.now() + dt.timedelta(days=8 * 366))


def destroy_then() -> None:
    """The work of the killed worker, by its dotted name."""
    with end_of_time():
        destroy_due()


# --- Killed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reads", HOW)
def test_a_copy_is_destroyed_once_whatever_kills_its_worker(reads: bool, stem: Stem, clinician: User) -> None:
    def scene() -> tuple[Named, Callable[[int], None]]:
        consult = building.answered(somebody(), clinician)
        with later(15):
            archive_nightly()
        copy = ArchiveCopy.objects.get(subject_id=consult.patient_id)

        def holds(at: int) -> None:
            with end_of_time():
                found = destroy_due()
                assert found["failed"] == 0, f"killed at {at}"
                assert destroy_due()["due"] == 0
                assert dict(lockbox().names(copy.name)) == {}, f"killed at {at}: the object is still there"
                row = Destruction.objects.get(copy_id=copy.pk)
                assert lockbox().verify(row.filed_name, row.filed_version, row.filed_sha256)
                with lockbox().open(row.filed_name, row.filed_version) as file:
                    assert dt.datetime.fromisoformat(json.loads(file.read())["destroyed_at"]) == row.destroyed_at
            copy.refresh_from_db()
            assert copy.destroyed_at == row.destroyed_at
            logged = AccessEvent.objects.filter(object_id=copy.pk, action=Action.DELETE).count()
            assert logged == 1, f"killed at {at}: noted {logged} times"

        return ("tests.faults.test_archive_in_trouble.destroy_then", {}), holds

    assert at_every_step(scene, burner=stem.burn, reads=reads, stride=5 if reads else 1) >= 7


# --- A store that misbehaves -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trick",
    [
        fake_s3.always(fake_s3.refusal(403, "AccessDenied")), fake_s3.always(fake_s3.refusal(500, "InternalError")),
        fake_s3.hanging(1.5), fake_s3.lying,
    ],
    ids=["refuses", "fails", "hangs", "lies about the checksum"],
)
def test_a_night_with_a_bad_store_leaves_no_row_and_the_next_one_makes_it_good(
    trick: Any, bad: Proxy, clinician: User
) -> None:
    consult = building.answered(somebody(), clinician)
    bad.trick = trick
    assert night() == counts(due=1, failed=1)
    proof = latest(EVIDENCE)
    assert proof is not None and not proof.passed and not ArchiveCopy.objects.exists()
    bad.trick = None
    assert night(2) == counts(due=1, sealed=1)
    copy = ArchiveCopy.objects.get(subject_id=consult.patient_id)
    assert lockbox().verify(copy.name, copy.version, copy.sha256)
    found = archive_inventory()
    assert (found["missing"], found["different"]) == (0, 0)


def test_what_was_written_though_no_answer_came_is_found_again(bad: Proxy, clinician: User) -> None:
    building.answered(somebody(), clinician)
    bad.trick = fake_s3.lost
    assert night() == counts(due=1, failed=1) and not ArchiveCopy.objects.exists()
    bad.trick = None
    assert night(2) == counts(due=1, sealed=1)
    copy = ArchiveCopy.objects.get()
    assert lockbox().verify(copy.name, copy.version, copy.sha256) and archive_inventory()["unknown"] == 0


def test_destruction_waits_for_a_store_that_does_not_answer(bad: Proxy, clinician: User) -> None:
    building.answered(somebody(), clinician)
    assert night() == counts(due=1, sealed=1)
    bad.trick = fake_s3.always(fake_s3.refusal(503, "SlowDown"))
    with end_of_time():
        assert destroy_due()["failed"] == 1
    bad.trick = None
    copy = ArchiveCopy.objects.get()
    assert copy.destroyed_at is None and not Destruction.objects.exists()
    with end_of_time():  # our clock says so; the server's lock does not
        assert destroy_due()["failed"] == 1
    assert lockbox().verify(copy.name, copy.version, copy.sha256) and not Destruction.objects.exists()


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """A write-once folder of this test's own."""
    settings.LOCKBOX_DIR = tmp_path / "lockbox"
    return settings.LOCKBOX_DIR  # type: ignore[no-any-return]


# --- A full disk -----------------------------------------------------------------------------------------------


def test_a_full_disk_fails_the_night_cleanly_and_the_next_one_makes_it_good(
    clinician: User, folder: Path
) -> None:
    building.answered(somebody(), clinician)
    with full_disk(20_000):
        assert night() == counts(due=1, failed=1)
    assert not ArchiveCopy.objects.exists() and list(lockbox().names("archive/")) == []
    assert list(folder.glob(".incoming/*")) == [], "half a bundle is left"
    assert night(2) == counts(due=1, sealed=1)


def test_a_disk_that_is_full_when_the_certificate_is_written_ends_the_same(
    clinician: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.lockbox.folder import FolderStore

    building.answered(somebody(), clinician)
    with later(15):
        archive_nightly()
    with monkeypatch.context() as patch:
        def full(*_: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(FolderStore, "put", full)
        with end_of_time():
            assert destroy_due()["failed"] == 1
    assert ArchiveCopy.objects.get().destroying_at is not None and not Destruction.objects.exists()
    with end_of_time():
        assert destroy_due()["destroyed"] == 1
    assert Destruction.objects.count() == 1


# --- Two at once -----------------------------------------------------------------------------------------------


def test_two_nights_at_once_keep_one_copy(clinician: User, folder: Path) -> None:
    building.answered(somebody(), clinician)
    with later(15):
        found = twice(archive_nightly)
    assert len(found) == 2 and all(one["failed"] == 0 for one in found)
    assert ArchiveCopy.objects.count() == 1 and len(list(lockbox().names("archive/"))) == 1


def test_a_run_that_listed_a_copy_before_another_destroyed_it_goes_on(clinician: User, folder: Path) -> None:
    building.answered(somebody(), clinician)
    with later(15):
        archive_nightly()
    with end_of_time():
        listed = list(copies_due())
        assert destroy_due()["destroyed"] == len(listed) == 1
        assert _end(listed[0]) == "destroyed"
    assert Destruction.objects.count() == 1


def test_what_was_lost_before_its_end_is_never_certified_as_destroyed(clinician: User, folder: Path) -> None:
    building.answered(somebody(), clinician)
    with later(15):
        archive_nightly()
    with end_of_time():
        [copy] = copies_due()
        lockbox().destroy(copy.name, copy.version)  # by a hand outside
        assert destroy_due()["failed"] == 1
    assert not Destruction.objects.exists()


def test_two_runs_at_once_destroy_a_copy_once(clinician: User, folder: Path) -> None:
    building.answered(somebody(), clinician)
    with later(15):
        archive_nightly()
    with end_of_time():
        found = twice(destroy_due)
        assert len(found) == 2 and sum(one["destroyed"] for one in found) >= 1
        assert all(one["failed"] == 0 for one in found), found
    assert Destruction.objects.count() == 1
    assert AccessEvent.objects.filter(action=Action.DELETE, object_kind="privacy.archive").count() == 1
