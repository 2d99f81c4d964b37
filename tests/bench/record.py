"""My record with 20 consults, 120 photos and 200 messages against the same page with nothing in it.

Both are asked of one real server over one kept connection, in turn; statements are counted in
this process, where they can be seen.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.bench.row import BenchRow, timed_row
from tests.bench.served.asking import Server
from tests.bench.weight import assets, size

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.models import User

NEEDS_DATABASE = True
CONSULTS, PHOTOS, MESSAGES = 20, 120, 200
MOST_QUERIES, MOST_TIMES, MOST_KB = 12, 4, 60
PAGES = 60  # of each, in turn


def rows() -> list[BenchRow]:
    return [_timed(), *_counted()]


def _timed() -> BenchRow:
    from portal.demo.stack import Stack, free_port

    stack = Stack(
        name="tests-bench-record", web_port=free_port(), standin_port=free_port(), throwaway=True,
        extra_env={"DJANGO_SETTINGS_MODULE": "tests.bench.served.settings"},
    )
    try:
        stack.start("web")
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.served.records"], env=stack.env, check=True, capture_output=True,
            text=True,
        )
        empty, full = (Server(stack.web_port, session) for session in done.stdout.split())
        for _ in range(10):  # until templates and connections are there
            empty.ask("/record/")
            full.ask("/record/")
        return timed_row(
            f"my record, {CONSULTS} consults", "the page with an empty record", lambda: empty.ask("/record/"),
            lambda: full.ask("/record/"), goal=MOST_TIMES, rounds=PAGES,
            extra=f"{PHOTOS} photos, {MESSAGES} messages; over HTTP, kept connections",
        )
    finally:
        stack.close()


def _counted() -> list[BenchRow]:
    from tests.bench.served.records import somebody

    few, _page = _asked(somebody(consults=1, photos=1, messages=1))
    lots, page = _asked(somebody(consults=CONSULTS, photos=PHOTOS, messages=MESSAGES))
    if few != lots:
        raise AssertionError(f"{few} queries with one consult, {lots} with {CONSULTS}")
    html = page.content.decode()
    whole = size(html) + sum(size(text) for text in assets(html).values())
    return [
        BenchRow(
            "queries of my record", "session and user", 2, lots, lots / 2, MOST_QUERIES, "queries",
            f"the same with 1 and {CONSULTS} consults", holds="ours",
        ),
        BenchRow(
            "my record with styles and scripts", "pico css", 12.0, whole, whole / 12.0, MOST_KB, "KB",
            f"{PHOTOS} photos, {MESSAGES} messages; thumbnails come as one scrolls", holds="ours",
        ),
    ]


def _asked(user: User) -> tuple[int, HttpResponse]:
    """Statements of one view of the page (session, access log and their commits included), and the page."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.bench.served.people import BACKEND

    client = Client()
    client.force_login(user, backend=BACKEND)
    client.get("/record/")
    with CaptureQueriesContext(connection) as caught:
        answer = client.get("/record/")
    if answer.status_code != 200 or b"consult-" not in answer.content:
        raise AssertionError(answer.status_code)
    return len(caught), answer
