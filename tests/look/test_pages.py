"""The public pages say what holds: the price, the clinic, the policies, whom to ask."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import reverse

from portal.accounts.models import User
from portal.agreements import services
from portal.agreements.models import PolicyKind, PolicyVersion
from portal.agreements.selectors import current
from portal.pages import selectors, views

Browser = Callable[..., Client]
PUBLIC = ["/", "/how-it-works/", "/questions/", *(f"/policies/{kind.value.replace('_', '-')}/" for kind in PolicyKind)]
HHS = "https://www.hhs.gov/hipaa/filing-a-complaint/"

pytestmark = pytest.mark.django_db


def _page(browser: Client, path: str) -> str:
    response = browser.get(path)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


@pytest.mark.parametrize("path", PUBLIC)
def test_a_visitor_reads_every_public_page(path: str, as_: Browser) -> None:
    page = _page(as_(None), path)
    assert "<h1" in page
    assert "Not for emergencies." in page
    assert f"{settings.CLINIC_LEGAL_NAME}, {settings.CLINIC_ADDRESS[0]}" in page


def test_the_price_on_the_pages_is_the_price_that_is_charged(as_: Browser, settings: Any) -> None:
    settings.CONSULT_FEE_CENTS = 4_950
    for path in ("/", "/how-it-works/", "/policies/terms-of-service/"):
        assert "$49.50" in _page(as_(None), path)
        assert "$59" not in _page(as_(None), path)


def test_another_clinic_runs_it_under_its_own_name(as_: Browser, settings: Any) -> None:
    settings.CLINIC_NAME, settings.CLINIC_LEGAL_NAME = "Oak & Elm Skin", "Oak & Elm Skin, PC"
    settings.CLINIC_OFFICER_NAME, settings.CLINIC_REPLY_HOURS = "Una Vale", 48
    for path in PUBLIC:
        page = _page(as_(None), path)
        assert "Oak & Elm Skin" in page
        assert "Clear Lake Skin" not in page
    assert "in 2 days" in _page(as_(None), "/")
    assert "Una Vale" in _page(as_(None), "/questions/")


def test_who_is_signed_in_goes_on_to_the_own_start_page(ana: User, officer: User, as_: Browser) -> None:
    assert as_(ana).get("/").headers["Location"] == settings.LOGIN_REDIRECT_URL
    staff = as_(officer).get("/")
    assert staff.status_code == 302


@pytest.mark.promise("P03")
def test_every_version_of_a_policy_stays_readable_with_its_date(
    as_: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = PolicyKind.PRIVACY_POLICY
    before = current(kind).version
    for other in PolicyKind:
        folder = tmp_path / other.value
        folder.mkdir()
        for file in (services.POLICIES / other.value).glob("*.html"):
            (folder / file.name).write_bytes(file.read_bytes())
    (tmp_path / kind.value / "2026-11-20.html").write_text("<p>A newer text of {{ clinic.name }}.</p>")
    monkeypatch.setattr(services, "POLICIES", tmp_path)
    monkeypatch.setattr(selectors, "POLICIES", tmp_path)
    selectors._template.cache_clear()
    services.policies_publish()
    newer = _page(as_(None), "/policies/privacy-policy/")
    assert f"A newer text of {settings.CLINIC_NAME}." in newer
    assert "Nov 20, 2026" in newer
    assert f"/policies/privacy-policy/{before}/" in newer
    older = _page(as_(None), f"/policies/privacy-policy/{before}/")
    assert "This is not the text in force today." in older
    assert "A newer text" not in older
    selectors._template.cache_clear()


@pytest.mark.parametrize("path", ["/policies/cookies/", "/policies/privacy-policy/1999-01-01/", "/policies/../etc/"])
def test_a_policy_that_does_not_exist_is_not_found(path: str, as_: Browser) -> None:
    assert as_(None).get(path).status_code == 404


def test_a_kind_without_any_version_is_not_found() -> None:
    PolicyVersion.objects.filter(kind=PolicyKind.TERMS_OF_SERVICE).delete()
    with pytest.raises(Http404):
        views.policy(RequestFactory().get("/"), "terms-of-service")


@pytest.mark.promise("P04")
@pytest.mark.parametrize("path", PUBLIC)
def test_a_link_that_leads_away_says_where_and_hands_nothing_over(path: str, as_: Browser) -> None:
    page = _page(as_(None), path)
    for link in re.findall(r"<a\b[^>]*href=\"https?://.*?</a>.{0,160}", page, flags=re.DOTALL):
        host = re.search(r"https?://(?:www\.)?([^/\"]+)", link)
        assert host is not None
        assert 'rel="noopener noreferrer' in link
        assert f"leads to {host[1]}, which has its own privacy policy" in link
        assert "?" not in link.split('"')[1]


@pytest.mark.promise("P04")
def test_the_policy_names_square_with_its_own_policy(as_: Browser) -> None:
    assert settings.SQUARE_PRIVACY_URL in _page(as_(None), "/policies/privacy-policy/")


@pytest.mark.promise("P25")
@pytest.mark.parametrize("name", ["account_change_password", "account_email"])
def test_where_password_or_address_is_set_stands_how_to_protect_them(name: str, ana: User, as_: Browser) -> None:
    page = _page(as_(ana), reverse(name))
    assert "Your password and your mailbox open your health record." in page


@pytest.mark.promise("P50")
def test_questions_and_a_printed_policy_go_to_the_officer(as_: Browser) -> None:
    page = _page(as_(None), "/questions/")
    assert settings.CLINIC_OFFICER_NAME in page
    assert f"mailto:{settings.CLINIC_OFFICER_EMAIL}" in page
    assert "sends you a printed copy of any policy" in page


@pytest.mark.promise("P51")
@pytest.mark.parametrize("slug", ["privacy-policy", "notice-of-privacy-practices"])
def test_complaints_may_go_to_the_government_and_nobody_is_punished(slug: str, as_: Browser) -> None:
    page = _page(as_(None), f"/policies/{slug}/")
    assert HHS in page
    assert "Nobody will treat you worse for it." in page


@pytest.mark.promise("P40")
def test_the_policy_gives_the_retention_as_the_clinics_own_rule(as_: Browser, settings: Any) -> None:
    settings.RETENTION_ADULT_YEARS, settings.RETENTION_MINOR_UNTIL_AGE = 9, 26
    page = _page(as_(None), "/policies/privacy-policy/")
    assert "It is our rule to keep a sealed copy of each medical record for 9 years" in page
    assert "until age 26" in page


def test_robots_stay_out_of_everything_but_the_public_pages(as_: Browser) -> None:
    response = as_(None).get("/robots.txt")
    assert response.headers["Content-Type"].startswith("text/plain")
    for closed in ("/accounts/", "/admin/", "/record/", "/privacy/"):
        assert f"Disallow: {closed}" in response.content.decode()


def test_security_txt_names_a_contact_and_is_not_expired(as_: Browser) -> None:
    fields = dict(
        line.split(": ", 1) for line in as_(None).get("/.well-known/security.txt").content.decode().splitlines()
    )
    assert fields["Contact"] == f"mailto:{settings.CLINIC_OFFICER_EMAIL}"
    expires = dt.datetime.fromisoformat(fields["Expires"])
    assert dt.timedelta(days=1) < expires - dt.datetime.now(dt.UTC) < dt.timedelta(days=366)


def test_an_address_that_leads_nowhere_gets_a_kind_page(as_: Browser) -> None:
    response = as_(None).get("/no/such/page/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


@pytest.mark.parametrize("view", [views.bad_request, views.forbidden, views.not_found, views.server_error])
def test_an_error_page_needs_neither_database_nor_session(view: Any, django_assert_num_queries: Any) -> None:
    request = RequestFactory().get("/")
    with django_assert_num_queries(0):
        response = view(request)
    assert response.status_code in (400, 403, 404, 500)
    assert b"Go to the start" in response.content


def test_a_form_from_elsewhere_gets_a_kind_refusal() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/accounts/login/", {"login": "ana@example.org", "password": "x"})
    assert response.status_code == 403
    assert "<h1>" in response.content.decode()


def test_a_version_that_nobody_published_is_not_found_whatever_it_is_called(as_: Browser) -> None:
    for version in ("1999-01-01", "%00", "%D9%A3", "x" * 300, "..%2F"):
        assert as_(None).get(f"/policies/privacy-policy/{version}/").status_code == 404
