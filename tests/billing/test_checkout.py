"""From the order to Square's page: one attempt, one call, one price (FIELD_FAULTS 49, 50, 57)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse

from billing import services, square
from billing.models import CheckoutAttempt, Order, Payment
from billing.products import CONSULT_FEE
from billing.state import OrderAction, OrderState, next_state
from portal.agreements.models import Agreement
from portal.audit.models import AccessEvent
from portal.context import ANONYMOUS, SYSTEM, Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Role

LINKS = "/v2/online-checkout/payment-links"


def together(*deeds: Callable[[], Any]) -> list[Any]:
    """Run all deeds at the same moment, each on a database connection of its own; results or errors."""
    gate = threading.Barrier(len(deeds))
    results: list[Any] = [None] * len(deeds)

    def run(number: int, deed: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[number] = deed()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def link_calls(standin: Any) -> list[str]:
    return [key for method, path, key in standin.world.calls if path == LINKS]


@pytest.mark.promise("S4")
def test_opening_an_order_twice_gives_the_first_one_at_its_price(
    db: None, ana: Any, order_of: Any, settings: Any
) -> None:
    reference = uuid4()
    first = order_of(ana, reference)
    settings.CONSULT_FEE_CENTS = 9900
    again = services.order_open(
        by=ana.actor, subject_id=first.subject_id, kind="consult", reference=reference, product_code=CONSULT_FEE
    )
    assert (again.pk, again.amount_cents) == (first.pk, 5900)
    with pytest.raises(ValueError, match="another subject"):
        order_of(ana, reference)
    with pytest.raises(DomainError) as unknown:
        services.order_open(by=ana.actor, subject_id=uuid4(), kind="x", reference=uuid4(), product_code="gold")
    assert unknown.value.code == "unknown_product"


def test_only_the_payer_goes_to_pay(standin: Any, ana: Any, ben: Any, clinician: Any, order_of: Any) -> None:
    order = order_of(ana)
    strangers = [ben.actor, clinician.actor, ANONYMOUS, SYSTEM, Actor(None, Role.PATIENT)]
    for actor in strangers:
        with pytest.raises(NotVisible):
            services.checkout_start(by=actor, order=order)
    assert link_calls(standin) == []


@pytest.mark.promise("P15", "S4")
def test_square_learns_an_order_number_a_neutral_name_and_a_price(standin: Any, ana: Any, order_of: Any) -> None:
    order = order_of(ana)
    services.checkout_start(by=ana.actor, order=order, remote_address="203.0.113.7")
    (sent,) = standin.world.tables.keys.values()
    (told,) = standin.world.tables.orders.values()
    assert told["reference_id"] == str(order.pk)
    assert [item["name"] for item in told["line_items"]] == ["Online consult fee"]
    for secret in ("ana", "okafor", "acne", "skin", "203.0.113.7", str(order.subject_id), str(order.reference)):
        assert secret not in sent[1].lower()
    assert "buyer" not in sent[1]


@pytest.mark.promise("P01")
def test_going_to_pay_records_the_agreement_and_the_deed(standin: Any, ana: Any, order_of: Any) -> None:
    order = order_of(ana)
    services.checkout_start(by=ana.actor, order=order, remote_address="203.0.113.7")
    services.checkout_start(by=ana.actor, order=order, remote_address="203.0.113.7")
    agreed = Agreement.objects.filter(account_id=ana.pk, context="checkout", reference=order.pk)
    assert sorted(row.policy.kind for row in agreed) == ["privacy_policy", "terms_of_service"]
    assert AccessEvent.objects.filter(action="pay", object_id=order.pk, actor_id=ana.pk).count() == 2


@pytest.mark.django_db(transaction=True)
def test_five_presses_at_once_make_one_attempt_and_one_call(standin: Any, ana: Any, order_of: Any) -> None:
    order = order_of(ana)
    standin.control({"delay_seconds": 0.2})
    urls = together(*[lambda: services.checkout_start(by=ana.actor, order=order)] * 5)
    attempt = CheckoutAttempt.objects.get(order=order)
    assert set(urls) == {attempt.url}
    assert link_calls(standin) == [attempt.idempotency_key]


def test_a_call_whose_answer_got_lost_is_repeated_with_the_same_key(
    standin: Any, ana: Any, order_of: Any, settings: Any
) -> None:
    order = order_of(ana)
    settings.SQUARE_TIMEOUT_SECONDS = 1
    standin.control({"delay_seconds": 1.3})
    with pytest.raises(square.SquareUnavailable):
        services.checkout_start(by=ana.actor, order=order)
    assert not CheckoutAttempt.objects.exists()
    standin.control({"reset": True})
    services.checkout_start(by=ana.actor, order=order)
    assert len(link_calls(standin)) == 2
    assert len(set(link_calls(standin))) == 1
    assert len(standin.world.tables.links) == 1


def test_a_key_that_square_knows_with_other_content_is_passed_over(standin: Any, ana: Any, order_of: Any) -> None:
    order = order_of(ana)
    services.checkout_start(by=ana.actor, order=order, return_url="http://127.0.0.1:8000/back/")
    CheckoutAttempt.objects.all().delete()  # as if the answer had been lost
    services.checkout_start(by=ana.actor, order=order)
    assert CheckoutAttempt.objects.get().number == 2


def test_a_page_that_square_no_longer_has_gives_way_to_a_new_one(standin: Any, ana: Any, order_of: Any) -> None:
    order = order_of(ana)
    first = services.checkout_start(by=ana.actor, order=order)
    standin.world.tables.orders.clear()
    second = services.checkout_start(by=ana.actor, order=order)
    assert first != second
    assert list(order.attempts.order_by("number").values_list("number", "state")) == [(1, "closed"), (2, "open")]


@pytest.mark.promise("S4")
def test_who_paid_a_moment_ago_is_not_led_to_pay_again(
    standin: Any, ana: Any, order_of: Any, pay_at_square: Any
) -> None:
    order = order_of(ana)
    pay_at_square(services.checkout_start(by=ana.actor, order=order))
    with pytest.raises(DomainError) as paid:
        services.checkout_start(by=ana.actor, order=order)
    assert paid.value.code == "already_paid"
    order.refresh_from_db()
    assert order.state == OrderState.PAID


@pytest.mark.parametrize("posted", ["-1", "-3000", "0", "0.001", "1e9", "NaN", "1", "5900 CAD"])
@pytest.mark.promise("S4")
def test_a_posted_amount_means_nothing(standin: Any, ana: Any, order_of: Any, as_: Any, posted: str) -> None:
    order = order_of(ana)
    data = {"amount": posted, "amount_cents": posted, "price": posted, "currency": "CAD", "product_code": "free"}
    answer = as_(ana).post(reverse("billing:pay", args=[order.pk]) + f"?amount={posted}", data)
    assert answer.status_code == 302
    (told,) = standin.world.tables.orders.values()
    assert told["total_money"] == {"amount": 5900, "currency": "USD"}
    order.refresh_from_db()
    assert (order.amount_cents, order.currency) == (5900, "USD")


def test_cancelled_orders_are_not_paid_and_paid_ones_not_cancelled(
    standin: Any, ana: Any, order_of: Any, paid: Any
) -> None:
    order = services.order_cancel(by=ana.actor, order=order_of(ana))
    with pytest.raises(DomainError) as cancelled:
        services.checkout_start(by=ana.actor, order=order)
    assert cancelled.value.code == "order_cancelled"
    with pytest.raises(DomainError) as too_late:
        services.order_cancel(by=ana.actor, order=paid(ana))
    assert too_late.value.code == "order_state"


def test_money_for_a_cancelled_order_is_put_before_staff(
    standin: Any, ana: Any, order_of: Any, pay_at_square: Any
) -> None:
    order = order_of(ana)
    url = services.checkout_start(by=ana.actor, order=order)
    services.order_cancel(by=ana.actor, order=order)
    pay_at_square(url)
    assert services.payment_sync(order.pk).state == OrderState.NEEDS_REVIEW
    assert Payment.objects.get().problem == "cancelled"


@pytest.mark.parametrize("state", list(OrderState))
@pytest.mark.parametrize("action", list(OrderAction))
def test_every_action_in_every_state_is_allowed_or_refused_by_the_table(state: OrderState, action: OrderAction) -> None:
    allowed = {
        ("open", "pay"): "paid",
        ("needs_review", "pay"): "paid",
        ("open", "flag"): "needs_review",
        ("needs_review", "flag"): "needs_review",
        ("cancelled", "flag"): "needs_review",
        ("paid", "flag"): "paid",
        ("open", "cancel"): "cancelled",
        ("cancelled", "cancel"): "cancelled",
        ("needs_review", "reopen"): "open",
        ("needs_review", "cancel"): "cancelled",
    }
    if (state, action) in allowed:
        assert next_state(state, action) == allowed[(state, action)]
    else:
        with pytest.raises(DomainError) as refused:
            next_state(state, action)
        assert refused.value.code == "order_state"


def test_rows_name_nobody(standin: Any, ana: Any, paid: Any) -> None:
    order = paid(ana)
    payment = order.payments.get()
    for row in (order, payment, *order.attempts.all(), *order.effects.all()):
        assert "ana" not in str(row).lower().replace(str(getattr(row, "pk", "")), "")
    assert str(Order.objects.get()) == f"order {order.pk}"
