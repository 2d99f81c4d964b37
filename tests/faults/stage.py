"""People, time and files for the scenes in which a worker dies, and a disk that is full."""

from __future__ import annotations

import datetime as dt
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.utils import timezone

from portal.accounts.models import User
from portal.permissions import Role
from records.intake.files import SLICES
from records.photos import files
from tests.conftest import account

# The ordinary run kills at each step that leaves a trace; the long form before each statement too.
HOW = [pytest.param(False, id="traces"), pytest.param(True, id="statements", marks=pytest.mark.slow)]


def somebody(role: Role = Role.PATIENT) -> User:
    return account(f"p{uuid4().hex[:12]}@example.org", role, "Pat Lee")


def later(minutes: float) -> Any:
    """After every lease of the dead worker has run out."""
    return time_machine.travel(timezone.now() + dt.timedelta(minutes=minutes), tick=True)


def stored(*folders: str) -> set[str]:
    """Names of all sealed files in these folders, half-written ones too."""
    root = Path(settings.SEALED_DIR)
    found = {file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()}
    return {name for name in found if name.split("/")[0] in folders}


def sweep_photo_files() -> None:
    """What beat does in four hours: the whole store, once files are old enough to be nobody's."""
    with later(120):
        for part in range(SLICES):
            files.sweep(part=part)


def disk_goes_on(*folders: Path, hours: float = 26) -> None:
    """What lies in these folders grows older: time that is travelled to passes on the disk as well."""
    for folder in folders:
        for left in folder.rglob("*"):
            os.utime(left, (time.time() - hours * 3600,) * 2)


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file grows beyond ``room`` bytes: the write fails, as on a full disk, and the process lives on."""
    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, whole[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
        signal.signal(signal.SIGXFSZ, before)


def twice(work: Callable[[], Any]) -> list[Any]:
    """Two workers begin at the same moment; what each of them returned."""
    start, found = threading.Barrier(2), []

    def run() -> None:
        try:
            start.wait(10)
            found.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _worker in range(2)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    return found
