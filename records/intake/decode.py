"""Opens one photo or document in a process that can lose nothing. ``sandbox.py`` starts it and talks to it.

It runs with ``python -I`` and nearly no environment: no Django, no settings, no key. (``-I`` also
keeps this folder off the path, where ``selectors.py`` would hide the standard library's.)
The started process (the stem) only loads the decoders and then forks; each fork takes **one**
request from the socket on its standard input, answers it and ends. So a hostile picture meets a
process that never saw another person's file, yet nobody waits for Python to start.

Request: kind (4 bytes) + length (4 bytes, big-endian) + the file.
Answer: length (4 bytes) + JSON head + the parts it names by their lengths: of a picture, the
picture and its thumbnail (JPEG); of a PDF, the clean PDF, a thumbnail and each page (JPEG).
A fork that dies of a signal ends the stem with 128 + that signal; ``sandbox.py`` reads it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from records.intake.picture import Refused, convert, settle, warm_up

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
SERVED = 7  # exit code of a fork that answered: the stem makes the next one


def _peak_kb() -> int:
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)


def _read(channel: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        part = channel.recv_into(view[got:])
        if part == 0:
            os._exit(0)  # the worker is gone
        got += part
    return buffer


def _confine(limits: dict[str, int]) -> None:
    """Bounds on memory and processor time; no core dump (it would hold the file), no files."""
    memory = limits["memory_mb"] * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))


def _one_file(channel: socket.socket, limits: dict[str, int]) -> None:
    """The fork's whole life. Every decoder's exception ends as a reason code."""
    peak = _peak_kb()
    kind, size = struct.unpack(">4sI", _read(channel, 8))
    data = bytes(_read(channel, size))
    _confine(limits)
    head: dict[str, Any]
    parts: list[bytes] = []
    try:
        facts, parts = _opener(kind)(kind, data, limits)
        head = {"facts": facts, "parts": [len(part) for part in parts]}
    except Refused as refused:
        head = {"code": str(refused)}
    except MemoryError:
        head = {"code": "too_heavy"}
    except Exception:  # OSError, ValueError, RuntimeError, SyntaxError… all seen
        head = {"code": "broken"}
    head["rise_kb"] = _peak_kb() - peak
    text = json.dumps(head).encode()
    channel.sendall(struct.pack(">I", len(text)) + text + b"".join(parts))


def _opener(kind: bytes) -> Callable[[bytes, bytes, dict[str, int]], tuple[dict[str, int], list[bytes]]]:
    if kind == b"pdf ":
        from records.intake import pdf  # only the stem of documents has it loaded already

        return pdf.clean
    return _picture


def _picture(kind: bytes, data: bytes, limits: dict[str, int]) -> tuple[dict[str, int], list[bytes]]:
    (width, height), picture, thumb = convert(kind, data, limits)
    return {"width": width, "height": height}, [picture, thumb]


def _harden() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def main(arguments: str) -> None:
    """Fork once per file until the worker closes the socket. ``arguments``: the limits as JSON."""
    limits: dict[str, int] = json.loads(arguments)
    _harden()
    settle(limits)
    warm_up(limits)
    if "pages" in limits:
        from records.intake import pdf

        pdf.warm_up(limits)
    channel = socket.socket(fileno=0)
    parent = os.getpid()
    while True:
        child = os.fork()
        if child == 0:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == parent:
                _one_file(channel, limits)
                os._exit(SERVED)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != SERVED:
            os._exit(128 - status if status < 0 else status)

