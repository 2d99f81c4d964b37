"""Work that nobody presses a button for. Each step may run twice, in two places, at any time."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from billing.models import Order
from billing.state import OrderState
from consults import mails
from consults.models import Consult
from consults.services.cases import consult_close
from consults.services.endings import consult_expire
from consults.services.sending import consult_paid
from consults.state import UNSENT, WITH_CLINICIAN, ConsultState
from portal.context import SYSTEM
from portal.outbox.models import OutgoingMail

log = logging.getLogger(__name__)
BATCH = 200
# A reminder is one: it goes out on the day it is due, not months later when this first runs.
REMINDER_WINDOW_DAYS = 3


def sweep() -> dict[str, int]:
    """Find what a lost signal or a quiet month left behind. Returns how many of each.

    Paid orders whose consult has not begun; unsent consults that ran out; answered ones that
    can close; reminders to patients and, for a promise that was missed, to the clinic.
    """
    return {
        "paid": _each(_paid_but_waiting(), lambda pk: consult_paid(consult_id=pk)),
        "expired": _each(_run_out(), lambda pk: consult_expire(by=SYSTEM, consult_id=pk)),
        "closed": _each(_long_answered(), lambda pk: consult_close(by=SYSTEM, consult_id=pk)),
        "reminded": _remind(),
        "overdue": _tell_overdue(),
    }


def _paid_but_waiting() -> QuerySet[Consult]:
    paid = Order.objects.filter(state=OrderState.PAID).values("pk")
    return Consult.objects.filter(state=ConsultState.AWAITING_PAYMENT, order_id__in=paid)


def _run_out() -> QuerySet[Consult]:
    before = timezone.now() - dt.timedelta(days=settings.DRAFT_EXPIRES_DAYS)
    return Consult.objects.filter(state__in=UNSENT, changed_at__lt=before)


def _long_answered() -> QuerySet[Consult]:
    before = timezone.now() - dt.timedelta(days=settings.CONSULT_CLOSES_DAYS)
    return Consult.objects.filter(state=ConsultState.ANSWERED, changed_at__lt=before)


def _each(rows: QuerySet[Consult], deed: Callable[[UUID], Any]) -> int:
    """Do the deed to each; one that fails is logged by its id and never holds up the others."""
    done = 0
    for consult_id in list(rows.order_by("changed_at").values_list("pk", flat=True)[:BATCH]):
        try:
            deed(consult_id)
            done += 1
        except Exception as error:  # whatever is wrong with one, the others get their turn
            log.warning("consult %s: left for the next round (%s)", consult_id, type(error).__name__)
    return done


def _remind() -> int:
    """One mail each to whoever left a draft, a payment or a question waiting."""
    until = timezone.now() - dt.timedelta(days=settings.DRAFT_REMINDS_DAYS)
    since = until - dt.timedelta(days=REMINDER_WINDOW_DAYS)
    waiting = Consult.objects.filter(
        state__in=UNSENT | {ConsultState.NEEDS_INFORMATION}, changed_at__lt=until, changed_at__gte=since
    )
    return _mail_each(waiting, mails.reminder_key, mails.reminder)


def _tell_overdue() -> int:
    """The clinic hears about each answer that is late, once."""
    now = timezone.now()
    late = Consult.objects.filter(
        state__in=WITH_CLINICIAN | {ConsultState.SUBMITTED}, answered_at=None, due_at__lt=now,
        due_at__gte=now - dt.timedelta(days=REMINDER_WINDOW_DAYS),
    )
    return _mail_each(late, mails.overdue_key, mails.overdue)


def _mail_each(
    rows: QuerySet[Consult], key: Callable[[Consult], str], mail: Callable[[Consult], None]
) -> int:
    """Mail about each consult whose mail is not in the outbox yet."""
    keys = {key(consult): consult for consult in rows.order_by("changed_at")[: 10 * BATCH]}
    there = set(OutgoingMail.objects.filter(once_key__in=keys).values_list("once_key", flat=True))
    fresh = [consult for name, consult in keys.items() if name not in there][:BATCH]
    for consult in fresh:
        mail(consult)
    return len(fresh)
