"""Draining the outbox: claim a batch, speak to the mail server, commit each mail as it is sent.

Rows are claimed with SKIP LOCKED under a lease, so any number of drains run side by side. One
statement per mail marks the last one as sent and the next one as begun: what was begun under a
lease that ran out may have been sent, all else was not. That is why a mail is never lost, and
sent twice at most once, under the same Message-ID, and only if the process was killed (or the
server's answer lost) between the server's yes and the commit. A second such loss ends it as
stuck, for staff to decide.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakSet

from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import F
from django.utils import timezone

from portal.outbox.models import MailState, OutgoingMail
from portal.outbox.registry import Addresses
from portal.outbox.sending import FREE, send_one
from portal.outbox.smtp import Line, ServerDown
from portal.poke import Breaker

log = logging.getLogger(__name__)

BATCH_FIRST, BATCH_MOST = 10, 100
SECRET_KEPT = timedelta(hours=24)

# After a dead mail server a nudged drain waits this long; the periodic sweep always tries.
server_breaker = Breaker(15)


@dataclass
class Drained:
    """What one drain did. ``more`` says that time ran out before the work did."""

    sent: int = 0
    other: int = 0
    connections: int = 0
    more: bool = False
    server_down: bool = False


def drain(*, seconds: float = 50, only: UUID | None = None, patient: bool = True) -> Drained:
    """Send what is due, most urgent first, until nothing is left or ``seconds`` have passed.

    ``only`` sends one mail. With ``patient`` it does nothing while the mail server is known to
    be down. Batches are sized to about a second, so that a sign-in code never stands behind a
    long newsletter.
    """
    result = Drained()
    if patient and not server_breaker.allows():
        result.server_down = True
        return result
    recover()
    ends = time.monotonic() + seconds
    line, size = Line(), BATCH_FIRST
    try:
        while batch := _claim(size, only):
            started = time.monotonic()
            _send_batch(batch, line, result)
            took = time.monotonic() - started
            size = min(BATCH_MOST, size * 2) if took < 1 else max(1, size // 2)
            if time.monotonic() > ends:
                result.more = True
                break
        server_breaker.worked()
    except ServerDown as error:
        server_breaker.failed()
        result.server_down = True
        log.warning("mail server down: %s", error)
    finally:
        line.close()
        result.connections = line.opened
    return result


def recover() -> int:
    """Take back mails whose worker died. What was begun may have been sent: once is forgiven."""
    now = timezone.now()
    lost = OutgoingMail.objects.filter(state=MailState.SENDING, leased_until__lt=now)
    if not lost.exists():
        return 0
    begun = lost.filter(begun_at__isnull=False)
    count = begun.filter(repeats__gte=1).update(state=MailState.DEAD, last_error="outcome_unknown", **FREE)
    count += begun.update(state=MailState.WAITING, repeats=F("repeats") + 1, last_error="worker_lost", **FREE)
    return count + lost.update(state=MailState.WAITING, **FREE)


def wipe_old_secrets() -> int:
    """Codes of mails that have been stuck for a day are of no use to anybody (P17)."""
    limit = timezone.now() - SECRET_KEPT
    stuck = OutgoingMail.objects.filter(state=MailState.DEAD, secret__isnull=False, queued_at__lt=limit)
    return stuck.update(secret=None)


def _lease() -> timedelta:
    return timedelta(seconds=settings.MAIL_LEASE_SECONDS)


_CLAIM = """
UPDATE {table} SET state = 'sending', lease = %(lease)s, leased_until = %(until)s, begun_at = NULL
 WHERE id IN (
   SELECT id FROM {table}
    WHERE state = 'waiting' AND send_after <= %(now)s AND (%(only)s::uuid IS NULL OR id = %(only)s::uuid)
    ORDER BY priority, send_after LIMIT %(size)s FOR UPDATE SKIP LOCKED
 )
RETURNING *
"""


def _claim(size: int, only: UUID | None) -> list[OutgoingMail]:
    """Take up to ``size`` due mails for this process, the most urgent first."""
    now = timezone.now()
    values = {"lease": uuid4(), "until": now + _lease(), "now": now, "only": only, "size": size}
    rows = OutgoingMail.objects.raw(_CLAIM.format(table=_table()), values)
    return sorted(rows, key=lambda row: (row.priority, row.send_after))


def _table() -> str:
    return connection.ops.quote_name(OutgoingMail._meta.db_table)


def _send_batch(batch: list[OutgoingMail], line: Line, result: Drained) -> None:
    done: OutgoingMail | None = None
    server_down = False
    addresses = Addresses((row.account_id for row in batch), (row.subject_id for row in batch))
    try:
        for row in batch:
            begun = _step(done=done, begin=row)
            done = None
            if not begun:
                continue  # erased meanwhile, or the lease is too short for another mail
            if send_one(row, line, addresses):
                done = row
                result.sent += 1
            else:
                result.other += 1
    except ServerDown:
        server_down = True
        raise
    finally:
        if done is not None:
            _step(done=done, begin=None)
        _put_back(batch, server_down=server_down)


# Prepared once a connection: the database would take longer to plan it than to do it.
_STEP = """
PREPARE outbox_step (timestamptz, uuid, boolean, uuid, uuid, timestamptz) AS
WITH done AS (
  UPDATE {table}
     SET state = 'sent', sent_at = $1, gate_passed = $3, secret = NULL, address = NULL,
         last_error = '', lease = NULL, leased_until = NULL, begun_at = NULL
   WHERE id = $2 AND state IN ('sending', 'waiting', 'dead')
)
UPDATE {table}
   SET begun_at = $1, attempts = attempts + 1
 WHERE id = $4 AND state = 'sending' AND lease = $5 AND leased_until > $6
RETURNING id
"""
_TAKE_STEP = "EXECUTE outbox_step (%s, %s, %s, %s, %s, %s)"
_prepared: WeakSet[Any] = WeakSet()  # the connections that know the statement


def _step(*, done: OutgoingMail | None, begin: OutgoingMail | None) -> bool:
    """Commit ``done`` as sent and ``begin`` as begun, in one statement. True when begun.

    A mail that was sent is marked so whoever holds it now. A database that went away is asked
    once more over a new connection, since the mail is out already.
    """
    now = timezone.now()
    margin = min(timedelta(seconds=60), _lease() / 2)
    values = (
        now, done and done.pk, done and done.gate_passed, begin and begin.pk, begin and begin.lease, now + margin
    )
    try:
        begun = _run(values)
    except OperationalError:
        if done is None:
            raise
        connection.close()
        begun = _run(values)
    if begun and begin is not None:
        begin.attempts += 1
    return begun


def _run(values: tuple[Any, ...]) -> bool:
    """True when the second half of the statement found its row."""
    with connection.cursor() as cursor:
        if connection.connection not in _prepared:
            cursor.execute(_STEP.format(table=_table()))
            _prepared.add(connection.connection)
        cursor.execute(_TAKE_STEP, values)
        return cursor.fetchone() is not None


def _put_back(batch: list[OutgoingMail], *, server_down: bool) -> None:
    """Free what this batch still holds and has not begun.

    A begun mail goes back only when the server took nothing at all; after any other end it may
    have been sent, and waits for ``recover``.
    """
    held = OutgoingMail.objects.filter(
        pk__in=[row.pk for row in batch], state=MailState.SENDING, lease=batch[0].lease
    )
    if server_down:
        held.filter(begun_at__isnull=False).update(attempts=F("attempts") - 1, begun_at=None)
    held.filter(begun_at__isnull=True).update(state=MailState.WAITING, **FREE)
