"""The nightly look for values that cannot be read."""

from __future__ import annotations

import logging

from celery import shared_task

from portal.evidence.unreadable import nightly

log = logging.getLogger(__name__)


@shared_task(name="evidence.readable", time_limit=4 * 3600, soft_time_limit=4 * 3600 - 60)
def readable() -> None:
    """Open a sample of all encrypted columns, and what could not be read before (P17)."""
    outcome = nightly()
    if outcome.unreadable:
        log.error("%s of %s stored values cannot be read", outcome.unreadable, outcome.checked)
