"""A second doctor's practice to which records of the demo could pass: told long ago, and one patient said yes."""

from __future__ import annotations

from uuid import uuid4

from django.core.files.base import ContentFile

from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.context import Actor
from portal.dates import today
from portal.demo.clock import ago
from portal.demo.disclosures import promise
from portal.lockbox import age
from portal.permissions import Role
from privacy.disclosing import assignments
from privacy.disclosing.papers import paper_keep
from privacy.handover.services import handover_start
from records.access import patients_of
from records.releases.models import ConsentKind
from records.releases.services import consent_give

NEW_OWNER = "Cedar Skin Partners"


def seed_handover(ana: User) -> None:
    """An export that the worker makes once the clinic is open. Nobody keeps the private half of its key."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    with ago(days=700):  # there were no patients yet, so nobody of them hears of it today
        row = assignments.assignment_enter(
            by=officer, acquirer=NEW_OWNER, acquirer_address="31 Cedar Avenue, Saint Cloud, MN 56301",
            passes_on=today(), form_key=uuid4(),
        )
        assignments.undertaking_record(
            by=officer, assignment_id=row.pk, signed_by="Lee Marsh, owner", signed_on=today(),
            paper=paper_keep(ContentFile(promise(NEW_OWNER), name="promise.pdf")),
        )
        assignments.patients_tell(by=officer, assignment_id=row.pk)
        assignments.patients_told()
    with ago(days=40):
        consent_give(
            by=ana.actor, patient_id=patients_of(ana.pk)[0], kind=ConsentKind.NEW_OWNER, recipient=NEW_OWNER,
            what="My whole record", signed_name="Ana Okafor", form_key=uuid4(),
        )
    handover_start(by=officer, assignment_id=row.pk, recipient_key=age.new_key_pair()[1])
