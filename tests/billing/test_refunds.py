"""Refunds are a balance under a lock (FIELD_FAULTS 55)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing import services, signals, square
from billing.models import Payment, Refund
from billing.state import OrderState, RefundState
from portal.audit.models import AccessEvent
from portal.context import SYSTEM
from portal.errors import DomainError, NotVisible
from tests.billing.test_checkout import together


@pytest.fixture
def payment(standin: Any, ana: Any, paid: Any, settings: Any) -> Payment:
    """A payment of 50 dollars."""
    settings.CONSULT_FEE_CENTS = 5000
    return paid(ana).payments.get()


def give(payment: Payment, cents: Any, by: Any = SYSTEM, once_key: str = "") -> Refund:
    return services.refund_start(by=by, payment=payment, amount_cents=cents, reason_code="goodwill", once_key=once_key)


def left(payment: Payment) -> int:
    payment.refresh_from_db()
    return payment.amount_cents - payment.refund_cents


@pytest.mark.promise("S4")
def test_forty_of_fifty_then_ten_then_one_too_many(payment: Payment, owner: Any) -> None:
    first = give(payment, 4000, by=owner.actor)
    services.refund_send(first.pk)
    second = give(payment, 1000, by=owner.actor)
    services.refund_send(second.pk)
    assert left(payment) == 0
    with pytest.raises(DomainError) as refused:
        give(payment, 100, by=owner.actor)
    assert refused.value.code == "refund_too_much"
    for refund in (first, second):
        services.refund_sync(refund.pk)
        refund.refresh_from_db()
        assert refund.state == RefundState.COMPLETED
    payment.order.refresh_from_db()
    assert payment.order.state == OrderState.PAID
    assert AccessEvent.objects.filter(action="refund", actor_id=owner.pk).count() == 2


@pytest.mark.parametrize("cents", [-1, 0, -3000, 0.001, 1e9, float("nan"), "100", True, None, 10**9])
def test_nonsense_amounts_are_refused_and_change_nothing(payment: Payment, cents: Any) -> None:
    with pytest.raises(DomainError):
        give(payment, cents)
    assert left(payment) == 5000
    assert not Refund.objects.exists()


def test_only_who_may_gives_money_back(payment: Payment, ana: Any, clinician: Any, support: Any, officer: Any) -> None:
    for person in (ana, clinician, support, officer):
        with pytest.raises(NotVisible):
            give(payment, 100, by=person.actor)
    assert not Refund.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise("S4")
def test_racing_refunds_never_give_more_than_was_paid(payment: Payment, standin: Any) -> None:
    results = together(*[lambda: give(payment, 2000)] * 6)
    made = [r for r in results if isinstance(r, Refund)]
    assert len(made) == 2
    assert {r.code for r in results if isinstance(r, DomainError)} == {"refund_too_much"}
    together(*[lambda r=r: services.refund_send(r.pk) for r in made for _ in range(3)])
    assert len(standin.world.tables.refunds) == 2
    assert left(payment) == 1000


@pytest.mark.django_db(transaction=True)
def test_refund_and_cancel_at_once_leave_the_books_right(payment: Payment, ana: Any) -> None:
    results = together(lambda: give(payment, 5000), lambda: services.order_cancel(by=ana.actor, order=payment.order))
    assert isinstance(results[0], Refund)
    assert isinstance(results[1], DomainError)
    assert left(payment) == 0


def test_one_key_is_one_refund(payment: Payment) -> None:
    assert give(payment, 1000, once_key="press-1").pk == give(payment, 1000, once_key="press-1").pk
    with pytest.raises(DomainError) as other:
        give(payment, 2000, once_key="press-1")
    assert other.value.code == "refund_other"
    assert left(payment) == 4000


def test_the_database_itself_refuses_a_refund_above_the_payment(payment: Payment) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(refund_cents=5001)


def test_a_refund_without_an_answer_is_sent_again_with_its_key(payment: Payment, standin: Any) -> None:
    refund = give(payment, 1000)
    standin.control({"fail_next": 1, "fail_path": "/v2/refunds"})
    services.refund_send(refund.pk)
    refund.refresh_from_db()
    assert (refund.state, refund.attempts) == (RefundState.WAITING, 1)
    Refund.objects.update(next_try_at=refund.created_at)
    assert services.sweep()["refunds"] == 1
    refund.refresh_from_db()
    assert refund.state == RefundState.PENDING
    assert {key for _, path, key in standin.world.calls if path == "/v2/refunds"} == {refund.idempotency_key}
    assert len(standin.world.tables.refunds) == 1


@pytest.mark.parametrize("word", ["FAILED", "REJECTED"])
def test_a_failed_refund_goes_back_to_the_balance(payment: Payment, standin: Any, word: str) -> None:
    standin.control({"refund_status": word})
    refund = give(payment, 1000)
    services.refund_send(refund.pk)
    services.refund_sync(refund.pk)
    refund.refresh_from_db()
    assert refund.state == word.lower()
    assert left(payment) == 5000


def test_a_refusal_of_square_goes_back_to_the_balance(payment: Payment, standin: Any) -> None:
    refund = give(payment, 1000)
    standin.world.tables.payments.clear()
    services.refund_send(refund.pk)
    refund.refresh_from_db()
    assert (refund.state, refund.error_code) == (RefundState.FAILED, "NOT_FOUND")
    assert left(payment) == 5000


@pytest.mark.django_db(transaction=True)
def test_the_apps_above_hear_of_a_refund_once(payment: Payment, events: list[bytes], post_event: Any) -> None:
    heard: list[Any] = []
    signals.charge_refunded.connect(
        lambda reference, **_: heard.append(reference), weak=False, dispatch_uid="heard-refund"
    )
    try:
        refund = give(payment, 5000)
        services.refund_send(refund.pk)
        for raw in [*events, *events[::-1]]:
            post_event(raw)
            services.sweep()
    finally:
        signals.charge_refunded.disconnect(dispatch_uid="heard-refund")
    assert heard == [payment.order.reference]
    refund.refresh_from_db()
    assert refund.state == RefundState.COMPLETED


def test_a_refund_made_in_square_s_dashboard_counts(payment: Payment, events: list[bytes], post_event: Any) -> None:
    square.refund_create(
        key="by-hand", payment_id=payment.square_payment_id, money=square.Money(4500, "USD"), reason=""
    )
    for raw in events:
        post_event(raw)
    services.sweep()
    assert left(payment) == 500
    adopted = Refund.objects.get()
    assert (adopted.reason_code, adopted.state) == ("made_at_square", RefundState.COMPLETED)
    with pytest.raises(DomainError):
        give(payment, 501)
    services.payment_sync(payment.order_id)
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(("cancelled", "state"), [(False, OrderState.OPEN), (True, OrderState.CANCELLED)])
def test_an_odd_payment_given_back_leaves_the_order_as_it_was(
    standin: Any, ana: Any, order_of: Any, pay_at_square: Any, cancelled: bool, state: OrderState
) -> None:
    order = order_of(ana)
    url = services.checkout_start(by=ana.actor, order=order)
    if cancelled:
        services.order_cancel(by=ana.actor, order=order)
    else:
        standin.control({"amount_delta": -900})
    pay_at_square(url)
    assert services.payment_sync(order.pk).state == OrderState.NEEDS_REVIEW
    for action in (services.checkout_start, services.order_cancel):
        with pytest.raises(DomainError) as review:
            action(by=ana.actor, order=order)
        assert review.value.code == "order_in_review"
    odd = order.payments.get()
    refund = give(odd, odd.amount_cents)
    services.refund_send(refund.pk)
    services.refund_sync(refund.pk)
    order.refresh_from_db()
    assert order.state == state
    if not cancelled:
        standin.control({"reset": True})
        again = services.checkout_start(by=ana.actor, order=order)
        assert again != url
        pay_at_square(again)
        assert services.payment_sync(order.pk).state == OrderState.PAID
