"""Reading the access log."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db.models import QuerySet

from portal.audit.models import LOOKS, AccessEvent, AuditDigest


def events_about(*subject_ids: UUID) -> QuerySet[AccessEvent]:
    """Every logged deed about a person, newest first; several ids where records were merged."""
    return AccessEvent.objects.filter(subject_id__in=subject_ids).order_by("-at", "-number")


def who_looked(
    *subject_ids: UUID, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> QuerySet[AccessEvent]:
    """Looks at a person's data, newest first (P21); ``since`` inclusive, ``until`` exclusive.

    A look is any deed in which somebody saw the data: viewed, listed, downloaded, sent on.
    """
    looks = events_about(*subject_ids).filter(action__in=[action.value for action in LOOKS])
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
