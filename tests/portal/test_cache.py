"""Rate limits and used-code marks: first come, first served, and nothing grows for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache, caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import cache as ours

pytestmark = pytest.mark.django_db


def held() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_cache")
        return int(cursor.fetchone()[0])


def out_of_date(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE portal_cache SET expires = %s WHERE cache_key = %s",
            [timezone.now() - timedelta(minutes=1), cache.make_key(key)],
        )


def test_what_is_set_is_read_back_and_set_anew() -> None:
    cache.set("a", [1, "two", None], 60)
    assert cache.get("a") == [1, "two", None]
    cache.set("a", "other", None)
    assert cache.get("a") == "other"


def test_a_mark_is_added_once_until_it_runs_out() -> None:
    assert cache.add("mark", 1, 60)
    assert not cache.add("mark", 2, 60)
    assert cache.get("mark") == 1
    out_of_date("mark")
    assert cache.get("mark") is None
    assert cache.add("mark", 3, 60)
    assert cache.get("mark") == 3


def test_touching_keeps_what_is_there_and_makes_nothing() -> None:
    cache.set("a", 1, 1)
    assert cache.touch("a", 600)
    assert not cache.touch("absent", 600)
    assert cache.get("a") == 1 and cache.get("absent") is None


def test_a_write_is_one_statement() -> None:
    with CaptureQueriesContext(connection) as caught:
        cache.set("a", 1, 60)
        cache.add("b", 1, 60)
    assert len(caught) == 2


def test_marks_that_ran_out_are_thrown_away_when_the_table_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "WRITES_BETWEEN_CULLS", 1)
    monkeypatch.setattr(caches["default"], "_max_entries", 3)
    for number in range(4):
        cache.set(f"old-{number}", 1, 60)
        out_of_date(f"old-{number}")
    cache.set("new", 1, 60)
    assert held() == 1 and cache.get("new") == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_first_even_when_an_old_mark_is_there() -> None:
    cache.set("form", 0, 60)
    out_of_date("form")
    start = threading.Barrier(8)

    def claim(number: int) -> bool:
        start.wait()
        try:
            return bool(cache.add("form", number, 60))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, range(8)))
    assert won.count(True) == 1
