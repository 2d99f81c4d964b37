"""Reading orders and payments for pages. No writes; the same number of queries at 1 row and at 50."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Order, Payment, Refund
from billing.products import product_name
from billing.state import OrderState, PaymentProblem, PaymentState, RefundState
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


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """Money that somebody must look at. ``square_id`` is the payment's number in Square's Dashboard."""

    why: str
    amount: str
    since: dt.datetime
    order_id: UUID
    square_id: str


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


# After so many tries the sweep gives a refund up; so far back the desk looks.
REFUND_TRIES = 20
TROUBLE_DAYS = 180


def money_trouble(*, limit: int = 100) -> list[MoneyLine]:
    """Payments that do not fit and are not given back, and refunds that Square refused or never got; newest first.

    Each leaves the list by itself once the money is back, also where that was done in Square's Dashboard.
    """
    odd = [
        MoneyLine(
            str(PaymentProblem(row.problem).label), money_text(row.amount_cents - row.refund_cents, row.currency),
            row.created_at, row.order_id, row.square_payment_id,
        )
        for row in _odd_payments()[:limit]
    ]
    stuck = [
        MoneyLine(
            _("A refund was not sent") if row.state == RefundState.WAITING else _("Square refused a refund"),
            money_text(row.amount_cents, row.payment.currency), row.created_at, row.payment.order_id,
            row.payment.square_payment_id,
        )
        for row in _stuck_refunds().select_related("payment")[:limit]
    ]
    return sorted([*odd, *stuck], key=lambda line: line.since, reverse=True)[:limit]


def money_trouble_count() -> int:
    """How many lines ``money_trouble`` has, without its limit."""
    return _odd_payments().count() + _stuck_refunds().count()


def _since() -> dt.datetime:
    return timezone.now() - dt.timedelta(days=TROUBLE_DAYS)


def _odd_payments() -> QuerySet[Payment]:
    return Payment.objects.filter(
        state=PaymentState.COMPLETED, refund_cents__lt=F("amount_cents"), created_at__gte=_since()
    ).exclude(problem=PaymentProblem.NONE)


def _stuck_refunds() -> QuerySet[Refund]:
    """A refused one waits as long as its sum is still with us; an unsent one until it is sent."""
    refused = Q(state__in=[RefundState.REJECTED, RefundState.FAILED]) & Q(
        payment__amount_cents__gte=F("payment__refund_cents") + F("amount_cents")
    )
    unsent = Q(state=RefundState.WAITING, attempts__gte=REFUND_TRIES)
    return Refund.objects.filter(refused | unsent, created_at__gte=_since())
