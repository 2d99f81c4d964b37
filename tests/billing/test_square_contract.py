"""What the portal relies on at Square. With SQUARE_SANDBOX_TOKEN the same runs against the sandbox."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing import square
from billing.standin.hooks import sign

FEE = square.Money(5900, "USD")
BACK = "https://clinic.example/billing/return/"


@dataclass
class Account:
    """Where the contract is tried: ``pay`` pays a link and returns the payment's id."""

    kind: str
    pay: Callable[[square.Link], str]


def _sandbox(settings: Any) -> Account:
    from square import Square
    from square.environment import SquareEnvironment

    settings.SQUARE_ENVIRONMENT = "sandbox"
    settings.SQUARE_ACCESS_TOKEN = os.environ["SQUARE_SANDBOX_TOKEN"]
    settings.SQUARE_TIMEOUT_SECONDS = 20
    settings.SQUARE_LOCATION_ID = os.environ.get("SQUARE_SANDBOX_LOCATION") or next(iter(square.locations()))
    client = Square(environment=SquareEnvironment.SANDBOX, token=settings.SQUARE_ACCESS_TOKEN)

    def pay(link: square.Link) -> str:
        answer = client.payments.create(
            source_id="cnon:card-nonce-ok",
            idempotency_key=str(uuid4()),
            order_id=link.order_id,
            amount_money={"amount": FEE.cents, "currency": "USD"},
            location_id=settings.SQUARE_LOCATION_ID,
        )
        return str(answer.payment.id)

    return Account("sandbox", pay)


@pytest.fixture(params=["standin", *(["sandbox"] if os.environ.get("SQUARE_SANDBOX_TOKEN") else [])])
def account(request: Any, settings: Any) -> Iterator[Account]:
    if request.param == "sandbox":
        yield _sandbox(settings)
        return
    standin = request.getfixturevalue("standin")
    yield Account("standin", lambda link: str(standin.world.pay(link.id)["id"]))


def _link(key: str | None = None, reference: UUID | None = None, money: square.Money = FEE) -> square.Link:
    return square.link_create(
        key=key or str(uuid4()),
        reference=reference or uuid4(),
        item_name="Online consult fee",
        money=money,
        redirect_url=BACK,
    )


def test_the_same_key_returns_the_same_link(account: Account) -> None:
    key, reference = str(uuid4()), uuid4()
    assert _link(key, reference) == _link(key, reference)
    assert _link(str(uuid4()), reference).order_id != _link(key, reference).order_id


def test_a_key_used_for_something_else_is_refused(account: Account) -> None:
    key = str(uuid4())
    _link(key)
    with pytest.raises(square.SquareRefused) as refused:
        _link(key, money=square.Money(100, "USD"))
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


def test_the_order_carries_our_reference_and_the_price(account: Account, settings: Any) -> None:
    reference = uuid4()
    order = square.order_get(_link(reference=reference).order_id)
    assert (order.reference, order.total, order.location_id) == (str(reference), FEE, settings.SQUARE_LOCATION_ID)
    assert order.payment_ids == ()


def test_a_payment_names_order_amount_and_place(account: Account, settings: Any) -> None:
    link = _link()
    payment_id = account.pay(link)
    assert payment_id in square.order_get(link.order_id).payment_ids
    payment = square.payment_get(payment_id)
    assert (payment.order_id, payment.total, payment.status) == (link.order_id, FEE, "COMPLETED")
    assert payment.location_id == settings.SQUARE_LOCATION_ID
    assert payment.updated_at.tzinfo is not None


def test_payments_are_listed_since_a_moment(account: Account) -> None:
    payment_id = account.pay(_link())
    since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    deadline = time.monotonic() + (30 if account.kind == "sandbox" else 0)
    while payment_id not in (found := [p.id for p in square.payments_since(since)]) and time.monotonic() < deadline:
        time.sleep(1)  # Square's list is behind by some seconds
    assert payment_id in found
    assert payment_id not in [p.id for p in square.payments_since(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5))]


def test_refunds_by_one_key_give_once_and_never_too_much(account: Account) -> None:
    payment_id, key = account.pay(_link()), str(uuid4())
    first = square.refund_create(key=key, payment_id=payment_id, money=square.Money(4000, "USD"), reason="test")
    again = square.refund_create(key=key, payment_id=payment_id, money=square.Money(4000, "USD"), reason="test")
    assert first.id == again.id
    assert first.status in {"PENDING", "COMPLETED"}
    assert square.refund_get(first.id).money == square.Money(4000, "USD")
    with pytest.raises(square.SquareRefused):
        square.refund_create(key=str(uuid4()), payment_id=payment_id, money=square.Money(4000, "USD"), reason="test")


