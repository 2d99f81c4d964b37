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
    "P01", "P02", "P05", "P06", "P07", "P08", "P11", "P15", "P17", "P21", "P24", "P31", "P32", "P35", "P38", "P39",
    "P40", "P04", "P09", "P10", "P42", "P43", "P44",
    "S1", "S2", "S3", "S4",
}


@pytest.mark.parametrize("promise", sorted(BUILT))
def test_a_built_promise_has_a_test_named_after_it(promise: str) -> None:
    assert find_tests(TESTS).get(promise), f"no test is marked @pytest.mark.promise({promise!r})"


def test_every_mark_names_a_promise_that_exists() -> None:
    assert set(find_tests(TESTS)) <= {promise.id for promise in PROMISES}


def test_the_list_that_the_site_shows_is_current() -> None:
    assert json.loads(TESTS_FILE.read_text()) == find_tests(TESTS), "run: manage.py promises --write"
