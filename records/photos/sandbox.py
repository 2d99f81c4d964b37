"""Keeps the decoding process (``decode.py``): starts it, feeds it, times it, ends it on trouble.

Plain ``subprocess``, since a Celery prefork child may not start ``multiprocessing`` children.
One per process, made on first use, dropped (not ended) in a fork. What comes back from it is
treated as what a stranger sent: a process that opened a hostile file may have been taken over.
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
from dataclasses import dataclass
from pathlib import Path

from portal.errors import PortalError

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; sys.path.append(sys.argv[1]); from records.photos import decode; decode.main(sys.argv[2])"
# glibc: large pages and a heap that is kept, since a process that lives for one photo spends a
# fifth of its time on page faults otherwise. Nothing of the worker's own environment goes along.
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
HEAD_MAX = 4096
PICTURE_MAX = 32 * 1024 * 1024
# Exit code of the decoding process -> reason. SIGKILL is absent: that is the machine's doing.
EXIT_REASONS = {
    128 + signal.SIGXCPU: "too_slow",
    128 + signal.SIGSEGV: "broken",
    128 + signal.SIGBUS: "broken",
    128 + signal.SIGABRT: "broken",
    128 + signal.SIGFPE: "broken",
    128 + signal.SIGILL: "broken",
}


class SandboxLost(PortalError):
    """The decoding process could not start, or was ended from outside. Not the photo's fault."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one photo. ``wall_seconds`` is kept here, the rest in the decoding process."""

    wall_seconds: float
    cpu_seconds: int
    memory_mb: int
    pixels: int
    edge: int
    thumb: int
    quality: int

    def as_json(self) -> str:
        names = ("cpu_seconds", "memory_mb", "pixels", "edge", "thumb", "quality")
        return json.dumps({name: getattr(self, name) for name in names})


@dataclass(frozen=True, slots=True)
class Answer:
    """``code`` is empty when all went well. ``rise_kb``: peak memory above the idle process."""

    code: str = ""
    width: int = 0
    height: int = 0
    image: bytes = b""
    thumb: bytes = b""
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
            return self._answer(deadline)
        except TimeoutError:
            self.end()
            return Answer(code="too_slow")
        except (OSError, EOFError):
            reason = EXIT_REASONS.get(self.end() or 0)
            if reason is None:
                raise SandboxLost("ended") from None
            return Answer(code=reason)
        except (ValueError, TypeError, KeyError):
            self.end()
            return Answer(code="broken")

    def _answer(self, deadline: float) -> Answer:
        (size,) = struct.unpack(">I", self._read(4, deadline))
        if size > HEAD_MAX:
            raise ValueError("head")
        head = json.loads(self._read(size, deadline))
        rise = int(head["rise_kb"])
        if "code" in head:
            return Answer(code=str(head["code"]), rise_kb=rise)
        sizes = int(head["image"]), int(head["thumb"])
        if not all(0 < part <= PICTURE_MAX for part in sizes):
            raise ValueError("size")
        image, thumb = (self._read(part, deadline) for part in sizes)
        for part in (image, thumb):
            if not (part.startswith(b"\xff\xd8\xff") and part.endswith(b"\xff\xd9")):
                raise ValueError("not a JPEG")
        return Answer("", int(head["width"]), int(head["height"]), image, thumb, rise)

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


_lock = threading.Lock()
_current: Sandbox | None = None


def _forget_in_fork() -> None:
    global _current, _lock
    if _current is not None:
        _current.drop()
    _current, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_in_fork)


def decode(kind: bytes, data: bytes, limits: Limits) -> Answer:
    """Decode in the warm process of these limits, one photo at a time."""
    global _current
    with _lock:
        if _current is not None and (_current.limits != limits or not _current.alive()):
            _current.end()
            _current = None
        if _current is None:
            _current = Sandbox(limits)
        try:
            return _current.decode(kind, data)
        finally:
            if _current.channel.fileno() < 0:
                _current = None


def close() -> None:
    """End the warm process, for a worker that stops and for tests."""
    global _current
    with _lock:
        if _current is not None:
            _current.end()
            _current = None
