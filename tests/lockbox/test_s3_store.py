"""What is particular to S3 Object Lock: the bucket, the lock itself, and servers that misbehave."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError

from portal.dates import today
from portal.errors import StorageUnavailable
from portal.lockbox import s3 as s3_module
from portal.lockbox.receivers import refuse_unfit_bucket
from portal.lockbox.s3 import S3Store, UnfitBucket, kept_through
from portal.lockbox.store import AlreadyKept, Damaged, NotDue, NotKept, lockbox
from tests.lockbox import fake_s3, ministack
from tests.lockbox.fake_s3 import Answer, Proxy

pytestmark = pytest.mark.promise("P40")
DATA = b"sealed bytes" * 1000


def raw(store: S3Store) -> Any:
    return ministack.client(store._address)


def place(store: S3Store, name: str) -> dict[str, str]:
    return {"Bucket": store._address.bucket, "Key": store._address.prefix + name}


# --- The lock ------------------------------------------------------------------------------------------------


def test_a_put_is_locked_in_compliance_mode_until_the_end_of_its_last_day(s3: S3Store, until: dt.date) -> None:
    receipt = s3.put("a", DATA, until)
    head = raw(s3).head_object(**place(s3, "a"), VersionId=receipt.version, ChecksumMode="ENABLED")
    assert head["ObjectLockMode"] == "COMPLIANCE" and head["ObjectLockRetainUntilDate"] == kept_through(until)
    assert base64.b64decode(head["ChecksumSHA256"]) == hashlib.sha256(DATA).digest()


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        # Clear Lake's midnights: winter, the night clocks go on, the night they go back, leap days.
        (dt.date(2033, 1, 15), "2033-01-16T06:00:00+00:00"),
        (dt.date(2033, 3, 12), "2033-03-13T06:00:00+00:00"),
        (dt.date(2033, 3, 13), "2033-03-14T05:00:00+00:00"),
        (dt.date(2033, 11, 5), "2033-11-06T05:00:00+00:00"),
        (dt.date(2033, 11, 6), "2033-11-07T06:00:00+00:00"),
        (dt.date(2032, 2, 28), "2032-02-29T06:00:00+00:00"),
        (dt.date(2032, 2, 29), "2032-03-01T06:00:00+00:00"),
        (dt.date(2032, 12, 31), "2033-01-01T06:00:00+00:00"),
    ],
)
def test_days_become_moments_and_days_again(day: dt.date, moment: str) -> None:
    assert kept_through(day) == dt.datetime.fromisoformat(moment)
    assert s3_module._day(kept_through(day)) == day


@pytest.mark.parametrize("days", [-1, 1])
def test_the_days_around_a_leap_day_and_the_clock_change_are_kept_whole(days: int, s3: S3Store) -> None:
    for day in (dt.date(2032, 2, 29), dt.date(2033, 3, 13), dt.date(2033, 11, 6)):
        kept = day + dt.timedelta(days=days)
        receipt = s3.put(f"a/{kept}", DATA, kept)
        assert receipt.retain_until == kept and s3.receipt(receipt.name, receipt.version) == receipt


def test_the_server_refuses_what_the_officer_must_not_do(s3: S3Store, until: dt.date) -> None:
    receipt = s3.put("a", DATA, until)
    found = s3.attacks("a", receipt.version)
    assert found == dict.fromkeys(("delete", "shorten", "loosen", "unlock", "overwrite", "hide"), True)


def test_a_marker_over_an_object_hides_nothing_from_us_and_frees_no_name(s3: S3Store, until: dt.date) -> None:
    receipt = s3.put("a", DATA, until)
    raw(s3).delete_object(**place(s3, "a"))
    with pytest.raises(ClientError):
        raw(s3).get_object(**place(s3, "a"))
    assert list(s3.names()) == [("a", receipt.version)] and s3.verify("a", receipt.version, receipt.sha256)
    with pytest.raises(AlreadyKept):
        s3.put("a", b"other", until)


def test_nothing_is_deleted_without_its_version(s3: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put("a", DATA, today())
    for version in ("", "null"):
        with pytest.raises(NotKept):
            s3.destroy("a", version)
    assert not raw(s3).list_object_versions(Bucket=s3._address.bucket).get("DeleteMarkers")


def test_the_lock_of_the_server_counts_even_where_our_clock_is_wrong(s3: S3Store, until: dt.date) -> None:
    receipt = s3.put("a", DATA, until)
    with time_machine.travel(kept_through(until) + dt.timedelta(days=2)), pytest.raises(NotDue):
        s3.destroy("a", receipt.version)
    assert s3.verify("a", receipt.version, receipt.sha256)


@pytest.mark.parametrize("lax", ["no lock", "governance"])
def test_an_object_that_is_not_locked_as_it_should_be_counts_as_damaged(
    lax: str, s3: S3Store, until: dt.date
) -> None:
    more = {} if lax == "no lock" else {
        "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": kept_through(until)
    }
    made = raw(s3).put_object(**place(s3, "a"), Body=DATA, ChecksumAlgorithm="SHA256", **more)
    with pytest.raises((Damaged, NotKept)):
        s3.receipt("a", made["VersionId"])
    assert not s3.verify("a", made["VersionId"], hashlib.sha256(DATA).hexdigest())


# --- The bucket ----------------------------------------------------------------------------------------------


def test_a_bucket_that_locks_nothing_is_refused(s3_server: str, until: dt.date) -> None:
    with pytest.raises(UnfitBucket):
        S3Store(ministack.bucket(s3_server, locked=False)).put("a", DATA, until)


def test_a_bucket_whose_versions_were_switched_off_is_refused(s3: S3Store, until: dt.date) -> None:
    off = {"Status": "Suspended"}
    raw(s3).put_bucket_versioning(Bucket=s3._address.bucket, VersioningConfiguration=off)
    with pytest.raises(UnfitBucket):
        s3.put("a", DATA, until)
    assert list(s3.listing()) == []


def test_a_bucket_that_was_fit_and_gives_no_version_is_noticed_at_once(s3: S3Store, until: dt.date) -> None:
    s3.put("a", DATA, until)
    off = {"Status": "Suspended"}
    raw(s3).put_bucket_versioning(Bucket=s3._address.bucket, VersioningConfiguration=off)
    with pytest.raises(UnfitBucket):
        s3.put("b", DATA, until)


def test_the_worker_does_not_start_on_an_unfit_bucket_and_does_on_a_silent_one(s3_server: str, settings: Any) -> None:
    _settings(settings, ministack.bucket(s3_server, locked=False))
    with pytest.raises(SystemExit):
        refuse_unfit_bucket()
    settings.LOCKBOX_S3_ENDPOINT = "http://127.0.0.1:9"
    refuse_unfit_bucket()


def _settings(settings: Any, address: Any) -> None:
    settings.LOCKBOX_STORE = "portal.lockbox.s3.S3Store"
    settings.LOCKBOX_S3_ENDPOINT, settings.LOCKBOX_S3_BUCKET = address.endpoint, address.bucket
    settings.LOCKBOX_S3_ACCESS_KEY, settings.LOCKBOX_S3_SECRET_KEY = address.access_key, address.secret_key
    settings.LOCKBOX_S3_PREFIX, settings.LOCKBOX_S3_TIMEOUT_SECONDS = address.prefix, address.timeout_seconds


def test_the_settings_say_which_bucket_it_is(s3_server: str, settings: Any, until: dt.date) -> None:
    address = ministack.bucket(s3_server)
    _settings(settings, address)
    receipt = lockbox().put("a", DATA, until)
    assert S3Store(replace(address, region=settings.LOCKBOX_S3_REGION)).receipt("a", receipt.version) == receipt


def test_two_prefixes_of_one_bucket_do_not_see_each_other(s3_server: str, until: dt.date) -> None:
    address = ministack.bucket(s3_server)
    one, two = S3Store(address), S3Store(replace(address, prefix="other/"))
    one.put("a", DATA, until)
    assert list(two.names()) == [] and two.put("a", b"other", until) and len(list(one.names())) == 1


def test_keys_are_in_no_error_and_no_representation(s3: S3Store) -> None:
    assert "secret" not in repr(s3._address)


def test_memory_stays_flat_whatever_the_size(s3: S3Store, until: dt.date) -> None:
    class Zeros(io.RawIOBase):
        left = 48 * 1024 * 1024

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            piece = bytes(min(size, self.left))
            self.left -= len(piece)
            return piece

    s3.put("warm", DATA, until)
    tracemalloc.start()
    try:
        receipt = s3.put("a", Zeros(), until)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert receipt.size == 48 * 1024 * 1024 and peak < 12 * 1024 * 1024, peak


# --- A server that misbehaves --------------------------------------------------------------------------------


@pytest.fixture
def bad(s3_server: str) -> Iterator[Proxy]:
    with fake_s3.proxy(s3_server) as state:
        yield state


@pytest.fixture
def behind(bad: Proxy, s3_server: str) -> S3Store:
    """A store that reaches its server through the proxy only; its bucket was found fit before."""
    address = replace(ministack.bucket(s3_server, timeout_seconds=1), endpoint=bad.endpoint)
    store = S3Store(address)
    store.fit()
    return store


@pytest.mark.parametrize(
    ("trick", "tries"),
    [
        (fake_s3.always(fake_s3.refusal(403, "AccessDenied")), 1),
        (fake_s3.always(fake_s3.refusal(500, "InternalError")), 3),
        (fake_s3.always(fake_s3.refusal(503, "SlowDown")), 3),
    ],
    ids=["refuses", "fails", "is busy"],
)
def test_a_server_that_says_no_is_asked_a_few_times_and_keeps_nothing(
    trick: Any, tries: int, bad: Proxy, behind: S3Store, until: dt.date
) -> None:
    bad.trick, bad.seen = trick, []
    with pytest.raises(StorageUnavailable):
        behind.put("a", DATA, until)
    assert len(bad.seen) == tries
    bad.trick = None
    assert list(behind.listing()) == [] and behind.put("a", DATA, until)


@pytest.mark.parametrize("deed", ["open", "receipt", "verify", "destroy", "listing", "extend"])
def test_every_deed_says_that_the_store_does_not_answer(
    deed: str, bad: Proxy, behind: S3Store, until: dt.date
) -> None:
    receipt = behind.put("a", DATA, until)
    bad.trick = fake_s3.always(fake_s3.refusal(500, "InternalError"))
    deeds: dict[str, Callable[[], object]] = {
        "open": lambda: behind.open("a", receipt.version).read(),
        "receipt": lambda: behind.receipt("a", receipt.version),
        "verify": lambda: behind.verify("a", receipt.version, receipt.sha256),
        "destroy": lambda: behind.destroy("a", receipt.version),
        "listing": lambda: list(behind.listing()),
        "extend": lambda: behind.extend("a", receipt.version, until + dt.timedelta(days=1)),
    }
    with pytest.raises(StorageUnavailable):
        deeds[deed]()


def test_a_server_that_hangs_is_given_up_soon(bad: Proxy, behind: S3Store, until: dt.date) -> None:
    began = dt.datetime.now(tz=dt.UTC)
    bad.trick = fake_s3.hanging(4)
    with pytest.raises(StorageUnavailable):
        behind.put("a", DATA, until)
    assert (dt.datetime.now(tz=dt.UTC) - began).total_seconds() < 12


def test_an_answer_that_was_lost_is_found_again_at_the_next_try(
    bad: Proxy, behind: S3Store, until: dt.date
) -> None:
    lost: list[str] = []

    def trick(method: str, path: str, real: Callable[[], Answer]) -> Answer:
        answer = real()
        if method == "PUT" and not lost:
            lost.append(path)
            return fake_s3.refusal(500, "InternalError")
        return answer

    bad.trick = trick
    receipt = behind.put("a", DATA, until)
    assert lost and len(list(behind.listing())) == 1 and behind.verify("a", receipt.version, receipt.sha256)


def _lie(header: str, value: str) -> Any:
    def trick(_method: str, _path: str, real: Callable[[], Answer]) -> Answer:
        answer = real()
        if any(name.lower() == header for name in answer.headers):
            answer.headers = {n: v for n, v in answer.headers.items() if n.lower() != header} | {header: value}
        return answer

    return trick


def _spoil(_method: str, path: str, real: Callable[[], Answer]) -> Answer:
    answer = real()
    if _method == "GET" and answer.body.startswith(b"sealed"):
        answer.body = b"X" + answer.body[1:]
    return answer


@pytest.mark.parametrize(
    "trick",
    [
        _lie("x-amz-checksum-sha256", base64.b64encode(bytes(32)).decode()),
        _lie("x-amz-object-lock-mode", "GOVERNANCE"),
        _lie("x-amz-object-lock-retain-until-date", "2027-01-01T00:00:00Z"),
        _spoil,
    ],
    ids=["checksum", "mode", "date", "content"],
)
def test_a_server_that_lies_about_what_it_keeps_is_not_believed(
    trick: Any, bad: Proxy, behind: S3Store, until: dt.date
) -> None:
    bad.trick = trick
    with pytest.raises(Damaged):
        behind.put("a", DATA, until)


def test_content_that_breaks_off_counts_as_damaged_or_away(bad: Proxy, behind: S3Store, until: dt.date) -> None:
    receipt = behind.put("a", DATA, until)

    def trick(method: str, path: str, real: Callable[[], Answer]) -> Answer:
        answer = real()
        if method == "GET" and answer.body.startswith(b"sealed"):
            answer.body = answer.body[:100]
        return answer

    bad.trick = trick
    assert not behind.verify("a", receipt.version, receipt.sha256)


def test_a_server_that_only_says_it_destroyed_is_not_believed(
    bad: Proxy, behind: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = behind.put("a", DATA, today() + dt.timedelta(days=1))

    def trick(method: str, path: str, real: Callable[[], Answer]) -> Answer:
        return Answer(204, {}, b"") if method == "DELETE" else real()

    bad.trick = trick
    monkeypatch.setattr(s3_module, "today", lambda: receipt.retain_until + dt.timedelta(days=1))
    with pytest.raises(StorageUnavailable):
        behind.destroy("a", receipt.version)
