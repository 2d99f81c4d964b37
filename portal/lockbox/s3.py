"""Write-once storage under S3 Object Lock in compliance mode: nobody can remove it before its date.

Not the account's owner either. The rules that a server may be lax about are kept here as well: no
date in the past, always mode and date together, a bucket that keeps versions, nothing ever deleted
without its version id. An object is always named with its version, so a delete marker that somebody
sets hides nothing. What a server damages while writing cannot be taken back: it stays, locked,
under a version that no row names, and the inventory reports it.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError
from django.conf import settings

from portal.dates import clinic_day, clinic_zone, today
from portal.errors import StorageUnavailable
from portal.lockbox import s3_calls
from portal.lockbox.s3_calls import Calls, Reader, S3Address, calling
from portal.lockbox.store import (
    AlreadyKept,
    BadDate,
    Damaged,
    Listed,
    LockboxError,
    NotDue,
    NotKept,
    Receipt,
    check_name,
)

_CHUNK = 1024 * 1024
_MODE = "COMPLIANCE"
_FIT_SECONDS = 3600  # a bucket found fit is not asked about again for an hour
MAX_BYTES = 5 * 1024**3  # one put; S3 takes no more in one piece

_fit_until: dict[S3Address, float] = {}


class UnfitBucket(LockboxError):
    """The bucket does not keep versions, or is not made for Object Lock."""


def kept_through(day: dt.date) -> dt.datetime:
    """The moment until which S3 must keep what is kept through ``day``: the next midnight at the clinic."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=clinic_zone()).astimezone(dt.UTC)


def _day(moment: dt.datetime) -> dt.date:
    """The last whole day on which something kept until ``moment`` is kept."""
    return clinic_day(moment) - dt.timedelta(days=1)


