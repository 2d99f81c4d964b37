"""A write-once folder. Each object is a directory of two read-only files, renamed into place.

The rename is the one moment at which an object comes to be: it fails where something is, and a
crash before it leaves only a leftover in ``.incoming``. Whoever owns the folder can still remove
files by hand; the S3 store is for where that must be impossible.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4

from django.conf import settings

from portal.dates import today
from portal.lockbox.store import AlreadyKept, BadDate, Damaged, Listed, NotDue, NotKept, Receipt, check_name

_CHUNK = 1024 * 1024
_KEPT = "@kept"  # no name may hold an @, so an object never stands in another one's way
_LEFTOVER_SECONDS = 86_400
_tidied: dict[Path, dt.datetime] = {}


class FolderStore:
    """See ``store.Store``."""

    def __init__(self, root: Path | str) -> None:
        self._root = Path(root)
        self._together = False

    @classmethod
    def from_settings(cls) -> FolderStore:
        return cls(settings.LOCKBOX_DIR)

    def put(self, name: str, data: bytes | BinaryIO, retain_until: dt.date) -> Receipt:
        if self._place(name).exists():
            raise AlreadyKept(name)

        def fill(sink: BinaryIO) -> str:
            source = io.BytesIO(data) if isinstance(data, bytes) else data
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
            return name

        return self.keep(fill, retain_until)

    def keep(self, fill: Callable[[BinaryIO], str], retain_until: dt.date) -> Receipt:
        if retain_until < today():
            raise BadDate("the retention date has passed")
        self._tidy_today()
        incoming = self._root / ".incoming" / uuid4().hex
        incoming.mkdir(parents=True, mode=0o700)
        try:
            name, sha256, size = _write(incoming / "data", fill, lasting=not self._together)
            target = self._place(name)
            receipt = Receipt(name, uuid4().hex, sha256, size, retain_until)
            _write(incoming / "receipt.json", _filling(_receipt_bytes(receipt)), lasting=not self._together)
            if _hash(incoming / "data") != sha256:
                raise Damaged(name)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _rename_new(incoming, target)
        except BaseException:
            _remove(incoming)
            raise
        if not self._together:
            _sync_folder(target.parent)
        return receipt

    @contextmanager
    def together(self) -> Iterator[None]:
        """One flush of the file system for all: three flushes an object take most of a put's time."""
        self._together = True
        try:
            yield
        finally:
            self._together = False
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync_file_system(self._root)

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
        except ValueError:  # a power cut in the middle of ``together``
            raise Damaged(name) from None
        if found["version"] != version:
            raise NotKept(name)
        until = dt.date.fromisoformat(found["retain_until"])
        return Receipt(name, version, found["sha256"], found["size"], until)

    def names(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        for found in self.listing(prefix):
            yield found.name, found.version

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        cut = len(f"{self._root.as_posix()}/")
        found = (path.as_posix()[cut:].removesuffix(_KEPT) for path in _objects(self._root / prefix.rpartition("/")[0]))
        for name in sorted(name for name in found if name.startswith(prefix)):
            path = self._place(name)
            with suppress(FileNotFoundError):  # destroyed meanwhile
                yield Listed(name, _version(path / "receipt.json"), (path / "data").stat().st_size)

    def extend(self, name: str, version: str, until: dt.date) -> Receipt:
        receipt = self.receipt(name, version)
        if until < max(receipt.retain_until, today()):
            raise BadDate("a retention date is only ever moved to a later day")
        if until == receipt.retain_until:
            return receipt
        longer = replace(receipt, retain_until=until)
        incoming = self._root / ".incoming" / uuid4().hex
        incoming.mkdir(parents=True, mode=0o700)
        place = self._place(name)
        try:
            _write(incoming / "receipt.json", _filling(_receipt_bytes(longer)), lasting=True)
            place.chmod(0o700)
            (incoming / "receipt.json").replace(place / "receipt.json")
            place.chmod(0o555)
        finally:
            _remove(incoming)
        _sync_folder(place)
        return longer

    def destroy(self, name: str, version: str) -> Receipt:
        receipt = self.receipt(name, version)
        if receipt.retain_until >= today():
            raise NotDue(name)
        leaving = self._root / ".incoming" / uuid4().hex
        leaving.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self._place(name)
        try:
            place.chmod(0o700)
            place.rename(leaving)
        except FileNotFoundError:  # another process was faster
            raise NotKept(name) from None
        _sync_folder(place.parent)
        _remove(leaving)
        return receipt

    def attacks(self, name: str, version: str) -> dict[str, bool]:
        """Through this class only: whoever owns the folder can still remove files by hand."""
        receipt = self.receipt(name, version)
        earlier = receipt.retain_until - dt.timedelta(days=1)
        return {
            "delete": _refused(NotDue, lambda: self.destroy(name, version)),
            "shorten": _refused(BadDate, lambda: self.extend(name, version, earlier)),
            "overwrite": _refused(AlreadyKept, lambda: self.put(name, b"-", receipt.retain_until)),
            "intact": self.verify(name, version, receipt.sha256),
        }

    def _tidy_today(self) -> None:
        """Look for leftovers when the process starts to write, and once a day from then on."""
        now = dt.datetime.now(tz=dt.UTC)
        last = _tidied.get(self._root)
        if last is None or not dt.timedelta(0) <= now - last < dt.timedelta(days=1):
            _tidied[self._root] = now
            self.tidy()

    def tidy(self, *, older_than_seconds: float = _LEFTOVER_SECONDS) -> int:
        """Remove what crashed writers left half done; returns how many."""
        count = 0
        incoming = self._root / ".incoming"
        if not incoming.is_dir():
            return 0
        limit = _file_system_now(incoming) - older_than_seconds
        for leftover in incoming.iterdir():
            with suppress(FileNotFoundError):  # another writer has just put it into place
                if leftover.stat().st_mtime < limit:
                    _remove(leftover)
                    count += 1
        return count

    def _place(self, name: str) -> Path:
        return self._root / f"{check_name(name)}{_KEPT}"


def _file_system_now(folder: Path) -> float:
    """The time by the clock that stamps the files: a server's may differ from ours, and a writer's work
    that looks old by the wrong one would be taken from under its hands."""
    probe = folder / f"now-{uuid4().hex}"
    probe.mkdir(mode=0o700)
    try:
        return probe.stat().st_mtime
    finally:
        probe.rmdir()


def _objects(folder: Path) -> Iterator[Path]:
    """Every object's directory below a folder; what is inside them is not looked at."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.endswith(_KEPT):
            yield Path(entry.path)
        elif entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _objects(Path(entry.path))


def _version(receipt: Path) -> str:
    """The version that the receipt names; of one that cannot be read a word that opens nothing."""
    try:
        return str(json.loads(receipt.read_bytes())["version"])
    except ValueError:
        return "unreadable"


def _refused(error: type[Exception], deed: Callable[[], object]) -> bool:
    try:
        deed()
    except error:
        return True
    return False


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


class _Hashed(io.RawIOBase):
    """A file being written that knows the SHA-256 and the size of what it was given."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """The file is flushed where it is closed."""

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _filling(data: bytes) -> Callable[[BinaryIO], str]:
    def fill(sink: BinaryIO) -> str:
        sink.write(data)
        return ""

    return fill


def _write(path: Path, fill: Callable[[BinaryIO], str], *, lasting: bool) -> tuple[str, str, int]:
    """A new read-only file, flushed to the disk where ``lasting``. Returns what ``fill`` did, SHA-256, size."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o444)
    with os.fdopen(descriptor, "wb", _CHUNK) as file:
        sink = _Hashed(file)
        told = fill(cast(BinaryIO, sink))
        file.flush()
        if lasting:
            os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o444)  # whatever the umask said
    return told, sink.hexdigest(), sink.size


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


def _sync_file_system(folder: Path) -> None:
    """Everything written to the file system of this folder is on the disk. Raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        folder.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
