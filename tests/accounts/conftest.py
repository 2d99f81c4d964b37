"""What the account tests share: a person who goes through the gate and types codes."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from portal.agreements.models import PolicyKind, PolicyVersion
from portal.agreements.selectors import current_for_sign_up
from portal.outbox.models import OutgoingMail
from portal.outbox.registry import MailContext, mail_of
from tests.conftest import PASSWORD

ADULT = dt.date(1990, 5, 17)
NEW_PASSWORD = "three herons on the pier"


@pytest.fixture(autouse=True)
def fresh_limits(db: None) -> None:
    """Rate limits of one test are not those of the next."""
    cache.clear()


@pytest.fixture(autouse=True)
def policies(db: None) -> list[PolicyVersion]:
    """The texts that a sign-up agrees to; older ones too, for tests that set the clock back."""
    for kind in (PolicyKind.PRIVACY_POLICY, PolicyKind.TERMS_OF_SERVICE):
        PolicyVersion.objects.create(kind=kind, version="oldest", effective_on=dt.date(2000, 1, 1), sha256="0" * 64)
    return current_for_sign_up()


def gate_answers(born: dt.date = ADULT, **others: Any) -> dict[str, Any]:
    """The answers of somebody who may sign up."""
    answers: dict[str, Any] = {
        "birth_date_month": str(born.month), "birth_date_day": str(born.day), "birth_date_year": str(born.year),
        "state": "MN", "privacy_policy": "on", "terms_of_service": "on",
    }
    return {name: value for name, value in {**answers, **others}.items() if value is not None}


@dataclass
class Visitor:
    """Somebody in a browser who signs up."""

    client: Client

    def pass_gate(self) -> str:
        """Answers the gate; returns the ticket."""
        response = self.client.post(reverse("accounts:start"), gate_answers())
        assert response.status_code == 302, response.content.decode()
        return parse_qs(urlsplit(response["Location"]).query)["ticket"][0]

    def sign_up(self, email: str, password: str = PASSWORD, ticket: str | None = None) -> Any:
        ticket = ticket or self.pass_gate()
        return self.client.post(reverse("account_signup"), {"email": email, "password1": password, "ticket": ticket})

    def type_code(self, code: str) -> Any:
        return self.client.post(reverse("account_email_verification_sent"), {"code": code, "action": "verify"})


@pytest.fixture
def visitor() -> Visitor:
    return Visitor(Client())


def mails_to(address: str) -> list[OutgoingMail]:
    """Mails waiting for this address, oldest first."""
    return [mail for mail in OutgoingMail.objects.order_by("queued_at") if mail.address == address]


def words_of(mail: OutgoingMail) -> str:
    """The words as they will leave."""
    entry = mail_of(mail.kind)
    return str(entry.render(MailContext(mail.refs, mail.secret or {}, mail.account_id)).text)


def code_in(mail: OutgoingMail) -> str:
    """The code that the mail carries, as its reader finds it."""
    found = re.search(r"^ {4}(\S+)$", words_of(mail), re.MULTILINE)
    assert found, words_of(mail)
    return found[1]
