"""Who may change a person's sections now, held for one deed at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Permission, Purpose, require
from records.access import require_open
from records.changes import Basis, basis
from records.history.models import Entry
from records.people.models import GrantKind, Patient

# On what basis a holder of each grant changes sections. Others only read: the queue, an emergency.
BASIS_OF = {
    GrantKind.SELF: Basis.PATIENT_EDIT,
    GrantKind.GUARDIAN: Basis.PATIENT_EDIT,
    GrantKind.CARE_TEAM: Basis.CLINICAL_CARE,
}


@dataclass(frozen=True)
class MayChange:
    """Somebody who may change the sections of one patient, and on what basis."""

    by: Actor
    patient_id: UUID
    why: Basis
    grant: GrantKind

    @property
    def sees_private(self) -> bool:
        return self.grant is not GrantKind.GUARDIAN


@contextmanager
def changing(
    *, by: Actor, patient_id: UUID | None = None, entry_id: UUID | None = None, why: Basis | None = None
) -> Iterator[MayChange]:
    """One deed on the sections of a patient, or of the patient whose entry it is.

    Asks access, holds the patient's row until the end, and names the basis of what changes
    inside: ``why``, or what the grant stands for. Raises ``NotVisible``.
    """
    if patient_id is None:
        if entry_id is None:
            raise NotVisible
        patient_id = Entry.objects.filter(pk=entry_id).values_list("patient_id", flat=True).first()
        if patient_id is None:
            raise NotVisible
    grant = require_open(by=by, patient_id=patient_id, purpose=Purpose.CARE, whole=True)
    if grant not in BASIS_OF:
        raise NotVisible
    require(by, Permission.CASE_REVIEW if grant is GrantKind.CARE_TEAM else Permission.RECORD_OWN)
    reason = why or BASIS_OF[grant]
    with transaction.atomic(), basis(reason, by=by):
        if Patient.objects.select_for_update(no_key=True).only("pk").filter(pk=patient_id).first() is None:
            raise NotVisible
        yield MayChange(by, patient_id, reason, grant)


def record(may: MayChange, action: Action, entry: Entry) -> None:
    """One row of the access log. Which section it was stays out of it: a guardian may read the log."""
    access_record(
        by=may.by, action=action, purpose=Purpose.CARE, subject_id=may.patient_id, object_kind="records.entry",
        object_id=entry.pk, basis=f"change:{may.why.value}",
    )
