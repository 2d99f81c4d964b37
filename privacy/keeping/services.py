"""Placing and releasing a legal hold (P39, P40): it stops deletion and destruction, nothing else."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from privacy.keeping.models import LegalHold
from privacy.keeping.selectors import hold_lock, on_hold
from privacy.models import ArchiveCopy
from privacy.requests.deletion import deletions_resume
from records.models import Patient


def hold_place(*, by: Actor, subject_id: UUID, reason: str, review_on: dt.date) -> LegalHold:
    """From now on nothing of this person is deleted or destroyed. Several may stand at once.

    Raises ``DomainError`` for a missing reason or a review day that is not ahead; ``NotVisible``
    where neither a record nor a copy is left to hold.
    """
    require(by, Permission.REQUESTS_HANDLE)
    if not reason.strip():
        raise DomainError("reason_missing", _("Write down why, and who asked for it."), "reason")
    if review_on <= today():
        raise DomainError("review_past", _("Choose a day after today."), "review_on")
    with transaction.atomic():
        hold_lock(subject_id)
        if not _is_known(subject_id):
            raise NotVisible
        hold = LegalHold.objects.create(
            subject_id=subject_id, reason=reason.strip(), placed_by=by.account, placed_at=timezone.now(),
            review_on=review_on,
        )
        _audit(by, Action.CREATE, hold)
    return hold


def hold_release(*, by: Actor, hold_id: UUID, why: str) -> LegalHold:
    """End a hold. A deletion that waited for it goes on; one that was refused for it comes back to the desk."""
    require(by, Permission.REQUESTS_HANDLE)
    if not why.strip():
        raise DomainError("why_missing", _("Write down why it ends, and who said so."), "why")
    with transaction.atomic():
        hold = LegalHold.objects.select_for_update().filter(pk=hold_id).first()
        if hold is None:
            raise NotVisible
        if hold.released_at is not None:
            return hold
        hold_lock(hold.subject_id)
        hold.released_by, hold.released_at, hold.release_reason = by.account, timezone.now(), why.strip()
        hold.save(update_fields=["released_by", "released_at", "release_reason"])
        _audit(by, Action.CHANGE, hold)
        if not on_hold(hold.subject_id):
            deletions_resume(subject_id=hold.subject_id)
    return hold


def _is_known(subject_id: UUID) -> bool:
    copies = ArchiveCopy.objects.filter(subject_id=subject_id, destroyed_at__isnull=True)
    return copies.exists() or Patient.objects.filter(pk=subject_id).exists()


def _audit(by: Actor, action: Action, hold: LegalHold) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=hold.subject_id,
        object_kind="privacy.hold", object_id=hold.pk, basis=f"hold:{hold.pk}",
    )
