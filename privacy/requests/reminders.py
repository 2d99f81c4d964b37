"""Nothing falls silent: reminders before the last day, the owner when it has passed, and the proof (P35)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from portal.accounts.selectors import staff_of
from portal.dates import today
from portal.evidence.services import evidence_record
from portal.permissions import Role
from privacy.requests import mails
from privacy.requests.models import RightsRequest
from privacy.requests.selectors import open_requests

EVIDENCE = "requests.clock"
YEAR = dt.timedelta(days=365)
WEEK = 7


def reminder_due(left: int, days: int, steps: list[int]) -> int | None:
    """Which of the steps (days before the last one) has been reached with ``left`` days to go; None for none.

    A clock of ``days`` in all is not reminded of on the day on which it starts: that one is told anyway.
    """
    reached = [step for step in steps if left <= step < days]
    return min(reached) if reached else None


def requests_remind() -> dict[str, int]:
    """Once a day, and harmless any number of times: each reminder has a key of its own in the outbox.

    A day on which it did not run is made up for: the step that was reached is told once. Leaves evidence.
    """
    day, steps = today(), settings.REQUEST_REMINDER_DAYS
    officers, owners = staff_of(Role.OFFICER), staff_of(Role.OWNER)
    told = 0
    rows = open_requests().filter(due_on__lte=day + dt.timedelta(days=max(steps, default=0)))
    for row in rows.iterator(chunk_size=500):
        left = (row.due_on - day).days
        step = reminder_due(left, (row.due_on - row.received_on).days, steps)
        with transaction.atomic():
            if left < 0:
                mails.request_overdue(row, (-left - 1) // WEEK, officers=officers, owners=owners)
            elif step is not None:
                mails.request_reminder(row, step, officers=officers)
            else:
                continue
        told += 1
    return {"told": told, **_prove(day)}


def _prove(day: dt.date) -> dict[str, int]:
    """How many are open and late now, and how many were answered in time in the last year."""
    facts = RightsRequest.objects.filter(ended_at=None).aggregate(
        open=Count("pk"), late=Count("pk", filter=Q(due_on__lt=day))
    )
    facts |= RightsRequest.objects.filter(answered_at__gte=timezone.now() - YEAR).aggregate(
        answered=Count("pk"), in_time=Count("pk", filter=Q(in_time=True))
    )
    evidence_record(kind=EVIDENCE, passed=facts["late"] == 0, facts=facts, valid_for=dt.timedelta(hours=36))
    return facts
