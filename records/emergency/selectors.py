"""Reading emergencies: one's own that run, and those the officer has to look into. No words in lists."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import today
from portal.errors import NotVisible
from portal.permissions import Permission, Purpose, require
from records.emergency.models import Emergency, EmergencyReason, ReviewDecision
from records.vault.content import opened


@dataclass(frozen=True, slots=True)
class EmergencyView:
    """One emergency with its words; words that cannot be read say so in their place."""

    id: UUID
    patient_id: UUID
    account_id: UUID
    reason: str
    words: str
    opened_at: dt.datetime
    ends_at: dt.datetime
    review_due_on: dt.date
    decision: str
    note: str
    reviewed_by: UUID | None
    reviewed_at: dt.datetime | None

    @property
    def open(self) -> bool:
        return self.ends_at > timezone.now()

    @property
    def late(self) -> bool:
        return not self.decision and self.review_due_on < today()


def running_of(account_id: UUID | None, patient_id: UUID | None = None) -> QuerySet[Emergency]:
    """Emergencies of this account that are open now, the one that ends first on top."""
    if account_id is None:
        return Emergency.objects.none()
    rows = _without_words().filter(account_id=account_id, ends_at__gt=timezone.now()).order_by("ends_at")
    return rows if patient_id is None else rows.filter(patient_id=patient_id)


def to_review() -> QuerySet[Emergency]:
    """What nobody has decided yet, nearest date first."""
    return _without_words().filter(decision="").order_by("review_due_on", "opened_at")


def reviewed(*, most: int = 50) -> QuerySet[Emergency]:
    """What was decided last, newest first."""
    return _without_words().exclude(decision="").order_by("-reviewed_at")[:most]


def open_emergency(*, by: Actor, emergency_id: UUID) -> EmergencyView:
    """One emergency for the officer's eyes: the trace first, then the words. Raises ``NotVisible``."""
    require(by, Permission.AUDIT_VIEW)
    owner = Emergency.objects.filter(pk=emergency_id).values_list("patient_id", flat=True).first()
    if owner is None:
        raise NotVisible
    access_record(
        by=by, action=Action.VIEW, purpose=Purpose.LEGAL_DUTY, subject_id=owner, object_kind="records.emergency",
        object_id=emergency_id, basis=f"review:{emergency_id}", durable=True,
    )
    row = Emergency.objects.filter(pk=emergency_id).first()
    if row is None:
        raise NotVisible
    return EmergencyView(
        id=row.pk, patient_id=row.patient_id, account_id=row.account_id, reason=str(EmergencyReason(row.reason).label),
        words=opened(row, "words"), opened_at=row.opened_at, ends_at=row.ends_at, review_due_on=row.review_due_on,
        decision=str(ReviewDecision(row.decision).label) if row.decision else "", note=opened(row, "review_note"),
        reviewed_by=row.reviewed_by, reviewed_at=row.reviewed_at,
    )


def _without_words() -> QuerySet[Emergency]:
    return Emergency.objects.defer("words", "review_note")
