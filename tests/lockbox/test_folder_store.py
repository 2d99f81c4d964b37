"""What is particular to the write-once folder: modes, damage, leftovers."""

from __future__ import annotations

import datetime as dt
import io
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
import time_machine

from portal.lockbox import folder
from portal.lockbox.folder import FolderStore
from portal.lockbox.store import Damaged, lockbox

pytestmark = pytest.mark.promise("P40")
DATA = b"sealed bytes" * 1000


@pytest.fixture
def store(folder_store: FolderStore) -> FolderStore:
    return folder_store


def kept_files(store: FolderStore) -> list[Path]:
    return sorted(path for path in store._root.rglob("*") if path.is_file())


def test_kept_files_can_only_be_read(store: FolderStore, until: dt.date) -> None:
    receipt = store.put("a", DATA, until)
    store.extend("a", receipt.version, until + dt.timedelta(days=1))
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept_files(store)] == [0o444, 0o444]
    assert stat.S_IMODE((store._root / "a@kept").stat().st_mode) == 0o555


def test_damage_is_noticed(store: FolderStore, until: dt.date) -> None:
    receipt = store.put("a", DATA, until)
    path = store._root / "a@kept" / "data"
    path.chmod(0o600)
    path.write_bytes(DATA[:-1] + b"X")
    assert not store.verify("a", receipt.version, receipt.sha256)


def test_a_write_that_reads_back_differently_is_refused_and_leaves_nothing(
    store: FolderStore, until: dt.date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_hash", lambda path: "0" * 64)
    with pytest.raises(Damaged):
        store.put("a", DATA, until)
    assert kept_files(store) == []


def test_a_stream_that_breaks_leaves_nothing_and_the_name_free(store: FolderStore, until: dt.date) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError("gone")

    with pytest.raises(OSError):
        store.put("a", Broken(), until)
    assert kept_files(store) == []
    store.put("a", DATA, until)


def test_leftovers_of_crashed_writers_are_tidied_once_a_day_and_never_listed(
    store: FolderStore, until: dt.date
) -> None:
    crashed = store._root / ".incoming" / "f00"
    crashed.mkdir(parents=True)
    (crashed / "data").write_bytes(b"half")
    store.put("a", DATA, until)
    assert [name for name, _version in store.names()] == ["a"]
    assert store.tidy() == 0 and crashed.exists()
    for hours, there in ((23, True), (25, False)):
        old = time.time() - hours * 3600
        os.utime(crashed, (old, old))
        with time_machine.travel(dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=hours)):
            store.put(f"a/{hours}", DATA, until)
        assert crashed.exists() == there


def test_a_clock_that_runs_ahead_of_the_disks_takes_no_work_from_another_writer(
    store: FolderStore, until: dt.date
) -> None:
    at_work = store._root / ".incoming" / "f00"
    at_work.mkdir(parents=True)
    with time_machine.travel(dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=3)):
        assert store.tidy() == 0
    assert at_work.exists() and list(at_work.parent.iterdir()) == [at_work]


def test_the_settings_say_where_the_lockbox_is(settings: Any, tmp_path: Path, until: dt.date) -> None:
    settings.LOCKBOX_DIR = tmp_path / "elsewhere"
    lockbox().put("a", DATA, until)
    assert (tmp_path / "elsewhere" / "a@kept" / "data").read_bytes() == DATA
