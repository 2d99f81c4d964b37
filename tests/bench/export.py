"""The patient's own copy (issue's floor): 20 consults, 120 photos of a phone and 200 messages, in time and memory.

The job's own function runs in a fresh process, as a worker runs it: it reads the record, opens every
photo, typesets the PDF, makes the FHIR bundle, packs and seals the ZIP, and keeps its row and its mail.
The floor opens the same photos and packs them unsealed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

from tests.bench.row import BenchRow, settled

NEEDS_DATABASE = True
CONSULTS, PHOTOS, MESSAGES = 20, 120, 200
MOST_SECONDS, MOST_MB = 10, 150


def rows() -> list[BenchRow]:
    """Time, and how far the process's peak rises over what it holds before."""
    return [settled(_time), _memory(_copied())]


def _time() -> BenchRow:
    done = _copied()
    return BenchRow(
        f"copy of {CONSULTS} consults, {PHOTOS} photos", "the photos opened and zipped", done["floor"], done["ours"],
        done["ours"] / done["floor"], MOST_SECONDS, "s",
        f"{done['bytes'] / 1e6:.0f} MB sealed; {MESSAGES} messages, {done['pages']} pages of PDF", holds="ours",
    )


def _memory(done: dict[str, Any]) -> BenchRow:
    before, peak = done["before_kb"] / 1024, done["peak_kb"] / 1024
    return BenchRow(
        f"copy of {CONSULTS} consults, memory", "the process before", before, peak - before, (peak - before) / before,
        MOST_MB, "MB", f"rise of VmHWM; {peak:.0f} MB in all with Django and all apps", holds="ours",
    )


def _copied() -> dict[str, Any]:
    """What a fresh process says of one copy, in the bench's own database."""
    from django.db import connection

    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.bench.served.copying", str(CONSULTS), str(PHOTOS), str(MESSAGES)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url},
        capture_output=True, text=True, check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
