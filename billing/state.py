"""The states of orders, payments and refunds, as plain tables. Whatever is not listed is refused."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.errors import DomainError


class OrderState(models.TextChoices):
    """Where an order stands. What was given back is a balance, never a state."""

    OPEN = "open", _("Waiting for payment")
    PAID = "paid", _("Paid")
    NEEDS_REVIEW = "needs_review", _("Needs a look")
    CANCELLED = "cancelled", _("Cancelled")


class OrderAction(models.TextChoices):
    PAY = "pay", _("A sound payment arrived")
    FLAG = "flag", _("Something about a payment is wrong")
    CANCEL = "cancel", _("No longer wanted")
    REOPEN = "reopen", _("What was wrong has been given back")


class AttemptState(models.TextChoices):
    """A link at Square stays payable, so an attempt stays open until its order is settled."""

    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


class PaymentState(models.TextChoices):
    """Square's own words, in small letters."""

    PENDING = "pending", _("Pending")
    APPROVED = "approved", _("Approved")
    COMPLETED = "completed", _("Completed")
    CANCELED = "canceled", _("Canceled")
    FAILED = "failed", _("Declined")


class PaymentProblem(models.TextChoices):
    """Why a completed payment releases nothing."""

    NONE = "", _("None")
    AMOUNT = "amount", _("The amount is not the price")
    CURRENCY = "currency", _("The currency is not ours")
    LOCATION = "location", _("Paid at another location")
    ORDER = "order", _("Belongs to another order")
    TWICE = "twice", _("The order was already paid")
    CANCELLED = "cancelled", _("The order was cancelled")


class RefundState(models.TextChoices):
    WAITING = "waiting", _("Not yet sent to Square")
    PENDING = "pending", _("Square is working on it")
    COMPLETED = "completed", _("Given back")
    REJECTED = "rejected", _("Refused by Square")
    FAILED = "failed", _("Failed")


_O, _A = OrderState, OrderAction
TRANSITIONS: dict[tuple[OrderState, OrderAction], OrderState] = {
    (_O.OPEN, _A.PAY): _O.PAID,
    (_O.NEEDS_REVIEW, _A.PAY): _O.PAID,
    (_O.OPEN, _A.FLAG): _O.NEEDS_REVIEW,
    (_O.NEEDS_REVIEW, _A.FLAG): _O.NEEDS_REVIEW,
    (_O.NEEDS_REVIEW, _A.REOPEN): _O.OPEN,
    (_O.NEEDS_REVIEW, _A.CANCEL): _O.CANCELLED,
    # Money that comes for a cancelled order is seen by staff, never lost and never kept quietly.
    (_O.CANCELLED, _A.FLAG): _O.NEEDS_REVIEW,
    # A second payment is marked on itself; the order stays what it is: paid.
    (_O.PAID, _A.FLAG): _O.PAID,
    (_O.OPEN, _A.CANCEL): _O.CANCELLED,
    (_O.CANCELLED, _A.CANCEL): _O.CANCELLED,
}

# A refund that may still move or has moved money counts against the balance.
LIVE_REFUNDS = (RefundState.WAITING, RefundState.PENDING, RefundState.COMPLETED)
_R = RefundState
REFUND_TRANSITIONS: dict[RefundState, frozenset[RefundState]] = {
    _R.WAITING: frozenset({_R.PENDING, _R.COMPLETED, _R.REJECTED, _R.FAILED}),
    # Square may fail a refund days after it said "pending".
    _R.PENDING: frozenset({_R.COMPLETED, _R.REJECTED, _R.FAILED}),
    _R.COMPLETED: frozenset(),
    _R.REJECTED: frozenset(),
    _R.FAILED: frozenset(),
}
_P = PaymentState
PAYMENT_TRANSITIONS: dict[PaymentState, frozenset[PaymentState]] = {
    _P.PENDING: frozenset({_P.APPROVED, _P.COMPLETED, _P.CANCELED, _P.FAILED}),
    _P.APPROVED: frozenset({_P.COMPLETED, _P.CANCELED, _P.FAILED}),
    _P.COMPLETED: frozenset(),
    _P.CANCELED: frozenset(),
    _P.FAILED: frozenset(),
}


def next_state(state: OrderState, action: OrderAction) -> OrderState:
    """The state after ``action``. Raises ``DomainError`` (``order_state``) where it is not possible."""
    try:
        return TRANSITIONS[(OrderState(state), OrderAction(action))]
    except KeyError:
        raise DomainError("order_state", gettext("This order cannot be changed like that any more.")) from None
