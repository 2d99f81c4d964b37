"""The order in which the vault opens anything: access, then the committed trace, then content."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from portal.audit.models import Action
from portal.audit.services import access_record, access_record_each
from portal.context import Actor
from portal.permissions import Purpose
from records.access import kinds_by_patient, require_open
from records.freezing.selectors import is_frozen
from records.people.models import GrantKind

# Who sees what a clinician has not signed yet: those who write it, and the portal's own tasks.
SEES_DRAFTS = frozenset({GrantKind.CARE_TEAM, GrantKind.BREAK_GLASS, GrantKind.PORTAL})

TAKES_ALONG = frozenset({Action.EXPORT, Action.DOWNLOAD})


def look(
    *, by: Actor, patient_id: UUID, purpose: Purpose, kind: str, object_id: UUID,
    action: Action = Action.VIEW, whole: bool = True,
) -> GrantKind:
    """Ask access, commit the trace, and say by which grant. Content may be opened after this.

    Raises ``NotVisible``; whatever keeps the trace from being committed; and ``RuntimeError``
    inside an open transaction, since a rollback would take the trace along. Then nothing is read.
    """
    # Taking something along is more than looking: a frozen record stays where it is (P47).
    looking = action not in TAKES_ALONG or not is_frozen(patient_id)
    grant = require_open(by=by, patient_id=patient_id, purpose=purpose, whole=whole, looking=looking)
    access_record(
        by=by, action=action, purpose=purpose, subject_id=patient_id, object_kind=kind,
        object_id=object_id, basis=f"grant:{grant.value}", durable=True,
    )
    return grant


def look_at_each(
    *, by: Actor, purpose: Purpose, kind: str, objects: Iterable[tuple[UUID, UUID]],
) -> dict[UUID, GrantKind]:
    """As ``look`` for a list of (patient_id, object_id): one row each, in one statement.

    Returns the grant by patient; who is missing may not be opened and is left out of the list.
    """
    wanted = list(objects)
    grants = kinds_by_patient(by=by, patient_ids={patient_id for patient_id, _object in wanted}, purpose=purpose)
    access_record_each(
        by=by, action=Action.LIST, purpose=purpose, object_kind=kind, durable=True,
        looks=[
            (patient_id, object_id, f"grant:{grants[patient_id].value}")
            for patient_id, object_id in wanted
            if patient_id in grants
        ],
    )
    return grants
