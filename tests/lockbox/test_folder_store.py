"""The write-once folder: what is put is kept, unchanged, until its date."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import stat
import threading

import pytest
import time_machine

from portal.dates import today
from portal.lockbox import folder
from portal.lockbox.folder import FolderStore
from portal.lockbox.store import AlreadyKept, BadDate, BadName, Damaged, NotDue, NotKept, lockbox

pytestmark = pytest.mark.promise("P40")
DATA = b"sealed bytes" * 1000


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "lockbox")


@pytest.fixture
def until():
    return today() + dt.timedelta(days=7 * 365)


def kept_files(store):
    return sorted(path for path in store._root.rglob("*") if path.is_file())


def test_what_is_put_reads_back_with_its_receipt(store, until):
    receipt = store.put("archive/2026/a.tar.age", DATA, until)
    assert (receipt.sha256, receipt.size, receipt.retain_until) == (hashlib.sha256(DATA).hexdigest(), len(DATA), until)
    with store.open(receipt.name, receipt.version) as source:
        assert source.read() == DATA
    assert store.receipt(receipt.name, receipt.version) == receipt
    assert store.verify(receipt.name, receipt.version, receipt.sha256)


def test_a_stream_is_kept_like_bytes(store, until):
    assert store.put("a", io.BytesIO(DATA), until).sha256 == hashlib.sha256(DATA).hexdigest()


def test_nothing_is_ever_overwritten(store, until):
    first = store.put("a", DATA, until)
    with pytest.raises(AlreadyKept):
        store.put("a", b"other", until)
    assert store.verify("a", first.version, first.sha256)
    assert len(list(store.names())) == 1


def test_of_writers_that_race_for_one_name_one_wins(store, until):
    wins, refused = [], []

    def write(number):
        try:
            wins.append(store.put("a/b", b"%d" % number * 100_000, until))
        except AlreadyKept:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(wins), len(refused)) == (1, 7)
    assert store.verify("a/b", wins[0].version, wins[0].sha256)
    assert not list(store._root.glob(".incoming/*"))


def test_kept_files_can_only_be_read(store, until):
    store.put("a", DATA, until)
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept_files(store)] == [0o444, 0o444]


def test_it_stays_until_its_date_and_through_that_day(store):
    receipt = store.put("a", DATA, today() + dt.timedelta(days=30))
    for days in (0, 29, 30):
        with time_machine.travel(dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=days)), pytest.raises(NotDue):
            store.destroy("a", receipt.version)
    with time_machine.travel(dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=31)):
        assert store.destroy("a", receipt.version) == receipt
    assert kept_files(store) == [] and list(store.names()) == []
    with pytest.raises(NotKept):
        store.open("a", receipt.version)


def test_a_date_in_the_past_is_refused_and_leaves_nothing(store):
    with pytest.raises(BadDate):
        store.put("a", DATA, today() - dt.timedelta(days=1))
    assert kept_files(store) == []
    store.put("a", DATA, today())


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".hidden", "a/.b", "A", "a b", "a\0b", "a\n", "a@kept",
     "é", "..", "a..b", "x" * 201, "a\\b", "-a"],
)
def test_names_that_could_lead_elsewhere_are_refused(store, until, name):
    for deed in (
        lambda: store.put(name, DATA, until), lambda: store.open(name, "1"), lambda: store.destroy(name, "1"),
    ):
        with pytest.raises(BadName):
            deed()
    assert kept_files(store) == []


def test_a_name_may_be_the_beginning_of_another(store, until):
    for name in ("a", "a/b", "a/b/c.age"):
        store.put(name, DATA, until)
    assert [name for name, _version in store.names()] == ["a", "a/b", "a/b/c.age"]
    assert [name for name, _version in store.names("a/b/")] == ["a/b/c.age"]


def test_another_version_is_not_there(store, until):
    receipt = store.put("a", DATA, until)
    with pytest.raises(NotKept):
        store.open("a", "0" * 32)
    with pytest.raises(NotKept):
        store.destroy("a", "0" * 32)
    assert not store.verify("a", "0" * 32, receipt.sha256) and not store.verify("b", receipt.version, receipt.sha256)


def test_damage_is_noticed(store, until):
    receipt = store.put("a", DATA, until)
    path = store._root / "a@kept" / "data"
    path.chmod(0o600)
    path.write_bytes(DATA[:-1] + b"X")
    assert not store.verify("a", receipt.version, receipt.sha256)


def test_a_write_that_reads_back_differently_is_refused_and_leaves_nothing(store, until, monkeypatch):
    monkeypatch.setattr(folder, "_hash", lambda path: "0" * 64)
    with pytest.raises(Damaged):
        store.put("a", DATA, until)
    assert kept_files(store) == []


def test_a_stream_that_breaks_leaves_nothing_and_the_name_free(store, until):
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise OSError("gone")

    with pytest.raises(OSError):
        store.put("a", Broken(), until)
    assert kept_files(store) == []
    store.put("a", DATA, until)


def test_leftovers_of_crashed_writers_are_tidied_and_never_listed(store, until):
    crashed = store._root / ".incoming" / "f00"
    crashed.mkdir(parents=True)
    (crashed / "data").write_bytes(b"half")
    store.put("a", DATA, until)
    assert [name for name, _version in store.names()] == ["a"]
    assert store.tidy() == 0
    assert store.tidy(older_than_seconds=-1) == 1 and not crashed.exists()


def test_the_settings_say_where_the_lockbox_is(settings, tmp_path, until):
    settings.LOCKBOX_DIR = tmp_path / "elsewhere"
    lockbox().put("a", DATA, until)
    assert (tmp_path / "elsewhere" / "a@kept" / "data").read_bytes() == DATA
