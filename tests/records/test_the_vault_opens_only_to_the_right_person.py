"""Every way into the vault, with every persona: only a grant opens, and every look is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine as clock
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.audit.services import verify_row
from portal.context import ANONYMOUS, SYSTEM, Actor
from portal.errors import NotVisible
from portal.permissions import Purpose, Role
from records import vault
from records.access import grant_close, grant_open, may_open, patients_of, visible_patients
from records.history.models import Section
from records.people.models import AccessGrant, GrantKind
from tests.records.building import Kept, filled, person, photo

pytestmark = pytest.mark.django_db
Opening = Callable[[Actor, Kept, Purpose], Any]


OPENINGS: dict[str, Opening] = {
    "open_patient": lambda by, kept, why: vault.open_patient(by=by, patient_id=kept.id, purpose=why),
    "open_encounter": lambda by, kept, why: vault.open_encounter(by=by, encounter_id=kept.encounter.pk, purpose=why),
    "open_case": lambda by, kept, why: vault.open_case(by=by, encounter_id=kept.encounter.pk, purpose=why),
    "photo_list": lambda by, kept, why: vault.photo_list(by=by, encounter_id=kept.encounter.pk, purpose=why),
    "open_thread": lambda by, kept, why: vault.open_thread(by=by, encounter_id=kept.encounter.pk, purpose=why),
    "open_plan": lambda by, kept, why: vault.open_plan(by=by, encounter_id=kept.encounter.pk, purpose=why),
    "open_routine": lambda by, kept, why: vault.open_routine(
        by=by, patient_id=kept.id, encounter_id=kept.encounter.pk, purpose=why
    ),
    "open_assessment": lambda by, kept, why: vault.open_assessment(by=by, encounter_id=kept.encounter.pk, purpose=why),
    "open_record": lambda by, kept, why: vault.open_record(by=by, patient_id=kept.id, purpose=why),
    "open_changes": lambda by, kept, why: vault.open_changes(by=by, patient_id=kept.id, purpose=why),
    "open_sections": lambda by, kept, why: (
        vault.open_sections(by=by, patient_id=kept.id, purpose=why) is not None
    ),
    "open_section": lambda by, kept, why: vault.open_section(
        by=by, patient_id=kept.id, section=Section.ALLERGIES, purpose=why
    ),
    "open_timeline": lambda by, kept, why: vault.open_timeline(by=by, patient_id=kept.id, purpose=why),
    "open_photo": lambda by, kept, why: vault.open_photo(by=by, photo_id=kept.photo.pk, variant="image", purpose=why),
    "thumb": lambda by, kept, why: vault.open_photo(by=by, photo_id=kept.photo.pk, variant="thumb", purpose=why),
}
LISTS: dict[str, Opening] = {
    "open_case_cards": lambda by, kept, why: vault.open_case_cards(
        by=by, encounter_ids=[kept.encounter.pk], purpose=why
    ),
    "open_person_cards": lambda by, kept, why: vault.open_person_cards(by=by, patient_ids=[kept.id], purpose=why),
}
WAYS = {**OPENINGS, **LISTS}
# Tried elsewhere: a search opens no record (test_finding_a_patient.py), and a number is uncovered only for
# care, with a trace of its own (test_the_sections_of_a_record.py).
ELSEWHERE = {
    "search_patients", "same_person_hints", "reveal_identifier", "open_notes", "open_disclosures", "open_consents",
}


def test_each_function_of_the_vault_is_tried_here() -> None:
    functions = {name for name in vault.__all__ if name[0].islower()}
    assert functions == set(WAYS) - {"thumb"} | ELSEWHERE


def opens(way: str, by: Actor, kept: Kept, why: Purpose) -> bool:
    """Whether this way leads to content."""
    try:
        return bool(WAYS[way](by, kept, why)) or way == "open_changes"
    except NotVisible:
        return False


@pytest.mark.promise("P21", "P11")
@pytest.mark.parametrize("way", WAYS)
def test_only_those_with_a_grant_open_a_record(
    way: str, anas: Kept, ana: User, ben: User, guardian: User, clinician: User, other_clinician: User,
    support: User, officer: User, owner: User,
) -> None:
    assert opens(way, ana.actor, anas, Purpose.CARE)
    assert opens(way, clinician.actor, anas, Purpose.CARE)
    assert opens(way, SYSTEM, anas, Purpose.LEGAL_DUTY)
    for stranger in (ben, guardian, other_clinician, support, officer, owner):
        for why in Purpose:
            assert not opens(way, stranger.actor, anas, why), (stranger.role, why)
    assert not opens(way, ANONYMOUS, anas, Purpose.CARE)


@pytest.mark.promise("P11")
@pytest.mark.parametrize("way", WAYS)
def test_a_grant_serves_only_its_purposes(way: str, anas: Kept, ana: User, clinician: User, officer: User) -> None:
    grant_open(by=officer.actor, patient_id=anas.id, kind=GrantKind.REQUEST, account_id=officer.pk, reference=uuid4())
    everybody = (ana.actor, clinician.actor, officer.actor, SYSTEM)
    served = {
        why.value: {who.role for who in everybody if opens(way, who, anas, why)}
        for why in Purpose
    }
    patient, cares, desk, portal = Role.PATIENT, Role.CLINICIAN, Role.OFFICER, Role.SYSTEM
    assert served == {
        "care": {patient, cares, portal}, "operations": {desk, portal}, "communicating": {patient, cares, portal},
        "tailoring": {patient}, "support": set(), "marketing": set(), "abuse": set(), "legal_process": set(),
        "merger": {portal}, "safety": {cares}, "legal_duty": {desk, portal},
    }


@pytest.mark.parametrize("way", WAYS)
def test_a_grant_opens_from_its_start_to_its_end(
    way: str, anas: Kept, clinician: User, other_clinician: User
) -> None:
    start = timezone.now() + timedelta(hours=1)
    grant_open(
        by=clinician.actor, patient_id=anas.id, kind=GrantKind.CARE_TEAM, account_id=other_clinician.pk,
        starts_at=start, ends_at=start + timedelta(hours=1),
    )
    assert not opens(way, other_clinician.actor, anas, Purpose.CARE)
    with clock.travel(start + timedelta(minutes=1), tick=False):
        assert opens(way, other_clinician.actor, anas, Purpose.CARE)
    with clock.travel(start + timedelta(hours=1), tick=False):
        assert not opens(way, other_clinician.actor, anas, Purpose.CARE)


@pytest.mark.promise("P21")
@pytest.mark.parametrize("way", WAYS)
def test_each_look_is_written_down_with_who_what_and_why(way: str, anas: Kept, clinician: User) -> None:
    before = AccessEvent.objects.count()
    WAYS[way](clinician.actor, anas, Purpose.CARE)
    event = AccessEvent.objects.order_by("-number").first()
    assert AccessEvent.objects.count() == before + 1
    assert event is not None
    assert (event.actor_id, event.subject_id, event.purpose) == (clinician.pk, anas.id, "care")
    assert event.basis == "grant:care_team"
    assert event.action in ("view", "list")
    assert event.object_id in {anas.id, anas.encounter.pk, anas.photo.pk}


@pytest.mark.promise("P21")
@pytest.mark.parametrize("way", WAYS)
def test_the_trace_is_committed_before_content_is_read(way: str, anas: Kept, ana: User) -> None:
    with CaptureQueriesContext(connection, ) as captured:
        WAYS[way](ana.actor, anas, Purpose.CARE)
    statements = [query["sql"] for query in captured.captured_queries]
    trace = next(i for i, sql in enumerate(statements) if 'INTO "audit_accessevent"' in sql)
    sealed = ('"given_name"', '"value"', '"body"', '"letter"', '"diagnosis_text"')
    read_early = [sql for sql in statements[:trace] if any(name in sql for name in sealed)]
    assert not read_early


@pytest.mark.promise("P21")
@pytest.mark.parametrize("way", WAYS)
def test_no_trace_no_read(way: str, anas: Kept, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_options: Any) -> None:
        raise IntegrityError("the log is full")

    monkeypatch.setattr("portal.audit.services._insert", fails)
    monkeypatch.setattr("portal.crypto.values.unseal", lambda *_a, **_o: pytest.fail("content was opened"))
    with pytest.raises(IntegrityError):
        WAYS[way](ana.actor, anas, Purpose.CARE)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_opens_inside_a_transaction_that_could_roll_the_trace_back(way: str, anas: Kept, ana: User) -> None:
    from django.db import transaction

    with transaction.atomic(), pytest.raises(RuntimeError):
        WAYS[way](ana.actor, anas, Purpose.CARE)


@pytest.mark.promise("P21")
def test_a_refused_look_is_written_down_and_is_no_look(anas: Kept, ben: User) -> None:
    with pytest.raises(NotVisible):
        vault.open_record(by=ben.actor, patient_id=anas.id, purpose=Purpose.CARE)
    denied = AccessEvent.objects.get(action=Action.DENIED)
    assert (denied.actor_id, denied.subject_id) == (ben.pk, anas.id)


def test_a_made_up_id_leaves_no_person_in_the_log(ben: User) -> None:
    with pytest.raises(NotVisible):
        vault.open_record(by=ben.actor, patient_id=uuid4(), purpose=Purpose.CARE)
    assert AccessEvent.objects.get(action=Action.DENIED).subject_id is None


def test_access_is_one_query(anas: Kept, ana: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert may_open(by=ana.actor, patient_id=anas.id, purpose=Purpose.CARE) is GrantKind.SELF


@pytest.mark.promise("P21")
def test_the_queue_shows_a_waiting_case_without_contact_and_messages(
    anas: Kept, ana: User, clinician: User, other_clinician: User
) -> None:
    from records.people.services import patient_update

    patient_update(by=ana.actor, patient_id=anas.id, phone="(320) 555-0199", address={"city": "Sartell"})
    grant_open(by=SYSTEM, patient_id=anas.id, kind=GrantKind.QUEUE, role=Role.CLINICIAN, reference=uuid4())
    by = other_clinician.actor
    assert may_open(by=by, patient_id=anas.id, purpose=Purpose.CARE) is GrantKind.QUEUE
    shown = vault.open_patient(by=by, patient_id=anas.id, purpose=Purpose.CARE)
    assert shown.full_name == "Ana Okafor" and not shown.phone and not shown.address
    case = vault.open_case(by=by, encounter_id=anas.encounter.pk, purpose=Purpose.CARE)
    assert case.encounter.answers and case.encounter.photos
    assert not case.encounter.messages and case.encounter.plan is None
    assert vault.open_photo(by=by, photo_id=anas.photo.pk, variant="thumb", purpose=Purpose.CARE)
    for way in ("open_record", "open_thread", "open_plan", "open_assessment", "open_changes"):
        assert not opens(way, by, anas, Purpose.CARE), way
    assert not may_open(by=by, patient_id=anas.id, purpose=Purpose.COMMUNICATING)


@pytest.mark.promise("P21")
def test_the_queue_opens_no_episode_that_does_not_wait(anas: Kept, other_clinician: User, ana: User) -> None:
    grant_open(by=SYSTEM, patient_id=anas.id, kind=GrantKind.QUEUE, role=Role.CLINICIAN, reference=uuid4())
    anas.encounter.closed_at = timezone.now()
    anas.encounter.save()
    for way in ("open_encounter", "open_case", "photo_list", "open_photo", "thumb"):
        assert not opens(way, other_clinician.actor, anas, Purpose.CARE), way


def test_a_role_that_changed_takes_its_grants_with_it(anas: Kept, clinician: User) -> None:
    assert may_open(by=clinician.actor, patient_id=anas.id, purpose=Purpose.CARE)
    assert may_open(by=Actor(clinician.pk, Role.SUPPORT), patient_id=anas.id, purpose=Purpose.CARE) is None


@pytest.mark.promise("P47")
def test_a_guardian_does_not_see_private_answers(anas: Kept, guardian: User, ana: User, clinician: User) -> None:
    grant_open(by=ana.actor, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)

    def asked(by: User) -> set[str]:
        shown = vault.open_encounter(by=by.actor, encounter_id=anas.encounter.pk, purpose=Purpose.CARE)
        return {answer.question_id for answer in shown.answers}

    assert asked(guardian) == {"where", "since"}
    assert asked(ana) == asked(clinician) == {"where", "since", "pregnant"}


def test_a_patient_reads_a_plan_only_once_it_is_signed(ana: User, clinician: User) -> None:
    from records.encounters.services import encounter_open
    from records.plans.services import plan_save, plan_sign
    from tests.records.building import care

    patient = person(ana)
    care(patient, clinician)
    encounter = encounter_open(by=ana.actor, patient_id=patient.pk, concern="acne")
    plan_save(by=clinician.actor, encounter_id=encounter.pk, letter="Wash gently.")
    see = {"encounter_id": encounter.pk, "purpose": Purpose.CARE}
    assert vault.open_plan(by=ana.actor, **see) is None
    draft = vault.open_plan(by=clinician.actor, **see)
    assert draft is not None and draft.letter == "Wash gently."
    plan_sign(by=clinician.actor, encounter_id=encounter.pk)
    signed = vault.open_plan(by=ana.actor, **see)
    assert signed is not None and signed.signer == "Karin Lind"


@pytest.mark.promise("P21")
def test_same_name_and_birth_date_do_not_mix_two_people(ana: User, ben: User, clinician: User) -> None:
    """FIELD_FAULTS 15."""
    hers = filled(ana, clinician, patient=person(ana, given="John", family="Doe"), word="hers")
    his = filled(ben, clinician, patient=person(ben, given="John", family="Doe"), word="his")
    assert hers.id != his.id
    for kept, own, other in ((hers, ana, ben), (his, ben, ana)):
        record = vault.open_record(by=own.actor, patient_id=kept.id, purpose=Purpose.CARE)
        assert [encounter.id for encounter in record.encounters] == [kept.encounter.pk]
        word, strange = ("hers", " his'") if own is ana else (" his'", "hers")
        assert word in repr(record) and strange not in repr(record)
        assert patients_of(own.pk) == [kept.id]
        for way in WAYS:
            assert not opens(way, other.actor, kept, Purpose.CARE)


def test_lists_leave_out_whom_one_may_not_open(anas: Kept, bens: Kept, clinician: User) -> None:
    ids = [bens.encounter.pk, anas.encounter.pk, uuid4()]
    cards = vault.open_case_cards(by=clinician.actor, encounter_ids=ids, purpose=Purpose.CARE)
    assert [card.patient.full_name for card in cards] == ["Ana Okafor"]
    assert cards[0].unread == 1 and len(cards[0].photos) == 1 and cards[0].concern_label == "Acne"
    assert set(visible_patients(clinician.actor, purpose=Purpose.CARE).values_list("pk", flat=True)) == {anas.id}


@pytest.mark.promise("P21")
def test_a_list_leaves_one_sealed_row_for_each_person_shown(anas: Kept, bens: Kept, officer: User) -> None:
    for kept in (anas, bens):
        options: dict[str, Any] = {"kind": GrantKind.REQUEST, "account_id": officer.pk, "reference": uuid4()}
        grant_open(by=officer.actor, patient_id=kept.id, **options)
    ids = [anas.id, bens.id]
    cards = vault.open_person_cards(by=officer.actor, patient_ids=ids, purpose=Purpose.LEGAL_DUTY)
    assert {card.full_name for card in cards.values()} == {"Ana Okafor", "Ben Tran"}
    events = list(AccessEvent.objects.filter(action=Action.LIST))
    assert {event.subject_id for event in events} == set(ids) and len(events) == 2
    assert all(map(verify_row, events)) and {event.basis for event in events} == {"grant:request"}


def test_a_list_page_takes_as_many_queries_for_twenty_as_for_one(
    anas: Kept, clinician: User, ana: User, django_assert_num_queries: Any
) -> None:
    from records.encounters.services import encounter_open

    more = [encounter_open(by=ana.actor, patient_id=anas.id, concern="acne").pk for _ in range(20)]

    def queries(ids: list[Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            cards = vault.open_case_cards(by=clinician.actor, encounter_ids=ids, purpose=Purpose.CARE)
        assert len(cards) == len(ids)
        return len(captured)

    assert queries([anas.encounter.pk]) == queries([anas.encounter.pk, *more])


def test_my_record_takes_at_most_twelve_queries_however_much_there_is(anas: Kept, ana: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            vault.open_record(by=ana.actor, patient_id=anas.id, purpose=Purpose.CARE)
        return len([q for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]])

    one = queries()
    for view in ("left", "right", "chest"):
        photo(anas.encounter, view=view)
    filled_more = queries()
    assert one == filled_more <= 12


class TestGrants:
    def test_opening_twice_gives_one_grant_and_one_line_in_the_log(self, ana: User, clinician: User) -> None:
        patient, case = person(ana), uuid4()
        options: dict[str, Any] = {"patient_id": patient.pk, "kind": GrantKind.CARE_TEAM, "account_id": clinician.pk}
        first = grant_open(by=clinician.actor, reference=case, **options)
        again = grant_open(by=clinician.actor, reference=case, **options)
        assert first == again
        assert AccessEvent.objects.filter(action=Action.GRANT, object_id=first.pk).count() == 1

    def test_closing_ends_only_what_it_names(self, ana: User, clinician: User, other_clinician: User) -> None:
        patient, one, two = person(ana), uuid4(), uuid4()
        for who, case in ((clinician, one), (other_clinician, two)):
            grant_open(
                by=clinician.actor, patient_id=patient.pk, kind=GrantKind.CARE_TEAM, account_id=who.pk, reference=case
            )
        closed = grant_close(by=clinician.actor, patient_id=patient.pk, kind=GrantKind.CARE_TEAM, reference=one)
        assert closed == 1
        assert may_open(by=clinician.actor, patient_id=patient.pk, purpose=Purpose.CARE) is None
        assert may_open(by=other_clinician.actor, patient_id=patient.pk, purpose=Purpose.CARE)
        assert may_open(by=ana.actor, patient_id=patient.pk, purpose=Purpose.CARE)

    def test_closing_later_never_makes_a_grant_longer(self, ana: User, clinician: User) -> None:
        patient, soon = person(ana), timezone.now() + timedelta(minutes=30)
        options: dict[str, Any] = {"by": clinician.actor, "patient_id": patient.pk, "kind": GrantKind.BREAK_GLASS}
        grant_open(account_id=clinician.pk, ends_at=soon, **options)
        assert grant_close(at=soon + timedelta(days=30), **options) == 0
        assert AccessGrant.objects.get(kind=GrantKind.BREAK_GLASS).ends_at == soon

    def test_a_follow_up_time_ends_by_itself(self, ana: User, clinician: User) -> None:
        patient = person(ana)
        options: dict[str, Any] = {"by": clinician.actor, "patient_id": patient.pk, "kind": GrantKind.CARE_TEAM}
        grant_open(account_id=clinician.pk, **options)
        end = timezone.now() + timedelta(days=30)
        assert grant_close(at=end, **options) == 1
        assert may_open(by=clinician.actor, patient_id=patient.pk, purpose=Purpose.CARE)
        with clock.travel(end, tick=False):
            assert may_open(by=clinician.actor, patient_id=patient.pk, purpose=Purpose.CARE) is None

    @pytest.mark.parametrize(
        "named", [{}, {"account_id": uuid4(), "role": Role.CLINICIAN}, {"role": Role.OFFICER, "kind": GrantKind.SELF}]
    )
    def test_a_grant_to_nobody_or_to_a_whole_role_outside_the_queue_is_refused(
        self, named: dict[str, Any], ana: User
    ) -> None:
        patient = person(ana)
        with pytest.raises(ValueError):
            grant_open(**{"by": SYSTEM, "patient_id": patient.pk, "kind": GrantKind.CARE_TEAM, **named})

    def test_the_portal_holds_no_grants(self, ana: User) -> None:
        patient = person(ana)
        with pytest.raises(ValueError):
            grant_open(by=SYSTEM, patient_id=patient.pk, kind=GrantKind.PORTAL, account_id=uuid4())
        with pytest.raises(IntegrityError):
            AccessGrant.objects.create(
                patient=patient, kind=GrantKind.PORTAL, account_id=uuid4(), starts_at=timezone.now()
            )
