"""What beat runs: everything that a lost nudge, a lost event or a dead worker left undone."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from django.db.models import Q
from django.utils import timezone

from billing import square
from billing.models import Effect, Payment, Refund, WebhookEvent
from billing.services.effects import effect_run
from billing.services.refunds import MAX_ATTEMPTS, refund_look, refund_send
from billing.services.sync import payment_sync
from billing.services.webhooks import order_of, webhook_process
from billing.state import RefundState

log = logging.getLogger(__name__)

BATCH = 200
LOOK_BACK = dt.timedelta(days=3)
ASK_WITHIN = dt.timedelta(hours=1)
T = TypeVar("T")


def sweep() -> dict[str, int]:
    """Do what is due: events, refunds, signals. Returns how many of each were tried."""
    now = timezone.now()
    events = list(
        WebhookEvent.objects.filter(processed_at=None, next_try_at__lte=now)
        .order_by("next_try_at")
        .values_list("pk", flat=True)[:BATCH]
    )
    for event_id in events:
        webhook_process(event_id)
    refunds = list(
        Refund.objects.filter(
            # Unsent ones are given up at last, and seen by staff; a bank may take days over a sent one.
            Q(state=RefundState.PENDING) | Q(state=RefundState.WAITING, attempts__lt=MAX_ATTEMPTS),
            next_try_at__lte=now,
        ).values_list("pk", "state")[:BATCH]
    )
    for refund_id, state in refunds:
        (refund_send if state == RefundState.WAITING else refund_look)(refund_id)
    due = Effect.objects.filter(done_at=None).order_by("attempts", "created_at")
    effects = list(due.values_list("pk", flat=True)[:BATCH])
    for effect_id in effects:
        effect_run(effect_id)
    return {"events": len(events), "refunds": len(refunds), "effects": len(effects)}


def _chunks(items: Iterable[T], size: int) -> Iterable[list[T]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def reconcile() -> int:
    """Compare Square's payments of the last three days with ours; returns how many orders were synced.

    Finds payments whose events never came. Raises ``SquareError`` when Square gives no list.
    """
    synced = 0
    for chunk in _chunks(square.payments_since(timezone.now() - LOOK_BACK), 100):
        ours = dict(
            Payment.objects.filter(square_payment_id__in=[p.id for p in chunk]).values_list(
                "square_payment_id", "source_updated_at"
            )
        )
        for told in chunk:
            if told.id in ours and ours[told.id] >= told.updated_at:
                continue
            synced += _bring_in(told)
    return synced


def _bring_in(told: square.SquarePayment) -> int:
    try:
        # What is sold at the till has no order here: ask for it by reference while it is new only.
        order_id = order_of(told, ask_square=told.created_at > timezone.now() - ASK_WITHIN)
        if order_id is None:
            return 0
        payment_sync(order_id, payment_ids=[told.id])
    except square.SquareError as error:
        log.warning("a payment could not be reconciled: %s", error)
        return 0
    return 1
