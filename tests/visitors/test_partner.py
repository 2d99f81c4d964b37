"""Advertising: off unless the clinic turns it on, asked apart, and shut out where people are known (P44)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from privacy.visitors.pages import PAGES
from tests.sweeps.routes import all_routes

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P44")]
Browser = Callable[..., Client]
HERE = {"Sec-Fetch-Site": "same-origin"}
FRAME = "/cookies/partner/"
SIGNS = ("ads.example", "Example Ads", "cookies/partner", "<iframe")
OPEN_TO_PARTNER = [reverse(route) for route, page in PAGES.items() if page.partner]


@pytest.fixture
def partner(settings: Any) -> Any:
    settings.PARTNER_SCRIPT_URL = "https://ads.example/tag.js"
    settings.PARTNER_NAME = "Example Ads"
    settings.PARTNER_POLICY_URL = "https://ads.example/privacy"
    settings.PARTNER_ORIGINS = ["https://px.ads.example"]
    return settings


def browser_with(as_: Browser, value: str, user: User | None = None, **options: Any) -> Client:
    client = as_(user, **options)
    client.cookies["choice"] = value
    return client


@pytest.mark.parametrize("path", [*OPEN_TO_PARTNER, "/cookies/"])
@pytest.mark.parametrize("value", ["", "10", "11", "12", "13"])
def test_without_a_partner_there_is_nothing_of_it(as_: Browser, path: str, value: str) -> None:
    client = browser_with(as_, value)
    page = client.get(path).content.decode()
    assert "iframe" not in page and "no_partner" not in page
    assert client.get(FRAME).status_code == 404


@pytest.mark.parametrize("value", ["", "10", "11"])
def test_a_yes_to_counting_is_no_yes_to_advertising(as_: Browser, partner: Any, value: str) -> None:
    client = browser_with(as_, value)
    for path in OPEN_TO_PARTNER:
        assert not any(sign in client.get(path).content.decode() for sign in SIGNS)
    assert client.get(FRAME).status_code == 404


def test_after_a_clear_yes_a_public_page_holds_one_closed_frame_and_keeps_its_own_policy(
    as_: Browser, partner: Any
) -> None:
    client = as_(None)
    client.post("/cookies/choice/", {"what": "partner"}, headers=HERE)
    for path in OPEN_TO_PARTNER:
        answer = client.get(path)
        page = answer.content.decode()
        assert page.count("<iframe") == 1 and f'<iframe src="{FRAME}" sandbox="allow-scripts"' in page
        assert "ads.example" not in page
        assert "ads.example" not in answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    client.post("/cookies/choice/", {"what": "no_partner"}, headers=HERE)
    assert "<iframe" not in client.get("/").content.decode()


def test_the_frame_is_a_stranger_that_learns_nothing(as_: Browser, partner: Any) -> None:
    answer = browser_with(as_, "12").get(f"{FRAME}?email=ana@example.org")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox allow-scripts" in policy and "allow-same-origin" not in policy
    assert "default-src 'none'" in policy and "frame-ancestors 'self'" in policy and "form-action 'none'" in policy
    assert "script-src https://ads.example https://px.ads.example;" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    body = answer.content.decode()
    assert body.count("https://ads.example/tag.js") == 1 and "ana@example.org" not in body
    assert not answer.cookies


def test_a_browser_that_says_no_is_believed_more_than_an_old_yes(as_: Browser, partner: Any) -> None:
    client = browser_with(as_, "13", headers={"Sec-GPC": "1"})
    assert all("<iframe" not in client.get(path).content.decode() for path in OPEN_TO_PARTNER)
    assert client.get(FRAME).status_code == 404


def test_nothing_of_it_where_somebody_is_signed_in(as_: Browser, partner: Any, ana: User, officer: User) -> None:
    for user in (ana, officer):
        client = browser_with(as_, "13", user)
        assert client.get(FRAME).status_code == 404
        for path in [*OPEN_TO_PARTNER[1:], "/account/", "/home/", "/privacy/", "/record/", "/messages/", "/admin/"]:
            page = client.get(path, follow=True)
            assert "<iframe" not in page.content.decode(), path
            assert "ads.example" not in page.headers["Content-Security-Policy"]


def test_nothing_of_it_where_something_is_typed(as_: Browser, partner: Any) -> None:
    client = browser_with(as_, "13")
    typed = ["/start/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/cookies/"]
    assert all("<iframe" not in client.get(path, follow=True).content.decode() for path in typed)


def test_no_other_page_of_the_product_is_open_to_it() -> None:
    """Consults, records, payments and the desk are no pages of the list at all."""
    named = {route.name for route in all_routes()}
    assert set(PAGES) <= named
    open_to_it = {name for name, page in PAGES.items() if page.partner}
    assert open_to_it == {"pages:home", "pages:how_it_works", "pages:questions"}


def test_the_page_about_cookies_lists_the_partner_and_asks_apart(as_: Browser, partner: Any) -> None:
    page = as_(None).get("/cookies/").content.decode()
    assert "cookies of Example Ads" in page and 'value="partner"' in page and 'value="no_partner"' in page
    assert 'href="https://ads.example/privacy" rel="noopener noreferrer external"' in page
    assert "leads to ads.example, which has its own privacy policy" in page


def test_a_no_to_everything_ends_advertising_too(as_: Browser, partner: Any) -> None:
    client = browser_with(as_, "13")
    client.post("/cookies/choice/", {"what": "decline"}, headers=HERE)
    assert client.cookies["choice"].value == "10"
