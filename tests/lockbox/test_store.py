"""What every store promises: what is put is kept, unchanged, until its date. Tried on both."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import threading
import time
from typing import Any

import pytest
import time_machine

from portal.dates import today
from portal.lockbox import s3
from portal.lockbox.store import AlreadyKept, BadDate, BadName, Listed, NotDue, NotKept

pytestmark = pytest.mark.promise("P40")
DATA = b"sealed bytes" * 1000


def days_on(days: int) -> Any:
    return time_machine.travel(dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=days))


def names(store: Any, prefix: str = "") -> list[str]:
    return [name for name, _version in store.names(prefix)]


def test_what_is_put_reads_back_with_its_receipt(store: Any, until: dt.date) -> None:
    receipt = store.put("archive/2026/a.tar.age", DATA, until)
    assert (receipt.sha256, receipt.size, receipt.retain_until) == (hashlib.sha256(DATA).hexdigest(), len(DATA), until)
    with store.open(receipt.name, receipt.version) as source:
        assert source.read() == DATA
    assert store.receipt(receipt.name, receipt.version) == receipt
    assert store.verify(receipt.name, receipt.version, receipt.sha256)


class Stream(io.RawIOBase):
    """Can be read once, and not gone back in."""

    def __init__(self) -> None:
        self._left = io.BytesIO(DATA)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._left.read(size)


@pytest.mark.parametrize("make", [lambda: io.BytesIO(DATA), Stream], ids=["file", "stream"])
def test_a_stream_is_kept_like_bytes(make: Any, store: Any, until: dt.date) -> None:
    assert store.put("a", make(), until).sha256 == hashlib.sha256(DATA).hexdigest()


def test_nothing_is_kept_too(store: Any, until: dt.date) -> None:
    receipt = store.put("a", b"", until)
    assert receipt.size == 0 and store.verify("a", receipt.version, receipt.sha256)


def test_nothing_is_ever_overwritten(store: Any, until: dt.date) -> None:
    first = store.put("a", DATA, until)
    for data in (b"other", DATA):
        with pytest.raises(AlreadyKept):
            store.put("a", data, until)
    assert store.verify("a", first.version, first.sha256)
    assert len(list(store.names())) == 1


def test_of_writers_that_race_for_one_name_one_wins(store: Any, until: dt.date) -> None:
    wins, refused = [], []

    def write(number: int) -> None:
        try:
            wins.append(store.put("a/b", b"%d" % number * 100_000, until))
        except AlreadyKept:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(wins), len(refused)) == (1, 7)
    assert store.verify("a/b", wins[0].version, wins[0].sha256)
    assert len(list(store.listing())) == 1


def test_it_stays_until_its_date_and_through_that_day(store: Any) -> None:
    receipt = store.put("a", DATA, today() + dt.timedelta(days=30))
    for days in (0, 29, 30):
        with days_on(days), pytest.raises(NotDue):
            store.destroy("a", receipt.version)
    assert store.verify("a", receipt.version, receipt.sha256)


def test_after_its_date_it_goes_and_nothing_is_left(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The server counts real time, so for it the lock runs out in a second.
    soon = dt.datetime.now(tz=dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=2)
    monkeypatch.setattr(s3, "kept_through", lambda day: soon)
    monkeypatch.setattr(s3, "_day", lambda moment: today() if moment == soon else dt.date.max)
    receipt = store.put("a", DATA, today())
    with pytest.raises(NotDue):
        store.destroy("a", receipt.version)
    time.sleep(max(0.0, (soon - dt.datetime.now(tz=dt.UTC)).total_seconds()) + 1.2)  # it counts whole seconds
    monkeypatch.setattr(s3, "_day", lambda moment: receipt.retain_until)
    with days_on(1):
        assert store.destroy("a", receipt.version) == receipt
    assert list(store.listing()) == []
    for deed in (store.open, store.receipt, store.destroy):
        with pytest.raises(NotKept):
            deed("a", receipt.version)


def test_a_date_in_the_past_is_refused_and_leaves_nothing(store: Any) -> None:
    with pytest.raises(BadDate):
        store.put("a", DATA, today() - dt.timedelta(days=1))
    assert list(store.listing()) == []
    store.put("a", DATA, today())


def test_a_date_is_moved_to_a_later_day_and_never_back(store: Any) -> None:
    first = store.put("a", DATA, today() + dt.timedelta(days=30))
    later = first.retain_until + dt.timedelta(days=400)
    longer = store.extend("a", first.version, later)
    assert longer.retain_until == later and store.receipt("a", first.version) == longer
    assert longer.sha256 == first.sha256 and store.verify("a", first.version, first.sha256)
    assert store.extend("a", first.version, later) == longer
    for day in (first.retain_until, today() - dt.timedelta(days=1)):
        with pytest.raises(BadDate):
            store.extend("a", first.version, day)
    with days_on(31), pytest.raises(NotDue):
        store.destroy("a", first.version)
    assert store.receipt("a", first.version) == longer and len(list(store.listing())) == 1


def test_what_is_made_while_it_is_written_gets_its_name_at_the_end(store: Any, until: dt.date) -> None:
    def fill(sink: Any) -> str:
        for _piece in range(3):
            sink.write(DATA)
        return "made/late"

    receipt = store.keep(fill, until)
    assert (receipt.name, receipt.size) == ("made/late", 3 * len(DATA))
    assert receipt.sha256 == hashlib.sha256(3 * DATA).hexdigest() and store.verify(*_known(receipt))
    with pytest.raises(AlreadyKept):
        store.keep(fill, until)
    with pytest.raises(BadDate):
        store.keep(fill, today() - dt.timedelta(days=1))
    assert len(list(store.listing())) == 1


def test_who_gives_up_while_writing_leaves_nothing(store: Any, until: dt.date) -> None:
    def fill(sink: Any) -> str:
        sink.write(DATA)
        raise RuntimeError("not needed")

    with pytest.raises(RuntimeError):
        store.keep(fill, until)
    assert list(store.listing()) == []


def test_what_is_put_together_is_all_there_at_the_end(store: Any, until: dt.date) -> None:
    with store.together():
        receipts = [store.put(f"a/{number}", DATA, until) for number in range(5)]
    assert all(store.verify(*_known(receipt)) for receipt in receipts) and names(store) == [r.name for r in receipts]


def _known(receipt: Any) -> tuple[str, str, str]:
    return receipt.name, receipt.version, receipt.sha256


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".hidden", "a/.b", "A", "a b", "a\0b", "a\n", "a@kept",
     "é", "..", "a..b", "x" * 201, "a\\b", "-a"],
)
def test_names_that_could_lead_elsewhere_are_refused(name: str, store: Any, until: dt.date) -> None:
    for deed in (
        lambda: store.put(name, DATA, until), lambda: store.open(name, "1"), lambda: store.destroy(name, "1"),
        lambda: store.extend(name, "1", until), lambda: store.receipt(name, "1"),
    ):
        with pytest.raises(BadName):
            deed()
    assert list(store.listing()) == []


def test_a_name_may_be_the_beginning_of_another(store: Any, until: dt.date) -> None:
    for name in ("a", "a/b", "a/b/c.age"):
        store.put(name, DATA, until)
    assert names(store) == ["a", "a/b", "a/b/c.age"]
    assert names(store, "a/b/") == ["a/b/c.age"] and names(store, "a/b") == ["a/b", "a/b/c.age"]
    assert names(store, "nothing/here") == []


def test_the_list_has_names_versions_and_sizes(store: Any, until: dt.date) -> None:
    kept = [store.put(f"a/{number:04}", b"x" * number, until) for number in range(1, 13)]
    assert list(store.listing("a/")) == [Listed(row.name, row.version, row.size) for row in kept]


def test_another_version_is_not_there(store: Any, until: dt.date) -> None:
    receipt = store.put("a", DATA, until)
    for version in ("0" * 32, "", "null"):
        for deed in (store.open, store.receipt, store.destroy, lambda *named: store.extend(*named, until)):
            with pytest.raises(NotKept):
                deed("a", version)
        assert not store.verify("a", version, receipt.sha256)
    assert not store.verify("b", receipt.version, receipt.sha256)
    assert not store.verify("a", receipt.version, "0" * 64)


def test_attacks_on_a_kept_object_are_refused_and_leave_it_whole(store: Any, until: dt.date) -> None:
    receipt = store.put("a", DATA, until)
    found = store.attacks("a", receipt.version)
    assert {"delete", "shorten", "overwrite"} <= found.keys() and all(found.values()), found
    assert store.verify("a", receipt.version, receipt.sha256)
    assert list(store.listing()) == [Listed("a", receipt.version, receipt.size)]
