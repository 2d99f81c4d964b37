"""What the portal knows of Square's answers, and how it reads them: the SDK checks none.

An answer of another shape than Square documents is no answer (``SquareUnavailable``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from portal.errors import PortalError


class SquareError(PortalError):
    """Square did not do what was asked. ``code`` is Square's own word; never a body."""

    def __init__(self, code: str, status: int = 0) -> None:
        super().__init__(f"{code} ({status})" if status else code)
        self.code = code
        self.status = status


class SquareUnavailable(SquareError):
    """No usable answer: try again later, with the same key. The deed may or may not be done."""


class SquareRefused(SquareError):
    """A clear no: the same call will not work later."""


@dataclass(frozen=True, slots=True)
class Money:
    """``cents`` in the smallest unit of ``currency`` (three letters)."""

    cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class Link:
    """A hosted payment page for one Square order."""

    id: str
    order_id: str
    url: str


@dataclass(frozen=True, slots=True)
class SquareOrder:
    """``reference`` is the portal's order id as sent; ``payment_ids`` are its tenders."""

    id: str
    location_id: str
    reference: str
    total: Money
    state: str
    payment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SquarePayment:
    """``total`` is what the card paid, tip included. ``status`` is Square's word in capitals."""

    id: str
    order_id: str
    location_id: str
    total: Money
    status: str
    created_at: dt.datetime
    updated_at: dt.datetime
    refund_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SquareRefund:
    """``status`` is PENDING, COMPLETED, REJECTED or FAILED."""

    id: str
    payment_id: str
    money: Money
    status: str
    updated_at: dt.datetime


def read_text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise SquareUnavailable("UNREADABLE_TEXT")
    return value


def read_money(value: Any) -> Money:
    amount, currency = getattr(value, "amount", None), getattr(value, "currency", None)
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 0 or not isinstance(currency, str):
        raise SquareUnavailable("UNREADABLE_MONEY")
    return Money(amount, currency)


def read_stamp(value: object) -> dt.datetime:
    try:
        stamp = dt.datetime.fromisoformat(read_text(value).replace("Z", "+00:00"))
    except ValueError:
        raise SquareUnavailable("UNREADABLE_TIME") from None
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=dt.UTC)


def read_payment(found: Any) -> SquarePayment:
    """Read a payment; one without an order (taken at the till) has an empty ``order_id``."""
    return SquarePayment(
        id=read_text(getattr(found, "id", None)),
        order_id=str(getattr(found, "order_id", None) or ""),
        location_id=str(getattr(found, "location_id", None) or ""),
        total=read_money(getattr(found, "total_money", None) or getattr(found, "amount_money", None)),
        status=read_text(getattr(found, "status", None)),
        created_at=read_stamp(getattr(found, "created_at", None)),
        updated_at=read_stamp(getattr(found, "updated_at", None)),
        refund_ids=tuple(read_text(i) for i in getattr(found, "refund_ids", None) or ()),
    )


def read_refund(found: Any) -> SquareRefund:
    return SquareRefund(
        id=read_text(getattr(found, "id", None)),
        payment_id=read_text(getattr(found, "payment_id", None)),
        money=read_money(getattr(found, "amount_money", None)),
        status=read_text(getattr(found, "status", None)),
        updated_at=read_stamp(getattr(found, "updated_at", None)),
    )
