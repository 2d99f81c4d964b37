"""How the outbox stands: what waits, what is stuck, and whether anything went out unasked."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, QuerySet
from django.utils import timezone

from portal.outbox.models import OPEN_STATES, Category, MailState, OutgoingMail


def without_content() -> QuerySet[OutgoingMail]:
    """Mails as staff see them: addresses and secrets stay in the database, unread."""
    return OutgoingMail.objects.defer("address", "secret")


def stuck() -> QuerySet[OutgoingMail]:
    """Mails that were given up and wait for somebody to decide, newest first."""
    return without_content().filter(state=MailState.DEAD).order_by("-queued_at")


def counts_by_state() -> dict[str, int]:
    """How many mails stand in each state, 0 where there are none."""
    rows = OutgoingMail.objects.order_by().values_list("state").annotate(count=Count("pk"))
    return dict.fromkeys(MailState.values, 0) | dict(rows)


def oldest_wait() -> dt.timedelta:
    """How long the mail that is due longest has been due; zero when none is."""
    now = timezone.now()
    due = OutgoingMail.objects.filter(state__in=OPEN_STATES, send_after__lte=now).order_by("send_after")
    first = due.values_list("send_after", flat=True).first()
    return now - first if first else dt.timedelta(0)


def marketing_without_authorization() -> int:
    """Marketing mails that went out without their gate having been passed. A constraint keeps it 0 (P12)."""
    sent = OutgoingMail.objects.filter(category=Category.MARKETING, state=MailState.SENT)
    return sent.exclude(gate_passed=True).count()
