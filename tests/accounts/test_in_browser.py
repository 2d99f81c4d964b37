"""What only a browser shows: passkeys, the page that gives a lost form back, and no complaint of any kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sessions.models import Session
from django.test import RequestFactory
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from portal.accounts.models import User
from portal.accounts.sessions import SessionStore
from portal.agreements.services import policies_publish
from portal.guards import shown_proofs
from tests.accounts.conftest import code_in, mails_to
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.promise("P18")]


@pytest.fixture
def page(chromium: Browser, live_server: Any, settings: Any) -> Iterator[Page]:
    """A phone. At the end nothing may have been blocked, failed or complained about."""
    host = live_server.url.replace("127.0.0.1", "localhost")  # passkeys need a name
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = ["localhost"], [host]
    policies_publish()
    complaints: list[str] = []
    context = chromium.new_context(viewport={"width": 375, "height": 800}, base_url=host)
    page = context.new_page()

    def heard(message: Any) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    def answered(response: Any) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            complaints.append(f"{response.status} {response.url}")

    page.on("console", heard)
    page.on("response", answered)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def without_barriers(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert found == [], [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found]
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 375, f"{page.url} is {width} px wide"


def sign_in(page: Page, email: str) -> None:
    page.goto(reverse("account_login"))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in", exact=True).click()


def answer_gate(page: Page, year: str) -> None:
    page.goto(reverse("accounts:start"))
    page.get_by_label("Month").select_option("May")
    page.get_by_label("Day").fill("17")
    page.get_by_label("Year").fill(year)
    page.get_by_text("Minnesota").first.click()
    page.get_by_label("I have read the privacy policy").check()
    page.get_by_label("I have read the terms").check()
    without_barriers(page)
    page.get_by_role("button", name="Go on").click()


@pytest.mark.promise("P01")
@pytest.mark.promise("P45")
def test_from_the_gate_to_the_account_page_by_hand(page: Page) -> None:
    for year, words in (("2020", "We cannot make an account"), ("2011", "Please ask a parent or guardian")):
        answer_gate(page, year)
        expect(page.get_by_role("heading", level=1)).to_contain_text(words)
        without_barriers(page)
    answer_gate(page, "1990")
    page.get_by_label("Email").fill("nora@example.org")
    page.get_by_label("Password", exact=True).fill("three herons on the pier")
    without_barriers(page)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("code")
    without_barriers(page)
    page.locator("input[name=code]").fill(code_in(mails_to("nora@example.org")[0]))
    with page.expect_navigation():
        page.get_by_role("button", name="Go on").click()
    page.goto(reverse("accounts:profile"))
    expect(page.get_by_text("nora@example.org")).to_be_visible()
    without_barriers(page)
    page.goto(reverse("accounts:close"))
    without_barriers(page)


def test_a_lost_form_comes_back_by_hand(page: Page, ana: User) -> None:
    sign_in(page, ana.email)
    page.goto(reverse("accounts:profile"))
    page.get_by_label("Your time zone").select_option("America/Denver")
    Session.objects.all().delete()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("What you typed is safe")
    without_barriers(page)
    page.get_by_label("Email").fill(ana.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("One press is left")  # a choice, and no words
    without_barriers(page)
    page.get_by_role("button", name="Save what I typed").click()
    expect(page.get_by_text("Times are now shown in this zone")).to_be_visible()
    ana.refresh_from_db()
    assert ana.time_zone == "America/Denver"


def test_signing_in_in_another_tab_brings_it_back_too(page: Page, ana: User) -> None:
    sign_in(page, ana.email)
    page.goto(reverse("accounts:profile"))
    page.get_by_label("Your time zone").select_option("America/Denver")
    Session.objects.all().delete()
    page.get_by_role("button", name="Save").click()
    other = page.context.new_page()
    sign_in(other, ana.email)
    # The token of the first page is stale now: the answer says 403 and still holds the text.
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.get_by_role("button", name="I am signed in: go on").click()
    assert answer.value.status == 403
    page.get_by_role("button", name="Save what I typed").click()
    expect(page.get_by_text("Times are now shown in this zone")).to_be_visible()


def test_staff_set_up_a_passkey_and_sign_in_with_it_alone(page: Page, clinician: User, settings: Any) -> None:
    """The contract with allauth's records: after a passkey sign-in nobody is asked for more."""
    settings.STAFF_MFA_REQUIRED = True
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }})
    sign_in(page, clinician.email)
    page.goto(reverse("accounts:profile"))
    assert page.url.endswith(reverse("mfa_index"))
    without_barriers(page)
    page.goto(reverse("mfa_add_webauthn"))
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="It is me").click()
    without_barriers(page)
    if page.locator("input[name=passwordless]").count():
        page.locator("input[name=passwordless]").check()
    with page.expect_navigation():
        page.locator("#mfa_webauthn_add").click()
    page.goto(reverse("accounts:profile"))
    assert page.url.endswith(reverse("accounts:profile"))

    page.context.clear_cookies()
    page.goto(reverse("account_login"))
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in with a passkey").click()
    page.goto(reverse("accounts:profile"))
    assert page.url.endswith(reverse("accounts:profile"))
    [newest] = Session.objects.order_by("-expire_date")[:1]
    request: Any = RequestFactory().get("/")
    request.session, request.user = SessionStore(newest.session_key), clinician
    assert [(p["method"], p["type"], p["passwordless"]) for p in shown_proofs(request)] == [("mfa", "webauthn", True)]
