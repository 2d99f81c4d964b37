"""What a copy may leave out is left out of the portal too: one answer, on every way to the record (RULES 1.16)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from portal.context import Actor
from privacy.dossier import subject_of
from privacy.exports import copies_close
from privacy.requests.models import RequestKind, RightsRequest
from records.withholding.services import parts_withhold

GUARDIANS_KINDS = (RequestKind.GUARDIAN_REVIEW, RequestKind.GUARDIAN_DELETION)


def withhold(*, by: Actor, request: RightsRequest, parts: Collection[UUID]) -> None:
    """Keep the refused parts from whoever asked, and from their guardians where the patient asked.

    What a guardian was refused stays the patient's to see: nobody judged that (RULES 1.15 c, 4.14).
    Copies that lie ready are closed, since they hold the parts.
    """
    if request.subject_id is None:
        return
    own = subject_of(request.subject_id).account_ids
    guardians_only = request.kind in GUARDIANS_KINDS or (
        request.account_id is not None and request.account_id not in own
    )
    parts_withhold(
        by=by, patient_id=request.subject_id, request_id=request.pk, part_ids=parts, asked_by=request.account_id,
        guardians_only=guardians_only,
    )
    copies_close(request.subject_id, but=own if guardians_only else ())
