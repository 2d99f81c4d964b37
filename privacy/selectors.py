"""Reading requests: the patient's own, the officer's desk."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import DateTimeField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest

from portal.dates import today
from privacy.models import ArchiveCopy, RecordCopy, RightsRequest
from privacy.state import ENDED
from records.models import Answer, Assessment, Encounter, Message, Photo, Plan


@dataclass(frozen=True)
class Clock:
    """A legal clock as a bar: ``day`` of ``days``, ``left`` days to go (negative when late)."""

    received_on: dt.date
    due_on: dt.date
    day: int
    days: int
    left: int

    @property
    def late(self) -> bool:
        return self.left < 0

    @property
    def late_days(self) -> int:
        return max(0, -self.left)


def clock_of(request: RightsRequest, *, on: dt.date | None = None) -> Clock:
    """The request's clock on a day; one that has ended shows the day on which it did."""
    day = request.ended_at.date() if request.ended_at else (on or today())
    days = (request.due_on - request.received_on).days
    passed = max(0, (day - request.received_on).days)
    return Clock(request.received_on, request.due_on, min(passed, days), days, (request.due_on - day).days)


def requests_of(subject_id: UUID) -> QuerySet[RightsRequest]:
    """A person's requests, newest first, without their words."""
    rows = RightsRequest.objects.filter(subject_id=subject_id).defer("note", "denial_letter")
    return rows.select_related("copy").defer("copy__key", "note", "denial_letter").order_by("-created_at")


def open_requests() -> QuerySet[RightsRequest]:
    """The officer's desk: what is not done, nearest date first, without anybody's words."""
    rows = RightsRequest.objects.exclude(state__in=[state.value for state in ENDED])
    return rows.defer("note", "denial_letter").order_by("due_on", "created_at")


def ended_requests(*, most: int = 50) -> QuerySet[RightsRequest]:
    """What was done last, newest first."""
    rows = RightsRequest.objects.filter(state__in=[state.value for state in ENDED])
    return rows.defer("note", "denial_letter").order_by("-ended_at")[:most]


def copies_of(account_id: UUID) -> QuerySet[RecordCopy]:
    """Downloads that wait for this account."""
    return RecordCopy.objects.filter(account_id=account_id)


def archive_copies(subject_id: UUID) -> QuerySet[ArchiveCopy]:
    """Sealed copies of a person, newest first."""
    return ArchiveCopy.objects.filter(subject_id=subject_id).order_by("-sealed_at")


def _newest(model: type, field: str) -> Subquery:
    rows = model.objects.filter(encounter=OuterRef("pk")).order_by().values("encounter")  # type: ignore[attr-defined]
    return Subquery(rows.annotate(newest=Max(field)).values("newest"), output_field=DateTimeField())


def encounters_to_archive() -> QuerySet[Encounter]:
    """Consults that were sent, are finished, and have changed since their newest copy (or have none)."""
    sealed = ArchiveCopy.objects.filter(encounter_id=OuterRef("pk")).order_by("-verified_at")
    finished = Encounter.objects.filter(submitted_at__isnull=False).filter(
        Q(closed_at__isnull=False) | Exists(Plan.objects.filter(encounter=OuterRef("pk"), signed_at__isnull=False))
    )
    changed = finished.annotate(
        changed_at=Greatest(
            F("submitted_at"), F("closed_at"), F("patient__updated_at"), _newest(Answer, "answered_at"),
            _newest(Photo, "ready_at"), _newest(Message, "sent_at"), _newest(Plan, "updated_at"),
            _newest(Assessment, "updated_at"),
        ),
        copied_at=Subquery(sealed.values("verified_at")[:1]),
    )
    due = changed.filter(Q(copied_at__isnull=True) | Q(changed_at__gt=F("copied_at")))
    return due.select_related("patient").order_by("opened_at")
