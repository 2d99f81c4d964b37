"""What billing holds about a person: amounts, states and times under opaque ids (P05)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from billing.models import CheckoutAttempt, Order
from billing.products import product_name
from billing.selectors import receipt_text
from portal.subjects import FieldClass, Subject, rows_move

_PAY, _OPS = FieldClass.PAYMENT, FieldClass.OPERATIONAL

FIELDS: dict[str, dict[str, FieldClass]] = {
    "billing.Order": {
        "id": _OPS,
        "subject_id": _OPS,
        "account_id": _OPS,
        "kind": _OPS,
        "reference": _OPS,
        "product_code": _PAY,
        "amount_cents": _PAY,
        "currency": _PAY,
        "state": _PAY,
        "created_at": _OPS,
    },
    "billing.CheckoutAttempt": {
        "id": _OPS,
        "order": _OPS,
        "number": _OPS,
        "idempotency_key": _OPS,
        "square_order_id": _PAY,
        "link_id": _PAY,
        "url": _PAY,
        "state": _OPS,
        "created_at": _OPS,
    },
    "billing.Payment": {
        "id": _OPS,
        "order": _OPS,
        "square_payment_id": _PAY,
        "amount_cents": _PAY,
        "currency": _PAY,
        "state": _PAY,
        "problem": _OPS,
        "refund_cents": _PAY,
        "receipt_number": _PAY,
        "paid_at": _PAY,
        "source_updated_at": _OPS,
        "created_at": _OPS,
    },
    "billing.Refund": {
        "id": _OPS,
        "payment": _OPS,
        "amount_cents": _PAY,
        "idempotency_key": _OPS,
        "state": _PAY,
        "square_refund_id": _PAY,
        "reason_code": _OPS,
        "error_code": _OPS,
        "attempts": _OPS,
        "next_try_at": _OPS,
        "created_at": _OPS,
        "completed_at": _PAY,
    },
    "billing.Effect": {
        "id": _OPS,
        "order": _OPS,
        "kind": _OPS,
        "once_key": _OPS,
        "attempts": _OPS,
        "created_at": _OPS,
        "done_at": _OPS,
    },
    "billing.WebhookEvent": {
        "id": _OPS,
        "event_id": _OPS,
        "type": _OPS,
        "object_kind": _OPS,
        "object_id": _PAY,
        "body_sha256": _OPS,
        "received_at": _OPS,
        "attempts": _OPS,
        "next_try_at": _OPS,
        "processed_at": _OPS,
        "outcome": _OPS,
    },
    "billing.Counter": {"id": _OPS, "name": _OPS, "value": _OPS},
}

_WHY_MONEY = "amounts, states and Square's own ids: sums and look-ups run on them, and no name stands beside them"
_WHY_OPS = "opaque ids, codes and times that the work runs on"
CLEAR_TEXT: dict[str, str] = {
    f"{model}.{name}": _WHY_MONEY if kind is _PAY else _WHY_OPS
    for model, fields in FIELDS.items()
    for name, kind in fields.items()
}

_BOOKS = "the books are kept seven years; after an erasure the rows hold a subject id that leads to nobody"
RETAINED: dict[str, str] = {
    "billing.Order": _BOOKS,
    "billing.Payment": _BOOKS,
    "billing.Refund": _BOOKS,
    "billing.CheckoutAttempt": "the tie between our order and Square's; its link is removed",
    "billing.Effect": "codes and times of what was told to the apps above",
}


def _orders(subject: Subject) -> QuerySet[Order]:
    return Order.objects.filter(subject_id=subject.subject_id).prefetch_related("payments__refunds")


def _order(order: Order) -> dict[str, Any]:
    return {
        "item": product_name(order.product_code),
        "amount_cents": order.amount_cents,
        "currency": order.currency,
        "state": order.state,
        "ordered_at": order.created_at.isoformat(),
        "payments": [
            {
                "amount_cents": payment.amount_cents,
                "currency": payment.currency,
                "state": payment.state,
                "paid_at": payment.paid_at.isoformat() if payment.paid_at else None,
                "receipt": receipt_text(payment.receipt_number),
                "refunds": [
                    {"amount_cents": r.amount_cents, "state": r.state, "at": r.created_at.isoformat()}
                    for r in payment.refunds.all()
                ],
            }
            for payment in order.payments.all()
        ],
    }


def export_for(subject: Subject) -> dict[str, Any]:
    """Orders with their payments and refunds, newest first."""
    return {"orders": [_order(order) for order in _orders(subject)]}


def archive_for(subject: Subject) -> dict[str, Any]:
    """As exported, with the ids that tie a payment to Square's books."""
    return {
        "orders": [
            _order(order)
            | {"order_id": str(order.pk), "square_payment_ids": [p.square_payment_id for p in order.payments.all()]}
            for order in _orders(subject)
        ]
    }


def erase_for(subject: Subject) -> dict[str, int]:
    """Cut the tie to the accounts and remove the payment links; the books stay (see ``RETAINED``)."""
    attempts = CheckoutAttempt.objects.filter(order__subject_id=subject.subject_id).exclude(url="")
    links = attempts.update(url="", link_id="")
    orders = Order.objects.filter(subject_id=subject.subject_id).exclude(account_id=None).update(account_id=None)
    return {"billing.CheckoutAttempt": links, "billing.Order": orders}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Orders follow the person, with their payments, into the account that survives."""
    return rows_move(Order, old=old, new=new)
