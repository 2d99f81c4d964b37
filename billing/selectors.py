"""Reading orders and payments for pages. No writes; the same number of queries at 1 row and at 50."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from billing.models import Order, Payment, Refund
from billing.products import product_name
from billing.state import OrderState, PaymentState, RefundState
from portal.errors import NotVisible


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Money given back. ``on`` is None while Square is still working on it."""

    amount: str
    on: dt.datetime | None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order as a page or a receipt shows it; amounts are ready to read (``$59.00``)."""

    order_id: UUID
    name: str
    amount: str
    state: str
    state_label: str
    created_at: dt.datetime
    paid_at: dt.datetime | None
    receipt: str
    refunds: tuple[RefundLine, ...]

    @property
    def is_paid(self) -> bool:
        return self.state == OrderState.PAID

    @property
    def can_be_paid(self) -> bool:
        return self.state == OrderState.OPEN


def money_text(cents: int, currency: str) -> str:
    """``$59.00``; other currencies carry their code: ``59.00 CAD``."""
    number = f"{cents // 100:,}.{cents % 100:02d}"
    return f"${number}" if currency == "USD" else f"{number} {currency}"


def receipt_text(number: int | None) -> str:
    """``R-000042``, or an empty string where there is no receipt."""
    return "" if number is None else f"R-{number:06d}"


def _with_payments(orders: QuerySet[Order]) -> QuerySet[Order]:
    shown = Refund.objects.filter(state__in=[RefundState.PENDING, RefundState.COMPLETED, RefundState.WAITING])
    refunds = Prefetch("refunds", queryset=shown.order_by("created_at"))
    sound = Payment.objects.filter(state=PaymentState.COMPLETED, problem="").prefetch_related(refunds)
    return orders.prefetch_related(Prefetch("payments", queryset=sound, to_attr="sound_payments"))


def _line(order: Order) -> OrderLine:
    payments: list[Payment] = getattr(order, "sound_payments")  # noqa: B009 - set by the prefetch
    payment = payments[0] if payments else None
    refunds = payment.refunds.all() if payment else []
    return OrderLine(
        order_id=order.pk,
        name=product_name(order.product_code),
        amount=money_text(order.amount_cents, order.currency),
        state=order.state,
        state_label=order.get_state_display(),
        created_at=order.created_at,
        paid_at=payment.paid_at if payment else None,
        receipt=receipt_text(payment.receipt_number if payment else None),
        refunds=tuple(RefundLine(money_text(r.amount_cents, order.currency), r.completed_at) for r in refunds),
    )


def order_for(account_id: UUID | None, order_id: UUID) -> Order:
    """The order if this account pays it. Raises ``NotVisible``."""
    order = Order.objects.filter(pk=order_id, account_id=account_id).first() if account_id else None
    if order is None:
        raise NotVisible
    return order


def order_line(order_id: UUID) -> OrderLine:
    """One order for showing; who may see it was asked before (``order_for``)."""
    return _line(_with_payments(Order.objects.filter(pk=order_id)).get())


def order_lines(account_id: UUID, *, limit: int = 100) -> list[OrderLine]:
    """Everything this account was asked to pay, newest first; three queries in all."""
    return [_line(order) for order in _with_payments(Order.objects.filter(account_id=account_id))[:limit]]


def order_by_reference(kind: str, reference: UUID) -> Order | None:
    """The order of one thing in the app above, or None."""
    return Order.objects.filter(kind=kind, reference=reference).first()


def was_declined(order_id: UUID) -> bool:
    """True when the last thing Square told about this unpaid order was a declined card."""
    last = Payment.objects.filter(order_id=order_id).order_by("-source_updated_at").first()
    return last is not None and last.state == PaymentState.FAILED


def is_on_its_way(order_id: UUID) -> bool:
    """True when Square has a payment for the order that is not captured yet."""
    return Payment.objects.filter(order_id=order_id, state__in=[PaymentState.PENDING, PaymentState.APPROVED]).exists()
