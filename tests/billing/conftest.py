"""A stand-in for Square on a free port, and the shortest way to an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from billing import services
from billing.models import Order
from billing.products import CONSULT_FEE
from billing.standin.hooks import sign
from billing.standin.server import Standin, running

KEY = "key-of-the-test"
HOOK = "http://testserver/billing/square/webhook/"


@pytest.fixture
def standin(settings: Any) -> Iterator[Standin]:
    """Square as far as the portal can tell; its events are kept for the test to send (``events``)."""
    settings.SQUARE_ENVIRONMENT = "standin"
    settings.SQUARE_ACCESS_TOKEN = "token-of-the-test"
    settings.SQUARE_LOCATION_ID = "PLACE"
    settings.SQUARE_WEBHOOK_URL = HOOK
    settings.SQUARE_WEBHOOK_SIGNATURE_KEYS = ["an-older-key", KEY]
    settings.SQUARE_TIMEOUT_SECONDS = 2
    settings.POKE_ENABLED = False
    with running(token="token-of-the-test", location_id="PLACE") as server:
        settings.SQUARE_BASE_URL = server.url
        yield server


@pytest.fixture
def events(standin: Standin) -> list[bytes]:
    """Raw events in the order in which Square would send them."""
    kept: list[bytes] = []
    standin.world.emit = lambda event_type, kind, thing: kept.append(standin.hooks.body(event_type, kind, thing))
    return kept


@pytest.fixture
def post_event() -> Callable[..., Any]:
    """Send one raw event to the portal, signed unless told otherwise."""

    def send(raw: bytes, *, signature: str | None = "", url: str = HOOK) -> Any:
        headers = {} if signature is None else {"x-square-hmacsha256-signature": signature or sign(KEY, url, raw)}
        return Client(enforce_csrf_checks=True).post(
            reverse("billing:webhook"), data=raw, content_type="application/json", headers=headers
        )

    return send


@pytest.fixture
def order_of() -> Callable[..., Order]:
    """An open order of somebody."""

    def make(user: Any, reference: UUID | None = None) -> Order:
        return services.order_open(
            by=user.actor, subject_id=uuid4(), kind="consult", reference=reference or uuid4(), product_code=CONSULT_FEE
        )

    return make


@pytest.fixture
def pay_at_square(standin: Standin) -> Callable[[str], dict[str, Any]]:
    """What the person does on the hosted page whose address is given."""

    def pay(url: str, *, declined: bool = False) -> dict[str, Any]:
        return standin.world.pay(url.rsplit("/", 1)[1], declined=declined)

    return pay


@pytest.fixture
def paid(order_of: Any, pay_at_square: Any) -> Callable[..., Order]:
    """An order that is paid and known as paid."""

    def make(user: Any) -> Order:
        order = order_of(user)
        pay_at_square(services.checkout_start(by=user.actor, order=order))
        return services.payment_sync(order.pk)

    return make
