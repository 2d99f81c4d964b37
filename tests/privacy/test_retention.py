"""How long the archive keeps a copy, with the exact days (P40, RULES 4.19)."""

from __future__ import annotations

import datetime as dt

import pytest

from privacy.retention import retain_until

D = dt.date
pytestmark = pytest.mark.promise("P40")


@pytest.mark.parametrize(
    ("birth", "service", "until"),
    [
        pytest.param(D(1990, 5, 1), D(2026, 11, 25), D(2033, 11, 25), id="an adult: seven years after the service"),
        pytest.param(D(2008, 11, 26), D(2026, 11, 25), D(2033, 11, 26), id="17 until tomorrow: the 25th birthday"),
        pytest.param(D(2008, 11, 25), D(2026, 11, 25), D(2033, 11, 25), id="18 today: an adult"),
        pytest.param(D(2012, 1, 1), D(2026, 11, 25), D(2037, 1, 1), id="14: the 25th birthday is later"),
        pytest.param(D(1990, 5, 1), D(2028, 2, 29), D(2035, 3, 1), id="29 February becomes 1 March"),
        pytest.param(D(2012, 2, 29), D(2026, 11, 25), D(2037, 3, 1), id="born 29 February: 25 on 1 March"),
    ],
)
def test_a_copy_is_kept_until_exactly_this_day(birth: dt.date, service: dt.date, until: dt.date) -> None:
    assert retain_until(birth_date=birth, last_service=service) == until


def test_the_years_are_settings(settings) -> None:
    settings.RETENTION_ADULT_YEARS = 10
    assert retain_until(birth_date=D(1990, 5, 1), last_service=D(2026, 1, 2)) == D(2036, 1, 2)
