"""Whatever is sent as a passkey, also by nobody at all: it is a wrong passkey, and never an error of ours (P18)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import STATE_SESSION_KEY
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P18")]

NOT_JSON = ["", "{", "9" * 5000, "[" * 100_000, '"\\ud800"', '{"id": "\\ud800"}', "[]", "0"]
STRANGE: list[Any] = [None, -1, "x", "é", {"a": 1}, 10**400, "o6Ojo6Ojo6Ojo6M"]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def whole(kind: str) -> dict[str, Any]:
    """A credential of the right shape, signed by nothing."""
    told = json.dumps({"type": f"webauthn.{kind}", "challenge": b64(b"c" * 32), "origin": "http://testserver"})
    answer = {
        "get": {"authenticatorData": b64(bytes(37)), "signature": b64(b"s" * 64), "userHandle": b64(b"u")},
        "create": {"attestationObject": b64(b"\xa3cfmtdnonegattStmt\xa0hauthDataX\x25" + bytes(37))},
    }[kind]
    return {
        "id": b64(b"x" * 16), "rawId": b64(b"x" * 16), "type": "public-key", "clientExtensionResults": {},
        "response": {"clientDataJSON": b64(told.encode()), **answer},
    }


def spoilt(credential: dict[str, Any]) -> Iterator[str]:
    """The credential with one part after the other taken out or replaced by something strange."""
    yield json.dumps(credential)
    for name in credential:
        yield json.dumps({key: value for key, value in credential.items() if key != name})
        yield from (json.dumps({**credential, name: value}) for value in STRANGE)
    inner = credential["response"]
    for name in inner:
        yield from (json.dumps({**credential, "response": {**inner, name: value}}) for value in STRANGE)


def refused(client: Client, address: str, kind: str, *, each: int = 1) -> list[str]:
    """What was answered with anything but the page, again or by leading back to it; ``each`` thins them out."""
    wrong = []
    for text in [*NOT_JSON, *list(spoilt(whole(kind)))[::each]]:
        session = client.session
        session[STATE_SESSION_KEY] = {"challenge": b64(b"c" * 32), "user_verification": None}
        session.save()
        answer = client.post(address, {"credential": text, "name": "Phone"})
        if answer.status_code not in (200, 302, 429):
            wrong.append(f"{answer.status_code} for {text[:80]}")
    return wrong


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    settings.ALLAUTH_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS = False


def test_at_sign_in(ana: User) -> None:
    client = Client(raise_request_exception=False)
    assert refused(client, reverse("mfa_login_webauthn"), "get") == []
    assert "_auth_user_id" not in client.session


def test_as_the_second_step(ana: User) -> None:
    TOTP.activate(ana, "JBSWY3DPEHPK3PXP")
    client = Client(raise_request_exception=False)
    client.post(reverse("account_login"), {"login": ana.email, "password": PASSWORD})
    assert client.get(reverse("mfa_authenticate")).status_code == 200
    assert refused(client, reverse("mfa_authenticate"), "get", each=9) == []
    assert "_auth_user_id" not in client.session


def test_before_a_delicate_step(as_: Any, ana: User) -> None:
    data = {"name": "Phone", "credential": whole("create")}
    Authenticator.objects.create(user=ana, type=Authenticator.Type.WEBAUTHN, data=data)
    client = as_(ana, raise_request_exception=False)
    assert refused(client, reverse("mfa_reauthenticate_webauthn"), "get", each=8) == []


def test_as_a_new_one(as_: Any, ana: User) -> None:
    client = as_(ana, raise_request_exception=False)
    assert refused(client, reverse("mfa_add_webauthn"), "create") == []
    assert not Authenticator.objects.exists()
