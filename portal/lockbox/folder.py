"""A write-once folder. Each object is a directory of two read-only files, renamed into place.

The rename is the one moment at which an object comes to be: it fails where something is, and a
crash before it leaves only a leftover in ``.incoming``. Whoever owns the folder can still remove
files by hand; the S3 store is for where that must be impossible.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from portal.dates import today
from portal.lockbox.store import AlreadyKept, BadDate, Damaged, NotDue, NotKept, Receipt, check_name

_CHUNK = 1024 * 1024
_KEPT = "@kept"  # no name may hold an @, so an object never stands in another one's way
_LEFTOVER_SECONDS = 86_400


class FolderStore:
    """See ``store.Store``."""

    def __init__(self, root: Path | str) -> None:
        self._root = Path(root)

    def put(self, name: str, data: bytes | BinaryIO, retain_until: dt.date) -> Receipt:
        target = self._place(name)
        if retain_until < today():
            raise BadDate("the retention date has passed")
        if target.exists():
            raise AlreadyKept(name)
        self.tidy()
        incoming = self._root / ".incoming" / uuid4().hex
        incoming.mkdir(parents=True, mode=0o700)
        try:
            sha256, size = _write(incoming / "data", data)
            receipt = Receipt(name, uuid4().hex, sha256, size, retain_until)
            _write(incoming / "receipt.json", _receipt_bytes(receipt))
            if _hash(incoming / "data") != sha256:
                raise Damaged(name)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _rename_new(incoming, target)
        except BaseException:
            _remove(incoming)
            raise
        _sync_folder(target.parent)
        return receipt

    def open(self, name: str, version: str) -> BinaryIO:
        self.receipt(name, version)
        return (self._place(name) / "data").open("rb")

    def verify(self, name: str, version: str, sha256: str) -> bool:
        try:
            receipt = self.receipt(name, version)
            found = _hash(self._place(name) / "data")
        except (NotKept, Damaged, OSError):
            return False
        return found == sha256 == receipt.sha256

    def receipt(self, name: str, version: str) -> Receipt:
        place = self._place(name)
        try:
            found = json.loads((place / "receipt.json").read_bytes())
        except FileNotFoundError:
            raise NotKept(name) from None
        except ValueError:
            raise Damaged(name) from None
        if found["version"] != version:
            raise NotKept(name)
        until = dt.date.fromisoformat(found["retain_until"])
        return Receipt(name, version, found["sha256"], found["size"], until)

    def names(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        found = []
        for path in self._root.glob(f"**/*{_KEPT}/receipt.json"):
            name = str(path.parent.relative_to(self._root).as_posix()).removesuffix(_KEPT)
            if name.startswith(prefix) and not name.startswith(".incoming/"):
                found.append((name, json.loads(path.read_bytes())["version"]))
        yield from sorted(found)

    def destroy(self, name: str, version: str) -> Receipt:
        receipt = self.receipt(name, version)
        if receipt.retain_until >= today():
            raise NotDue(name)
        leaving = self._root / ".incoming" / uuid4().hex
        leaving.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self._place(name)
        place.chmod(0o700)
        place.rename(leaving)
        _sync_folder(place.parent)
        _remove(leaving)
        return receipt

    def tidy(self, *, older_than_seconds: float = _LEFTOVER_SECONDS) -> int:
        """Remove what crashed writers left half done; returns how many. Each ``put`` begins with it."""
        count = 0
        limit = dt.datetime.now(tz=dt.UTC).timestamp() - older_than_seconds
        for leftover in self._root.glob(".incoming/*"):
            with suppress(FileNotFoundError):  # another writer has just put it into place
                if leftover.stat().st_mtime < limit:
                    _remove(leftover)
                    count += 1
        return count

    def _place(self, name: str) -> Path:
        return self._root / f"{check_name(name)}{_KEPT}"


def _receipt_bytes(receipt: Receipt) -> bytes:
    return json.dumps(
        {
            "name": receipt.name,
            "version": receipt.version,
            "sha256": receipt.sha256,
            "size": receipt.size,
            "retain_until": receipt.retain_until.isoformat(),
        },
        indent=1,
    ).encode()


def _write(path: Path, data: bytes | BinaryIO) -> tuple[str, int]:
    """Write a new read-only file and sync it. Returns its SHA-256 in hex and its size."""
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o444)
    with os.fdopen(descriptor, "wb") as sink:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            sink.write(chunk)
            size += len(chunk)
        sink.flush()
        os.fsync(sink.fileno())
        os.fchmod(sink.fileno(), 0o444)  # whatever the umask said
    return digest.hexdigest(), size


def _hash(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _rename_new(source: Path, target: Path) -> None:
    """Rename a directory to a name that must be free; the file system decides a race."""
    try:
        source.rename(target)
    except OSError:
        if target.exists():
            raise AlreadyKept(target.name.removesuffix(_KEPT)) from None
        raise
    target.chmod(0o555)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        folder.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
