"""Guessing is slowed down, tells nothing, and locks nobody else out."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.outbox.models import OutgoingMail
from tests.accounts.conftest import NEW_PASSWORD, code_in, mails_to
from tests.accounts.test_sign_in import sign_in


@pytest.mark.promise("P18")
def test_guessing_is_slowed_down_and_ends_by_itself(ana: User) -> None:
    with time_machine.travel("2026-03-01 12:00:00+00:00", tick=False) as clock:
        client = Client()
        for _ in range(5):
            sign_in(client, ana.email, "not the password, no")
        refused = sign_in(client, ana.email)
        assert refused.status_code == 200 and "Wait five minutes" in refused.content.decode()
        clock.shift(301)
        assert sign_in(client, ana.email)["Location"] == "/home/"


@pytest.mark.promise("P18")
def test_somebody_locked_out_by_a_guesser_gets_in_by_a_code_from_their_mail(ana: User) -> None:
    for _ in range(6):
        sign_in(Client(), ana.email, "not the password, no")
    assert sign_in(Client(), ana.email).status_code == 200
    client = Client()
    client.post(reverse("account_reset_password"), {"email": ana.email})
    done = client.post(
        reverse("account_confirm_password_reset_code"), {"code": code_in(mails_to(ana.email)[0])}
    )
    client.post(done["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert sign_in(Client(), ana.email, NEW_PASSWORD)["Location"] == "/home/"


@pytest.mark.promise("P18")
@pytest.mark.parametrize("page", ["account_login", "account_reset_password"])
def test_the_clock_does_not_tell_who_has_an_account(ana: User, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same costly work is done for both: one password hash, or one sealed mail that is thrown away."""
    work: list[str] = []
    hashed, sealed = User.set_password, OutgoingMail.__init__
    monkeypatch.setattr(User, "set_password", lambda self, raw: (work.append("hash"), hashed(self, raw))[1])
    checked = User.check_password
    monkeypatch.setattr(User, "check_password", lambda self, raw: (work.append("hash"), checked(self, raw))[1])
    monkeypatch.setattr(OutgoingMail, "__init__", lambda self, *a, **k: (work.append("mail"), sealed(self, *a, **k))[1])
    done = {}
    for email in (ana.email, "who@example.org"):
        work.clear()
        Client().post(reverse(page), {"login": email, "email": email, "password": "not the password, no"})
        done[email] = set(work)
    assert done[ana.email] == done["who@example.org"] != set()


@pytest.mark.promise("P18")
def test_behind_the_proxy_each_client_is_counted_by_its_own_address(ana: User, settings: Any) -> None:
    """Client A guesses; client B can still sign in; a made-up address in front does not help A (fault 67)."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    def through_proxy(client_address: str, made_up: str = "") -> dict[str, str]:
        forwarded = f"{made_up}, {client_address}" if made_up else client_address
        return {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": "10.0.0.2"}

    for number in range(10):
        forged = through_proxy("203.0.113.9", f"198.51.100.{number}")
        sign_in(Client(), f"victim{number}@example.org", "guess " * 3, **forged)
    blocked = sign_in(Client(), ana.email, **through_proxy("203.0.113.9", "192.0.2.44"))
    assert blocked.status_code == 200 and "Wait five minutes" in blocked.content.decode()
    assert sign_in(Client(), ana.email, **through_proxy("203.0.113.50"))["Location"] == "/home/"
    failed = AccessEvent.objects.filter(action=Action.SIGN_IN_FAILED)
    assert {event.basis for event in failed} == {"ip:203.0.113.9"}
    assert UserSession.objects.get(user=ana).ip == "203.0.113.50"


def test_wrong_passwords_are_written_into_the_access_log(ana: User) -> None:
    sign_in(Client(), ana.email, "not the password, no")
    event = AccessEvent.objects.get()
    assert (event.action, event.object_id, event.actor_id) == (Action.SIGN_IN_FAILED, ana.pk, None)
