"""The list of promises, the tests named after them, and the file that the running site reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from privacy.management.commands.promises import find_tests
from privacy.promises import PROMISES, TESTS_FILE

TESTS = Path(__file__).resolve().parents[1]
# The promises that the parts built so far must keep.
BUILT = {
    "P01", "P02", "P04", "P05", "P06", "P07", "P08", "P09", "P10", "P11", "P13", "P14", "P15",
    "P16", "P17", "P20", "P21", "P24", "P28", "P31", "P32", "P33", "P34", "P35", "P36", "P37",
    "P38", "P39", "P40", "P41", "P42", "P43", "P44", "P47", "P48", "P50", "P51", "P52", "P55",
    "P56", "S1", "S2", "S3", "S4",
}


@pytest.fixture(scope="module")
def marked() -> dict[str, list[str]]:
    """The tests named after each promise, as every file of the suite says now."""
    return find_tests(TESTS)


@pytest.mark.parametrize("promise", sorted(BUILT))
def test_a_built_promise_has_a_test_named_after_it(promise: str, marked: dict[str, list[str]]) -> None:
    assert marked.get(promise), f"no test is marked @pytest.mark.promise({promise!r})"


def test_every_mark_names_a_promise_that_exists(marked: dict[str, list[str]]) -> None:
    assert set(marked) <= {promise.id for promise in PROMISES}


def test_the_list_that_the_site_shows_is_current(marked: dict[str, list[str]]) -> None:
    assert json.loads(TESTS_FILE.read_text()) == marked, "run: manage.py promises --write"
