"""Giving money back. The balance is a sum kept under the payment's lock, never a flag.

The row comes first, with its key; the call to Square follows and may be repeated at will.
"""

from __future__ import annotations

import datetime as dt
import logging
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import square
from billing.models import EffectKind, Order, Payment, Refund
from billing.selectors import REFUND_TRIES
from billing.services.effects import effect_add
from billing.state import (
    LIVE_REFUNDS,
    REFUND_TRANSITIONS,
    OrderAction,
    OrderState,
    PaymentProblem,
    PaymentState,
    RefundState,
    next_state,
)
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError
from portal.permissions import Permission, Purpose, require
from portal.poke import poke

log = logging.getLogger(__name__)

MAX_ATTEMPTS = REFUND_TRIES
AT_SQUARE = "made_at_square"


def retry_after(attempts: int) -> dt.timedelta:
    """Pause after the n-th try: half a minute, doubling, six hours at most."""
    return dt.timedelta(seconds=min(30 * 2 ** min(attempts, 12), 6 * 3600))


@transaction.atomic
def refund_start(*, by: Actor, payment: Payment, amount_cents: int, reason_code: str, once_key: str = "") -> Refund:
    """Promise to give ``amount_cents`` back; Square is asked right after the commit.

    ``once_key`` names the deed: the same key again returns the first refund. Without one, each
    call is a deed of its own. Raises ``DomainError``: ``refund_amount`` (not a whole number of
    cents above zero), ``refund_too_much`` (over what is left), ``refund_not_paid``,
    ``refund_other`` (key used for another amount).
    """
    require(by, Permission.REFUND)
    if isinstance(amount_cents, bool) or not isinstance(amount_cents, int) or amount_cents <= 0:
        raise DomainError("refund_amount", _("Give an amount above zero, in whole cents."), "amount")
    held = _locked(payment.pk)
    name = once_key or f"number-{held.refunds.count() + 1}"
    key = str(uuid5(NAMESPACE_URL, f"billing-refund:{held.pk}:{name}"))
    known = Refund.objects.filter(idempotency_key=key).first()
    if known is not None:
        if known.amount_cents != amount_cents:
            raise DomainError("refund_other", _("This refund was already started with another amount."), "amount")
        return known
    if held.state != PaymentState.COMPLETED:
        raise DomainError("refund_not_paid", _("Only a completed payment can be given back."))
    if held.refund_cents + amount_cents > held.amount_cents:
        raise DomainError("refund_too_much", _("That is more than what is left of this payment."), "amount")
    refund = Refund.objects.create(
        payment=held,
        amount_cents=amount_cents,
        idempotency_key=key,
        reason_code=reason_code,
        next_try_at=timezone.now(),
    )
    Payment.objects.filter(pk=held.pk).update(refund_cents=F("refund_cents") + amount_cents)
    access_record(
        by=by,
        action=Action.REFUND,
        purpose=Purpose.OPERATIONS,
        subject_id=held.order.subject_id,
        object_kind="billing.refund",
        object_id=refund.pk,
        basis=reason_code,
    )
    poke("billing.refund_send", refund.pk)
    return refund


def _locked(payment_id: UUID) -> Payment:
    """The payment with its order, both locked in the order in which all of billing locks them."""
    order_id = Payment.objects.values_list("order_id", flat=True).get(pk=payment_id)
    order = Order.objects.select_for_update().get(pk=order_id)
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    payment.order = order
    return payment


def _claim(refund_id: UUID, state: RefundState) -> Refund | None:
    """Take a due refund for this try; None when another worker has it or it is not due."""
    now = timezone.now()
    refund = Refund.objects.filter(pk=refund_id).select_related("payment").first()
    if refund is None:
        return None
    taken = Refund.objects.filter(pk=refund_id, state=state, next_try_at__lte=now, attempts=refund.attempts).update(
        attempts=F("attempts") + 1, next_try_at=now + retry_after(refund.attempts)
    )
    return refund if taken else None


def refund_send(refund_id: UUID) -> None:
    """Ask Square for a waiting refund. Without an answer it stays waiting, for the sweep."""
    refund = _claim(refund_id, RefundState.WAITING)
    if refund is None:
        return
    try:
        told = square.refund_create(
            key=refund.idempotency_key,
            payment_id=refund.payment.square_payment_id,
            money=square.Money(refund.amount_cents, refund.payment.currency),
            reason=refund.reason_code,
        )
    except square.SquareUnavailable as error:
        log.warning("refund %s not sent yet: %s", refund.pk, error)
        return
    except square.SquareRefused as error:
        log.warning("refund %s refused: %s", refund.pk, error)
        _apply(refund.pk, RefundState.FAILED, error_code=error.code)
        return
    _apply(refund.pk, _state_of(told), square_refund_id=told.id)


