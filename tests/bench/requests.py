"""The officer's queue of requests: with 10,000 open ones against with 100, the slow end of each (p95).

Both sets stand in one database, in a schema each, so that they are asked for in turn, page by page,
through the whole site: session, filter, count, one page of cards, names.
"""

from __future__ import annotations

import datetime as dt
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

    from tests.bench.row import BenchRow

NEEDS_DATABASE = True
FEW, MANY = 100, 10_000
ROUNDS = 60
MOST_QUERIES = 8
OFFICER = "bench-officer@example.org"
# Each shows as many cards in either set: what is compared is finding them.
PAGES = {
    "first page": "/admin/privacy/", "last page": "/admin/privacy/?page=9999",
    "due soon and in nobody’s hands": "/admin/privacy/?owner=nobody&late=soon",
}


def rows() -> list[BenchRow]:
    from tests.bench.row import settled

    client = _officer()
    for schema, count in (("few", FEW), ("many", MANY)):
        _fill(schema, count)
    return [
        *(settled(lambda what=what, path=path: _row(client, what, path)) for what, path in PAGES.items()),
        _counted(client),
    ]


def _row(client: Client, what: str, path: str) -> BenchRow:
    from tests.bench.row import BenchRow

    times: dict[str, list[float]] = {"few": [], "many": []}
    for number in range(ROUNDS + 3):
        for schema, found in times.items():
            began = time.perf_counter()
            _ask(client, schema, path)
            if number >= 3:  # until templates and connections are there
                found.append((time.perf_counter() - began) * 1000)
    low, high = (statistics.quantiles(found, n=20)[-1] for found in times.values())
    return BenchRow(
        f"queue of requests, {what}", f"{FEW} open", low, high, high / low, 1.5, "ms", f"p95 with {MANY:,} open",
    )


def _counted(client: Client) -> BenchRow:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.bench.row import BenchRow

    with CaptureQueriesContext(connection) as caught:
        _ask(client, "many", "/admin/privacy/")
    count = len([query for query in caught if "search_path" not in query["sql"]])
    return BenchRow(
        "queries of the queue", "session and user", 2, count, count / 2, MOST_QUERIES, "queries",
        f"with {MANY:,} open", holds="ours",
    )


def _ask(client: Client, schema: str, path: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {schema}, public")
    try:
        answer = client.get(path)
        if answer.status_code != 200:
            raise AssertionError(answer.status_code)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET search_path = public")


def _officer() -> Client:
    from django.test import Client

    from portal.accounts.models import User
    from tests.bench.served.people import BACKEND

    user = User.objects.create_user(OFFICER, role="officer", display_name="Mia Soto")
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def _fill(schema: str, count: int) -> None:
    """As many open requests over eighty days of due dates; a fifth of them with an owner."""
    from django.db import connection

    from portal.accounts.models import User
    from portal.dates import today
    from privacy.requests.models import RightsRequest

    kinds = ("question", "complaint", "notice", "deletion", "amendment")
    table = RightsRequest._meta.db_table
    day, owner = today(), User.objects.values_list("pk", flat=True).get(email=OFFICER)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {schema}")
        cursor.execute(f"CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING ALL)")
        cursor.execute(f"SET search_path = {schema}, public")
    RightsRequest.objects.bulk_create(
        (
            RightsRequest(
                kind=kinds[number % len(kinds)], identity_state="not_needed", account_id=None,
                state="in_progress" if number % 5 == 0 else "received", officer_id=owner if number % 5 == 0 else None,
                received_on=day - dt.timedelta(days=60), first_due_on=day + dt.timedelta(days=number % 80 - 20),
                due_on=day + dt.timedelta(days=number % 80 - 20),
            )
            for number in range(count)
        ),
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {schema}.{table}")
        cursor.execute("SET search_path = public")

