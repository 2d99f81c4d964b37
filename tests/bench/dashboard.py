"""The patient's home with 20 consults against a view that only knows who asks; queries at 1 and 20.

Both are asked of one real server over one kept connection, page by page in turn, as the floor in
PERFORMANCE.md was: what the neighbours take from the machine then falls on both alike. Queries
are counted in this process, where they can be seen.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.bench.row import BenchRow, timed_row
from tests.bench.served.asking import Server

if TYPE_CHECKING:
    from portal.demo.stack import Stack

NEEDS_DATABASE = True
CONSULTS = 20
MOST_QUERIES = 10
PAGES = 300  # of each, in turn


def rows() -> list[BenchRow]:
    return [_timed(), _counted()]


def _timed() -> BenchRow:
    from portal.demo.stack import Stack, free_port

    stack = Stack(
        name="tests-bench-dashboard", web_port=free_port(), standin_port=free_port(), throwaway=True,
        extra_env={"DJANGO_SETTINGS_MODULE": "tests.bench.served.settings"},
    )
    try:
        stack.start("web")
        session = _sessions(stack, CONSULTS)[0]
        server = Server(stack.web_port, session)
        for _ in range(40):  # until templates and connections are there
            server.ask("/bench/floor/")
            server.ask("/home/")
        return timed_row(
            f"patient's home, {CONSULTS} consults", "session and user, same server",
            lambda: server.ask("/bench/floor/"), lambda: server.ask("/home/"), goal=5, rounds=PAGES,
            extra="over HTTP, kept connections",
        )
    finally:
        stack.close()


def _sessions(stack: Stack, *consults: int) -> list[str]:
    """Patients in the server's database; the keys of their sessions."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.served.people", *map(str, consults)],
        env=stack.env, check=True, capture_output=True, text=True,
    )
    return done.stdout.split()


def _counted() -> BenchRow:
    few, lots = _queries(1), _queries(CONSULTS)
    if few != lots:
        raise AssertionError(f"{few} queries with one consult, {lots} with {CONSULTS}")
    return BenchRow(
        "queries of the patient's home", "session and user", 2, lots, lots / 2, MOST_QUERIES, "queries",
        f"the same with 1 and {CONSULTS} consults", holds="ours",
    )


def _queries(consults: int) -> int:
    """Statements of one view of the page, session, access log and their commits included."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.bench.served.people import BACKEND, person

    client = Client()
    client.force_login(person(consults), backend=BACKEND)
    client.get("/home/")
    with CaptureQueriesContext(connection) as caught:
        answer = client.get("/home/")
    if answer.status_code != 200 or answer.content.count(b'class="line"') != consults:
        raise AssertionError(answer.status_code)
    return len(caught)
