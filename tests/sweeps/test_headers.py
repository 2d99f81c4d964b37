"""What each answer tells the browser: what may run, who may keep it, what a cookie gives away."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from portal.pages.templatetags.portal_ui import external_link
from privacy.visitors.cookies import table as cookie_table
from tests.portal.test_checks import _run as in_production
from tests.sweeps.access_table import TABLE
from tests.sweeps.routes import all_routes
from tests.sweeps.world import World, address_of

Browser = Callable[..., Client]
SIGNED_IN = ("ana", "clinician", "officer")

pytestmark = pytest.mark.promise("P19")


def directives(response: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in response.headers["Content-Security-Policy"].split(";") if part.strip()]
    return {name: values for name, *values in parts}


def shown(persona: str, world: World, as_: Browser, choice: str = "") -> list[tuple[str, Any]]:
    """Every page that this persona may open, with its answer; ``choice`` is what they said about cookies."""
    client = as_(world.people[persona])
    if choice:
        client.cookies[settings.CHOICE_COOKIE_NAME] = choice
    return [
        (route.name, client.get(address_of(route, world)))
        for route in all_routes()
        if TABLE[route.name].gets[persona] == "200" and not TABLE[route.name].deed and route.name != "account_logout"
    ]


def test_every_answer_carries_the_headers(world: World, as_: Browser) -> None:
    wrong = []
    for persona in ("visitor", *SIGNED_IN):
        for name, response in shown(persona, world, as_):
            headers, policy = response.headers, directives(response)
            good = {
                "nosniff": headers.get("X-Content-Type-Options") == "nosniff",
                "referrer": headers.get("Referrer-Policy") == "same-origin",
                "frames": headers.get("X-Frame-Options") == "DENY",
                "opener": headers.get("Cross-Origin-Opener-Policy") == "same-origin",
                "permissions": "geolocation=()" in headers.get("Permissions-Policy", ""),
                "scripts": policy["default-src"] in (["'self'"], ["'none'"]),
                "no exceptions": "unsafe" not in headers["Content-Security-Policy"],
                "framing": policy.get("frame-ancestors") == ["'none'"] or "sandbox" in policy,
                "no server name": "Server" not in headers and "X-Powered-By" not in headers,
            }
            wrong += [f"{persona} at {name}: {what}" for what, kept in good.items() if not kept]
    assert wrong == []


@pytest.mark.promise("P17")
def test_nobody_else_keeps_a_page_of_somebody_signed_in(world: World, as_: Browser) -> None:
    """FIELD_FAULTS 48: after signing out, Back shows nothing."""
    wrong = [
        f"{persona} at {name}: {response.headers.get('Cache-Control')}"
        for persona in SIGNED_IN
        for name, response in shown(persona, world, as_)
        if "no-store" not in response.headers.get("Cache-Control", "")
    ]
    assert wrong == []


_AWAY = re.compile(r'<a\b[^>]*?href="((?:https?:)?//[^"]+)"([^>]*)>.{0,400}?</a>(.{0,200})', re.DOTALL)
_LOADED = re.compile(
    r"""<(?:script|img|link|iframe|source|video|form)\b[^>]*?\s(?:src|href|action)=["']((?:https?:)?//[^"']+)"""
)


@pytest.mark.promise("P04", "P42", "P43")
def test_a_crawl_finds_only_listed_cookies_nothing_from_elsewhere_and_no_bare_link_out(
    world: World, as_: Browser
) -> None:
    """Each page, by who was not asked, by who said no and by who said yes to counting."""
    listed = {cookie.name for cookie in cookie_table() if cookie.needed}
    wrong = []
    for persona, choice in (("visitor", ""), ("visitor", "10"), ("ana", "11"), ("clinician", "10"), ("officer", "")):
        user = world.people[persona]
        told = [user.email, user.display_name, str(user.pk), user.pk.hex] if user else []
        for name, response in shown(persona, world, as_, choice):
            place = f"{persona} {choice} at {name}"
            for cookie in response.cookies.values():
                closed = cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
                if not closed or cookie.key not in listed:
                    wrong.append(f"{place}: {cookie.key}")
                if any(word.lower() in cookie.value.lower() for word in told) or not cookie.value.isalnum():
                    wrong.append(f"{place}: {cookie.key} tells something")
            if "text/html" in response.headers.get("Content-Type", ""):
                wrong += [f"{place}: {what}" for what in going_out(response.content.decode())]
    assert wrong == []


