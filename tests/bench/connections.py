"""Database connections: kept by web threads and worker processes, not made anew for each piece of work."""

from __future__ import annotations

import threading
import time
import urllib.request

from tests.bench.row import BenchRow

REQUESTS = 1000
TASKS = 1000
THREADS = 6  # as the stack starts the web server
PROCESSES = 2


def _sessions(url: str) -> int:
    """Sessions that the database has seen since it was made; our own probe is one of them."""
    import psycopg

    with psycopg.connect(url) as probe:
        row = probe.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(row[0])


def _settled(url: str) -> int:
    """Statistics arrive late: read until two readings a moment apart differ by our probes alone."""
    before = _sessions(url)
    while True:
        time.sleep(0.6)
        after = _sessions(url)
        if after - before <= 1:
            return after
        before = after


def _ask(url: str, times: int) -> None:
    for _ in range(times):
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()


def rows() -> list[BenchRow]:
    from portal.demo.stack import Stack, free_port

    stack = Stack(name="tests-bench-stack", web_port=free_port(), standin_port=free_port(), throwaway=True)
    try:
        stack.start("web", "worker")
        # A page that reads the database: the policy's text with its version.
        _ask(f"{stack.url}/start/", 20)
        time.sleep(2)
        return [_web(stack), _worker(stack)]
    finally:
        stack.close()


def _web(stack: object) -> BenchRow:
    url, database = stack.url, stack.env["DATABASE_URL"]  # type: ignore[attr-defined]
    before = _settled(database)
    askers = [threading.Thread(target=_ask, args=(f"{url}/start/", REQUESTS // THREADS)) for _ in range(THREADS)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    made = max(0, _settled(database) - before - 2)
    return BenchRow(
        "new sessions per 1,000 requests", "workers x threads", THREADS, made, made / THREADS, 1.0, "sessions"
    )


def _worker(stack: object) -> BenchRow:
    import os

    from celery import Celery

    database = stack.env["DATABASE_URL"]  # type: ignore[attr-defined]
    before = _settled(database)
    app = Celery(broker=stack.env["REDIS_URL"])  # type: ignore[attr-defined]
    queue = os.environ.get("CELERY_QUEUE", "portal")
    for _ in range(TASKS):
        app.send_task("jobs.sweep", queue=queue)
    import redis

    client = redis.Redis.from_url(stack.env["REDIS_URL"])  # type: ignore[attr-defined]
    deadline = time.monotonic() + 120
    while client.llen(queue) and time.monotonic() < deadline:
        time.sleep(0.5)
    made = max(0, _settled(database) - before - 2)
    goal = PROCESSES * 2
    return BenchRow("new sessions per 1,000 tasks", "processes x 2", goal, made, made / goal, 1.0, "sessions")
