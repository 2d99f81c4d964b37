"""A best-effort nudge to the worker, sent after commit. The work itself is a row in a table.

Services call ``poke("outbox.drain")`` or ``poke("jobs.run", job.id)`` and never import tasks.
A broker that is down or hangs costs the caller about a second once; then a breaker opens and
pokes cost nothing until it closes again. Whatever a lost poke would have started is found by
the periodic sweep of the same work.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache
from typing import Any
from uuid import UUID

from celery import Celery
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)

BREAK_SECONDS = 10.0
SOCKET_SECONDS = 0.5

# Measured (COMPONENTS 4): one retry with short sockets fails faster than no retry at all.
_TRANSPORT = {
    "socket_connect_timeout": SOCKET_SECONDS,
    "socket_timeout": SOCKET_SECONDS,
    "retry_on_timeout": False,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
_PUBLISH_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}


class Breaker:
    """Opens for ``seconds`` after a failure; while it is open nobody tries."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._closed_from = 0.0
        self._lock = threading.Lock()

    def allows(self) -> bool:
        """True when a try may be made. Lets one caller through when the pause has passed."""
        with self._lock:
            now = time.monotonic()
            if now < self._closed_from:
                return False
            if self._closed_from:
                # Half open: the others wait for what this one finds.
                self._closed_from = now + self._seconds
            return True

    def failed(self) -> None:
        with self._lock:
            self._closed_from = time.monotonic() + self._seconds

    def worked(self) -> None:
        with self._lock:
            self._closed_from = 0.0


breaker = Breaker(BREAK_SECONDS)


@lru_cache(maxsize=4)
def _sender(broker_url: str) -> Celery:
    """A Celery app that only publishes. The worker's own app keeps its longer timeouts."""
    sender = Celery("portal-poke", set_as_current=False)
    sender.config_from_object("django.conf:settings", namespace="CELERY")
    options = dict(getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {}))
    sender.conf.update(
        broker_url=broker_url,
        broker_transport_options={**options, **_TRANSPORT},
        broker_connection_timeout=SOCKET_SECONDS,
        task_publish_retry=True,
        task_publish_retry_policy=_PUBLISH_RETRY,
        task_ignore_result=True,
    )
    return sender


def _publish(task_name: str, ident: str | None) -> None:
    if not breaker.allows():
        return
    try:
        arguments = () if ident is None else (ident,)
        _sender(settings.CELERY_BROKER_URL).send_task(task_name, args=arguments, ignore_result=True)
    except Exception as error:  # a poke never raises: the sweep does the work later
        breaker.failed()
        log.warning("poke %s failed: %s", task_name, type(error).__name__)
    else:
        breaker.worked()


class _Poke:
    """One pending nudge; equal ones in one transaction are sent once."""

    def __init__(self, task_name: str, ident: str | None, database: str) -> None:
        self.key = (task_name, ident)
        self.database = database

    def __call__(self) -> None:
        _publish(*self.key)


def _already_pending(pending: list[Any], key: tuple[str, str | None]) -> bool:
    return any(isinstance(entry[1], _Poke) and entry[1].key == key for entry in pending)


def poke(task_name: str, ident: UUID | None = None, *, using: str = "default") -> None:
    """Nudge ``task_name`` (with one id at most) once the open transaction has committed.

    Never raises and never waits longer than about a second. Does nothing where
    ``settings.POKE_ENABLED`` is off (tests without a worker).
    """
    if not settings.POKE_ENABLED:
        return
    nudge = _Poke(task_name, None if ident is None else str(ident), using)
    connection = transaction.get_connection(using)
    if connection.in_atomic_block and _already_pending(connection.run_on_commit, nudge.key):
        return
    transaction.on_commit(nudge, using=using, robust=True)
