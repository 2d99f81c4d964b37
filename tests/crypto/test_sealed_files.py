"""A sealed file opens whole with its own key, or not at all; the store sees only ciphertext."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from portal.crypto import sealed
from portal.crypto.fields import DecryptionError

pytestmark = pytest.mark.promise("P17")


def stored(name: str) -> Path:
    return Path(storages["sealed"].path(name))


@pytest.mark.parametrize(
    "size",
    [0, 1, 15, 16, 17, sealed.CHUNK_BYTES - 1, sealed.CHUNK_BYTES, sealed.CHUNK_BYTES + 1, 3 * sealed.CHUNK_BYTES],
)
def test_a_file_comes_back_as_it_went_in(size: int) -> None:
    data = os.urandom(size)
    ref = sealed.write(data, folder="photos")
    assert sealed.read(ref.name, ref.key) == data
    assert b"".join(sealed.chunks(ref.name, ref.key)) == data
    on_disk = stored(ref.name).read_bytes()
    assert (ref.size, ref.sha256) == (size, hashlib.sha256(on_disk).hexdigest())
    assert (
        sealed.size(ref.name) == len(on_disk) == size + sealed.HEAD_BYTES + 16 * max(1, -(-size // sealed.CHUNK_BYTES))
    )
    assert size < 16 or data[:16] not in on_disk
    streamed = sealed.write_stream(Dribble(data), folder="photos")  # type: ignore[arg-type]
    assert sealed.read(streamed.name, streamed.key) == data and streamed.name != ref.name
    assert (streamed.size, streamed.sha256) == (size, hashlib.sha256(stored(streamed.name).read_bytes()).hexdigest())


class Dribble:
    """A file that gives less than is asked for, as pipes and some stores do."""

    def __init__(self, data: bytes) -> None:
        self.rest = io.BytesIO(data)

    def read(self, length: int = -1) -> bytes:
        return self.rest.read(min(length, 70_001) if length > 16 else length)


def seal_small(data: bytes, key: bytes) -> bytes:
    return b"".join(sealed.seal_chunks(data, key, chunk_bytes=8))


def unseal(data: bytes, key: bytes) -> bytes:
    return b"".join(sealed.unseal_chunks(io.BytesIO(data), key))


@given(data=st.binary(max_size=60), key=st.binary(min_size=32, max_size=32))
def test_any_content_comes_back_in_small_chunks(data: bytes, key: bytes) -> None:
    assert unseal(seal_small(data, key), key) == data
    assert b"".join(sealed.seal_stream(io.BytesIO(data), key, chunk_bytes=8)) == seal_small(data, key)


def test_a_stream_is_sealed_a_little_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-four MiB go through without ever lying in memory, and a store that reads gets the same bytes."""
    seen: list[int] = []

    class Zeros:
        left = 64 * sealed.CHUNK_BYTES

        def read(self, length: int = -1) -> bytes:
            assert 0 < length <= sealed.CHUNK_BYTES + 16
            data = bytes(min(length, self.left))
            self.left -= len(data)
            return data

    def save(_store: Any, name: str, content: Any, **_: Any) -> str:
        while piece := content.read(300_000):
            seen.append(len(piece))
        return name

    monkeypatch.setattr(type(storages["sealed"]), "save", save)
    tracemalloc.start()
    ref = sealed.write_stream(Zeros(), folder="photos")  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ref.size == 64 * sealed.CHUNK_BYTES and sum(seen) > ref.size
    assert peak < 10 * sealed.CHUNK_BYTES


@given(data=st.data(), content=st.binary(min_size=1, max_size=40))
@example_settings(max_examples=150)
def test_any_flipped_bit_is_noticed(data: st.DataObject, content: bytes) -> None:
    key = bytes(32)
    whole = bytearray(seal_small(content, key))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DecryptionError):
        unseal(bytes(whole), key)


def test_a_cut_a_tail_a_swap_a_repeat_and_a_dropped_chunk_are_noticed() -> None:
    key = bytes(32)
    whole = seal_small(b"abcdefgh" * 4 + b"ij", key)
    head, body = whole[: sealed.HEAD_BYTES], whole[sealed.HEAD_BYTES :]
    parts = [body[i : i + 24] for i in range(0, len(body), 24)]
    assert unseal(head + b"".join(parts), key) == b"abcdefgh" * 4 + b"ij"
    damaged = [
        *(whole[:cut] for cut in range(len(whole))),
        whole + b"x",
        whole + parts[-1],
        head + b"".join([parts[1], parts[0], *parts[2:]]),
        head + b"".join([parts[0], *parts]),
        head + b"".join(parts[1:]),
        head + b"".join(parts[:-1]),
        head + b"".join([*parts[:2], *parts[3:]]),
        seal_small(b"abcdefgh", bytes([1]) * 32),
    ]
    for number, bad in enumerate(damaged):
        with pytest.raises(DecryptionError):
            unseal(bad, key)
            pytest.fail(f"damage {number} was not noticed")


def test_a_wrong_key_or_no_key_opens_nothing() -> None:
    ref = sealed.write(b"a photo", folder="photos")
    for key in (bytes(32), ref.key[:-1], b"", ref.key[::-1]):
        with pytest.raises(DecryptionError) as caught:
            sealed.read(ref.name, key)
        assert ref.name not in str(caught.value)


def test_two_files_never_share_a_key_or_a_name_and_names_say_nothing() -> None:
    refs = [sealed.write(b"same", folder="records/photos") for _ in range(20)]
    assert len({ref.key for ref in refs}) == len({ref.name for ref in refs}) == len({ref.sha256 for ref in refs}) == 20
    for ref in refs:
        assert re.fullmatch(r"records/photos/[0-9a-f]{2}/[0-9a-f]{32}", ref.name)
        assert ref.key.hex() not in repr(ref) and repr(ref.key) not in repr(ref)


@pytest.mark.parametrize("folder", ["", "/", "../out", "a/../b", "/abs", "Ana Okafor", "a//b", "a/", "a\x00"])
def test_a_folder_that_could_leave_the_store_or_tell_something_is_refused(folder: str) -> None:
    with pytest.raises(ValueError):
        sealed.write(b"x", folder=folder)


def test_deleting_removes_the_file_and_may_be_repeated() -> None:
    ref = sealed.write(b"x", folder="photos")
    assert sealed.exists(ref.name)
    sealed.delete(ref.name)
    sealed.delete(ref.name)
    assert not sealed.exists(ref.name)
    with pytest.raises(FileNotFoundError):
        sealed.read(ref.name, ref.key)


def test_a_write_that_dies_leaves_nothing_under_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed.write(b"x", folder="dying")
    folder = stored("dying")
    before = sorted(folder.rglob("*"))

    def full_disk(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError):
        sealed.write(b"y" * 100, folder="dying")
    assert [path for path in sorted(folder.rglob("*")) if path.is_file()] == [path for path in before if path.is_file()]


def test_a_file_is_never_replaced_and_only_its_owner_may_read_it() -> None:
    store: Any = storages["sealed"]
    ref = sealed.write(b"first", folder="photos")
    with pytest.raises(FileExistsError):
        store._save(ref.name, ContentFile(b"second"))
    assert sealed.read(ref.name, ref.key) == b"first"
    assert stored(ref.name).stat().st_mode & 0o077 == 0
