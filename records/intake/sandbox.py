"""Keeps the decoding process (``decode.py``): starts it, feeds it, times it, ends it on trouble.

Plain ``subprocess``, since a Celery prefork child may not start ``multiprocessing`` children.
One per room (photos, documents) and process, made on first use, dropped (not ended) in a fork. What
comes back from it is treated as what a stranger sent: a process that opened a hostile file may have
been taken over.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from portal.errors import PortalError

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; sys.path.append(sys.argv[1]); from records.intake import decode; decode.main(sys.argv[2])"
# glibc: large pages and a heap that is kept, since a process that lives for one file spends a
# fifth of its time on page faults otherwise. Nothing of the worker's own environment goes along.
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
HEAD_MAX = 8192
PART_MAX = 32 * 1024 * 1024
PARTS_MAX = 128 * 1024 * 1024
NUMBER_MAX = 2**31 - 1
# Exit code of the decoding process -> reason. SIGKILL is absent: that is the machine's doing.
EXIT_REASONS = {
    128 + signal.SIGXCPU: "too_slow",
    128 + signal.SIGSEGV: "broken",
    128 + signal.SIGBUS: "broken",
    128 + signal.SIGABRT: "broken",
    128 + signal.SIGFPE: "broken",
    128 + signal.SIGILL: "broken",
    128 + signal.SIGTRAP: "too_heavy",  # so PDFium ends itself when it gets no memory
}


class SandboxLost(PortalError):
    """The decoding process could not start, or was ended from outside. Not the file's fault."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one file. ``wall_seconds`` is kept here, the rest in the decoding process.

    ``bounds``: cpu_seconds, memory_mb, pixels (of any picture), edge, thumb (pixels), quality (JPEG);
    for documents also pages, objects, page_edge, and mb (of the clean PDF).
    """

    wall_seconds: float
    bounds: dict[str, int]

    def as_json(self) -> str:
        return json.dumps(self.bounds)


@dataclass(frozen=True, slots=True)
class Answer:
    """``code`` is empty when all went well. ``rise_kb``: peak memory above the idle process."""

    code: str = ""
    facts: dict[str, int] = field(default_factory=dict)
    parts: tuple[bytes, ...] = ()
    rise_kb: int = 0


class Sandbox:
    """One decoding process and the socket to it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        ours, theirs = socket.socketpair()
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [sys.executable, "-I", "-c", PROGRAM, str(PROJECT), limits.as_json()],
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=ENVIRONMENT, cwd="/", start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise SandboxLost("start") from error
        finally:
            theirs.close()
        self.channel = ours

    def alive(self) -> bool:
        return self.process.poll() is None

    def drop(self) -> None:
        """Forget it without ending it (it belongs to the process this one was forked from)."""
        self.channel.close()

    def end(self) -> int | None:
        """Kill the process and its forks; returns the exit code if it had ended by itself."""
        self.channel.close()
        try:
            code: int | None = self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            code = None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return code

    def decode(self, kind: bytes, data: bytes) -> Answer:
        """Raises ``SandboxLost``; any trouble ends the process, a plain refusal does not."""
        deadline = time.monotonic() + self.limits.wall_seconds
        try:
            self.channel.settimeout(self.limits.wall_seconds)
            self.channel.sendall(struct.pack(">4sI", kind, len(data)))
            self.channel.sendall(data)
            return self._answer(kind, deadline)
        except TimeoutError:
            self.end()
            return Answer(code="too_slow")
        except (OSError, EOFError):
            reason = EXIT_REASONS.get(self.end() or 0)
            if reason is None:
                raise SandboxLost("ended") from None
            return Answer(code=reason)
        except (ValueError, TypeError, KeyError, AttributeError):
            self.end()
            return Answer(code="broken")

    def _answer(self, kind: bytes, deadline: float) -> Answer:
        (size,) = struct.unpack(">I", self._read(4, deadline))
        if size > HEAD_MAX:
            raise ValueError("head")
        head = json.loads(self._read(size, deadline))
        rise = int(head["rise_kb"])
        if "code" in head:
            return Answer(code=str(head["code"]), rise_kb=rise)
        facts = {str(name): int(value) for name, value in head["facts"].items()}
        sizes = [int(size) for size in head["parts"]]
        if not all(0 < part <= PART_MAX for part in sizes) or sum(sizes) > PARTS_MAX:
            raise ValueError("size")
        if not all(0 <= number <= NUMBER_MAX for number in facts.values()):
            raise ValueError("facts")
        parts = tuple(self._read(part, deadline) for part in sizes)
        for number, part in enumerate(parts):
            if not (_is_jpeg(part) or (kind == b"pdf " and number == 0 and part.startswith(b"%PDF-"))):
                raise ValueError("not what was asked for")
        return Answer("", facts, parts, rise)

    def _read(self, size: int, deadline: float) -> bytes:
        buffer = bytearray(size)
        view, got = memoryview(buffer), 0
        while got < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.channel.settimeout(left)
            part = self.channel.recv_into(view[got:])
            if part == 0:
                raise EOFError
            got += part
        return bytes(buffer)


def _is_jpeg(part: bytes) -> bool:
    return part.startswith(b"\xff\xd8\xff") and part.endswith(b"\xff\xd9")


_lock = threading.Lock()
_kept: dict[str, Sandbox] = {}


def _forget_in_fork() -> None:
    global _kept, _lock
    for kept in _kept.values():
        kept.drop()
    _kept, _lock = {}, threading.Lock()


os.register_at_fork(after_in_child=_forget_in_fork)


def decode(room: str, kind: bytes, data: bytes, limits: Limits) -> Answer:
    """Decode in the warm process of this room ("photo", "document") and limits, one file at a time."""
    with _lock:
        warm = _kept.pop(room, None)
        if warm is not None and (warm.limits != limits or not warm.alive()):
            warm.end()
            warm = None
        if warm is None:
            warm = Sandbox(limits)
        try:
            return warm.decode(kind, data)
        finally:
            if warm.channel.fileno() >= 0:
                _kept[room] = warm


def close() -> None:
    """End the warm processes, for a worker that stops and for tests."""
    with _lock:
        while _kept:
            _kept.popitem()[1].end()
