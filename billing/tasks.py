"""Nudges and periodic work. Ids only; every task may run twice; the sweep finds what a nudge lost."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task

from billing import services, square

log = logging.getLogger(__name__)


@shared_task(name="billing.process_webhook")
def process_webhook(event_id: str) -> None:
    services.webhook_process(UUID(event_id))


@shared_task(name="billing.refund_send")
def refund_send(refund_id: str) -> None:
    services.refund_send(UUID(refund_id))


@shared_task(name="billing.sweep")
def sweep() -> None:
    services.sweep()


@shared_task(name="billing.reconcile")
def reconcile() -> None:
    """Every quarter of an hour; without an answer the next run looks at the same days again."""
    try:
        services.reconcile()
    except square.SquareError as error:
        log.warning("reconcile waits for Square: %s", error)
