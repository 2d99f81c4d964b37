"""Families, old ones, machines: read from what a browser says about itself (P09)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from privacy.visitors.browsers import FAMILIES, family_of, is_machine, is_old

pytestmark = pytest.mark.promise("P09")

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = f"{_WINDOWS} Chrome/131.0.0.0 Safari/537.36"
SEEN = [
    (CHROME, "Chrome", False),
    (f"{_WINDOWS} Chrome/122.0.0.0 Safari/537.36", "Chrome", True),
    (f"{_WINDOWS} Chrome/123.0.0.0 Safari/537.36", "Chrome", False),
    (f"{_WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge", False),
    (f"{_WINDOWS} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "Edge", True),
    (f"{_WINDOWS} Chrome/117.0.0.0 Safari/537.36 OPR/103.0.0.0", "Opera", True),
    (f"{_ANDROID} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36", "Samsung Internet", False),
    (f"{_ANDROID} SamsungBrowser/16.0 Chrome/92.0.4515.166 Mobile Safari/537.36", "Samsung Internet", True),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox", False),
    ("Mozilla/5.0 (Windows NT 6.1; rv:115.0) Gecko/20100101 Firefox/115.0", "Firefox", True),
    (f"{_MAC} Version/17.5 Safari/605.1.15", "Safari", False),
    (f"{_MAC} Version/17.4.1 Safari/605.1.15", "Safari", True),
    (f"{_MAC} Version/16.6 Safari/605.1.15", "Safari", True),
    (f"{_IPHONE.format('18_1')} Version/18.1 Mobile/15E148 Safari/604.1", "Safari", False),
    (f"{_IPHONE.format('15_8_2')} Version/15.6.6 Mobile/15E148 Safari/604.1", "Safari", True),
    # On an iPhone every browser draws with the system's own engine.
    (f"{_IPHONE.format('18_1')} CriOS/100.0.0.0 Mobile/15E148 Safari/604.1", "Chrome", False),
    (f"{_IPHONE.format('16_1')} CriOS/131.0.0.0 Mobile/15E148 Safari/604.1", "Chrome", True),
    (f"{_IPHONE.format('18_1')} FxiOS/133.0 Mobile/15E148 Safari/605.1.15", "Firefox", False),
    ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer", True),
    ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", "Internet Explorer", True),
    ("Lynx/2.9.0 libwww-FM/2.14", "Other", False),
    ("", "Other", False),
    ("ana@example.org " * 100, "Other", False),
]


@pytest.mark.parametrize(("told", "family", "old"), SEEN)
def test_a_browser_has_a_family_and_an_age(told: str, family: str, old: bool) -> None:
    assert (family_of(told), is_old(told)) == (family, old)
    assert family in FAMILIES


def test_the_clinic_may_draw_the_line_elsewhere(settings: Any) -> None:
    settings.OLD_BROWSERS = {"Chrome": "200"}
    assert is_old(CHROME) and not is_old("Mozilla/5.0 (X11; rv:60.0) Gecko/20100101 Firefox/60.0")


@pytest.mark.parametrize(
    "told",
    [
        "", "  ", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
        "python-requests/2.32", "Mozilla/5.0 (compatible; bingbot/2.0)", "facebookexternalhit/1.1",
        "Slackbot-LinkExpanding 1.0",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0)", "UptimeRobot/2.0", "Mozilla/5.0 Chrome/131 Chrome-Lighthouse",
    ],
)
def test_machines_are_told_from_people(told: str) -> None:
    assert is_machine(told)


@pytest.mark.parametrize("told", [told for told, family, _old in SEEN if family != "Other"])
def test_no_browser_of_people_is_taken_for_a_machine(told: str) -> None:
    assert not is_machine(told)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/cookies/"])
def test_an_old_browser_gets_a_notice_that_blocks_nothing(as_: Callable[..., Client], path: str) -> None:
    old = as_(None, headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko"}).get(path)
    new = as_(None, headers={"User-Agent": CHROME}).get(path)
    assert old.status_code == new.status_code == 200
    assert b'class="old shown"' in old.content and b'class="old"' in new.content
    assert b"Please update it" in old.content and b"<h1" in old.content