def refund_sync(refund_id: UUID) -> None:
    """Fetch how a pending refund stands. Raises ``SquareError``."""
    refund = Refund.objects.filter(pk=refund_id).first()
    if refund is not None and refund.square_refund_id:
        told = square.refund_get(refund.square_refund_id)
        _apply(refund.pk, _state_of(told), square_refund_id=told.id)


def refund_look(refund_id: UUID) -> None:
    """The sweep's look at a pending refund; no answer means later."""
    if _claim(refund_id, RefundState.PENDING) is None:
        return
    try:
        refund_sync(refund_id)
    except square.SquareError as error:
        log.warning("refund %s not known yet: %s", refund_id, error)


def _state_of(told: square.SquareRefund) -> RefundState:
    known = {state.value.upper(): state for state in RefundState if state != RefundState.WAITING}
    return known.get(told.status, RefundState.PENDING)


@transaction.atomic
def _apply(refund_id: UUID, state: RefundState, *, square_refund_id: str = "", error_code: str = "") -> None:
    """Move a refund on, once; what failed goes back to the balance."""
    payment_id = Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id)
    payment = _locked(payment_id)
    refund = Refund.objects.select_for_update().get(pk=refund_id)
    if square_refund_id and not refund.square_refund_id:
        refund.square_refund_id = square_refund_id
    if state in REFUND_TRANSITIONS[RefundState(refund.state)]:
        refund.state = state
        refund.error_code = error_code[:60]
        if state == RefundState.COMPLETED:
            refund.completed_at = timezone.now()
            effect_add(order=payment.order, kind=EffectKind.CHARGE_REFUNDED, once_key=f"charge_refunded:{refund.pk}")
    refund.save()
    _balance(payment)
    _reopen_when_all_is_back(payment.order)


def _balance(payment: Payment) -> None:
    """Recount what is given back or on its way, under the payment's lock.

    Never above the payment: where Square's dashboard was faster than a waiting refund of ours,
    Square will refuse ours, and the next count is right again.
    """
    live = payment.refunds.filter(state__in=LIVE_REFUNDS).aggregate(cents=Sum("amount_cents"))["cents"] or 0
    Payment.objects.filter(pk=payment.pk).update(refund_cents=min(live, payment.amount_cents))


def _reopen_when_all_is_back(order: Order) -> None:
    """An order under review can be paid again (or is cancelled, as it was) once the odd money is back."""
    if order.state != OrderState.NEEDS_REVIEW:
        return
    taken = order.payments.filter(state=PaymentState.COMPLETED)
    back = Refund.objects.filter(payment__order=order, state=RefundState.COMPLETED)
    totals = (taken.aggregate(cents=Sum("amount_cents"))["cents"], back.aggregate(cents=Sum("amount_cents"))["cents"])
    if totals[0] == totals[1]:
        was_cancelled = taken.filter(problem=PaymentProblem.CANCELLED).exists()
        order.state = next_state(OrderState(order.state), OrderAction.CANCEL if was_cancelled else OrderAction.REOPEN)
        order.save(update_fields=["state"])


def refunds_adopt(told: square.SquarePayment) -> None:
    """Take over refunds that were made in Square's own dashboard, so that the balance is right."""
    known = set(Refund.objects.filter(square_refund_id__in=told.refund_ids).values_list("square_refund_id", flat=True))
    for refund_id in told.refund_ids:
        if refund_id not in known:
            _adopt(told.id, square.refund_get(refund_id))


@transaction.atomic
def _adopt(square_payment_id: str, told: square.SquareRefund) -> None:
    payment_id = Payment.objects.values_list("pk", flat=True).filter(square_payment_id=square_payment_id).first()
    if payment_id is None:
        return
    payment = _locked(payment_id)
    if told.money.cents <= 0 or told.money.currency != payment.currency:
        return
    unsent = payment.refunds.filter(square_refund_id=None, state=RefundState.WAITING).exists()
    if unsent or Refund.objects.filter(square_refund_id=told.id).exists():
        # It may be one of ours whose answer is still on its way: the next look tells.
        return
    refund = Refund.objects.create(
        payment=payment,
        amount_cents=told.money.cents,
        reason_code=AT_SQUARE,
        square_refund_id=told.id,
        idempotency_key=str(uuid5(NAMESPACE_URL, f"billing-adopted:{told.id}")),
        state=RefundState.PENDING,
        next_try_at=timezone.now(),
    )
    _apply(refund.pk, _state_of(told), square_refund_id=told.id)
