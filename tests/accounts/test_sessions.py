"""How long a sign-in lasts (RULES 7.8), enforced on the server, with few queries and fewer writes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.sessions import SessionStore
from portal.audit.models import AccessEvent, Action
from tests.accounts.test_sign_in import sign_in

NOON = "2026-03-01 18:00:00+00:00"
pytestmark = pytest.mark.promise("P18")


def is_in(client: Client) -> bool:
    return client.get(reverse("accounts:profile")).status_code == 200


@pytest.mark.parametrize(("persona", "minutes"), [("ana", 30), ("guardian", 30), ("clinician", 15), ("support", 15)])
def test_an_idle_sign_in_ends_on_the_server(request: Any, as_: Any, persona: str, minutes: int) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = as_(request.getfixturevalue(persona))
        assert is_in(client)
        clock.shift(dt.timedelta(minutes=minutes - 1))
        assert is_in(client)
        clock.shift(dt.timedelta(minutes=minutes + 1))
        assert not is_in(client)
        assert not UserSession.objects.exists()
        [left] = Session.objects.all()  # a visitor's, with the sentence that tells why
        assert "_auth_user_id" not in SessionStore().decode(left.session_data)


@pytest.mark.parametrize(("persona", "hours", "step"), [("ana", 24, 30), ("clinician", 12, 15)])
def test_even_a_busy_sign_in_ends_some_day(request: Any, as_: Any, persona: str, hours: int, step: int) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = as_(request.getfixturevalue(persona))
        assert is_in(client)
        for _ in range(hours * 60 // step - 1):
            clock.shift(dt.timedelta(minutes=step))
            assert client.post(reverse("pages:stay")).status_code == 204
        clock.shift(dt.timedelta(minutes=step))
        assert not is_in(client)


def test_confirming_the_password_does_not_lengthen_the_day(ana: User) -> None:
    from tests.conftest import PASSWORD

    with time_machine.travel(NOON, tick=False) as clock:
        client = Client()
        sign_in(client, ana.email)
        for _ in range(24 * 2 - 1):
            clock.shift(dt.timedelta(minutes=30))
            assert client.post(reverse("pages:stay")).status_code == 204
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        clock.shift(dt.timedelta(minutes=30))
        assert not is_in(client)


def test_signing_in_anew_starts_a_new_day(ana: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = Client()
        sign_in(client, ana.email)
        assert is_in(client)
        clock.shift(dt.timedelta(hours=25))
        assert not is_in(client)
        sign_in(client, ana.email)
        assert is_in(client)


def test_a_kept_cookie_does_not_bring_an_ended_sign_in_back(as_: Any, ana: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = as_(ana)
        assert is_in(client)
        stolen = client.cookies["session"].value
        clock.shift(dt.timedelta(minutes=40))
        assert not is_in(client)
        clock.shift(-dt.timedelta(minutes=39))
        thief = Client()
        thief.cookies["session"] = stolen
        assert not is_in(thief)


def test_the_person_hears_why_they_must_sign_in_again(as_: Any, ana: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = as_(ana)
        is_in(client)
        clock.shift(dt.timedelta(minutes=40))
        page = client.get(reverse("accounts:profile"), follow=True)
        assert "signed out after a while" in page.content.decode()
        assert page.redirect_chain[0][0] == f"{reverse('account_login')}?next={reverse('accounts:profile')}"


def test_an_ended_sign_in_is_written_down_with_its_reason(as_: Any, ana: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = as_(ana)
        is_in(client)
        clock.shift(dt.timedelta(minutes=40))
        is_in(client)
    event = AccessEvent.objects.get(action=Action.SIGN_OUT)
    assert (event.actor_id, event.basis) == (ana.pk, "limit:idle")


def test_the_button_of_the_warning_keeps_the_sign_in(as_: Any, ana: User) -> None:
    """It works up to the last second that the page promises (RULES 6.9), ten times and more."""
    with time_machine.travel(NOON, tick=False) as clock:
        client = as_(ana)
        is_in(client)
        clock.shift(55)  # this look is too soon after the first to be written down
        is_in(client)
        for _ in range(12):
            clock.shift(dt.timedelta(minutes=30) - dt.timedelta(seconds=1))
            assert client.post(reverse("pages:stay")).status_code == 204
        assert is_in(client)


def test_nobody_else_can_press_that_button(as_: Any, ana: User) -> None:
    assert Client().post(reverse("pages:stay")).status_code == 302
    assert as_(ana).get(reverse("pages:stay")).status_code == 405


def test_being_seen_is_written_once_a_minute_at_most(as_: Any, ana: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = as_(ana)
        is_in(client)
        clock.shift(59)
        with CaptureQueriesContext(connection) as queries:
            client.post(reverse("pages:stay"))
        assert len(queries) == 2, [q["sql"] for q in queries]  # the session and the account, nothing written
        clock.shift(2)
        with CaptureQueriesContext(connection) as queries:
            client.post(reverse("pages:stay"))
        assert any(q["sql"].startswith("UPDATE") for q in queries)
        assert UserSession.objects.get(user=ana).last_seen_at == timezone.now()


def test_a_visitor_costs_no_query() -> None:
    client = Client()
    client.get(reverse("pages:home"))  # a process remembers for a minute that no notice of a breach stands (RULES 3.7)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("pages:home")).status_code == 200
    assert len(queries) == 0
    assert "session" not in client.cookies


def test_times_are_shown_in_the_persons_own_zone(as_: Any, ana: User) -> None:
    client = as_(ana)
    assert client.post(reverse("accounts:profile"), {"time_zone": "Pacific/Honolulu"}).status_code == 302
    ana.refresh_from_db()
    assert ana.time_zone == "Pacific/Honolulu"
    refused = client.post(reverse("accounts:profile"), {"time_zone": "Mars/Olympus"})
    assert refused.status_code == 200 and refused.context["form"].errors
    ana.refresh_from_db()
    assert ana.time_zone == "Pacific/Honolulu"


def test_pages_of_somebody_signed_in_are_never_kept_by_a_cache(as_: Any, ana: User) -> None:
    assert "no-store" in as_(ana).get(reverse("accounts:profile"))["Cache-Control"]
