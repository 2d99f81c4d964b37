"""Every address, tried by every persona: who gets in, who gets "not found", and no 500 anywhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from tests.sweeps.access_table import PERSONAS, TABLE, Access
from tests.sweeps.routes import Route, all_routes
from tests.sweeps.world import World, address_of

pytestmark = [pytest.mark.promise("P21")]
ROUTES = all_routes()
Browser = Callable[..., Client]
# Written by looking, by design.
TOUCHED_BY_LOOKING = {
    "audit_accessevent": "every look leaves a trace",
    "django_session": "messages shown; when this sign-in was last seen",
    "usersessions_usersession": "when and from where this sign-in was last seen",
    "portal_cache": "rate limits and used form keys",
    "records_message": "only who may open a thread marks it as read by opening it",
    "privacy_recordcopy": "when the patient fetched the copy, behind a recent sign-in",
    "privacy_letter": "when its reader first opened it, behind a recent sign-in",
}


def outcome(client: Client, response: Any) -> str:
    """The status, or where a redirect leads: ``login`` is the sign-in page, ``go`` anything else."""
    if response.status_code not in (301, 302, 303):
        return str(response.status_code)
    where = response["Location"]
    if where.startswith(reverse("admin:login")):
        return outcome(client, client.get(where))
    return "login" if where.split("?")[0] == reverse("account_login") else "go"


def ask(client: Client, route: Route, access: Access, world: World, method: str = "") -> Any:
    address = address_of(route, world)
    return getattr(client, method or ("post" if access.deed else "get"))(address)


class undone(transaction.Atomic):
    """Whatever happens inside is rolled back, also where a view insists on committing its own."""

    def __init__(self) -> None:
        super().__init__(using=None, savepoint=True, durable=False)
        self._from_testcase = True

    def __exit__(self, *raised: Any) -> None:
        transaction.set_rollback(True)
        super().__exit__(*raised)


def test_every_address_is_in_the_table() -> None:
    missing = sorted({route.name for route in ROUTES} - set(TABLE))
    assert missing == [], "say in tests/sweeps/access_table.py who gets what there"


def test_the_table_names_no_address_that_is_gone() -> None:
    assert sorted(set(TABLE) - {route.name for route in ROUTES}) == []


def browser_of(as_: Browser, user: User | None) -> Callable[[], Client]:
    """A maker of browsers that all carry one sign-in, so that a sign-out in one harms no other."""
    signed_in = as_(user)

    def fresh() -> Client:
        client = Client(raise_request_exception=False)
        client.cookies = SimpleCookie(signed_in.cookies.output(header="", sep=";"))
        return client

    return fresh


def test_everybody_gets_what_the_table_says_and_looking_changes_nothing(world: World, as_: Browser) -> None:
    """Nothing is changed by GET or HEAD either: mail scanners fetch what they find (FIELD_FAULTS 64)."""
    wrong: list[str] = []
    headed: set[str] = set()
    for persona in PERSONAS:
        fresh = browser_of(as_, world.people[persona])
        fresh().get("/account/")  # the first request writes when this sign-in was seen
        before = fingerprints()
        for route in ROUTES:
            access = TABLE[route.name]
            with undone() if access.deed else nullcontext():
                client = fresh()
                got = outcome(client, ask(client, route, access, world))
            if got != access.gets[persona]:
                wrong.append(f"{persona} at {route.name}: {got}, and the table says {access.gets[persona]}")
            if got == "200" and not access.deed and route.name not in headed:
                headed.add(route.name)
                ask(client, route, access, world, "head")
        wrong += [f"{persona} changed {table} by looking" for table in changed_since(before)]
    assert wrong == [], "\n".join(wrong)


def test_a_stranger_who_posts_to_ones_things_gets_not_found_and_leaves_a_trace(world: World, as_: Browser) -> None:
    """FIELD_FAULTS 69: every address that names a thing, tried with POST by whoever may not have it."""
    wrong = []
    for persona in PERSONAS[1:]:
        fresh = browser_of(as_, world.people[persona])
        for route in ROUTES:
            if "<uuid:" not in route.pattern or TABLE[route.name].gets[persona] not in ("404", "403"):
                continue
            with undone():
                before = AccessEvent.objects.filter(action=Action.DENIED).count()
                got = ask(fresh(), route, TABLE[route.name], world, "post").status_code
                noted = AccessEvent.objects.filter(action=Action.DENIED).count() - before
            if got not in (404, 405) or (got == 404 and not noted):
                wrong.append(f"{persona} at {route.name}: {got}, {noted} denials in the access log")
    assert wrong == [], "\n".join(wrong)


def changed_since(before: dict[str, str]) -> list[str]:
    return sorted(table for table, print_ in fingerprints().items() if before[table] != print_)


def fingerprints() -> dict[str, str]:
    """Rows and a digest of the content of every table."""
    with connection.cursor() as cursor:
        tables = [t for t in connection.introspection.table_names(cursor) if t not in TOUCHED_BY_LOOKING]
        each = " UNION ALL ".join(
            f"SELECT '{table}', count(*) || ':' || coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '')"
            f' FROM "{table}" t' for table in tables
        )
        cursor.execute(each)
        return dict(cursor.fetchall())
