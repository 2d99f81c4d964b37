"""Square's events: noted once by their id, then answered by fetching the truth (never by trusting them)."""

from __future__ import annotations

import hashlib
import json
import logging
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from billing import square
from billing.models import CheckoutAttempt, Order, Payment, Refund, WebhookEvent
from billing.services.refunds import refund_sync, retry_after
from billing.services.sync import payment_sync
from billing.state import AttemptState
from portal.poke import poke

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 12


def webhook_store(raw_body: bytes) -> WebhookEvent | None:
    """Note a signed event; None when it is a repeat. Raises ``ValueError`` when it is no event."""
    event = json.loads(raw_body)
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(data, dict):
        raise ValueError("not an event")
    row = WebhookEvent(
        event_id=_word(event.get("event_id"), 100),
        type=_word(event.get("type"), 60),
        object_kind=_word(data.get("type"), 40),
        object_id=_word(data.get("id"), 255),
        body_sha256=hashlib.sha256(raw_body).hexdigest(),
        next_try_at=timezone.now(),
    )
    WebhookEvent.objects.bulk_create([row], ignore_conflicts=True)
    if not WebhookEvent.objects.filter(pk=row.pk).exists():
        return None
    poke("billing.process_webhook", row.pk)
    return row


def _word(value: object, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or "\x00" in value:
        raise ValueError("not an event")
    return value


def webhook_process(event_id: UUID) -> None:
    """Work on one noted event. Any number of workers may try; one of them does it."""
    event = _claim(event_id)
    if event is None:
        return
    try:
        outcome = _handle(event)
    except square.SquareUnavailable as error:
        log.warning("event %s waits for Square: %s", event.pk, error)
        outcome = "gave_up" if event.attempts + 1 >= MAX_ATTEMPTS else ""
    except square.SquareRefused as error:
        log.warning("event %s refused: %s", event.pk, error)
        outcome = "refused"
    if outcome:
        WebhookEvent.objects.filter(pk=event.pk).update(processed_at=timezone.now(), outcome=outcome)


def _claim(event_id: UUID) -> WebhookEvent | None:
    """Take a due event: one UPDATE is both the claim and the lease."""
    now = timezone.now()
    event = WebhookEvent.objects.filter(pk=event_id, processed_at=None).first()
    if event is None:
        return None
    taken = WebhookEvent.objects.filter(
        pk=event_id, processed_at=None, next_try_at__lte=now, attempts=event.attempts
    ).update(attempts=F("attempts") + 1, next_try_at=now + retry_after(event.attempts))
    return event if taken else None


def _handle(event: WebhookEvent) -> str:
    """Fetch and apply what the event is about; returns the outcome as a code."""
    if event.type.startswith("payment."):
        return _payment(event.object_id)
    if event.type.startswith("order."):
        attempt = CheckoutAttempt.objects.filter(square_order_id=event.object_id).first()
        if attempt is None:
            return "not_ours"
        payment_sync(attempt.order_id)
        return "done"
    if event.type.startswith("refund."):
        refund = Refund.objects.filter(square_refund_id=event.object_id).first()
        if refund is not None:
            refund_sync(refund.pk)
            return "done"
        return _payment(square.refund_get(event.object_id).payment_id)
    return "not_used"


def _payment(square_payment_id: str) -> str:
    told = square.payment_get(square_payment_id)
    order_id = order_of(told)
    if order_id is None:
        return "not_ours"
    payment_sync(order_id, payment_ids=[told.id])
    return "done"


def order_of(told: square.SquarePayment, *, ask_square: bool = True) -> UUID | None:
    """Our order behind a payment at Square; None for what was sold elsewhere.

    ``ask_square`` also looks for a page whose making we never heard of (its answer got lost): its
    order at Square still carries our order's id. May raise ``SquareError`` then.
    """
    known = Payment.objects.filter(square_payment_id=told.id).values_list("order_id", flat=True).first()
    if known is not None:
        return known
    attempt = CheckoutAttempt.objects.filter(square_order_id=told.order_id).values_list("order_id", flat=True).first()
    if attempt is not None or not told.order_id or not ask_square:
        return attempt
    return _attempt_found_again(square.order_get(told.order_id))


@transaction.atomic
def _attempt_found_again(found: square.SquareOrder) -> UUID | None:
    try:
        reference = UUID(found.reference)
    except ValueError:
        return None
    order = Order.objects.select_for_update().filter(pk=reference).first()
    if order is None:
        return None
    last = order.attempts.aggregate(last=Max("number"))["last"] or 0
    CheckoutAttempt.objects.get_or_create(
        square_order_id=found.id,
        defaults={
            "order": order,
            "number": last + 1,
            "state": AttemptState.CLOSED,
            "idempotency_key": str(uuid5(NAMESPACE_URL, f"billing-found:{found.id}")),
        },
    )
    return order.pk
