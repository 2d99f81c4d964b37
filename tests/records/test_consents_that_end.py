"""A consent to release ends when it should: as a minor comes of age, and as soon as it is taken back (P47)."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from portal.accounts.models import User
from portal.context import SYSTEM
from portal.permissions import Purpose
from records.access import grant_open
from records.changes import Basis, basis
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record, may_release
from records.guardians.services import guardian_grant
from records.models import GrantKind, Patient
from records.releases.models import ConsentKind, ReleaseConsent
from records.releases.services import consent_give, consent_revoke
from records.vault import open_consents
from tests.consults import building

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P47")]
WHO = "Lakeside Family Practice"


def consent(patient: Patient, by: User, **more: object) -> ReleaseConsent:
    return consent_give(
        by=by.actor, patient_id=patient.pk, kind=ConsentKind.PROVIDER, recipient=WHO, what="The whole record",
        signed_name="Gwen Tran", form_key=uuid4(), **more,  # type: ignore[arg-type]
    )


def may(patient: Patient) -> str:
    """Empty when it may go, else the code of the refusal."""
    return may_release(subject_id=patient.pk, recipient=WHO, basis=DisclosureBasis.TREATMENT).code


@pytest.mark.parametrize("lasting", [True, False])
def test_what_was_signed_for_a_minor_ends_as_they_come_of_age(
    guardian: User, ana: User, officer: User, lasting: bool
) -> None:
    """From the 18th birthday on nothing flows on a parent's signature; one's own is asked for (FIELD_FAULTS 7)."""
    child = Patient.objects.create(given_name="Mo", family_name="Tran", birth_date=dt.date(2008, 11, 26))
    with time_machine.travel("2026-11-26 05:59:00+00:00", tick=False):  # a minute before, at the clinic
        guardian_grant(by=officer.actor, patient_id=child.pk, account_id=guardian.pk)
        parents = consent(child, guardian, signed_for="Mo, my son", lasting=lasting)
        assert may(child) == ""
    with time_machine.travel("2026-11-26 06:00:00+00:00", tick=False):
        assert may(child) == "no_consent"
        grant_open(by=SYSTEM, patient_id=child.pk, kind=GrantKind.SELF, account_id=ana.pk)
        [shown] = open_consents(by=ana.actor, patient_id=child.pk, purpose=Purpose.COMMUNICATING)
        assert not shown.in_force and shown.expires_on == dt.date(2026, 11, 25)
        before = disclosure_record(
            by=officer.actor, subject_id=child.pk, basis=DisclosureBasis.TREATMENT, purpose=Purpose.CARE,
            recipient=WHO, what="Lab result", on=dt.date(2026, 11, 25),
        )
        assert before.consent_id == parents.pk  # what went out the day before stood on the parent's
        consent(child, ana)
        assert may(child) == ""


@pytest.mark.parametrize(("day", "code"), [("2026-02-28", ""), ("2026-03-01", "no_consent")])
def test_born_on_29_february_one_comes_of_age_on_1_march(guardian: User, officer: User, day: str, code: str) -> None:
    child = Patient.objects.create(given_name="Mo", family_name="Tran", birth_date=dt.date(2008, 2, 29))
    with time_machine.travel("2026-02-01 18:00:00+00:00", tick=False):
        guardian_grant(by=officer.actor, patient_id=child.pk, account_id=guardian.pk)
        consent(child, guardian)
    with time_machine.travel(f"{day} 18:00:00+00:00", tick=False):
        assert may(child) == code


def test_a_corrected_birth_date_moves_the_end(guardian: User, officer: User) -> None:
    child = Patient.objects.create(given_name="Mo", family_name="Tran", birth_date=dt.date(2010, 6, 1))
    with time_machine.travel("2026-05-01 18:00:00+00:00", tick=False):
        guardian_grant(by=officer.actor, patient_id=child.pk, account_id=guardian.pk)
        consent(child, guardian)
    with time_machine.travel("2026-11-25 18:00:00+00:00", tick=False):
        assert may(child) == ""
        with basis(Basis.REQUEST, by=officer.actor, request_id=uuid4()):
            child.birth_date = dt.date(2008, 6, 1)
            child.save()
        assert may(child) == "no_consent"


def test_what_is_taken_back_in_the_evening_is_over_at_once(ana: User) -> None:
    """Also for a task, which reads times in Greenwich's zone, where it is tomorrow already (FIELD_FAULTS 1)."""
    with time_machine.travel("2026-11-26 01:30:00+00:00", tick=False):  # half past seven at the clinic
        anas = building.person(ana)
        row = consent(anas, ana)
        assert may(anas) == ""
        consent_revoke(by=ana.actor, consent_id=row.pk)
        with timezone.override(dt.UTC):
            assert may(anas) == "no_consent"
