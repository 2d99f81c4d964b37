"""No form of the product throws away what a person typed because they must sign in, or prove themselves, anew.

Every address that takes a POST is tried, so that a new page cannot forget it (FIELD_FAULTS 41, 42).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from django.test import Client

from portal.accounts import resume
from tests.sweeps.access_table import TABLE
from tests.sweeps.routes import Route, all_routes
from tests.sweeps.test_urls import undone
from tests.sweeps.world import World, address_of

WORDS = "It began three weeks ago, and it burns at night."
# What has no words of a person to lose: sign-in itself, and addresses that only read.
_ITSELF = ("account_", "mfa_", "usersessions_", "admin:login", "admin:logout", "accounts:resume", "pages:stay")
SIX_MINUTES = 360
Browser = Callable[..., Client]


def forms_of(persona: str) -> list[Route]:
    """Every address that this persona may use and a visitor may not."""
    return [
        route for route in all_routes()
        if TABLE[route.name].gets[persona] in ("200", "go") and TABLE[route.name].gets["visitor"] == "login"
        and not route.name.startswith(_ITSELF)
    ]


def kept_in(page: Any) -> str:
    is_page = page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    found = re.search(r'name="kept" value="([^"]+)"', page.content.decode()) if is_page else None
    return found[1] if found else ""


def test_a_form_comes_back_on_every_page_that_asks_to_sign_in_or_for_the_password(
    world: World, as_: Browser
) -> None:
    lost = []
    routes = {route.name: route for persona in ("ana", "clinician", "officer") for route in forms_of(persona)}
    for route in routes.values():
        page = Client().post(address_of(route, world), {"words": WORDS})
        kept = resume.unseal(kept_in(page), account="") if kept_in(page) else None
        if kept is None or ("words", WORDS) not in kept.fields or kept.path != address_of(route, world):
            lost.append(f"{route.name}: {page.status_code} {page.headers.get('Location', '')}")
    assert len(routes) > 150 and lost == [], "\n".join(lost)
    asked = check_delicate_steps(world, as_)  # in the same world: it takes longer to make than to try
    assert {"privacy:correct", "privacy:limit", "privacy:delete", "accounts:close"} <= set(asked), asked


def check_delicate_steps(world: World, as_: Browser) -> list[str]:
    """Whoever writes for longer than the five minutes of a delicate step is asked again, and loses no word."""
    lost, asked = [], []
    for persona in ("ana", "ben", "officer"):
        client = as_(world.people[persona])
        session = client.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time() - SIX_MINUTES}]
        session.save()
        for route in forms_of(persona):
            with undone():
                page = client.post(address_of(route, world), {"words": WORDS})
            if "/reauthenticate/" in page.headers.get("Location", ""):
                lost.append(f"{persona} at {route.name}")
            elif kept_in(page):
                asked.append(route.name)
    assert lost == []
    return asked
