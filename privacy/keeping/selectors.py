"""Reading holds: whether one stands, and the officer's list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet

from portal.dates import today
from privacy.keeping.models import LegalHold
from privacy.models import ArchiveCopy, RightsRequest
from records.models import Merge, Patient
from records.people.public_id import public_id_read, public_id_shown


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


def person_of(number: str) -> UUID | None:
    """Whose number this is: the short one of the record, also of one merged away, or the long id."""
    try:
        return UUID(number)
    except ValueError:
        stored = public_id_read(number)
    if stored is None:
        return None
    patient = Patient.objects.filter(public_id=stored).values_list("pk", flat=True).first()
    return patient or Merge.objects.filter(old_public_id=stored).values_list("new_id", flat=True).first()


@dataclass(frozen=True)
class HeldPerson:
    """What a card says of the person: the record's number, empty once it is deleted, and copies kept."""

    number: str
    copies: int
    waits: bool


def held_people(subject_ids: Iterable[UUID]) -> dict[UUID, HeldPerson]:
    """Numbers, not names, for the cards of a list; three queries for any number of people."""
    ids = set(subject_ids)
    numbers = dict(Patient.objects.filter(pk__in=ids).values_list("pk", "public_id"))
    kept = ArchiveCopy.objects.filter(subject_id__in=ids, destroyed_at__isnull=True).values("subject_id").order_by()
    copies = {row["subject_id"]: row["count"] for row in kept.annotate(count=Count("pk"))}
    waiting = set(
        RightsRequest.objects.filter(subject_id__in=ids, held_at__isnull=False, ended_at__isnull=True)
        .values_list("subject_id", flat=True)
    )
    return {
        one: HeldPerson(public_id_shown(numbers.get(one, "")), copies.get(one, 0), one in waiting) for one in ids
    }
