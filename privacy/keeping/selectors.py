"""Reading holds: whether one stands, and the officer's list."""

from __future__ import annotations

from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from portal.dates import today
from privacy.keeping.models import LegalHold


def on_hold(subject_id: UUID) -> bool:
    """True while nothing of this person may be deleted or destroyed."""
    return LegalHold.objects.filter(subject_id=subject_id, released_at__isnull=True).exists()


def hold_lock(subject_id: UUID) -> None:
    """Wait until nobody places a hold on, or ends anything of, this person; kept until the commit.

    Holds are also placed on people of whom only the archive has something left: there is no row to lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [subject_id.int % 2**63])


def standing_holds() -> QuerySet[LegalHold]:
    """What stands, the nearest review first, without anybody's words."""
    return LegalHold.objects.filter(released_at__isnull=True).defer("reason", "release_reason").order_by("review_on")


def released_holds(*, most: int = 50) -> QuerySet[LegalHold]:
    """What was released last, newest first."""
    rows = LegalHold.objects.filter(released_at__isnull=False)
    return rows.defer("reason", "release_reason").order_by("-released_at")[:most]


def holds_to_review() -> int:
    """How many holds have reached the day on which somebody must look at them."""
    return LegalHold.objects.filter(released_at__isnull=True, review_on__lte=today()).count()
