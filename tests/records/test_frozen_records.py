"""A frozen record: kept, looked at by its family, opened for a request, and used for nothing else (P47, P48)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM, Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from records import vault
from records.access import grant_open, kinds_by_patient, may_open, patients_of, visible_ids
from records.freezing.models import Freeze
from records.freezing.selectors import frozen_of, is_frozen
from records.freezing.services import freeze, freeze_lift
from records.messages.services import message_send
from records.models import FreezeReason, GrantKind, GrantScope
from records.people.services import patient_update
from records.vault.statistics import open_case_facts
from tests.records.building import Kept, allergy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P47", "P48", "P21")]


def frozen(patient_id: Any, **more: Any) -> Freeze:
    return freeze(
        by=SYSTEM, patient_id=patient_id, **{"reason": FreezeReason.STOP_USING, "reference": uuid4(), **more}
    )


def opens(by: Actor, patient_id: Any, purpose: Purpose = Purpose.CARE, **more: Any) -> Any:
    return may_open(by=by, patient_id=patient_id, purpose=purpose, **more)


def test_care_teams_the_queue_and_emergencies_find_it_closed(
    anas: Kept, clinician: User, other_clinician: User
) -> None:
    for kind in (GrantKind.BREAK_GLASS, GrantKind.CARE_TEAM):
        grant_open(
            by=other_clinician.actor, patient_id=anas.id, kind=kind, account_id=other_clinician.pk, reference=uuid4()
        )
    grant_open(by=SYSTEM, patient_id=anas.id, kind=GrantKind.QUEUE, role="clinician", reference=uuid4())
    assert opens(clinician.actor, anas.id) and opens(other_clinician.actor, anas.id)
    frozen(anas.id)
    for by in (clinician.actor, other_clinician.actor):
        for purpose in (Purpose.CARE, Purpose.SAFETY, Purpose.COMMUNICATING):
            for looking in (True, False):
                assert opens(by, anas.id, purpose, looking=looking) is None
        assert kinds_by_patient(by=by, patient_ids={anas.id}, purpose=Purpose.CARE) == {}
        assert not visible_ids(by, purpose=Purpose.CARE).exists()
    with pytest.raises(NotVisible):
        vault.open_record(by=clinician.actor, patient_id=anas.id, purpose=Purpose.CARE)
    assert AccessEvent.objects.filter(action=Action.DENIED, actor_id=clinician.pk, subject_id=anas.id).exists()


def test_the_family_looks_and_does_nothing(anas: Kept, ana: User, guardian: User) -> None:
    grant_open(by=ana.actor, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    frozen(anas.id)
    for user in (ana, guardian):
        assert vault.open_record(by=user.actor, patient_id=anas.id, purpose=Purpose.CARE).patient.given_name == "Ana"
        assert patients_of(user.pk) == [anas.id]
        with pytest.raises(NotVisible):
            allergy(user, anas.patient)
        with pytest.raises(NotVisible):
            message_send(by=user.actor, encounter_id=anas.encounter.pk, body="Hello", form_key=uuid4())
        with pytest.raises(NotVisible):
            patient_update(by=user.actor, patient_id=anas.id, phone="320 555 0100")


@pytest.mark.promise("P32")
def test_nothing_of_it_is_taken_along(anas: Kept, ana: User) -> None:
    frozen(anas.id)
    with pytest.raises(NotVisible):
        vault.open_record(by=ana.actor, patient_id=anas.id, purpose=Purpose.COMMUNICATING, action=Action.EXPORT)
    assert vault.open_photo(by=ana.actor, photo_id=anas.photo.pk, variant="thumb", purpose=Purpose.CARE)


def test_a_right_can_be_used_all_the_same_by_who_may_act(anas: Kept, ana: User, guardian: User, ben: User) -> None:
    grant_open(
        by=ana.actor, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk, scope=GrantScope.VIEW
    )
    frozen(anas.id)
    assert opens(ana.actor, anas.id, Purpose.COMMUNICATING, rights=True) == GrantKind.SELF
    assert opens(guardian.actor, anas.id, Purpose.COMMUNICATING, rights=True) is None, "who may only see"
    assert opens(ben.actor, anas.id, Purpose.COMMUNICATING, rights=True) is None


def test_the_officer_who_handles_a_request_and_the_archive_still_open_it(anas: Kept, officer: User) -> None:
    frozen(anas.id)
    grant_open(
        by=officer.actor, patient_id=anas.id, kind=GrantKind.REQUEST, account_id=officer.pk, reference=uuid4()
    )
    assert opens(officer.actor, anas.id, Purpose.LEGAL_DUTY, whole=True) == GrantKind.REQUEST
    allowed = {purpose.value for purpose in Purpose if opens(SYSTEM, anas.id, purpose)}
    assert allowed == {"legal_duty", "communicating"}, "kept and written about, not used"


@pytest.mark.promise("P10")
def test_statistics_leave_it_out(anas: Kept, bens: Kept) -> None:
    frozen(anas.id)
    facts = open_case_facts(
        by=SYSTEM, encounter_ids=[anas.encounter.pk, bens.encounter.pk], questions=["where"],
        purpose=Purpose.OPERATIONS,
    )
    assert [one.encounter_id for one in facts] == [bens.encounter.pk]


def test_each_cause_freezes_once_and_the_record_thaws_with_the_last(anas: Kept, officer: User) -> None:
    report, request = uuid4(), uuid4()
    first = frozen(anas.id, reason=FreezeReason.CHILD_REPORT, reference=report)
    assert frozen(anas.id, reference=report).pk == first.pk
    second = frozen(anas.id, reference=request)
    assert Freeze.objects.count() == 2 and frozen_of([anas.id]) == {anas.id}
    freeze_lift(by=officer.actor, freeze_id=first.pk, note="The parent had agreed.")
    assert is_frozen(anas.id)
    freeze_lift(by=officer.actor, freeze_id=second.pk, note="They changed their mind.")
    assert not is_frozen(anas.id)
    assert frozen(anas.id, reference=report).lifted_at and not is_frozen(anas.id), "looked into already"
    log = AccessEvent.objects.filter(object_kind="records.freeze", subject_id=anas.id).order_by("pk")
    assert [row.basis for row in log] == [
        "freeze:child_report", "freeze:stop_using", "freeze:child_report", "freeze:stop_using"
    ]


def test_lifting_needs_the_officer_and_a_reason_and_is_done_once(anas: Kept, officer: User, clinician: User) -> None:
    row = frozen(anas.id)
    with pytest.raises(NotVisible):
        freeze_lift(by=clinician.actor, freeze_id=row.pk, note="x")
    with pytest.raises(DomainError) as refused:
        freeze_lift(by=officer.actor, freeze_id=row.pk, note="  ")
    assert refused.value.code == "note_missing"
    with pytest.raises(NotVisible):
        freeze_lift(by=officer.actor, freeze_id=uuid4(), note="x")
    first = freeze_lift(by=officer.actor, freeze_id=row.pk, note="They changed their mind.")
    again = freeze_lift(by=officer.actor, freeze_id=row.pk, note="Something else")
    assert again.lifted_at == first.lifted_at and Freeze.objects.get().lift_note == "They changed their mind."


def test_the_database_takes_no_other_reason_and_no_half_lift(anas: Kept) -> None:
    row = frozen(anas.id)
    for changes in ({"reason": "because"}, {"lifted_at": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Freeze.objects.filter(pk=row.pk).update(**changes)


def test_nobody_freezes_what_is_not_there() -> None:
    with pytest.raises(NotVisible):
        frozen(uuid4())


def test_asking_takes_as_many_queries_as_without_a_freeze(
    anas: Kept, clinician: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        opens(clinician.actor, anas.id)
    frozen(anas.id)
    with django_assert_num_queries(1):
        opens(clinician.actor, anas.id)
