"""Sealed files: each under a random key of its own, in a store that sees only ciphertext.

The caller keeps the key, in an ``EncryptedBinaryField`` of the row that owns the file. Names are
random, so neither the store nor its listing says anything.

Layout: ``SEAL``, one version byte (1), the chunk size in bytes as 4 bytes big-endian, then the
chunks, each AES-256-GCM ciphertext with its 16-byte tag. The nonce of a chunk is its number (11
bytes) and whether it is the last (1 byte); the head is authenticated with each chunk. So chunks
cannot be reordered, dropped, repeated or cut off. Nonces may count from 0, since no key is used twice.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import IO, cast
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages
from django.utils import timezone

from portal.crypto.tokens import DecryptionError

MAGIC = b"SEAL\x01"
HEAD_BYTES = len(MAGIC) + 4
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
KEY_BYTES = 32
# Older than any worker that may still be about to write the row.
ORPHAN_AGE = timedelta(hours=1)
FOLDER = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)*")


@dataclass(frozen=True)
class SealedRef:
    """Where a sealed file lies and what opens it.

    ``size`` is the plain length in bytes; ``sha256`` is the hex digest of the **sealed** bytes, so
    a backup or a sweep can check the file without a key, and it tells nothing about the content.
    """

    name: str
    key: bytes = field(repr=False)
    size: int
    sha256: str


def _store() -> Storage:
    return storages["sealed"]


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def seal_chunks(data: bytes | memoryview, key: bytes, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The sealed form of ``data``, piece by piece, head first. ``key`` must never have been used."""
    view = memoryview(data)
    starts = range(0, max(1, len(view)), chunk_bytes)
    return _seal((view[start : start + chunk_bytes] for start in starts), key, chunk_bytes)


