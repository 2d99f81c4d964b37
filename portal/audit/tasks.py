"""The log's digests, hourly, and its nightly check."""

from __future__ import annotations

import logging

from celery import shared_task

from portal.audit.chain import digests_make
from portal.audit.verification import audit_verify

log = logging.getLogger(__name__)


@shared_task(name="audit.digest")
def digest() -> None:
    """Chain a digest over the new rows. Two at once make one; what failed is tried again next hour."""
    digests_make()


@shared_task(name="audit.verify", time_limit=4 * 3600, soft_time_limit=4 * 3600 - 60)
def verify() -> None:
    """Check the whole log against the lockbox; the result is evidence, and an error line if it is bad."""
    digests_make()
    report = audit_verify()
    if report.faults:
        log.error("the access log is not whole: %s faults, the first: %s", len(report.faults), report.first)
