"""A child process that dies by SIGKILL between two steps of its work.

A step is what another process could see afterwards: a commit, a statement outside a transaction
that changes rows, a file that comes or goes, a stream about to be sealed, an object put into the
write-once store, a mail handed over, a call to Square. With ``reads`` every single statement is
one. ``burn(work, at=7)`` runs ``work`` in a fork of this process and kills it just before its
seventh step, which is just after its sixth, as a power cut would. The product knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from billing import square
from portal.crypto import sealed
from portal.lockbox import age
from portal.lockbox import folder as lockbox_folder
from portal.outbox.smtp import Line

Work: TypeAlias = Callable[[], Any]

DEEDS: tuple[tuple[Any, str], ...] = (
    (BaseDatabaseWrapper, "_commit"), (Line, "send"), (sealed, "write"), (sealed, "delete"),
    (age, "seal_stream"), (os, "link"), (os, "remove"), (Path, "unlink"), (Path, "replace"),
    (lockbox_folder, "_write"), (lockbox_folder, "_rename_new"),
    (lockbox_folder, "_sync_file_system"), (lockbox_folder.FolderStore, "destroy"), (lockbox_folder, "_remove"),
    (square, "link_create"), (square, "order_get"), (square, "payment_get"), (square, "refund_create"),
)
CHILD_SECONDS = 60  # a child that hangs is ended, and fails its test


class Fuse:
    """Counts steps and kills its own process before the one that is asked for."""

    def __init__(self, at: int, *, reads: bool) -> None:
        self.at = at
        self.reads = reads
        self.count = 0

    def lay(self) -> None:
        for owner, name in DEEDS:
            setattr(owner, name, self._fused(getattr(owner, name), lambda *_: True))
        for name in ("execute", "executemany"):
            setattr(CursorWrapper, name, self._fused(getattr(CursorWrapper, name), self._counts))

    def _counts(self, cursor: CursorWrapper, sql: object, *_: Any) -> bool:
        """Inside a transaction a statement is nothing to others until the commit."""
        alone = not cursor.db.in_atomic_block
        return self.reads or (alone and not str(sql).lstrip().upper().startswith("SELECT"))

    def _fused(self, real: Callable[..., Any], counts: Callable[..., bool]) -> Callable[..., Any]:
        def fused(*args: Any, **kwargs: Any) -> Any:
            if counts(*args):
                self.count += 1
                if self.count == self.at:
                    os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return fused


def burn(work: Work, *, at: int, reads: bool = False) -> bool:
    """True when the child died before step ``at``; False when it had less than that to do.

    Raises ``AssertionError`` with the child's own error when it ended in any other way.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _in_child(work, Fuse(at, reads=reads), writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        message = told.read()
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, message or f"the child ended with {status}"
    return False


def _in_child(work: Work, fuse: Fuse, writing: int) -> None:
    """Connections of its own (the parent's sockets are not to be touched), the fuse, the work, the end."""
    code = 1
    try:
        signal.alarm(CHILD_SECONDS)
        for alias in list(connections):
            del connections[alias]
        square._client.cache_clear()
        fuse.lay()
        work()
        code = 0
    except BaseException:
        os.write(writing, traceback.format_exc()[-4000:].encode())
    finally:
        sys.stdout.flush()
        os._exit(code)


def at_every_step(
    scene: Callable[[], tuple[Any, Callable[[int], None]]], *, reads: bool = False, stride: int = 1,
    burner: Callable[..., bool] = burn,
) -> int:
    """Kill the work before its first, second, third … step, each time on a fresh scene.

    ``scene()`` gives the work and what must hold in the end, whichever step it was killed at.

    Goes on until the work comes to its own end, which is held to the same. Returns how many steps
    it has; with ``stride`` only every so manieth is tried.
    """
    at = 1
    while True:
        work, holds = scene()
        died = burner(work, at=at, reads=reads)
        holds(at)
        if not died:
            return at - 1
        at += stride
