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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from portal.crypto.tokens import DecryptionError

MAGIC = b"SEAL\x01"
HEAD_BYTES = len(MAGIC) + 4
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
KEY_BYTES = 32
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
    cipher = AESGCM(key)
    head = MAGIC + struct.pack(">I", chunk_bytes)
    yield head
    view = memoryview(data)
    count = max(1, -(-len(view) // chunk_bytes))
    for number in range(count):
        piece = view[number * chunk_bytes : (number + 1) * chunk_bytes]
        yield cipher.encrypt(_nonce(number, number == count - 1), piece, head)


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
    if not FOLDER.fullmatch(folder):
        raise ValueError("a folder of sealed files has plain small letters, digits, _ and -")
    key = secrets.token_bytes(KEY_BYTES)
    sealed = _joined(seal_chunks(data, key), len(data))
    random_name = uuid4().hex
    name = _store().save(f"{folder}/{random_name[:2]}/{random_name}", ContentFile(sealed))
    return SealedRef(name=name, key=key, size=len(data), sha256=hashlib.sha256(sealed).hexdigest())


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


def exists(name: str) -> bool:
    return _store().exists(name)


def size(name: str) -> int:
    """Bytes in the store: head and tags included, so a little more than the plain length."""
    return _store().size(name)
