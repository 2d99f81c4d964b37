"""Freezing a record and thawing it. What hangs on it above (consults, money) is the caller's."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from records.freezing.models import Freeze, FreezeReason
from records.people.models import Patient


def freeze(*, by: Actor, patient_id: UUID, reason: FreezeReason, reference: UUID) -> Freeze:
    """From now on the record is kept and nothing else is done with it, by anybody (P47, P48).

    The same cause again returns the freeze that is there, also when it was lifted since: a report that
    was looked into does not freeze anew. Whoever calls has asked whether ``by`` may. Raises ``NotVisible``.
    """
    with transaction.atomic():
        if not Patient.objects.select_for_update(no_key=True).only("pk").filter(pk=patient_id).exists():
            raise NotVisible
        row, new = Freeze.objects.get_or_create(
            patient_id=patient_id, reference=reference,
            defaults={"reason": FreezeReason(reason), "placed_at": timezone.now(), "placed_by": by.account_id},
        )
        if new:
            _record(by, Action.REVOKE, row)
    return row


def freeze_lift(*, by: Actor, freeze_id: UUID, note: str) -> Freeze:
    """The officer ends one freeze, and says why. Ending it twice is once.

    Raises ``NotVisible``, ``DomainError`` ``note_missing``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    why = note.strip()
    if not why:
        raise DomainError("note_missing", _("Write down why the record may be used again."), "note")
    with transaction.atomic():
        row = Freeze.objects.select_for_update().filter(pk=freeze_id).first()
        if row is None:
            raise NotVisible
        if row.lifted_at is None:
            row.lifted_at, row.lifted_by, row.lift_note = timezone.now(), by.account, why
            row.save(update_fields=["lifted_at", "lifted_by", "lift_note"])
            _record(by, Action.GRANT, row)
    return row


def _record(by: Actor, action: Action, row: Freeze) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=row.patient_id, object_kind="records.freeze",
        object_id=row.pk, basis=f"freeze:{row.reason}",
    )
