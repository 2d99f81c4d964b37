"""A no is as easy as a yes, a browser's own no counts, and a cookie tells nothing (P42, P43, RULES 6.1 to 6.3)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from portal.accounts.models import User
from privacy.visitors.cookies import Choice, choice_of, says_no, table
from privacy.visitors.views.public import chosen

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P42")]
Browser = Callable[..., Client]
HERE = {"Sec-Fetch-Site": "same-origin"}
CHOOSE = "/cookies/choice/"


def test_the_notice_asks_with_two_equal_buttons_and_covers_nothing(as_: Browser) -> None:
    page = as_(None).get("/").content.decode()
    [notice] = re.findall(r'<section class="cookies".*?</section>', page, flags=re.DOTALL)
    buttons = re.findall(r'<button class="([^"]+)" name="what" value="(\w+)">', notice)
    assert sorted(value for _look, value in buttons) == ["accept", "decline"]
    assert len({look for look, _value in buttons}) == 1
    assert 'href="/cookies/"' in notice
    assert page.index(notice) < page.index('<main id="main"'), "in the flow of the page, before its content"


@pytest.mark.parametrize(("what", "kept"), [("accept", "11"), ("decline", "10")])
def test_an_answer_is_kept_without_a_script_and_nobody_is_asked_again(as_: Browser, what: str, kept: str) -> None:
    browser = as_(None)
    back = "/how-it-works/?from=here#price"
    answer = browser.post(CHOOSE, {"what": what, "back": back}, headers=HERE)
    assert answer.status_code == 302 and answer["Location"] == back
    cookie = answer.cookies["choice"]
    assert cookie.value == kept
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (True, "Lax", "/", 31_536_000)
    page = browser.get("/").content.decode()
    assert "data-ask" not in page
    assert ("data-visit" in page) == (what == "accept")
    assert ("You said yes" in browser.get("/cookies/").content.decode()) == (what == "accept")


def test_before_an_answer_nothing_is_set_and_nothing_is_counted(as_: Browser) -> None:
    browser = as_(None)
    page = browser.get("/")
    assert list(browser.cookies) == []
    assert b"data-visit" not in page.content


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                                     {"Origin": "https://elsewhere.example"}, {"Origin": "null"},
                                     {"Referer": "https://elsewhere.example/testserver/"}])
def test_another_site_cannot_answer_for_a_visitor(as_: Browser, headers: dict[str, str]) -> None:
    browser = as_(None)
    answer = browser.post(CHOOSE, {"what": "accept", "back": "/"}, headers=headers)
    assert answer["Location"] == "/cookies/" and "choice" not in answer.cookies


@pytest.mark.parametrize("headers", [{"Origin": "http://testserver"}, {"Referer": "http://testserver/cookies/"}])
def test_a_browser_that_says_it_in_another_way_is_believed(as_: Browser, headers: dict[str, str]) -> None:
    assert "choice" in as_(None).post(CHOOSE, {"what": "decline"}, headers=headers).cookies


@pytest.mark.parametrize(
    "back", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", "", "x" * 3000]
)
def test_the_way_back_never_leads_elsewhere(as_: Browser, back: str) -> None:
    assert as_(None).post(CHOOSE, {"what": "decline", "back": back}, headers=HERE)["Location"] == "/cookies/"


@pytest.mark.parametrize("data", [{}, {"what": "all"}, {"what": ""}])
def test_a_strange_answer_is_none(as_: Browser, data: dict[str, str]) -> None:
    assert "choice" not in as_(None).post(CHOOSE, data, headers=HERE).cookies


@pytest.mark.parametrize("value", ["", "1", "14", "20", "ana", "11 ", "0", "11;x", "٢"])
def test_an_unknown_sign_in_the_cookie_is_no_answer(value: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES["choice"] = value
    assert choice_of(request) is None


@pytest.mark.promise("P43")
def test_the_sign_is_the_same_for_everybody_who_chose_the_same() -> None:
    values = {Choice(a, b).value for a in (False, True) for b in (False, True)}
    assert values == {"10", "11", "12", "13"}
    assert chosen("accept", Choice(partner=True)) == Choice(True, True)
    assert chosen("decline", Choice(True, True)) == Choice()
    assert chosen("partner", Choice()) == Choice(partner=True)
    assert chosen("no_partner", Choice(True, True)) == Choice(counting=True)


# --- Global Privacy Control ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "no"),
    [
        ("1", True), ("0", False), ("true", False), ("", False), ("01", False), ("1.0", False), ("11", False),
        ("１", False), ('"1"', False), ("?1", False), ("1;q=1", False), ("yes", False),
        # Several fields of one name reach a WSGI program as one, joined by commas: one "1" counts.
        (" 1,1", True), ("1, 1", True), ("0,1", True), ("1,0", True), ("0, 0", False), ("true,0", False), (",", False),
        (" 1 ", True), ("\t1", True),
    ],
)
def test_the_header_counts_only_when_it_is_exactly_1(header: str, no: bool) -> None:
    assert says_no(RequestFactory().get("/", headers={"Sec-GPC": header})) is no


def test_without_the_header_nothing_was_said() -> None:
    assert says_no(RequestFactory().get("/")) is False


@pytest.mark.parametrize("path", ["/", "/cookies/", "/how-it-works/", "/accounts/login/"])
def test_a_browser_that_says_no_is_not_asked_and_is_told_so(as_: Browser, path: str) -> None:
    browser = as_(None, headers={"Sec-GPC": "1"})
    page = browser.get(path).content.decode()
    assert "data-ask" not in page and "data-visit" not in page
    assert "Your browser asks not to be tracked (Global Privacy Control). We follow it" in page
    browser.cookies["choice"] = "11"
    page = browser.get("/cookies/").content.decode()
    assert "We take that as a no, without asking you" in page
    assert 'name="what"' not in page and "data-visit" not in page


def test_the_support_file_says_that_the_signal_is_followed(as_: Browser) -> None:
    answer = as_(None).get("/.well-known/gpc.json")
    assert answer.headers["Content-Type"] == "application/json"
    told = answer.json()
    assert told["gpc"] is True and set(told) == {"gpc", "lastUpdate"}
    assert dt.date.fromisoformat(told["lastUpdate"]) <= dt.date.today()


def test_what_a_page_says_depends_on_what_the_browser_sent_and_says_so(as_: Browser) -> None:
    vary = {name.strip() for name in as_(None).get("/").headers["Vary"].split(",")}
    assert {"Cookie", "Sec-GPC", "User-Agent"} <= vary


# --- The page about cookies ----------------------------------------------------------------------------


def test_the_page_lists_every_row_of_the_table_with_purpose_setter_and_life(as_: Browser) -> None:
    page = as_(None).get(reverse("visitors:cookies")).content.decode()
    rows = re.findall(r"<h3>(.*?)</h3><dl" + r".*?<dd>(.*?)</dd>" * 4, page, flags=re.DOTALL)
    assert [row[0] for row in rows] == [cookie.name for cookie in table()] == [
        "session", "csrf", "choice", "desk-keys", "django.admin.filtersState",
    ]
    assert all(cell.strip() for row in rows for cell in row)
    assert rows[2][3] == "365 days"


def test_who_is_signed_in_can_change_the_answer_too(as_: Browser, ana: User) -> None:
    browser = as_(ana)
    assert "data-ask" not in (page := browser.get("/cookies/").content.decode())
    assert 'value="accept"' in page
    browser.post(CHOOSE, {"what": "accept", "back": "/cookies/"}, headers=HERE)
    assert 'data-page="visitors:cookies"' in browser.get("/cookies/").content.decode()


@pytest.mark.promise("P42")
def test_the_choice_costs_no_query(as_: Browser, django_assert_num_queries: Any) -> None:
    for cookie in ("", "10", "11"):
        browser = as_(None)
        browser.cookies["choice"] = cookie
        with django_assert_num_queries(0):
            browser.get("/how-it-works/")
    with django_assert_num_queries(0):
        as_(None).post(CHOOSE, {"what": "accept"}, headers=HERE)
