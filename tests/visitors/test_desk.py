"""The owner's numbers: sums, averages, and nothing that is too low to be told (P09, P10)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client

from portal.accounts.models import User
from portal.dates import today
from portal.demo.visits import seed_visits
from portal.evidence.selectors import latest
from privacy import deidentified
from privacy.models import DeidentifiedCase
from privacy.templatetags.counted import seconds_in_words
from privacy.visitors import proof
from privacy.visitors.models import VisitCount
from privacy.visitors.selectors import _span, visits

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P09")]
Browser = Callable[..., Client]


def counted(page: str, views: int, *, family: str = "Chrome", stay: int = 0, back: int = 0) -> None:
    VisitCount.objects.create(
        day=today() - dt.timedelta(days=back), page=page, family=family, stay=stay, views=views
    )


def test_sums_and_the_average_stay_of_each_page(django_assert_num_queries: Any) -> None:
    counted("pages:home", 60, stay=0)
    counted("pages:home", 40, stay=60, back=29)
    counted("pages:questions", 50, family="Safari", stay=600)
    counted("pages:home", 999, back=30)
    with django_assert_num_queries(1):
        found = visits(days=30)
    assert found.total == 150
    assert [(line.name, line.views, line.seconds) for line in found.pages] == [
        ("Front page", 100, round((60 * 5 + 40 * 120) / 100)), ("Questions", 50, 900),
    ]
    assert [(cell.label, cell.count) for cell in found.families] == [("Chrome", 100), ("Safari", 50)]
    assert found.spans == ((today(), 110), (today() - dt.timedelta(days=29), 40))
    assert visits(days=90).total == 1149


@pytest.mark.parametrize(
    ("days", "first"), [(30, dt.date(2026, 11, 25)), (90, dt.date(2026, 11, 23)), (365, dt.date(2026, 11, 1))]
)
def test_a_long_period_is_told_in_weeks_or_months(days: int, first: dt.date) -> None:
    assert _span(dt.date(2026, 11, 25), days) == first


@pytest.mark.promise("P10")
def test_low_numbers_are_not_shown_on_the_page_or_in_the_file(as_: Browser, owner: User) -> None:
    counted("pages:home", 500)
    counted("pages:questions", 10, family="Opera")
    counted("accounts:profile", 3, family="Firefox", back=1)
    found = visits(days=30)
    assert {line.name: (line.views, line.seconds) for line in found.pages if line.views is None} == {
        "Questions": (None, None), "Account": (None, None),
    }
    browser = as_(owner)
    page = browser.get("/admin/visits/").content.decode()
    assert page.count("too few to show") >= 4 and "500" in page
    raw = b"".join(browser.get("/admin/visits/file/?days=30"))
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert rows[0] == ["what", "name", "visits", "seconds_on_average"]
    assert ["page", "Front page", "500", "5"] in rows and ["page", "Questions", "", ""] in rows
    assert ["browser", "Opera", "", ""] in rows
    assert "10" not in {cell for row in rows for cell in row}


@pytest.mark.parametrize("days", ["", "7", "x", "-1", "90"])
def test_a_period_is_one_of_three(as_: Browser, officer: User, days: str) -> None:
    counted("pages:home", 50, back=60)
    page = as_(officer).get("/admin/visits/", {"days": days}).content.decode()
    assert ("Nothing was counted in these days." in page) == (days != "90")


def test_the_two_pages_of_numbers_lead_to_each_other(as_: Browser, owner: User) -> None:
    browser = as_(owner)
    assert 'href="/admin/numbers/"' in browser.get("/admin/visits/").content.decode()
    assert 'href="/admin/visits/"' in browser.get("/admin/numbers/").content.decode()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 seconds"), (7, "5 seconds"), (48, "50 seconds"), (89, "90 seconds"),
     (90, "2 minutes"), (900, "15 minutes"), (0, "5 seconds")],
)
def test_a_stay_is_told_roughly(seconds: int, words: str) -> None:
    assert seconds_in_words(seconds) == words


def test_a_bar_needs_no_inline_width_and_is_not_read_twice() -> None:
    drawn = Template("{% load counted %}{% bar 40 80 %}|{% bar none 80 %}").render(Context({"none": None}))
    assert drawn == '40 <progress value="40" max="80" aria-hidden="true"></progress>|' + (
        '<span class="soft">too few to show</span>'
    )


def test_the_demo_has_a_month_to_show(as_: Browser, owner: User) -> None:
    assert seed_visits() > 1000 and seed_visits() == 0
    assert latest(proof.COUNTERS).passed
    page = as_(owner).get("/admin/visits/").content.decode()
    assert "Front page" in page and "too few to show" in page


@pytest.mark.promise("P10")
def test_years_and_ages_stand_in_their_order_not_by_size(as_: Browser, owner: User) -> None:
    deidentified.rebuild()
    made = latest(deidentified.EVIDENCE)
    DeidentifiedCase.objects.bulk_create(
        DeidentifiedCase(generation=made.facts["generation"], year=year, outcome="answered", age=age)
        for year, age, number in ((2024, "16", 12), (2025, "95+", 14), (2026, "30", 40), (2026, "", 20))
        for _row in range(number)
    )
    page = as_(owner).get("/admin/numbers/").content.decode()
    places = [page.index(f">{label}</th>") for label in ("2024", "2025", "2026", "13–17", "25–34", "95+")]
    assert places == sorted(places)


@pytest.mark.promise("P10")
def test_answers_are_told_in_words_one_table_a_question(as_: Browser, owner: User) -> None:
    deidentified.rebuild()
    made = latest(deidentified.EVIDENCE)
    DeidentifiedCase.objects.bulk_create(
        DeidentifiedCase(
            generation=made.facts["generation"], year=2026, outcome="answered",
            codes={"where": ["cheeks"], "gone": ["old_code"], "tried": ["wash"]},
        )
        for _number in range(20)
    )
    page = as_(owner).get("/admin/numbers/").content.decode()
    assert "where:cheeks" not in page
    assert "Where do you have breakouts?" in page and ">Cheeks</th>" in page
    assert ">old_code</th>" in page, "what an older questionnaire asked stays readable"
