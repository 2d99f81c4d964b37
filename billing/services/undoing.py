"""Taking an order back as a whole, whatever has become of it."""

from __future__ import annotations

from billing.models import Order, Refund
from billing.services.checkout import order_cancel
from billing.services.refunds import refund_start
from billing.state import OrderState, PaymentState
from portal.context import Actor
from portal.errors import DomainError


def order_undo(*, by: Actor, order: Order, reason_code: str, once_key: str) -> Refund | None:
    """Give back all that was paid for an order, or make sure that nothing is paid any more. Safe to repeat.

    Returns the refund, if one was due. A payment that arrives for a cancelled order is shown to
    staff; money that is looked at (``order_in_review``) is given back by them.
    """
    if order.state != OrderState.PAID and _cancelled(by, order):
        return None
    payment = order.payments.filter(state=PaymentState.COMPLETED, problem="").first()
    left = payment.amount_cents - payment.refund_cents if payment else 0
    if payment is None or left <= 0:
        return None
    return refund_start(by=by, payment=payment, amount_cents=left, reason_code=reason_code, once_key=once_key)


def _cancelled(by: Actor, order: Order) -> bool:
    """True when nobody can pay this order any more; False when it was paid this very moment."""
    try:
        order_cancel(by=by, order=order)
    except DomainError as error:
        return error.code != "order_state"
    return True
