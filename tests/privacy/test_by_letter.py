"""P28, P37, P47: what came by letter is done for the right sign-in, and what is said back to a "no" is noted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.dates import today
from privacy.denials.models import Denial
from privacy.requests.models import Channel, IdentityHow, RequestKind, RightsRequest
from privacy.requests.services import Identity, request_answer, request_carry_out, request_open, request_start
from records.amendments.models import AmendmentPaper, PaperKind, Telling
from records.changes import Basis, basis
from records.guardians.selectors import looked_after
from records.models import Patient
from tests.consults import building
from tests.sweeps.corrected import granted, refused

As = Callable[..., Client]
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


@pytest.mark.promise("P37")
def test_a_review_and_a_statement_that_came_by_letter_are_noted_on_the_desk(
    ana: User, officer: User, anas: Patient, as_: As
) -> None:
    """Every letter of a "no" says that both can come in a letter: the desk has a door for them (RULES 1.16, 1.24)."""
    row = refused(ana, anas, officer)
    desk = as_(officer)
    page = desk.get(f"/admin/privacy/{row.pk}/").content.decode()
    assert "They ask for a review" in page and "They disagree in writing" in page
    desk.post(f"/admin/privacy/{row.pk}/state/", {"words": " "})
    assert not AmendmentPaper.objects.filter(kind=PaperKind.STATEMENT).exists()
    desk.post(f"/admin/privacy/{row.pk}/state/", {"words": "It was soap."})
    desk.post(f"/admin/privacy/{row.pk}/state/", {"words": "It was soap, again."})
    assert [str(one.words) for one in AmendmentPaper.objects.filter(kind=PaperKind.STATEMENT)] == ["It was soap."]
    desk.post(f"/admin/privacy/{row.pk}/review/", {"words": "Ask my sister."})
    row.refresh_from_db()
    assert row.state == "under_review" and str(Denial.objects.get().review_words) == "Ask my sister."
    page = desk.get(f"/admin/privacy/{row.pk}/").content.decode()
    assert "It was soap." in page and "They ask for a review" not in page and "They disagree in writing" not in page
    hers = as_(ana).get(f"/privacy/requests/{row.pk}/").content.decode()
    assert "It was soap." in hers and "Write why you disagree" not in hers


@pytest.mark.promise("P33")
def test_whom_to_tell_of_a_correction_can_be_said_by_phone(ana: User, officer: User, anas: Patient, as_: As) -> None:
    row, telling = granted(ana, anas, officer)
    Telling.objects.filter(pk=telling.pk).update(agreed=None)
    desk = as_(officer)
    assert "Yes, tell them" in desk.get(f"/admin/privacy/{row.pk}/").content.decode()
    desk.post(f"/admin/privacy/tellings/{telling.pk}/said/", {"agreed": "yes"})
    desk.post(f"/admin/privacy/tellings/{telling.pk}/said/", {"agreed": "no"})  # a second press changes nothing
    assert Telling.objects.get(pk=telling.pk).agreed is True
    assert "Write to them" in desk.get(f"/admin/privacy/{row.pk}/").content.decode()
