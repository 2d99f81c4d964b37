"""Visits are numbers of a day, after a yes, and nothing leads from a number to somebody (P09)."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.dates import today
from privacy.visitors import proof, services
from privacy.visitors.models import VisitCount
from privacy.visitors.pages import PAGES, STAY_MIDDLES, STAYS
from privacy.visitors.services import Brake, visit_count, visits_expire
from tests.sweeps.access_table import SIGNED_IN, TABLE
from tests.visitors.test_browsers import CHROME

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P09")]
Browser = Callable[..., Client]
Leave = Callable[..., Any]


def willing(browser: Client) -> Client:
    browser.cookies["choice"] = "11"
    return browser


def held() -> list[tuple[Any, ...]]:
    return list(VisitCount.objects.order_by("pk").values_list("day", "page", "family", "stay", "views"))


def test_two_visits_are_one_row_with_a_two_in_it(as_: Browser, leave: Leave, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert leave(willing(as_(None))).status_code == 204
    leave(willing(as_(None)))
    assert held() == [(today(), "pages:home", "Chrome", 30, 2)]


def test_the_table_has_no_column_that_could_hold_a_person_or_an_hour() -> None:
    with connection.cursor() as cursor:
        columns = {c.name for c in connection.introspection.get_table_description(cursor, VisitCount._meta.db_table)}
    assert columns == proof.COLUMNS == {"id", "day", "page", "family", "stay", "views"}


@pytest.mark.parametrize("choice", ["", "10", "12", "no", "1"])
def test_without_a_yes_nothing_is_counted(as_: Browser, leave: Leave, choice: str) -> None:
    browser = as_(None)
    browser.cookies["choice"] = choice
    assert leave(browser).status_code == 204
    assert held() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-GPC": "1"}, {"User-Agent": ""}, {"User-Agent": "Mozilla/5.0 (compatible; bingbot/2.0)"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_no_of_the_browser_a_machine_and_another_site_are_not_counted(
    as_: Browser, leave: Leave, headers: dict[str, str]
) -> None:
    assert leave(willing(as_(None)), **headers).status_code == 204
    assert held() == []


@pytest.mark.parametrize(
    ("page", "stay"),
    [
        ("/", 30), ("admin:index", 30), ("consults:consult", 30), ("records:record", 30), ("pages:home' OR 1=1", 30),
        ("", 30), ("pages:home", 31), ("pages:home", -1), ("pages:home", ""), ("pages:home", "ana@example.org"),
        ("pages:home", "1e1"), ("/consults/4e0b/plan/?name=ana", 10),
    ],
)
def test_only_listed_pages_and_steps_are_counted(as_: Browser, leave: Leave, page: str, stay: Any) -> None:
    assert leave(willing(as_(None)), page=page, stay=stay).status_code == 204
    assert held() == []


def test_the_service_takes_lists_only_and_no_person() -> None:
    assert not visit_count(page="pages:home", family="Ana's browser", stay=0)
    assert not visit_count(page="/", family="Chrome", stay=0)
    assert not visit_count(page="pages:home", family="Chrome", stay=7)
    assert held() == []


def test_a_visit_of_somebody_signed_in_arrives_without_the_sign_in(
    as_: Browser, ana: User, leave: Leave, django_assert_num_queries: Any
) -> None:
    browser = willing(as_(ana))
    assert 'data-page="accounts:profile"' in browser.get("/account/").content.decode()
    before = list(Session.objects.values_list("session_key", "session_data", "expire_date"))
    with django_assert_num_queries(1) as asked:  # the counter alone: no session, no account
        answer = leave(browser, page="accounts:profile")
    assert asked[0]["sql"].lstrip().startswith("INSERT") and "visitcount" in asked[0]["sql"]
    assert not answer.cookies, "the sign-in in the browser stays as it is"
    assert list(Session.objects.values_list("session_key", "session_data", "expire_date")) == before
    assert browser.get("/account/").status_code == 200
    assert held() == [(today(), "accounts:profile", "Chrome", 30, 1)]


def test_nothing_of_a_visit_is_written_to_the_log(
    as_: Browser, leave: Leave, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        leave(willing(as_(None)))
    told = " ".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    assert "127.0.0.1" not in told and CHROME not in told


# --- Which pages --------------------------------------------------------------------------------------


def test_every_page_of_the_list_exists_and_none_is_about_care_or_the_desk() -> None:
    assert set(PAGES) <= set(TABLE)
    closed = ("admin", "consults", "records", "billing", "jobs", "outbox", "fhir")
    assert [route for route in PAGES if route.split(":")[0] in closed] == []
    for route, page in PAGES.items():
        assert (TABLE[route].gets["visitor"] in ("200", "go")) == page.public, route
        assert any(TABLE[route].gets[persona] in ("200", "go") for persona in SIGNED_IN)


def test_pages_where_the_partner_may_be_let_in_are_public_and_have_no_form(as_: Browser) -> None:
    from django.urls import reverse

    for route, page in PAGES.items():
        if page.partner:
            assert page.public
            browser = willing(as_(None))
            assert "<form" not in browser.get(reverse(route)).content.decode()


def test_every_step_of_staying_has_a_middle() -> None:
    assert set(STAY_MIDDLES) == set(STAYS) and list(STAYS) == sorted(STAYS)
    assert all(STAY_MIDDLES[low] > low for low in STAYS)
    assert all(STAY_MIDDLES[low] < high for low, high in pairwise(STAYS))


# --- Too much, and too old ----------------------------------------------------------------------------


def test_one_address_is_counted_so_often_a_minute_and_not_more(as_: Browser, leave: Leave, settings: Any) -> None:
    settings.VISITS_PER_MINUTE = 3
    for _visit in range(5):
        assert leave(willing(as_(None))).status_code == 204
    assert held()[0][-1] == 3


def test_the_brake_forgets_after_a_minute_and_keeps_no_address(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.VISITS_PER_MINUTE, settings.VISITS_PER_MINUTE_ALL = 1, 3
    now = [100.0]
    monkeypatch.setattr(services.time, "monotonic", lambda: now[0])
    brake = Brake()
    assert [brake.lets(address) for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4")] == [
        True, False, True, True, False,
    ]
    assert "10.0.0" not in repr(vars(brake)) and Brake()._key != brake._key
    now[0] += 61
    assert brake.lets("10.0.0.1")
    assert len(brake._marks) == 1


def test_counters_past_their_time_go(settings: Any) -> None:
    settings.VISITS_KEEP_DAYS = 30
    for days in (29, 30, 31, 400):
        VisitCount.objects.create(
            day=today() - dt.timedelta(days=days), page="pages:home", family="Chrome", stay=0, views=1
        )
    assert visits_expire() == 2
    assert VisitCount.objects.count() == 2


def test_the_day_is_the_clinics_day(monkeypatch: pytest.MonkeyPatch) -> None:
    late = dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.UTC)  # still the 24th in Minnesota
    monkeypatch.setattr(timezone, "now", lambda: late)
    visit_count(page="pages:home", family="Chrome", stay=0)
    assert held()[0][0] == dt.date(2026, 11, 24)


@pytest.mark.parametrize("changes", [{"family": "Ana"}, {"stay": 5}, {"page": "/consults/12/"}, {"page": "a b"}])
def test_the_database_refuses_what_is_not_listed(changes: dict[str, Any]) -> None:
    from django.db import IntegrityError, transaction

    good = {"day": today(), "page": "pages:home", "family": "Chrome", "stay": 0, "views": 1}
    with pytest.raises(IntegrityError), transaction.atomic():
        VisitCount.objects.create(**{**good, **changes})
