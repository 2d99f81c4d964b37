"""Reading the access log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from uuid import UUID

from django.db.models import QuerySet

from portal.audit.models import LOOKS, AccessEvent, AuditDigest

Hidden = Callable[[Collection[UUID]], Collection[UUID]]
_hidden: list[Hidden] = []


def hide_from_patients(ids: Hidden) -> None:
    """Say, at start, which things the log does not tell a patient of for now: ids by ids of people (RULES 1.34)."""
    if ids not in _hidden:
        _hidden.append(ids)


def told_to_patients(rows: QuerySet[AccessEvent], *subject_ids: UUID) -> QuerySet[AccessEvent]:
    """The rows that these people may read of today: what an authority wants left out is left out."""
    hidden = {one for ids in _hidden for one in ids(subject_ids)}
    return rows.exclude(object_id__in=hidden) if hidden else rows


def events_about(*subject_ids: UUID) -> QuerySet[AccessEvent]:
    """Every logged deed about a person, newest first; several ids where records were merged."""
    return AccessEvent.objects.filter(subject_id__in=subject_ids).order_by("-at", "-number")


def who_looked(
    *subject_ids: UUID, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> QuerySet[AccessEvent]:
    """Looks at a person's data, newest first (P21); ``since`` inclusive, ``until`` exclusive.

    A look is any deed in which somebody saw the data: viewed, listed, downloaded, sent on. What an
    authority wants left out for a time is left out (``told_to_patients``).
    """
    looks = events_about(*subject_ids).filter(action__in=[action.value for action in LOOKS])
    looks = told_to_patients(looks, *subject_ids)
    if since is not None:
        looks = looks.filter(at__gte=since)
    if until is not None:
        looks = looks.filter(at__lt=until)
    return looks


def deeds_of(actor_id: UUID) -> QuerySet[AccessEvent]:
    """Every logged deed of one account, newest first."""
    return AccessEvent.objects.filter(actor_id=actor_id).order_by("-at", "-number")


def waiting_for_digest() -> QuerySet[AccessEvent]:
    """Rows that no digest covers yet."""
    last = AuditDigest.objects.first()
    if last is None:
        return AccessEvent.objects.all()
    return AccessEvent.objects.filter(number__gt=last.after_number, transaction_id__gte=last.until_transaction)