def seal_stream(source: IO[bytes], key: bytes, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """As ``seal_chunks``, of what a file gives from where it stands: one chunk in memory at a time."""
    return _seal(iter(lambda: _read_exactly(source, chunk_bytes), b""), key, chunk_bytes)


def _seal(pieces: Iterator[bytes] | Iterator[memoryview], key: bytes, chunk_bytes: int) -> Iterator[bytes]:
    """``pieces`` are whole chunks but for the last; without any, one empty chunk is the content."""
    cipher = AESGCM(key)
    head = MAGIC + struct.pack(">I", chunk_bytes)
    yield head
    number = 0
    piece: bytes | memoryview = next(pieces, b"")
    for following in pieces:
        yield cipher.encrypt(_nonce(number, False), piece, head)
        piece, number = following, number + 1
    yield cipher.encrypt(_nonce(number, True), piece, head)


def _read_exactly(source: IO[bytes], length: int) -> bytes:
    """Up to ``length`` bytes, fewer only at the end: some stores hand out short reads."""
    pieces: list[bytes] = []
    while length:
        piece = source.read(length)
        if not piece:
            break
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def unseal_chunks(source: IO[bytes], key: bytes) -> Iterator[bytes]:
    """The plain chunks of a sealed file, each checked before it is handed out.

    Raises ``DecryptionError`` for a wrong key, a changed bit, or a missing end; in the last case
    after the whole chunks before it, so what came first must not be taken for the whole file.
    """
    head = _read_exactly(source, HEAD_BYTES)
    if len(head) != HEAD_BYTES or not head.startswith(MAGIC):
        raise DecryptionError("sealed file", "format")
    (chunk_bytes,) = struct.unpack(">I", head[len(MAGIC) :])
    if not 0 < chunk_bytes <= 1 << 26:
        raise DecryptionError("sealed file", "format")
    try:
        cipher = AESGCM(key)
    except (ValueError, TypeError):
        raise DecryptionError("sealed file", "key") from None
    number = 0
    piece = _read_exactly(source, chunk_bytes + TAG_BYTES)
    while True:
        following = _read_exactly(source, chunk_bytes + TAG_BYTES) if len(piece) == chunk_bytes + TAG_BYTES else b""
        try:
            yield cipher.decrypt(_nonce(number, not following), piece, head)
        except (InvalidTag, ValueError):
            raise DecryptionError("sealed file", "key") from None
        if not following:
            return
        piece, number = following, number + 1


def _joined(pieces: Iterable[bytes], length: int) -> bytes:
    sealed = bytearray()
    for piece in pieces:
        sealed += piece
    if len(sealed) < length:
        raise AssertionError("a sealed file is longer than its content")
    return bytes(sealed)


def write(data: bytes, *, folder: str) -> SealedRef:
    """Seal ``data`` under a fresh key and store it as ``folder/ab/<random>``; all or nothing.

    ``folder``: small letters, digits, ``_``, ``-`` and ``/``. Nothing about a person belongs in it.
    If the caller's transaction fails afterwards, the caller deletes the file.
    """
    key = secrets.token_bytes(KEY_BYTES)
    sealed = _joined(seal_chunks(data, key), len(data))
    name = _store().save(_new_name(folder), ContentFile(sealed))
    return SealedRef(name=name, key=key, size=len(data), sha256=hashlib.sha256(sealed).hexdigest())


def write_stream(source: IO[bytes], *, folder: str) -> SealedRef:
    """As ``write``, for what is too big to hold: reads ``source`` to its end, some chunks at a time."""
    key = secrets.token_bytes(KEY_BYTES)
    counted = _Counted(source)
    content = _Sealing(seal_stream(cast("IO[bytes]", counted), key))
    name = _store().save(_new_name(folder), content)
    return SealedRef(name=name, key=key, size=counted.size, sha256=content.digest.hexdigest())


def _new_name(folder: str) -> str:
    if not FOLDER.fullmatch(folder):
        raise ValueError("a folder of sealed files has plain small letters, digits, _ and -")
    random_name = uuid4().hex
    return f"{folder}/{random_name[:2]}/{random_name}"


class _Counted:
    """Counts the plain bytes that are read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self.size = source, 0

    def read(self, length: int = -1) -> bytes:
        data = self._source.read(length)
        self.size += len(data)
        return data


class _Sealing(File):
    """A file for the store that is sealed while it is read, once, from its start."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__(None)  # there is no file below it
        self._pieces, self._rest, self.digest = pieces, bytearray(), hashlib.sha256()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for piece in self._pieces:
            self.digest.update(piece)
            yield piece

    def read(self, length: int = -1) -> bytes:
        while length < 0 or len(self._rest) < length:
            piece = next(self.chunks(), None)
            if piece is None:
                break
            self._rest += piece
        taken = bytes(self._rest) if length < 0 else bytes(self._rest[:length])
        del self._rest[: len(taken)]
        return taken

    def __bool__(self) -> bool:
        return True


def chunks(name: str, key: bytes) -> Iterator[bytes]:
    """The plain content piece by piece (1 MiB), for what is too big to hold. See ``unseal_chunks``."""
    with _store().open(name, "rb") as source:
        yield from unseal_chunks(source, key)


def read(name: str, key: bytes) -> bytes:
    """The whole plain content. Raises ``DecryptionError``, or ``FileNotFoundError`` if it is gone."""
    return b"".join(chunks(name, key))


def delete(name: str) -> None:
    """Remove the file; no error if it is gone already."""
    _store().delete(name)


def orphans_remove(folder: str, known: Callable[[], Collection[str]]) -> int:
    """Delete files of a small folder that no row names: a worker was killed after writing one. Returns how many.

    ``known`` names those that have a row. It is asked after the listing, so that a file whose row is written
    meanwhile is known by then; one younger than ``ORPHAN_AGE`` stays, since its row may be on its way.
    """
    store = _store()
    names = [f"{folder}/{part}/{name}" for part in _listed(folder, 0) for name in _listed(f"{folder}/{part}", 1)]
    old = timezone.now() - ORPHAN_AGE
    orphans = [name for name in set(names) - set(known()) if store.get_modified_time(name) < old]
    for name in orphans:
        delete(name)
    return len(orphans)


def _listed(folder: str, kind: int) -> list[str]:
    """Folders (``kind`` 0) or files (1) inside a folder of the store."""
    try:
        return list(_store().listdir(folder)[kind])
    except FileNotFoundError:
        return []


def exists(name: str) -> bool:
    return _store().exists(name)


def size(name: str) -> int:
    """Bytes in the store: head and tags included, so a little more than the plain length."""
    return _store().size(name)
