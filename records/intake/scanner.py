"""Optional: every upload is shown to a virus scanner (clamd) before it is opened.

Set ``CLAMD_ADDRESS`` to a socket's path or ``host:port``. Where it is set, nothing passes unscanned:
a scanner that does not answer makes the upload wait, and staff see that it does.
"""

from __future__ import annotations

import socket
import struct
import time

from django.conf import settings

from portal.errors import PortalError

PIECE = 1 << 18
ANSWER_MAX = 4096


class ScannerDown(PortalError):
    """The scanner could not be asked, or its answer is not one. Says nothing about the file."""


def finds(data: bytes) -> bool:
    """True when the scanner knows something bad in ``data``; False without a scanner.

    Raises ``ScannerDown`` on any trouble, or after ``CLAMD_SECONDS`` for the whole conversation.
    """
    if not settings.CLAMD_ADDRESS:
        return False
    deadline = time.monotonic() + settings.CLAMD_SECONDS
    try:
        with _connected(settings.CLAMD_ADDRESS, deadline) as channel:
            answer = _ask(channel, data, deadline)
    except (OSError, ValueError) as error:
        raise ScannerDown(type(error).__name__) from None
    if answer.endswith(" OK"):
        return False
    if answer.endswith(" FOUND"):
        return True
    raise ScannerDown("answer")  # "INSTREAM size limit exceeded. ERROR" and the like


def _connected(address: str, deadline: float) -> socket.socket:
    if address.startswith("/"):
        channel = socket.socket(socket.AF_UNIX)
        channel.settimeout(_left(deadline))
        try:
            channel.connect(address)
        except OSError:
            channel.close()
            raise
        return channel
    host, _colon, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=_left(deadline))


def _ask(channel: socket.socket, data: bytes, deadline: float) -> str:
    """clamd's INSTREAM: pieces, each behind its length (4 bytes, big-endian), the last one empty."""
    channel.sendall(b"zINSTREAM\0")
    view = memoryview(data)
    for at in range(0, len(view), PIECE):
        channel.settimeout(_left(deadline))
        piece = view[at : at + PIECE]
        channel.sendall(struct.pack(">I", len(piece)))
        channel.sendall(piece)
    channel.sendall(struct.pack(">I", 0))
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < ANSWER_MAX:
        channel.settimeout(_left(deadline))
        part = channel.recv(ANSWER_MAX)
        if not part:
            break
        answer += part
    return answer.rstrip(b"\0\n").decode("ascii", "replace")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
