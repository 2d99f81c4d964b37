"""The worker's side of the outbox. Messages carry one id at most; the rows say what is due."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from portal.outbox.delivery import Drained, recover, wipe_old_secrets
from portal.outbox.delivery import drain as drain_outbox
from portal.poke import poke


def _go_on(result: Drained) -> None:
    """A drain that ran out of time makes room for other tasks and comes back."""
    if result.more:
        poke("outbox.drain")


@shared_task(name="outbox.drain")
def drain() -> None:
    _go_on(drain_outbox())


@shared_task(name="outbox.deliver")
def deliver(mail_id: str) -> None:
    drain_outbox(only=UUID(mail_id))


@shared_task(name="outbox.sweep")
def sweep() -> None:
    """What lost nudges and killed workers left; always tries the mail server, even a dead one."""
    recover()
    wipe_old_secrets()
    _go_on(drain_outbox(patient=False))