def going_out(page: str) -> list[str]:
    """What a page loads from elsewhere, and links that lead away without saying so."""
    found = [f"loads {address}" for address in _LOADED.findall(page)]
    for address, rest, after in _AWAY.findall(page):
        host = urlsplit(address).netloc.removeprefix("www.")
        said = f"leads to {host}, which has its own privacy policy" in after
        if not said or 'rel="noopener noreferrer external"' not in rest or "?" in address:
            found.append(f"a bare link to {address}")
    return found


def test_the_crawl_sees_what_it_looks_for() -> None:
    assert going_out('<a class="x" href="https://a.example/">A</a>') == ["a bare link to https://a.example/"]
    assert going_out('<img alt="" src="//b.example/1.gif"><a href="/c/">C</a>') == ["loads //b.example/1.gif"]
    assert going_out(str(external_link("https://www.a.example/help", "Help"))) == []


@pytest.mark.parametrize(
    "path",
    [
        "/.git/config", "/.git/HEAD", "/.env", "/pyproject.toml", "/manage.py", "/portal/settings.py", "/__debug__/",
        "/admin/doc/", "/static/%2e%2e/portal/settings.py", "/static/../manage.py", "/media/", "/metrics",
        "/.local/demo/env", "/server-status", "/debug/", "/index.php",
    ],
)
def test_nothing_is_served_but_pages_and_static_files(path: str, db: None) -> None:
    response = Client().get(path)
    assert response.status_code in (302, 404)
    if response.status_code == 302:
        assert response["Location"].startswith(("/accounts/login/", "/admin/login/"))
    assert b"Traceback" not in response.content and b"urlpatterns" not in response.content


@pytest.mark.parametrize("path", ["/", "/home/", "/accounts/login/", "/admin/"])
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "TRACK"])
def test_other_methods_do_nothing(method: str, path: str, db: None) -> None:
    response = Client().generic(method, path, headers={"x-zqx": "zqxheader"})
    as_an_empty_form = method == "PUT" and path == "/accounts/login/"  # allauth's own view
    assert response.status_code in ((200,) if as_an_empty_form else (302, 403, 405))
    assert b"zqxheader" not in response.content


_IN_PRODUCTION = """
import json, django
django.setup()
from django.conf import settings
from django.test import Client
settings.RESTORE_GATE = False  # there is no database behind this
answer = Client().get("/robots.txt", secure=True, headers={"host": settings.ALLOWED_HOSTS[0]})
plain = Client().get("/robots.txt", headers={"host": settings.ALLOWED_HOSTS[0]})
print(json.dumps({
    "status": answer.status_code, "hsts": answer.headers.get("Strict-Transport-Security", ""),
    "plain": [plain.status_code, plain.headers.get("Location", "")],
    "names": [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME],
    "secure": [settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE],
    "debug": settings.DEBUG, "inbox": settings.LOCAL_INBOX_DIR, "mfa": settings.STAFF_MFA_REQUIRED,
    "standin": settings.SQUARE_ENVIRONMENT,
}))
"""


def test_production_speaks_https_only_and_says_so_for_a_year() -> None:
    done = in_production("-c", _IN_PRODUCTION)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["status"] == 200
    assert "max-age=31536000" in told["hsts"] and "includeSubDomains" in told["hsts"]
    assert told["plain"][0] == 301 and told["plain"][1].startswith("https://")
    assert told["names"] == ["__Host-session", "__Host-csrf"] and told["secure"] == [True, True]
    assert told["debug"] is False and told["inbox"] == "" and told["mfa"] is True and told["standin"] == "production"