def test_unknown_things_and_a_wrong_token_are_clear_refusals(account: Account, settings: Any) -> None:
    with pytest.raises(square.SquareRefused) as missing:
        square.order_get("no-such-order")
    assert missing.value.code == "NOT_FOUND"
    settings.SQUARE_ACCESS_TOKEN = "wrong"
    with pytest.raises(square.SquareRefused) as refused:
        square.locations()
    assert refused.value.code == "UNAUTHORIZED"


# -- only the stand-in misbehaves on demand


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_trouble_at_square_is_told_at_once_and_without_its_body(standin: Any, status: int) -> None:
    standin.control({"fail_next": 1, "fail_status": status})
    started = time.monotonic()
    with pytest.raises(square.SquareUnavailable) as down:
        _link()
    assert time.monotonic() - started < 0.9  # the SDK alone would sleep and retry
    assert len(standin.world.calls) == 1
    assert "Asked to fail" not in str(down.value)
    assert down.value.__cause__ is None


def test_a_silent_or_absent_square_costs_the_time_out_and_no_more(standin: Any, settings: Any) -> None:
    settings.SQUARE_TIMEOUT_SECONDS = 1
    standin.control({"delay_seconds": 4})
    started = time.monotonic()
    with pytest.raises(square.SquareUnavailable):
        _link()
    assert time.monotonic() - started < 2.5
    settings.SQUARE_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(square.SquareUnavailable):
        _link()


def test_many_payments_come_over_pages(standin: Any) -> None:
    payment = standin.world.pay(_link().id)
    for number in range(104):
        copy = {**payment, "id": f"copy-{number}"}
        standin.world.tables.payments[copy["id"]] = copy
    standin.world.calls.clear()
    assert len(list(square.payments_since(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)))) == 105
    assert len(standin.world.calls) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"total_money": {"amount": "much", "currency": "USD"}, "amount_money": None},
        {"status": 7},
        {"updated_at": "yesterday"},
        {"total_money": [], "amount_money": {"amount": -1, "currency": "USD"}},
    ],
)
def test_an_answer_of_the_wrong_shape_is_no_answer(standin: Any, change: dict[str, Any]) -> None:
    payment = standin.world.pay(_link().id)
    payment.update(change)
    with pytest.raises(square.SquareUnavailable):
        square.payment_get(payment["id"])


def test_a_payment_page_without_https_is_refused_outside_development(
    standin: Any, settings: Any, monkeypatch: Any
) -> None:
    client = square._square()
    monkeypatch.setattr(square, "_square", lambda: client)
    settings.SQUARE_ENVIRONMENT = "production"
    with pytest.raises(square.SquareRefused) as refused:
        _link()
    assert refused.value.code == "UNSAFE_ADDRESS"


def test_the_address_is_square_s_own_unless_the_stand_in_is_named(settings: Any) -> None:
    settings.SQUARE_BASE_URL = "http://127.0.0.1:9"
    for environment, host in [("sandbox", "connect.squareupsandbox.com"), ("production", "connect.squareup.com")]:
        settings.SQUARE_ENVIRONMENT = environment
        assert host in square._square()._client_wrapper.get_base_url()


def test_signatures_are_checked_over_the_registered_address(standin: Any, settings: Any) -> None:
    body, url = b'{"event_id": "1"}', settings.SQUARE_WEBHOOK_URL
    name = square.SIGNATURE_HEADER
    assert square.verify_webhook({name: sign("key-of-the-test", url, body)}, body)
    assert square.verify_webhook({name: sign("an-older-key", url, body)}, body)
    assert not square.verify_webhook({name: sign("other", url, body)}, body)
    assert not square.verify_webhook({name: sign("key-of-the-test", url.rstrip("/"), body)}, body)
    assert not square.verify_webhook({name: sign("key-of-the-test", url, body)}, body + b" ")
    assert not square.verify_webhook({}, body)
    assert not square.verify_webhook({name: "Ünsinn"}, body)
    assert not square.verify_webhook({name: sign("key-of-the-test", url, b"\xff")}, b"\xff")
    settings.SQUARE_WEBHOOK_SIGNATURE_KEYS = ["", "key-of-the-test"]
    assert square.verify_webhook({name: sign("key-of-the-test", url, body)}, body)
    assert not square.verify_webhook({name: sign("", url, body)}, body)
