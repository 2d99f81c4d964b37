"""What the world has of an export for a new owner: one that is begun, to which nobody has consented."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pyrage
from django.utils import timezone

from portal.accounts.models import User
from portal.crypto import sealed
from portal.dates import today
from privacy.disclosing import assignments
from privacy.disclosing.models import Assignment
from privacy.disclosing.papers import FOLDER, Paper
from privacy.handover.services import handover_start

PAGES = ("privacy_handover", "privacy_handover_stays", "privacy_handover_go_on", "privacy_handover_passed")


def things(officer: User | None) -> dict[str, Any]:
    """By the names of the parts of addresses."""
    assert officer
    ref = sealed.write(b"%PDF-1.7 a page", folder=FOLDER)
    row = assignments.assignment_enter(
        by=officer.actor, acquirer="South Shore Skin", acquirer_address="3 Quay Street", passes_on=today(),
        form_key=uuid4(),
    )
    assignments.undertaking_record(
        by=officer.actor, assignment_id=row.pk, signed_by="Sam Reed", signed_on=today(),
        paper=Paper(ref.name, ref.key, "application/pdf"),
    )
    Assignment.objects.filter(pk=row.pk).update(telling_at=timezone.now(), told_at=timezone.now())
    key = str(pyrage.x25519.Identity.generate().to_public())
    handover_start(by=officer.actor, assignment_id=row.pk, recipient_key=key)
    return {f"admin:{page}.assignment_id": row.pk for page in PAGES}
