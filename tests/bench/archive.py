"""PERFORMANCE.md, the archive's rows: sealing 1,000 patients, its memory, and a night in which nothing changed.

The sealing row measures what the archive adds to a record's files: hashing each for the manifest,
tar, age, the write into the write-once folder, flushing it to the disk, reading it back and
comparing. It does not measure reading the database and typesetting the PDF: that has a row of its
own. The floor seals the same four files with AES-GCM and writes each as a file; it neither hashes
nor reads back nor flushes.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.lockbox import age
from portal.lockbox.folder import FolderStore
from privacy.keeping.bundles import bundle_write
from tests.bench.row import ROUNDS, BenchRow, settled

NEEDS_DATABASE = True
PATIENTS = 1000
TOGETHER = 25
UNCHANGED = 100_000
TEXT, PHOTO, PHOTOS = 40_000, 400_000, 3
UNTIL = dt.date(2099, 1, 1)


def files() -> list[tuple[str, bytes]]:
    """40 KB of text and three photos; photos are as random as JPEG is."""
    words = (b"itches at night, better since the new cream. " * (TEXT // 45 + 1))[:TEXT]
    return [("record.json", words), *((f"photos/{n}.jpg", secrets.token_bytes(PHOTO)) for n in range(PHOTOS))]


def floor(held: list[tuple[str, bytes]], folder: Path, patients: int) -> None:
    """AES-GCM of each object, and the bytes into a file of its own."""
    cipher = AESGCM(secrets.token_bytes(32))
    for patient in range(patients):
        for number, (_name, data) in enumerate(held):
            (folder / f"{patient}-{number}").write_bytes(cipher.encrypt(secrets.token_bytes(12), data, None))


def ours(held: list[tuple[str, bytes]], folder: Path, patients: int) -> None:
    """As ``archive_nightly`` does it: bundles of 25 patients share one flush."""
    store, recipient = FolderStore(folder), age.new_key_pair()[1]
    for start in range(0, patients, TOGETHER):
        with store.together():
            for patient in range(start, min(start + TOGETHER, patients)):
                store.keep(lambda sink, patient=patient: _fill(sink, held, recipient, patient), UNTIL)


def _fill(sink: Any, held: list[tuple[str, bytes]], recipient: str, patient: int) -> str:
    bundle_write(sink, held, manifest=lambda _hashes: {"format": "bench"}, recipients=[recipient])
    return f"archive/{patient:06}.tar.age"


def timed(work: Any, held: list[tuple[str, bytes]], patients: int) -> float:
    """Seconds in an empty folder; what others have to flush is flushed before."""
    folder = Path(tempfile.mkdtemp(dir=Path.cwd() / ".local"))
    os.sync()
    try:
        began = time.perf_counter()
        work(held, folder, patients)
        return time.perf_counter() - began
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
        shutil.rmtree(folder)


def sealing(patients: int = PATIENTS) -> BenchRow:
    held = files()
    times: tuple[list[float], list[float]] = ([], [])
    for _round in range(ROUNDS):
        for work, found in zip((floor, ours), times, strict=True):
            found.append(timed(work, held, patients))
    low, high = statistics.median(times[0]), statistics.median(times[1])
    size = sum(len(data) for _name, data in held) * patients / 1e6
    return BenchRow(
        f"archive sealing, {patients:,} patients", "AES-GCM and a file each", low, high, high / low, 4.0, "s",
        f"{size / high:.0f} MB/s; hashes, age, read-back and flush included, PDF not",
    )


MEMORY = """
import json, sys, tempfile, shutil, subprocess
from pathlib import Path
from tests.bench.archive import files, ours
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
held = files()
folder = Path(tempfile.mkdtemp(dir=Path.cwd() / ".local"))
ours(held, folder, 10)
before = peak()
subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True); shutil.rmtree(folder); folder.mkdir()
ours(held, folder, int(sys.argv[1]))
print(json.dumps(peak() - before))
subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True); shutil.rmtree(folder)
"""


def memory_mb(patients: int) -> float:
    """Rise of VmHWM over so many bundles, in a fresh process that has sealed ten before."""
    command = [sys.executable, "-W", "ignore", "-c", MEMORY, str(patients)]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return float(json.loads(done.stdout)) / 1024


def unchanged(count: int = UNCHANGED) -> BenchRow:
    """A nightly run over finished consults whose copies are as new as they are."""
    from django.db import connection

    from portal.audit.models import AccessEvent
    from privacy.archive import archive_nightly

    with rows_of(count):
        read = AccessEvent.objects.count()
        with connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute("SELECT count(*) FROM records_encounter")
            low = time.perf_counter() - began
        began = time.perf_counter()
        found = archive_nightly()
        high = time.perf_counter() - began
        assert found == {"due": 0, "sealed": 0, "unchanged": 0, "failed": 0}, found
        assert AccessEvent.objects.count() == read, "an unchanged record was opened"
    return BenchRow(
        f"nightly archive, {count:,} unchanged", "counting the consults", low, high, high / low, 120, "s",
        "no record opened, no file read", holds="ours",
    )


class rows_of:
    """So many patients, each with a signed consult and its copy, made by SQL; gone at the end."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __enter__(self) -> None:
        from tests.bench.archive_rows import make

        make(self.count)

    def __exit__(self, *_: object) -> None:
        from tests.bench.archive_rows import remove

        remove()


def rows() -> list[BenchRow]:
    few, many = memory_mb(PATIENTS // 4), memory_mb(PATIENTS)
    return [
        settled(sealing),
        BenchRow(
            "archive sealing, memory", "250 patients", few, many, many / max(few, 1.0), 8, "MB",
            "rise of VmHWM at 1,000 against 250", holds="ours",
        ),
        unchanged(),
    ]
