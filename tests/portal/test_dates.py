"""Ages and clocks: calendar dates, the clinic's day, a stated rule for 29 February."""

from __future__ import annotations

import ast
import datetime as dt
import re
from pathlib import Path

import pytest
import time_machine
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from portal.dates import DayField, MomentField, age_on, clinic_day, due_on, today, years_later

D = dt.date
BASE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (D(2008, 2, 29), D(2026, 2, 28), 17),
        (D(2008, 2, 29), D(2026, 3, 1), 18),
        (D(2008, 2, 29), D(2028, 2, 28), 19),
        (D(2008, 2, 29), D(2028, 2, 29), 20),
        (D(2013, 3, 1), D(2026, 2, 28), 12),
        (D(2013, 3, 1), D(2026, 3, 1), 13),
        (D(1970, 4, 4), D(2026, 4, 3), 55),
        (D(1970, 4, 4), D(2026, 4, 4), 56),
        (D(2026, 3, 1), D(2026, 3, 1), 0),
    ],
)
def test_age_in_whole_years(born: dt.date, day: dt.date, age: int) -> None:
    assert age_on(born, day) == age


@given(born=st.dates(D(1900, 1, 1), D(2030, 1, 1)), days=st.integers(0, 40_000))
def test_age_never_jumps_or_falls(born: dt.date, days: int) -> None:
    day = born + dt.timedelta(days=days)
    assert age_on(born, day + dt.timedelta(days=1)) - age_on(born, day) in (0, 1)
    assert age_on(born, day) >= 0


@given(born=st.dates(D(1900, 1, 1), D(2030, 1, 1)), years=st.integers(0, 100))
def test_the_birthday_and_the_age_agree(born: dt.date, years: int) -> None:
    birthday = years_later(born, years)
    assert age_on(born, birthday) == years
    if years:
        assert age_on(born, birthday - dt.timedelta(days=1)) == years - 1


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2026-03-01 05:59:00+00:00", D(2026, 2, 28)),  # winter: six hours behind Greenwich
        ("2026-03-01 06:00:00+00:00", D(2026, 3, 1)),
        ("2026-07-01 04:59:00+00:00", D(2026, 6, 30)),  # summer: five
        ("2026-07-01 05:00:00+00:00", D(2026, 7, 1)),
    ],
)
def test_today_is_the_clinics_day(clock: str, day: dt.date) -> None:
    with time_machine.travel(clock, tick=False):
        assert today() == day


def test_a_clock_of_thirty_days_counts_from_the_day_after_receipt() -> None:
    assert due_on(D(2026, 1, 31), 30) == D(2026, 3, 2)
    assert due_on(D(2028, 1, 31), 30) == D(2028, 3, 1)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (dt.datetime(2026, 3, 9, 4, 30, tzinfo=dt.UTC), D(2026, 3, 8)),
        (dt.datetime(2026, 3, 9, 5, 0, tzinfo=dt.UTC), D(2026, 3, 9)),
        (dt.datetime(2026, 1, 1, 5, 59, tzinfo=dt.UTC), D(2025, 12, 31)),
    ],
)
def test_a_moment_has_the_clinics_day_and_not_greenwichs(moment: dt.datetime, day: dt.date) -> None:
    assert clinic_day(moment) == day


def days_without_a_zone(source: str) -> list[int]:
    """Lines that take a day out of a moment and do not say in which zone: it would be Greenwich's.

    That is ``moment.date()``, or ``{row.made_at:%Y-%m-%d}`` in an f-string without an hour after it.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "date":
            of = node.func.value
            named = of.func if isinstance(of, ast.Call) else of
            name = named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
            if not node.args and name not in ("astimezone", "localtime", "local"):
                found.append(node.lineno)
        if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Attribute) and node.format_spec:
            shape = ast.unparse(node.format_spec)
            if node.value.attr.endswith("_at") and "%d" in shape and "%H" not in shape:
                found.append(node.lineno)
    return found


def test_every_day_that_is_taken_from_a_moment_says_in_which_zone() -> None:
    """A file's name, a mail or a legal clock must not say tomorrow from six in the evening on (FIELD_FAULTS 1)."""
    found = {
        f"{file.relative_to(BASE)}:{line}"
        for app in ("portal", "records", "billing", "consults", "privacy") for file in (BASE / app).rglob("*.py")
        for line in days_without_a_zone(file.read_text())
        if "demo" not in file.parts and "migrations" not in file.parts
    }
    assert found == set()
    assert days_without_a_zone("a.made_at.date()\nf'{a.made_at:%Y-%m-%d}'\nf(a.astimezone(z).date())") == [1, 2]


# --- Days in forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0001-01-01", "four numbers"), ("0026-11-25", "four numbers"), ("1899-12-31", "four numbers"),
        ("9999-12-31", "four numbers"), ("2127-01-01", "four numbers"), ("20266-01-01", "2027-03-31"),
        ("2026-02-30", "2027-03-31"), ("", "Choose a day"), ("2026-11-26", "not come yet"),
    ],
)
@time_machine.travel("2026-11-25 18:00:00+00:00")
def test_a_day_that_nobody_can_have_meant_is_asked_again(typed: str, said: str) -> None:
    with pytest.raises(forms.ValidationError, match=said):
        DayField(past=True).clean(typed)


@time_machine.travel("2026-11-25 18:00:00+00:00")
def test_any_other_day_is_taken() -> None:
    for typed in ("1900-01-01", "2026-11-25", "2126-12-31"):
        assert DayField().clean(typed).isoformat() == typed
    assert DayField(required=False).clean("") is None
    assert MomentField().clean("2026-11-25T09:30").isoformat().startswith("2026-11-25T09:30")


@pytest.mark.parametrize("typed", ["0001-01-01T00:00", "9999-12-31T23:59", "0026-11-25T09:30", "x"])
def test_nor_is_such_a_moment(typed: str) -> None:
    with pytest.raises(forms.ValidationError):
        MomentField().clean(typed)


def test_every_day_in_a_form_is_one_of_these() -> None:
    """FIELD_FAULTS 1 has a sister: a year typed in half, taken for good, starts a clock in the time of the Romans."""
    filters = {"privacy/looks/forms.py"}  # looks for days and keeps none
    own = re.compile(r"\bforms\.(?:SplitDate|Date)(?:Time)?Field\(")
    found = {
        str(file.relative_to(BASE)) for room in ("portal", "records", "billing", "consults", "privacy")
        for file in (BASE / room).rglob("*.py") if own.search(file.read_text())
    }
    assert found == filters