class S3Store:
    """See ``store.Store``. Every method may also raise ``StorageUnavailable``: try again later."""

    def __init__(self, address: S3Address) -> None:
        self._address = address
        self._calls = Calls(address)

    @classmethod
    def from_settings(cls) -> S3Store:
        return cls(
            S3Address(
                endpoint=settings.LOCKBOX_S3_ENDPOINT, bucket=settings.LOCKBOX_S3_BUCKET,
                region=settings.LOCKBOX_S3_REGION, access_key=settings.LOCKBOX_S3_ACCESS_KEY,
                secret_key=settings.LOCKBOX_S3_SECRET_KEY, prefix=settings.LOCKBOX_S3_PREFIX,
                timeout_seconds=settings.LOCKBOX_S3_TIMEOUT_SECONDS,
            )
        )

    def put(self, name: str, data: bytes | BinaryIO, retain_until: dt.date) -> Receipt:
        key = check_name(name)
        if retain_until < today():
            raise BadDate("the retention date has passed")
        self.fit()
        with tempfile.TemporaryFile() as spare:
            source = _seekable(data, spare)
            sha256, size = _measure(source)
            if self._versions(key):
                raise AlreadyKept(name)
            version = self._write(key, source, size, sha256, kept_through(retain_until))
        receipt = Receipt(name, version, sha256.hex(), size, retain_until)
        if self.receipt(name, version) != receipt or self._content_hash(key, version) != receipt.sha256:
            raise Damaged(name)
        return receipt

    def keep(self, fill: Callable[[BinaryIO], str], retain_until: dt.date) -> Receipt:
        if retain_until < today():
            raise BadDate("the retention date has passed")
        with tempfile.TemporaryFile() as made:  # S3 wants the hash before the content
            name = fill(cast(BinaryIO, made))
            made.seek(0)
            return self.put(name, cast(BinaryIO, made), retain_until)

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()  # the server answers when it lasts

    def _write(self, key: str, source: BinaryIO, size: int, sha256: bytes, until: dt.datetime) -> str:
        """Put it once, under lock from its first moment. Returns the version's id."""
        try:
            made = self._calls.put_object(
                key, Body=source, ContentLength=size, IfNoneMatch="*",
                ChecksumAlgorithm="SHA256", ChecksumSHA256=base64.b64encode(sha256).decode(),
                ObjectLockMode=_MODE, ObjectLockRetainUntilDate=until,
            )
        except ClientError as error:
            if s3_calls.code_of(error) in ("PreconditionFailed", "412", "ConditionalRequestConflict", "409"):
                return self._mine(key, sha256)
            if s3_calls.code_of(error) in ("BadDigest", "XAmzContentSHA256Mismatch"):
                raise Damaged(key) from None
            raise s3_calls.unavailable(error) from None
        version = str(made.get("VersionId") or "")
        if version in ("", "null"):
            raise UnfitBucket("the bucket does not keep versions")
        return version

    def _mine(self, key: str, sha256: bytes) -> str:
        """The one version that is there, if it is what we sent: the answer to a first try was lost."""
        for version in self._versions(key):
            with suppress(NotKept):
                if self.receipt(key, version).sha256 == sha256.hex():
                    return version
        raise AlreadyKept(key)

    def open(self, name: str, version: str) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(self._reader(check_name(name), version), _CHUNK))

    def verify(self, name: str, version: str, sha256: str) -> bool:
        try:
            receipt = self.receipt(name, version)
            found = self._content_hash(name, version)
        except (NotKept, Damaged):
            return False
        return found == sha256 == receipt.sha256

    def receipt(self, name: str, version: str) -> Receipt:
        key = check_name(name)
        _need(version, name)
        with calling(name):
            head = self._calls.head_object(key, VersionId=version, ChecksumMode="ENABLED")
            kept = self._calls.get_object_retention(key, VersionId=version).get("Retention", {})
        until, checksum = kept.get("RetainUntilDate"), head.get("ChecksumSHA256")
        if kept.get("Mode") != _MODE or until is None or checksum is None or head.get("VersionId") != version:
            raise Damaged(name)
        if head.get("ObjectLockMode") != _MODE or head.get("ObjectLockRetainUntilDate") != until:
            raise Damaged(name)
        return Receipt(name, version, base64.b64decode(checksum).hex(), int(head["ContentLength"]), _day(until))

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        with calling(prefix):
            for key, version, size in self._calls.list_versions(prefix):
                yield Listed(key, version, size)

    def names(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        for found in self.listing(prefix):
            yield found.name, found.version

    def extend(self, name: str, version: str, until: dt.date) -> Receipt:
        receipt = self.receipt(name, version)
        if until < max(receipt.retain_until, today()):
            raise BadDate("a retention date is only ever moved to a later day")
        if until > receipt.retain_until:
            with calling(name):
                self._calls.put_object_retention(
                    name, VersionId=version, Retention={"Mode": _MODE, "RetainUntilDate": kept_through(until)}
                )
            receipt = self.receipt(name, version)
            if receipt.retain_until != until:
                raise Damaged(name)
        return receipt

    def destroy(self, name: str, version: str) -> Receipt:
        receipt = self.receipt(name, version)
        if receipt.retain_until >= today():
            raise NotDue(name)
        try:
            self._calls.delete_object(name, VersionId=version)
        except ClientError as error:
            if s3_calls.code_of(error) == "AccessDenied":
                raise NotDue(name) from None
            raise s3_calls.unavailable(error) from None
        with suppress(NotKept):
            self.receipt(name, version)
            raise StorageUnavailable("the store says it removed something, and it is still there")
        return receipt

    def fit(self) -> None:
        """Raise ``UnfitBucket`` unless the bucket keeps versions and locks objects."""
        if _fit_until.get(self._address, 0.0) > time.monotonic():
            return
        if self._calls.versioning() != "Enabled" or self._calls.object_lock() != "Enabled":
            raise UnfitBucket("the bucket needs versioning and Object Lock, both switched on")
        _fit_until[self._address] = time.monotonic() + _FIT_SECONDS

    def attacks(self, name: str, version: str) -> dict[str, bool]:
        """Try what must not work on a locked object; True where the server refused, or nothing was lost.

        Goes around this class to the server itself, as somebody would who stole its key.
        """
        until = kept_through(self.receipt(name, version).retain_until)
        earlier = {"Mode": _MODE, "RetainUntilDate": until - dt.timedelta(hours=1)}
        laxer = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
        named = {"VersionId": version, "BypassGovernanceRetention": True}
        tried = {
            "delete": self._refused("delete_object", name, **named),
            "shorten": self._refused("put_object_retention", name, Retention=earlier, **named),
            "loosen": self._refused("put_object_retention", name, Retention=laxer, **named),
            "unlock": self._refused("put_object_retention", name, Retention={}, **named),
            "overwrite": self._refused("put_object", name, Body=b"-", IfNoneMatch="*", ChecksumAlgorithm="SHA256"),
        }
        self._refused("delete_object", name)  # only a marker: it hides the name and removes nothing
        receipt = self.receipt(name, version)
        return {**tried, "hide": self.verify(name, version, receipt.sha256)}

    def _refused(self, call: str, name: str, **options: Any) -> bool:
        try:
            getattr(self._calls, call)(name, **options)
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403, 412)
        return False

    def _versions(self, key: str) -> list[str]:
        with calling(key):
            return [version for found, version, _size in self._calls.list_versions(key) if found == key]

    def _reader(self, key: str, version: str) -> Reader:
        _need(version, key)
        with calling(key):
            return Reader(key, self._calls.get_object(key, VersionId=version))

    def _content_hash(self, name: str, version: str) -> str:
        digest = hashlib.sha256()
        with self._reader(check_name(name), version) as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()


def _need(version: str, name: str) -> None:
    """Without its version an object is never touched: S3 would take whatever lies on top."""
    if version in ("", "null"):
        raise NotKept(name)


def _seekable(data: bytes | BinaryIO, spare: Any) -> BinaryIO:
    """The content as a file that can be read twice: hashed first, sent second."""
    if isinstance(data, bytes):
        return io.BytesIO(data)
    if data.seekable():
        return data
    while chunk := data.read(_CHUNK):
        spare.write(chunk)
    spare.seek(0)
    return cast(BinaryIO, spare)


def _measure(source: BinaryIO) -> tuple[bytes, int]:
    """SHA-256 and size from here to the end; the source stands where it stood."""
    start, digest, size = source.tell(), hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    source.seek(start)
    if size > MAX_BYTES:
        raise LockboxError("too large for one object")
    return digest.digest(), size
