"""May this person open this patient now? Guardians with a scope and an end, searchers, and always a purpose."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import Any, get_type_hints
from uuid import uuid4

import pytest
import time_machine as clock
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from consults.services import consult_close, consult_release
from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import ANONYMOUS, SYSTEM
from portal.dates import clinic_zone
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose, Role
from records import access, vault
from records.access import grant_close, grant_open, may_find, may_open
from records.changes import Basis
from records.encounters.services import encounter_open
from records.guardians.services import guardian_grant, guardians_follow_birth_date
from records.messages.services import message_send, messages_read
from records.people.models import AccessGrant, GrantKind, GrantScope, Patient
from records.people.services import patient_update
from records.vault.lists import open_found_cards
from tests.consults import building as consults
from tests.records.building import Kept

pytestmark = pytest.mark.django_db
CARE = Purpose.CARE


def minor(born: dt.date, *, given: str = "Teo") -> Patient:
    return Patient.objects.create(given_name=given, family_name="Okafor", birth_date=born)


def at(day: str) -> dt.datetime:
    return dt.datetime.fromisoformat(day).replace(tzinfo=clinic_zone())


# --- A purpose, always -------------------------------------------------------------------------------------

ASKING = [
    access.may_open, access.require_open, access.may_find, access.visible_ids, access.visible_patients,
    access.kinds_by_patient,
    *(getattr(vault, name) for name in vault.__all__ if name.startswith(("open_", "photo_", "reveal_"))),
]


@pytest.mark.promise("P11")
@pytest.mark.parametrize("function", ASKING, ids=lambda function: function.__name__)
def test_no_question_can_be_put_without_a_purpose_of_the_list(function: Any) -> None:
    asked = inspect.signature(function).parameters["purpose"]
    assert asked.default is inspect.Parameter.empty, "a purpose that nobody said"
    assert asked.kind is inspect.Parameter.KEYWORD_ONLY
    assert get_type_hints(function)["purpose"] is Purpose


@pytest.mark.promise("P11")
@pytest.mark.parametrize("purpose", ["curiosity", "", None, "CARE"])
def test_a_purpose_off_the_list_is_refused_and_opens_nothing(purpose: Any, anas: Kept, ana: User) -> None:
    for call in (
        lambda: may_open(by=ana.actor, patient_id=anas.id, purpose=purpose),
        lambda: may_open(by=SYSTEM, patient_id=anas.id, purpose=purpose),
        lambda: access.visible_ids(SYSTEM, purpose=purpose),
        lambda: access.kinds_by_patient(by=SYSTEM, patient_ids={anas.id}, purpose=purpose),
        lambda: may_find(by=ana.actor, purpose=purpose),
        lambda: vault.open_record(by=ana.actor, patient_id=anas.id, purpose=purpose),
    ):
        with pytest.raises(ValueError):
            call()
    assert not AccessEvent.objects.filter(object_kind="records.record").exists()


# --- Guardians -----------------------------------------------------------------------------------------------


@pytest.mark.promise("P21")
def test_a_guardian_gets_in_from_the_start_to_the_end_of_the_grant(guardian: User) -> None:
    child = minor(dt.date(2015, 6, 1))
    start = timezone.now() + dt.timedelta(days=1)
    guardian_grant(
        by=SYSTEM, patient_id=child.pk, account_id=guardian.pk, starts_at=start, ends_at=start + dt.timedelta(days=30)
    )

    def opens() -> bool:
        return may_open(by=guardian.actor, patient_id=child.pk, purpose=CARE, whole=True) is GrantKind.GUARDIAN

    assert not opens()
    with clock.travel(start, tick=False):
        assert opens()
    with clock.travel(start + dt.timedelta(days=30), tick=False):
        assert not opens()


@pytest.mark.promise("P21")
@pytest.mark.parametrize(("born", "last", "first"), [
    (dt.date(2010, 6, 1), "2028-05-31T23:59", "2028-06-01T00:00"),
    (dt.date(2008, 2, 29), "2026-02-28T23:59", "2026-03-01T00:00"),
    (dt.date(2012, 2, 29), "2030-02-28T23:59", "2030-03-01T00:00"),
])
def test_a_guardians_access_ends_as_the_patients_18th_birthday_begins_at_the_clinic(
    born: dt.date, last: str, first: str, guardian: User
) -> None:
    """RULES 1.47, FIELD_FAULTS 5: one documented answer for a 29 February."""
    with clock.travel(at("2025-11-01T12:00"), tick=False):
        child = minor(born)
        guardian_grant(by=SYSTEM, patient_id=child.pk, account_id=guardian.pk, ends_at=at("2099-01-01T00:00"))
    with clock.travel(at(last), tick=False):
        assert may_open(by=guardian.actor, patient_id=child.pk, purpose=CARE)
    with clock.travel(at(first), tick=False):
        assert may_open(by=guardian.actor, patient_id=child.pk, purpose=CARE) is None
        with pytest.raises(DomainError) as refused:
            guardian_grant(by=SYSTEM, patient_id=child.pk, account_id=guardian.pk)
    assert refused.value.code == "of_age"


@pytest.mark.promise("P21")
def test_a_corrected_birth_date_ends_a_guardians_access_earlier_and_never_later(guardian: User) -> None:
    """FIELD_FAULTS 4: what follows from a birth date follows it when it is corrected."""
    child = minor(dt.date(2012, 6, 1))
    guardian_grant(by=SYSTEM, patient_id=child.pk, account_id=guardian.pk)
    child.birth_date = dt.date(2010, 6, 1)
    assert guardians_follow_birth_date(by=SYSTEM, patient=child) == 1
    assert AccessGrant.objects.get(kind=GrantKind.GUARDIAN).ends_at == at("2028-06-01T00:00")
    child.birth_date = dt.date(2014, 6, 1)
    assert guardians_follow_birth_date(by=SYSTEM, patient=child) == 0
    assert AccessGrant.objects.get(kind=GrantKind.GUARDIAN).ends_at == at("2028-06-01T00:00")


@pytest.mark.promise("P21")
def test_a_birth_date_corrected_on_the_record_is_followed_at_once(anas: Kept, ana: User, guardian: User) -> None:
    grant_open(by=SYSTEM, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    patient_update(by=ana.actor, patient_id=anas.id, birth_date=dt.date(1991, 5, 5), why=Basis.ERROR_CORRECTION)
    assert may_open(by=guardian.actor, patient_id=anas.id, purpose=CARE) is None


def test_nobody_becomes_a_guardian_of_somebody_whose_birth_date_cannot_be_read(guardian: User) -> None:
    from tests.records.building import broken

    child = minor(dt.date(2015, 6, 1))
    broken(Patient, "birth_date", pk=child.pk)
    with pytest.raises(DomainError) as refused:
        guardian_grant(by=SYSTEM, patient_id=child.pk, account_id=guardian.pk)
    assert refused.value.code == "birth_date_unreadable"
    assert not AccessGrant.objects.exists()


def test_a_guardian_of_a_patient_who_is_not_there_is_refused(guardian: User) -> None:
    with pytest.raises(NotVisible):
        guardian_grant(by=SYSTEM, patient_id=uuid4(), account_id=guardian.pk)


@pytest.mark.promise("P21")
def test_a_guardian_who_may_only_see_reads_everything_but_private_answers_and_changes_nothing(
    anas: Kept, guardian: User
) -> None:
    """FIELD_FAULTS 75: view-only for 30 days; what they do stands on the log."""
    by = guardian.actor
    grant_open(
        by=SYSTEM, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk, scope=GrantScope.VIEW,
        ends_at=timezone.now() + dt.timedelta(days=30),
    )
    record = vault.open_record(by=by, patient_id=anas.id, purpose=CARE)
    assert "pregnant" not in record.encounters[0].answers_by_question
    assert record.encounters[0].messages
    messages_read(by=by, encounter_id=anas.encounter.pk)
    for deed in (
        lambda: message_send(by=by, encounter_id=anas.encounter.pk, body="Hello", form_key=uuid4()),
        lambda: patient_update(by=by, patient_id=anas.id, phone="(320) 555-0100"),
        lambda: encounter_open(by=by, patient_id=anas.id, concern="acne"),
    ):
        with pytest.raises(NotVisible):
            deed()
    acts = AccessEvent.objects.filter(actor_id=guardian.pk)
    assert acts.filter(action=Action.DENIED).count() == 3
    assert acts.filter(action=Action.VIEW, basis="grant:guardian", subject_id=anas.id).exists()


def test_a_guardian_with_the_full_scope_writes_for_the_child(anas: Kept, guardian: User) -> None:
    grant_open(by=SYSTEM, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    sent = message_send(by=guardian.actor, encounter_id=anas.encounter.pk, body="Hello", form_key=uuid4())
    assert sent.author_id == guardian.pk


def test_a_new_scope_takes_the_place_of_the_one_before(anas: Kept, guardian: User) -> None:
    for scope in (GrantScope.ACT, GrantScope.VIEW):
        grant_open(
            by=SYSTEM, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk, scope=scope
        )
    assert may_open(by=guardian.actor, patient_id=anas.id, purpose=CARE, looking=True) is GrantKind.GUARDIAN
    assert may_open(by=guardian.actor, patient_id=anas.id, purpose=CARE) is None


def test_only_a_guardians_grant_may_be_to_see_only(anas: Kept, clinician: User) -> None:
    with pytest.raises(ValueError, match="see only"):
        grant_open(
            by=SYSTEM, patient_id=anas.id, kind=GrantKind.CARE_TEAM, account_id=clinician.pk, scope=GrantScope.VIEW
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessGrant.objects.filter(kind=GrantKind.SELF).update(scope=GrantScope.VIEW)


# --- The care team -------------------------------------------------------------------------------------------


@pytest.mark.promise("P21")
def test_the_care_team_gets_in_by_assignment_and_out_after_the_follow_up(ana: User, clinician: User) -> None:
    consult = consults.waiting(ana)

    def opens() -> bool:
        return may_open(
            by=clinician.actor, patient_id=consult.patient_id, purpose=CARE, whole=True
        ) is GrantKind.CARE_TEAM

    assert not opens()
    consults.services.consult_take(by=clinician.actor, consult_id=consult.pk)
    assert opens()
    consults.write_plan(clinician, consult)
    consults.services.consult_answer(by=clinician.actor, consult_id=consult.pk)
    with clock.travel(timezone.now() + dt.timedelta(days=400), tick=False):
        assert opens(), "an open case stays with whoever has it"
    consult_close(by=clinician.actor, consult_id=consult.pk)
    closed = timezone.now()
    with clock.travel(closed + dt.timedelta(days=settings.CARE_TEAM_FOLLOW_UP_DAYS, minutes=-5), tick=False):
        assert opens()
    with clock.travel(closed + dt.timedelta(days=settings.CARE_TEAM_FOLLOW_UP_DAYS, minutes=5), tick=False):
        assert not opens()
        with pytest.raises(NotVisible):
            vault.open_photo(
                by=clinician.actor, photo_id=consult.encounter.photos.first().pk, variant="thumb", purpose=CARE
            )


@pytest.mark.promise("P21")
def test_a_case_that_is_put_back_closes_at_once(ana: User, clinician: User) -> None:
    consult = consults.taken(ana, clinician)
    consult_release(by=clinician.actor, consult_id=consult.pk)
    assert may_open(by=clinician.actor, patient_id=consult.patient_id, purpose=CARE, whole=True) is None


# --- Looking for a patient -----------------------------------------------------------------------------------


@pytest.mark.promise("P21", "P11")
def test_only_clinicians_and_officers_may_look_for_patients(
    ana: User, guardian: User, clinician: User, officer: User, support: User, owner: User
) -> None:
    found = {
        user.role: {purpose.value for purpose in Purpose if may_find(by=user.actor, purpose=purpose)}
        for user in (ana, guardian, clinician, officer, support, owner)
    }
    assert found == {
        Role.PATIENT: set(), Role.GUARDIAN: set(), Role.SUPPORT: set(), Role.OWNER: set(),
        Role.CLINICIAN: {"care", "safety"}, Role.OFFICER: {"operations", "legal_duty"},
    }
    assert not any(may_find(by=nobody, purpose=CARE) for nobody in (ANONYMOUS, SYSTEM))


@pytest.mark.promise("P21")
def test_a_hit_shows_name_and_birth_date_opens_nothing_else_and_stands_on_the_log(
    anas: Kept, other_clinician: User, support: User
) -> None:
    by = other_clinician.actor
    cards = open_found_cards(by=by, patient_ids=[anas.id, uuid4()], purpose=CARE)
    assert [card.full_name for card in cards.values()] == ["Ana Okafor"]
    event = AccessEvent.objects.get(action=Action.SEARCH)
    assert (event.subject_id, event.basis, event.actor_id) == (anas.id, "grant:search", other_clinician.pk)
    assert may_open(by=by, patient_id=anas.id, purpose=CARE, looking=True) is None
    with pytest.raises(NotVisible):
        open_found_cards(by=support.actor, patient_ids=[anas.id], purpose=Purpose.SUPPORT)


@pytest.mark.parametrize("kind", [GrantKind.SEARCH, GrantKind.PORTAL])
def test_a_search_and_the_portal_never_become_rows(kind: GrantKind, anas: Kept, clinician: User) -> None:
    with pytest.raises(ValueError, match="no grant"):
        grant_open(by=SYSTEM, patient_id=anas.id, kind=kind, account_id=clinician.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessGrant.objects.filter(kind=GrantKind.SELF).update(kind=kind)


def test_closing_a_grant_twice_closes_it_once(anas: Kept, clinician: User) -> None:
    closed = [grant_close(by=SYSTEM, patient_id=anas.id, kind=GrantKind.CARE_TEAM) for _ in range(2)]
    assert closed == [1, 0]
