"""A real SMTP server for each test that wants one, and mail kinds of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.outbox import delivery, registry
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered
from tests.outbox.server import MailServer


@pytest.fixture(autouse=True)
def fresh_breaker() -> Iterator[None]:
    delivery.server_breaker.worked()
    yield
    delivery.server_breaker.worked()


@pytest.fixture
def mail_server(settings) -> Iterator[MailServer]:  # type: ignore[no-untyped-def]
    """An SMTP server on a free port, and the settings that lead to it."""
    server = MailServer()
    server.start()
    settings.EMAIL_BACKEND = "portal.outbox.smtp.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_TIMEOUT = 3
    yield server
    server.stop()


def _plain(context: MailContext) -> Rendered:
    return Rendered(text=f"Your plan is ready.\n\nhttp://localhost:8000/consults/{context.refs.get('consult', '')}")


def _code(context: MailContext) -> Rendered:
    return Rendered(text=f"Your code: {context.secret['code']}")


def _broken(_context: MailContext) -> Rendered:
    raise KeyError("marker-ZQX")


def _offer(_context: MailContext) -> Rendered:
    return Rendered(text="News from the clinic.", unsubscribe_url="https://clinic.example/stop/abc")


@pytest.fixture
def kinds() -> Iterator[dict[str, str | None]]:
    """Four kinds of mail; the answer of the marketing gate is in the returned dict."""
    before = registry._registry
    kept, books = dict(before.mails), (before.address_book, before.address_books)
    answer: dict[str, str | None] = {"gate": None}
    registry.register(Mail("tests.plain", Category.OPERATIONAL, _plain, "Your plan is ready at %(clinic)s"))
    registry.register(Mail("tests.code", Category.SECURITY, _code, "Your sign-in code", priority=10))
    registry.register(Mail("tests.broken", Category.OPERATIONAL, _broken, "A word from us"))
    registry.register(
        Mail("tests.offer", Category.MARKETING, _offer, "News", priority=90, gate=lambda _context: answer["gate"])
    )
    yield answer
    before.mails = kept
    before.address_book, before.address_books = books
