"""Bringing an order up to date with Square: fetch the truth, then apply it once under a lock.

The return page, each webhook and the reconciling sweep all end here, often at the same moment.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from billing import square
from billing.models import CheckoutAttempt, Counter, EffectKind, Order, Payment
from billing.services.effects import effect_add
from billing.services.refunds import refunds_adopt
from billing.state import (
    PAYMENT_TRANSITIONS,
    AttemptState,
    OrderAction,
    OrderState,
    PaymentProblem,
    PaymentState,
    next_state,
)
from portal.outbox.services import mail_queue

log = logging.getLogger(__name__)


def payment_sync(order_id: UUID, *, payment_ids: Iterable[str] = (), timeout: int | None = None) -> Order:
    """Ask Square about an order and apply what it says; returns the order as it stands then.

    ``payment_ids`` are further ids to look at, such as a declined payment that an event named.
    ``timeout`` is seconds for each call. Raises ``SquareError`` when Square gave no usable answer.
    """
    wanted = set(payment_ids)
    for attempt in CheckoutAttempt.objects.filter(order_id=order_id):
        wanted |= _payments_of(attempt, timeout)
    found = [square.payment_get(payment_id, timeout=timeout) for payment_id in sorted(wanted)]
    order = payments_apply(order_id, found)
    for payment in found:
        if payment.refund_ids:
            refunds_adopt(payment)
    return order


def _payments_of(attempt: CheckoutAttempt, timeout: int | None) -> set[str]:
    """Square's payments for one attempt. A page that Square no longer has is closed."""
    try:
        found = square.order_get(attempt.square_order_id, timeout=timeout)
    except square.SquareRefused as refused:
        if refused.code != "NOT_FOUND":
            raise
        found = None
    if found is None or found.state == "CANCELED":
        CheckoutAttempt.objects.filter(pk=attempt.pk).update(state=AttemptState.CLOSED)
        return set()
    return set(found.payment_ids)


@transaction.atomic
def payments_apply(order_id: UUID, payments: Iterable[square.SquarePayment]) -> Order:
    """Apply Square's payments to the locked order, oldest news first. Applying twice changes nothing."""
    order = Order.objects.select_for_update().get(pk=order_id)
    for payment in sorted(payments, key=lambda p: p.updated_at):
        _apply(order, payment)
    return order


def _apply(order: Order, told: square.SquarePayment) -> None:
    state = _state_of(told)
    row = Payment.objects.select_for_update().filter(square_payment_id=told.id).first()
    if row is None:
        row = Payment(order=order, square_payment_id=told.id, state=PaymentState.PENDING)
    elif row.order_id != order.pk or told.updated_at <= row.source_updated_at:
        return
    if row.state == PaymentState.COMPLETED:
        # Money, once seen, is never rewritten; a refund has rows of its own.
        Payment.objects.filter(pk=row.pk).update(source_updated_at=told.updated_at)
        return
    completed = state == PaymentState.COMPLETED
    if state != row.state and state not in PAYMENT_TRANSITIONS[PaymentState(row.state)]:
        log.warning("payment %s: %s after %s ignored", row.pk, state, row.state)
        return
    row.state = state
    row.amount_cents, row.currency = told.total.cents, told.total.currency
    row.source_updated_at = told.updated_at
    if completed:
        row.paid_at = told.updated_at
        row.problem = _problem(order, told)
    row.save()
    if completed:
        _settle(order, row)


def _state_of(told: square.SquarePayment) -> PaymentState:
    """Square's word as ours; a word we don't know is not money."""
    try:
        return PaymentState(told.status.lower())
    except ValueError:
        log.warning("payment state of Square not known")
        return PaymentState.PENDING


def _problem(order: Order, told: square.SquarePayment) -> PaymentProblem:
    """What is wrong with a completed payment; the SDK checks nothing, so this does."""
    ours = order.attempts.filter(square_order_id=told.order_id).exists()
    if not ours:
        return PaymentProblem.ORDER
    if told.location_id != settings.SQUARE_LOCATION_ID:
        return PaymentProblem.LOCATION
    if told.total.currency != order.currency:
        return PaymentProblem.CURRENCY
    if told.total.cents != order.amount_cents:
        return PaymentProblem.AMOUNT
    if order.state == OrderState.CANCELLED:
        return PaymentProblem.CANCELLED
    if order.payments.filter(state=PaymentState.COMPLETED, problem=PaymentProblem.NONE).exists():
        return PaymentProblem.TWICE
    return PaymentProblem.NONE


def _settle(order: Order, payment: Payment) -> None:
    """The one place where an order becomes paid, or is put before staff."""
    if payment.problem:
        log.warning("payment %s of order %s needs a look: %s", payment.pk, order.pk, payment.problem)
    action = OrderAction.FLAG if payment.problem else OrderAction.PAY
    order.state = next_state(OrderState(order.state), action)
    order.save(update_fields=["state"])
    # Its page at Square is used up either way.
    order.attempts.filter(state=AttemptState.OPEN).update(state=AttemptState.CLOSED)
    if payment.problem:
        return
    payment.receipt_number = _next_number("receipt")
    payment.save(update_fields=["receipt_number"])
    if order.account_id is not None:
        mail_queue(
            kind="billing.receipt_ready",
            account_id=order.account_id,
            once_key=f"billing.receipt_ready:{payment.pk}",
            refs={"order_id": str(order.pk)},
            subject_id=order.subject_id,
        )
    effect_add(order=order, kind=EffectKind.CHARGE_PAID, once_key=f"charge_paid:{order.pk}")


def _next_number(name: str) -> int:
    """The next number of a series; its row stays locked until the taker commits, so none is lost."""
    Counter.objects.get_or_create(name=name)
    Counter.objects.filter(name=name).update(value=F("value") + 1)
    return Counter.objects.values_list("value", flat=True).get(name=name)
