"""A parent with two children at the demo's clinic, one of whose records is only kept; and somebody who left."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

from consults.state import ConsultState
from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.context import Actor
from portal.dates import today
from portal.demo.clinic import Clinic, account
from portal.demo.clock import ago
from portal.permissions import Role
from privacy.requests.models import RequestKind
from privacy.requests.services import request_open
from records.changes import Basis, basis
from records.guardians.services import guardian_grant
from records.models import Patient


def seed_children(clinic: Clinic, gwen: User) -> None:
    """Ivo has a plan; his mother wants it explained. What Lena sent is not used any more, by her mother's word."""
    ivo = _child(clinic, gwen, "ivo@demo.example", "Ivo", ConsultState.ANSWERED)
    lena = _child(clinic, gwen, "lena@demo.example", "Lena", ConsultState.SUBMITTED)
    with ago(days=4):
        _ask(gwen, lena, RequestKind.STOP_USING, "She signed up without telling me.")
    with ago(days=2):
        _ask(gwen, ivo, RequestKind.GUARDIAN_REVIEW, "Please explain to me what the cream does.")


def seed_leaver(clinic: Clinic) -> None:
    """Somebody who wanted no mail any more, and whose account is closed for good."""
    with ago(days=200):
        user = account("quentin@demo.example", "Quentin Marsh", Role.PATIENT)
        patient = clinic.patient(user, "Quentin", "Marsh", dt.date(1984, 2, 9))
    with ago(days=12):
        request_open(
            by=user.actor, kind=RequestKind.LEAVING, subject_id=patient.pk, account_id=user.pk, form_key=uuid4(),
            particulars={"street": "8 Heron Way", "city": "Sartell", "state": "MN", "postal_code": "56377"},
        )


def _child(clinic: Clinic, parent: User, email: str, given: str, state: ConsultState) -> Patient:
    """A fifteen-year-old with a consult. Sign-up takes nobody under 18 alone, so the birth date is set right later."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    with ago(days=40):
        user = account(email, f"{given} Okafor", Role.PATIENT)
        patient = clinic.patient(user, given, "Okafor", dt.date(1990, 5, 17))
    clinic.consult(user, patient, 3, state, hours=130, marks=12)
    patient.refresh_from_db()
    patient.birth_date = today().replace(day=1) - dt.timedelta(days=15 * 365)
    with basis(Basis.ERROR_CORRECTION, by=officer):
        patient.save(update_fields=["birth_date"])
    with ago(days=30):
        guardian_grant(by=officer, patient_id=patient.pk, account_id=parent.pk)
    return patient


def _ask(parent: User, patient: Patient, kind: RequestKind, words: str) -> None:
    request_open(
        by=parent.actor, kind=kind, subject_id=patient.pk, account_id=parent.pk, form_key=uuid4(), details=words
    )
