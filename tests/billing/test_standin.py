"""The stand-in itself: the hosted page, its events over real HTTP, and that it stays in development."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.urls import reverse

from billing import services, square
from billing.models import Payment, WebhookEvent
from billing.standin.server import Standin, running
from billing.state import OrderState
from portal.outbox.models import OutgoingMail


def link(standin: Standin) -> square.Link:
    return square.link_create(
        key=str(uuid4()),
        reference=uuid4(),
        item_name="Online consult fee",
        money=square.Money(5900, "USD"),
        redirect_url="https://clinic.example/back/",
    )


def test_the_hosted_page_can_pay_decline_and_go_back(standin: Standin) -> None:
    made = link(standin)
    page = httpx.get(made.url)
    assert page.status_code == 200
    for words in ("Online consult fee", "$59.00 USD", "Decline the card", "Go back without paying"):
        assert words in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    declined = httpx.post(made.url + "/decline", follow_redirects=True)
    assert "The card was declined" in declined.text
    back = httpx.post(made.url + "/back")
    assert (back.status_code, back.headers["location"]) == (303, "https://clinic.example/back/")
    paid = httpx.post(made.url + "/pay")
    assert paid.headers["location"].startswith("https://clinic.example/back/?orderId=")
    assert httpx.post(made.url + "/pay").headers["location"] == paid.headers["location"]
    assert "already paid" in httpx.get(made.url).text
    assert [p["status"] for p in standin.world.tables.payments.values()] == ["FAILED", "COMPLETED"]


def test_strange_requests_get_plain_answers(standin: Standin) -> None:
    assert httpx.get(standin.url + "/pay/ABCDEF").status_code == 404
    assert httpx.get(link(standin).url + "/pay").status_code == 405
    assert httpx.get(standin.url + "/v2/locations").status_code == 401
    auth = {"Authorization": "Bearer token-of-the-test"}
    assert httpx.get(standin.url + "/v2/nothing", headers=auth).status_code == 404
    create = standin.url + "/v2/online-checkout/payment-links"
    assert httpx.post(create, headers=auth, content=b"nonsense").status_code == 400
    without_key = httpx.post(create, headers=auth, json={"order": {}})
    assert without_key.json()["errors"][0]["field"] == "idempotency_key"
    assert httpx.post(standin.url + "/standin/control", json={"fail_next": "many"}).status_code == 400
    assert httpx.post(create, headers=auth, content=b"x" * 300_000).status_code == 413


@pytest.mark.parametrize("amount", [-1, 0, 0.001, 10**9, "NaN", True, None])
def test_nonsense_amounts_are_refused(standin: Standin, amount: Any) -> None:
    body = {
        "idempotency_key": str(uuid4()),
        "order": {
            "location_id": "PLACE",
            "line_items": [{"name": "x", "base_price_money": {"amount": amount, "currency": "USD"}}],
        },
    }
    answer = httpx.post(
        standin.url + "/v2/online-checkout/payment-links",
        headers={"Authorization": "Bearer token-of-the-test"},
        json=body,
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_VALUE")


def test_a_state_file_outlives_a_restart(settings: Any, standin: Standin, tmp_path: Path) -> None:
    options: dict[str, Any] = {"token": "t", "location_id": "PLACE", "state_file": tmp_path / "square.json"}
    settings.SQUARE_ACCESS_TOKEN = "t"
    with running(**options) as first:
        settings.SQUARE_BASE_URL = first.url
        payment = first.world.pay(link(first).id)
    with running(**options) as second:
        settings.SQUARE_BASE_URL = second.url
        assert square.payment_get(payment["id"]).status == "COMPLETED"


def test_it_does_not_start_unless_it_is_allowed() -> None:
    command = [sys.executable, "-m", "billing.standin", "--port", "0"]
    env = {name: value for name, value in os.environ.items() if name != "SQUARE_STANDIN_ALLOWED"}
    refused = subprocess.run(command, env=env, capture_output=True, timeout=30, text=True)
    assert refused.returncode == 2
    assert "development" in refused.stderr
    env["SQUARE_STANDIN_ALLOWED"] = "1"
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as allowed:
        assert allowed.stdout is not None
        assert "Square stand-in at" in allowed.stdout.readline()
        allowed.terminate()


def wait_for(true: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert true()


@pytest.fixture
def loop(settings: Any, live_server: Any, standin: Standin) -> Iterator[Standin]:
    """Portal and stand-in, each on a port of its own, talking over HTTP both ways."""
    settings.SQUARE_WEBHOOK_URL = live_server.url + reverse("billing:webhook")
    standin.hooks.url, standin.hooks.key = settings.SQUARE_WEBHOOK_URL, "key-of-the-test"
    yield standin
    standin.hooks.url = ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise("S4")
def test_signed_events_in_disorder_with_repeats_over_http_pay_once(loop: Standin, ana: Any, order_of: Any) -> None:
    order = order_of(ana)
    httpx.post(loop.url + "/standin/control", json={"reorder_webhooks": True, "repeat_webhooks": 3})
    httpx.post(services.checkout_start(by=ana.actor, order=order) + "/pay")
    released = httpx.post(loop.url + "/standin/control", json={"release": True}).json()["released"]
    wait_for(lambda: len(loop.hooks.sent) == released)
    assert {status for _, status in loop.hooks.sent} == {200}
    assert WebhookEvent.objects.count() == 5
    services.sweep()
    order.refresh_from_db()
    assert order.state == OrderState.PAID
    assert Payment.objects.count() == 1
    assert OutgoingMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_events_that_the_portal_could_not_take_come_again(loop: Standin, ana: Any, order_of: Any) -> None:
    order, url = order_of(ana), loop.hooks.url
    loop.hooks.url = "http://127.0.0.1:9/"
    loop.hooks.faults.repeat_webhooks = 1
    httpx.post(services.checkout_start(by=ana.actor, order=order) + "/pay")
    wait_for(lambda: ("payment.created", 0) in loop.hooks.sent)
    loop.hooks.url = url
    wait_for(lambda: WebhookEvent.objects.count() == 5)


def test_dropped_events_are_really_dropped(standin: Standin) -> None:
    standin.hooks.url = "http://127.0.0.1:9/"
    answer = httpx.post(standin.url + "/standin/control", json={"drop_webhooks": True}).json()
    assert answer["faults"]["drop_webhooks"] is True
    standin.world.pay(link(standin).id)
    assert standin.hooks.idle()
    assert json.loads(httpx.get(standin.url + "/standin/health").text) == {"status": "ok"}
