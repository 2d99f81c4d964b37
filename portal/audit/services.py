"""Writing the access log, and checking that its rows are as they were written."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.macs import COLUMNS, row_holds, row_mac
from portal.audit.models import BASIS, CODE, AccessEvent, Action, LogReview
from portal.audit.reviews import month_after, month_counts
from portal.context import Actor, request_id
from portal.dates import today
from portal.errors import DomainError
from portal.permissions import Permission, Purpose, require

_CODE = re.compile(CODE)
_BASIS = re.compile(BASIS)


def access_record(
    *,
    by: Actor,
    action: Action,
    purpose: Purpose,
    subject_id: UUID | None,
    object_kind: str,
    object_id: UUID | None,
    basis: str = "",
    durable: bool = False,
) -> AccessEvent:
    """Append one deed to the access log (RULES 2.5, P21).

    ``object_kind`` is a code such as ``records.photo``; ``basis`` holds codes and ids only, for
    example ``grant:<id>`` or ``request:<id>``, never a sentence: a reason that a person typed
    belongs in an encrypted field of its own row. With ``durable`` the row is committed when
    this returns, and an open transaction is an error: that is how content is read, since a
    rollback must not take the trace of a look with it.

    Raises ``ValueError`` for text where a code is due.
    """
    event = _event(
        by=by, action=action, purpose=purpose, subject_id=subject_id, object_kind=object_kind,
        object_id=object_id, basis=basis,
    )
    _append([event], durable)
    return event


def access_record_each(
    *,
    by: Actor,
    action: Action,
    purpose: Purpose,
    object_kind: str,
    looks: Iterable[tuple[UUID | None, UUID | None, str]],
    durable: bool = False,
) -> list[AccessEvent]:
    """The same deed on many objects, a row each, in one statement: for pages that list people.

    ``looks`` holds (subject_id, object_id, basis). Otherwise as ``access_record``.
    """
    events = [
        _event(
            by=by, action=action, purpose=purpose, subject_id=subject_id, object_kind=object_kind,
            object_id=object_id, basis=basis,
        )
        for subject_id, object_id, basis in looks
    ]
    _append(events, durable)
    return events


def _append(events: list[AccessEvent], durable: bool) -> None:
    if durable and events and not _commits_itself(events):
        with transaction.atomic(durable=True):
            _insert(events)
    else:
        _insert(events)


def _commits_itself(events: list[AccessEvent]) -> bool:
    """One row outside of any transaction is one statement, and committed when it returns.

    BEGIN and COMMIT around it would be two more trips to the database on every look at content.
    """
    connection = transaction.get_connection()
    return len(events) == 1 and connection.get_autocommit() and not connection.in_atomic_block


def _insert(events: list[AccessEvent]) -> None:
    if len(events) == 1:
        events[0].save(force_insert=True)
    else:
        AccessEvent.objects.bulk_create(events)


def _event(
    *, by: Actor, action: Action, purpose: Purpose, subject_id: UUID | None, object_kind: str,
    object_id: UUID | None, basis: str,
) -> AccessEvent:
    if not _CODE.fullmatch(object_kind):
        raise ValueError("object_kind is not a code")
    if not _BASIS.fullmatch(basis):
        raise ValueError("basis holds codes and ids only")
    event = AccessEvent(
        at=timezone.now(),
        actor_id=by.account_id,
        actor_role=by.role,
        subject_id=subject_id,
        action=Action(action).value,
        purpose=Purpose(purpose).value,
        object_kind=object_kind,
        object_id=object_id,
        basis=basis,
        request_id=request_id.get()[:64],
    )
    event.mac = row_mac(_columns(event))
    return event


def verify_row(event: AccessEvent) -> bool:
    """True when the row still says what was written under a key outside the database."""
    return row_holds(_columns(event), event.mac)


def _columns(event: AccessEvent) -> list[object]:
    return [getattr(event, name) for name in COLUMNS]


def log_review_record(*, by: Actor, month: dt.date, finding: LogReview.Finding | str, words: str) -> LogReview:
    """Sign that the log of a month was gone through, with what was found (RULES 2.7). Once a month.

    ``month`` is its first day. What was counted is kept with it. Raises ``DomainError``: ``month_runs`` (it is
    not over), ``words_missing``, ``reviewed_already``; ``NotAllowed`` for who may not see the log.
    """
    require(by, Permission.AUDIT_VIEW)
    assert by.account_id is not None, "who may see the log has an account"
    if month_after(month) > today():
        raise DomainError("month_runs", _("This month is not over yet."))
    if not words.strip():
        raise DomainError("words_missing", _("Write what you looked at and what you found."), "words")
    try:
        with transaction.atomic():
            review = LogReview.objects.create(
                month=month, finding=LogReview.Finding(finding), words=words.strip(), counts=month_counts(month),
                reviewed_by=by.account_id, at=timezone.now(),
            )
            access_record(
                by=by, action=Action.SIGN, purpose=Purpose.OPERATIONS, subject_id=None, object_kind="audit.review",
                object_id=review.pk, basis=f"month:{month:%Y-%m}",
            )
    except IntegrityError:
        raise DomainError("reviewed_already", _("Somebody has signed this month.")) from None
    return review
