"""P28, P47: what came by letter is done for the right sign-in, whomever the desk tied it to."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest

from portal.accounts.models import User
from portal.dates import today
from privacy.requests.models import Channel, IdentityHow, RequestKind, RightsRequest
from privacy.requests.services import Identity, request_answer, request_carry_out, request_open, request_start
from records.changes import Basis, basis
from records.guardians.selectors import looked_after
from records.models import Patient
from tests.consults import building

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def mo(ben: User) -> Patient:
    """Fifteen, with a sign-in of his own (Ben's)."""
    patient = building.person(ben, given="Mo", family="Tran")
    patient.birth_date = today().replace(day=1) - dt.timedelta(days=15 * 365)
    with basis(Basis.ERROR_CORRECTION, by=ben.actor):
        patient.save(update_fields=["birth_date"])
    return patient


def came(officer: User, kind: RequestKind, patient: Patient, account: User) -> RightsRequest:
    """By mail, and taken on by the officer."""
    row = request_open(
        by=officer.actor, kind=kind, subject_id=patient.pk, account_id=account.pk, form_key=uuid4(),
        channel=Channel.MAIL, identity=Identity(IdentityHow.COPY_OF_ID, "seen"),
    )
    return request_start(by=officer.actor, request_id=row.pk)


@pytest.mark.promise("P28")
def test_leaving_closes_the_patients_sign_in_and_nobody_elses(ana: User, ben: User, mo: Patient, officer: User) -> None:
    """It is tied to Ana, who looked after Mo when it came and does no more."""
    request_carry_out(by=officer.actor, request_id=came(officer, RequestKind.LEAVING, mo, ana).pk)
    ana.refresh_from_db(), ben.refresh_from_db()
    assert ben.has_left and not ana.has_left and ana.is_active


@pytest.mark.promise("P47")
def test_the_childs_own_sign_in_is_made_nobodys_guardian(ben: User, mo: Patient, officer: User) -> None:
    row = came(officer, RequestKind.GUARDIAN_REVIEW, mo, ben)
    request_answer(by=officer.actor, request_id=row.pk, answer="Please come by.")
    assert not looked_after(ben.pk)
