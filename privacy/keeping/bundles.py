"""Sealing files into one bundle, piece by piece: a tar with its manifest, encrypted as it is read.

In clear a bundle lies nowhere, neither on the disk nor whole in memory: what seals it pulls one
piece after the other out of the files.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, cast

from portal.lockbox import age

_BUFFER = 1 << 17
_END = bytes(2 * tarfile.BLOCKSIZE)


class TarStream(io.RawIOBase):
    """A tar that is made while it is read. ``hashes`` are the files' SHA-256 by name, once it was read.

    ``manifest(hashes)`` gives the facts of the last file, ``manifest.json``.
    """

    def __init__(
        self, files: Iterable[tuple[str, bytes]], manifest: Callable[[Mapping[str, str]], Mapping[str, object]]
    ) -> None:
        self.hashes: dict[str, str] = {}
        self._pieces = self._make(files, manifest)
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def _make(
        self, files: Iterable[tuple[str, bytes]], manifest: Callable[[Mapping[str, str]], Mapping[str, object]]
    ) -> Iterator[bytes]:
        for name, data in files:
            self.hashes[name] = hashlib.sha256(data).hexdigest()
            yield from _entry(name, data)
        facts = {**manifest(self.hashes), "sha256": self.hashes}
        yield from _entry("manifest.json", json.dumps(facts, indent=1).encode())
        yield _END


def _entry(name: str, data: bytes) -> Iterator[bytes]:
    """Head, content and filling of one file. No times: the same content gives the same bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    yield entry.tobuf(tarfile.PAX_FORMAT)
    yield data
    yield bytes(-len(data) % tarfile.BLOCKSIZE)


def bundle_write(
    sink: BinaryIO,
    files: Iterable[tuple[str, bytes]],
    *,
    manifest: Callable[[Mapping[str, str]], Mapping[str, object]],
    recipients: Sequence[str],
) -> dict[str, str]:
    """Write the sealed bundle; returns SHA-256 in hex of each file by name, the manifest left out."""
    stream = TarStream(files, manifest)
    age.seal_stream(cast(BinaryIO, io.BufferedReader(stream, _BUFFER)), sink, recipients)
    return stream.hashes
