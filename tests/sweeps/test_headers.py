"""What each answer tells the browser: what may run, who may keep it, what a cookie gives away."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

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


def shown(persona: str, world: World, as_: Browser) -> list[tuple[str, Any]]:
    """Every page that this persona may open, with its answer."""
    client = as_(world.people[persona])
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


@pytest.mark.promise("P43")
def test_cookies_are_opaque_and_closed_to_scripts_and_other_sites(world: World, as_: Browser) -> None:
    wrong = []
    for persona in ("visitor", *SIGNED_IN):
        user = world.people[persona]
        for name, response in shown(persona, world, as_):
            for cookie in response.cookies.values():
                told = [user.email, user.display_name, str(user.pk), user.pk.hex] if user else []
                good = cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
                if not good or cookie.key not in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
                    wrong.append(f"{persona} at {name}: {cookie.key}")
                if any(word.lower() in cookie.value.lower() for word in told) or not cookie.value.isalnum():
                    wrong.append(f"{persona} at {name}: {cookie.key} tells something")
    assert wrong == []


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
