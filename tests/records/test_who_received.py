"""P11, P14: each release is a row that nobody changes; what goes out is asked first (RULES 1.28-1.35, 4.1-4.4)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from portal.errors import DomainError, NotAllowed, NotVisible
from portal.permissions import Purpose
from portal.subjects import Subject
from records.disclosures.models import COUNTED, NEEDS_CONSENT, SIGNED, Disclosure, DisclosureBasis, Suspension
from records.disclosures.recipients import recipient_key
from records.disclosures.selectors import disclosures_of, hidden_objects, recipients_since
from records.disclosures.services import (
    Entry,
    disclosure_record,
    disclosures_record_many,
    may_release,
    may_release_many,
    suspension_lift,
    suspension_record,
)
from records.freezing.models import Freeze, FreezeReason
from records.models import Patient
from records.people.merge import patient_rows_move
from records.personal_data import archive_for, erase_for
from records.releases.models import ConsentKind
from records.releases.services import consent_give, consent_revoke
from records.restrictions.models import RecipientKind, Restriction, RestrictionBasis
from records.vault import open_consents, open_disclosures
from records.vault.given import given_each, given_grouped
from tests.consults import building

pytestmark = pytest.mark.django_db
B = DisclosureBasis
TODAY = dt.date(2026, 11, 25)


@pytest.fixture
def anas(ana: User) -> Patient:
    return building.person(ana)


def given(patient: Patient, by: User, **more: Any) -> Disclosure:
    wanted = {
        "purpose": Purpose.LEGAL_DUTY, "basis": B.LAW, "recipient": "Minnesota Department of Health",
        "recipient_address": "625 Robert Street N, Saint Paul", "what": "Lab result", "on": today(), **more,
    }
    return disclosure_record(by=by.actor, subject_id=patient.pk, **wanted)


def consent(patient: Patient, by: User, **more: Any) -> Any:
    wanted = {
        "kind": ConsentKind.PROVIDER, "recipient": "Lakeside Family Practice", "what": "My whole record",
        "signed_name": "Ana Okafor", "form_key": uuid4(), **more,
    }
    return consent_give(by=by.actor, patient_id=patient.pk, **wanted)


# --- What the law counts, pure -----------------------------------------------------------------------------


@pytest.mark.promise("P34")
def test_the_nine_kinds_that_the_law_leaves_out_are_not_counted_and_all_others_are() -> None:
    left_out = {
        B.TREATMENT, B.PAYMENT, B.OPERATIONS, B.PROVIDER_HOLDS, B.EMERGENCY, B.BUSINESS_ASSOCIATE, B.ASSIGNMENT,
        B.REQUEST, B.AUTHORIZATION, B.FAMILY, B.NATIONAL_SECURITY, B.CUSTODY, B.LIMITED_DATA,
    }
    assert set(B) - left_out == COUNTED
    assert not SIGNED & NEEDS_CONSENT


def test_a_recipient_is_the_same_however_it_is_typed() -> None:
    same = {recipient_key(name) for name in ("St. Élan’s Clinic", "st elans  CLINIC", "St Elan's clinic")}
    assert len(same) == 1
    assert recipient_key("!!!") != recipient_key("???") and recipient_key("a", "b") != recipient_key("ab")


# --- The register ------------------------------------------------------------------------------------------


@pytest.mark.promise("P14")
def test_a_row_says_when_who_what_why_and_cannot_be_changed_or_removed(anas: Patient, officer: User) -> None:
    row = given(anas, officer)
    assert (row.on, row.purpose, row.basis, row.accountable) == (today(), "legal_duty", "law", True)
    deed = AccessEvent.objects.get(object_id=row.pk)
    assert (deed.action, deed.subject_id, deed.actor_id) == (Action.DISCLOSE, anas.pk, officer.pk)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Disclosure.objects.filter(pk=row.pk).update(on=TODAY)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        Disclosure.objects.filter(pk=row.pk).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(r)::text FROM records_disclosure AS r")
        line = cursor.fetchone()[0]
    assert "Health" not in line and "Robert" not in line and "Lab" not in line and str(row) == f"disclosure {row.pk}"


@pytest.mark.promise("P11")
def test_a_purpose_off_the_list_cannot_be_recorded_by_code_or_by_sql(anas: Patient, officer: User) -> None:
    with pytest.raises(ValueError, match="curiosity"):
        given(anas, officer, purpose="curiosity")
    with pytest.raises(ValueError, match="because"):
        given(anas, officer, basis="because")
    row = given(anas, officer)
    row.pk, row.purpose = uuid4(), "curiosity"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.promise("P11")
@pytest.mark.parametrize(
    ("purpose", "basis", "goes"),
    [
        (Purpose.MARKETING, B.AUTHORIZATION, True), (Purpose.MARKETING, B.LAW, False),
        (Purpose.MERGER, B.ASSIGNMENT, True), (Purpose.MERGER, B.OPERATIONS, False),
        (Purpose.OPERATIONS, B.ASSIGNMENT, False), (Purpose.LEGAL_PROCESS, B.LEGAL_PROCESS, True),
        (Purpose.CARE, B.LEGAL_PROCESS, False), (Purpose.CARE, B.TREATMENT, True),
    ],
)
def test_purpose_and_basis_go_together(
    purpose: Purpose, basis: DisclosureBasis, goes: bool, anas: Patient, officer: User
) -> None:
    if goes:
        assert given(anas, officer, purpose=purpose, basis=basis).purpose == purpose
    else:
        with pytest.raises(ValueError, match="does not go"):
            given(anas, officer, purpose=purpose, basis=basis)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"recipient": " "}, "recipient_missing"), ({"what": ""}, "what_missing"),
        ({"recipient": "x" * 301}, "too_long"), ({"on": dt.date(2999, 1, 1)}, "day_to_come"),
    ],
)
def test_what_is_not_whole_is_refused(more: dict[str, Any], code: str, anas: Patient, officer: User) -> None:
    with pytest.raises(DomainError) as refused:
        given(anas, officer, **more)
    assert refused.value.code == code and not Disclosure.objects.exists()


def test_nobody_unknown_gets_a_row(anas: Patient, officer: User) -> None:
    with pytest.raises(NotVisible):
        disclosure_record(
            by=officer.actor, subject_id=uuid4(), purpose=Purpose.LEGAL_DUTY, basis=B.LAW, recipient="X", what="Y",
            on=today(),
        )


def test_many_at_once_are_all_or_none_and_once_for_each_reference(
    anas: Patient, ben: User, officer: User
) -> None:
    bens, assignment = building.person(ben, given="Ben", family="Tran"), uuid4()

    def entries(*people: Any) -> list[Entry]:
        return [
            Entry(one, Purpose.MERGER, B.ASSIGNMENT, "New Clinic LLC", "The whole record", today(), "", assignment)
            for one in people
        ]

    with pytest.raises(NotVisible):
        disclosures_record_many(by=officer.actor, entries=entries(anas.pk, uuid4()), once=True)
    assert not Disclosure.objects.exists()
    assert len(disclosures_record_many(by=officer.actor, entries=entries(anas.pk), once=True)) == 1
    again = disclosures_record_many(by=officer.actor, entries=entries(anas.pk, bens.pk, bens.pk), once=True)
    assert [row.patient_id for row in again] == [bens.pk]
    assert AccessEvent.objects.filter(action=Action.DISCLOSE, purpose=Purpose.MERGER).count() == 2
    assert Disclosure.objects.filter(patient=anas).count() == 1


@pytest.mark.promise("P34")
def test_repeats_are_one_line_with_the_first_in_full_their_number_and_the_last_day(
    anas: Patient, officer: User, settings: Any
) -> None:
    for day in (3, 1, 2):
        given(anas, officer, on=TODAY - dt.timedelta(days=day), what=f"Report {day}")
    given(anas, officer, on=TODAY - dt.timedelta(days=9), recipient="Lakeside", basis=B.TREATMENT, purpose="care")
    settings.SEARCH_HMAC_KEY = ["a new key", *settings.SEARCH_HMAC_KEY]
    given(anas, officer, on=TODAY - dt.timedelta(days=5), what="Report 5")
    lines = given_grouped(anas.pk)
    seen = [(one.recipient, one.times, one.what, one.on, one.last_on, one.counted) for one in lines]
    health = "Minnesota Department of Health"
    assert seen == [
        (health, 4, "Report 5", TODAY - dt.timedelta(days=5), TODAY - dt.timedelta(days=1), True),
        ("Lakeside", 1, "Lab result", TODAY - dt.timedelta(days=9), TODAY - dt.timedelta(days=9), False),
    ]
    since = given_grouped(anas.pk, since=TODAY - dt.timedelta(days=2))
    assert [(one.times, one.what) for one in since] == [(2, "Report 2")]
    assert len(list(given_each(anas.pk))) == 5


# --- Consent (RULES 4.1-4.4) -------------------------------------------------------------------------------


@pytest.mark.promise("P14")
def test_care_by_others_needs_a_signed_consent_to_them_that_is_in_force(anas: Patient, ana: User) -> None:
    def may(recipient: str = "lakeside family PRACTICE", basis: DisclosureBasis = B.TREATMENT, **more: Any) -> bool:
        return may_release(subject_id=anas.pk, recipient=recipient, basis=basis, **more).allowed

    assert not may()
    row = consent(anas, ana)
    assert row.expires_on == dt.date(row.signed_on.year + 1, row.signed_on.month, row.signed_on.day)
    assert may() and may(on=row.expires_on) and not may(on=row.expires_on + dt.timedelta(days=1))
    assert not may("Another Practice") and not may(basis=B.PAYMENT)
    consent_revoke(by=ana.actor, consent_id=row.pk)
    assert not may()


def test_law_and_emergency_need_no_consent_and_a_mistake_is_never_allowed(anas: Patient) -> None:
    for basis in (B.LAW, B.EMERGENCY, B.PROVIDER_HOLDS, B.LEGAL_PROCESS, B.REQUEST, B.BUSINESS_ASSOCIATE):
        assert may_release(subject_id=anas.pk, recipient="X", basis=basis).allowed, basis
    for basis in (B.TREATMENT, B.PAYMENT, B.OPERATIONS, B.FAMILY, B.ASSIGNMENT, B.MISTAKE):
        assert not may_release(subject_id=anas.pk, recipient="X", basis=basis).allowed, basis


def test_a_limit_or_a_stop_goes_before_a_consent_and_a_law_before_both(anas: Patient, ana: User, officer: User) -> None:
    consent(anas, ana)

    def code(basis: DisclosureBasis = B.TREATMENT) -> str:
        return may_release(subject_id=anas.pk, recipient="Lakeside Family Practice", basis=basis).code

    assert code() == ""
    limit = Restriction.objects.create(
        patient_id=anas.pk, request_id=uuid4(), basis=RestrictionBasis.AGREED, recipient_kind=RecipientKind.PROVIDER,
        recipient="any doctor", what="everything", asked_at=timezone.now(), starts_at=timezone.now(),
    )
    assert (code(), code(B.PAYMENT), code(B.LAW), code(B.EMERGENCY)) == ("limited", "no_consent", "", "")
    limit.delete()
    Freeze.objects.create(
        patient_id=anas.pk, reason=FreezeReason.STOP_USING, reference=uuid4(), placed_by=officer.pk,
        placed_at=timezone.now(),
    )
    assert (code(), code(B.LEGAL_PROCESS), code(B.REQUEST)) == ("stopped", "", "")


def test_of_many_those_who_consented_may_go(anas: Patient, ana: User, ben: User) -> None:
    bens = building.person(ben, given="Ben", family="Tran")
    consent(anas, ana, kind=ConsentKind.NEW_OWNER, recipient="New Clinic LLC")
    may = may_release_many(subject_ids=[anas.pk, bens.pk], recipient="New Clinic LLC", basis=B.ASSIGNMENT)
    assert (may[anas.pk].allowed, may[bens.pk].allowed) == (True, False) and may[bens.pk].code == "no_consent"


def test_a_row_names_the_consent_it_stands_on_or_says_that_there_is_none(
    anas: Patient, ana: User, officer: User
) -> None:
    more = {"basis": B.TREATMENT, "purpose": Purpose.CARE, "recipient": "Lakeside Family Practice"}
    bare = given(anas, officer, **more)
    row = consent(anas, ana)
    with_it = given(anas, officer, **more)
    assert bare.without_consent and not with_it.without_consent and with_it.consent_id == row.pk
    assert not given(anas, officer, basis=B.REQUEST, purpose=Purpose.COMMUNICATING).without_consent
    notes = {view.id: view.note for view in given_each(anas.pk)}
    assert notes[bare.pk] == "Given without your signed consent." and notes[with_it.pk] == ""
    assert AccessEvent.objects.get(object_id=bare.pk).basis == "basis:treatment:no_consent"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"recipient": ""}, "recipient_missing"), ({"what": " "}, "what_missing"),
        ({"signed_name": ""}, "signed_name_missing"), ({"kind": ConsentKind.PERSON, "lasting": True}, "may_not_last"),
        ({"expires_on": dt.date(2020, 1, 1)}, "end_before_start"),
    ],
)
def test_a_consent_that_is_not_whole_is_refused(more: dict[str, Any], code: str, anas: Patient, ana: User) -> None:
    with pytest.raises(DomainError) as refused:
        consent(anas, ana, **more)
    assert refused.value.code == code


def test_a_consent_on_a_leap_day_ends_on_the_first_of_march(anas: Patient, ana: User, officer: User) -> None:
    with time_machine.travel(dt.datetime(2028, 3, 5, 12, tzinfo=dt.UTC)):
        row = consent(anas, officer, on_paper=True, signed_on=dt.date(2028, 2, 29))
    assert row.expires_on == dt.date(2029, 3, 1)


def test_to_a_doctor_or_insurer_it_may_last_and_five_presses_are_one(anas: Patient, ana: User) -> None:
    key = uuid4()
    rows = {consent(anas, ana, lasting=True, form_key=key).pk for _press in range(5)}
    assert len(rows) == 1
    assert may_release(
        subject_id=anas.pk, recipient="Lakeside Family Practice", basis=B.TREATMENT, on=dt.date(2040, 1, 1)
    ).allowed


def test_only_who_uses_the_record_consents_and_only_the_officer_writes_paper(
    anas: Patient, ana: User, ben: User, clinician: User, officer: User
) -> None:
    for user, paper in ((ben, False), (clinician, False), (clinician, True), (ben, True), (officer, False)):
        with pytest.raises(NotVisible):
            consent(anas, user, on_paper=paper)
    row = consent(anas, ana)
    with pytest.raises(NotVisible):
        consent_revoke(by=ben.actor, consent_id=row.pk)
    assert consent_revoke(by=officer.actor, consent_id=row.pk).revoked_by == officer.pk


# --- Suspensions (RULES 1.34, P34) -------------------------------------------------------------------------


def suspend(patient: Patient, officer: User, **more: Any) -> Suspension:
    wanted = {
        "kind": "written", "agency": "Wright County Sheriff", "official": "Sgt. Nelson",
        "statement": "Telling would impede the investigation", "form_key": uuid4(),
        "ends_on": today() + dt.timedelta(days=90), **more,
    }
    return suspension_record(by=officer.actor, subject_id=patient.pk, **wanted)


@pytest.mark.promise("P34")
def test_a_suspension_hides_its_entries_and_no_others_and_ends_by_itself(anas: Patient, officer: User) -> None:
    process = uuid4()
    hidden, other = given(anas, officer, reference=process), given(anas, officer, reference=uuid4())
    plain = given(anas, officer)
    row = suspend(anas, officer, reference=process)
    assert set(disclosures_of(anas.pk)) == {other, plain}
    assert set(disclosures_of(anas.pk, suspended=True)) == {hidden, other, plain}
    assert hidden_objects([anas.pk]) == {hidden.pk, process}
    later = dt.datetime.combine(row.ends_on, dt.time(12), dt.UTC)
    with time_machine.travel(later):
        assert set(disclosures_of(anas.pk)) == {other, plain}
    with time_machine.travel(later + dt.timedelta(days=1)):
        assert set(disclosures_of(anas.pk)) == {hidden, other, plain} and hidden_objects([anas.pk]) == set()
    one = suspend(anas, officer, disclosure_id=plain.pk)
    assert set(disclosures_of(anas.pk)) == {other}
    suspension_lift(by=officer.actor, suspension_id=one.pk)
    assert set(disclosures_of(anas.pk)) == {other, plain}


@pytest.mark.promise("P34")
def test_by_word_of_mouth_it_lasts_thirty_days_at_most_and_not_twice(anas: Patient, officer: User) -> None:
    entry = given(anas, officer)
    for days, code in ((31, "oral_too_long"), (-1, "end_past")):
        with pytest.raises(DomainError) as refused:
            suspend(anas, officer, kind="oral", disclosure_id=entry.pk, ends_on=today() + dt.timedelta(days=days))
        assert refused.value.code == code
    row = suspend(anas, officer, kind="oral", disclosure_id=entry.pk, ends_on=None)
    assert row.ends_on == today() + dt.timedelta(days=30)
    with pytest.raises(DomainError) as refused:
        suspend(anas, officer, kind="oral", disclosure_id=entry.pk, ends_on=None)
    assert refused.value.code == "oral_again"
    assert suspend(anas, officer, disclosure_id=entry.pk).kind == "written"
    with pytest.raises(DatabaseError), transaction.atomic():
        Suspension.objects.filter(pk=row.pk).update(ends_on=row.ends_on + dt.timedelta(days=1))


@pytest.mark.promise("P34")
@pytest.mark.parametrize("whole_first", [True, False])
def test_a_word_of_mouth_for_a_paper_and_one_for_its_entry_are_the_same_word(
    whole_first: bool, anas: Patient, officer: User
) -> None:
    process = uuid4()
    entry, other = given(anas, officer, reference=process), given(anas, officer)
    ways: list[dict[str, Any]] = [{"reference": process}, {"disclosure_id": entry.pk}]
    first, second = ways if whole_first else reversed(ways)
    suspend(anas, officer, kind="oral", ends_on=None, **first)
    with pytest.raises(DomainError) as refused:
        suspend(anas, officer, kind="oral", ends_on=None, **second)
    assert refused.value.code == "oral_again"
    assert suspend(anas, officer, kind="oral", ends_on=None, disclosure_id=other.pk).kind == "oral"


@pytest.mark.promise("P34")
def test_who_is_proposed_to_be_told_of_a_correction_leaves_out_what_is_suspended(anas: Patient, officer: User) -> None:
    hidden, plain = given(anas, officer, recipient="Sheriff"), given(anas, officer)
    row = suspend(anas, officer, disclosure_id=hidden.pk)
    assert recipients_since(anas.pk) == [plain]
    suspension_lift(by=officer.actor, suspension_id=row.pk)
    assert set(recipients_since(anas.pk)) == {hidden, plain}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"agency": ""}, "agency_missing"), ({"official": " "}, "official_missing"),
        ({"statement": ""}, "statement_missing"), ({"ends_on": None}, "end_missing"),
    ],
)
def test_who_asked_and_what_was_said_is_written_down(
    more: dict[str, Any], code: str, anas: Patient, officer: User
) -> None:
    entry = given(anas, officer)
    with pytest.raises(DomainError) as refused:
        suspend(anas, officer, disclosure_id=entry.pk, **more)
    assert refused.value.code == code


def test_only_the_officer_suspends(anas: Patient, ana: User, clinician: User, officer: User) -> None:
    entry = given(anas, officer)
    for user in (ana, clinician):
        with pytest.raises(NotAllowed):
            suspend(anas, user, disclosure_id=entry.pk)


# --- Merging, erasing, archiving ---------------------------------------------------------------------------


def test_the_archive_holds_all_and_an_erasure_leaves_no_row(anas: Patient, ana: User, officer: User) -> None:
    entry = given(anas, officer, basis=B.TREATMENT, purpose="care", recipient="Lakeside Family Practice")
    consent(anas, ana)
    suspend(anas, officer, disclosure_id=entry.pk)
    kept = archive_for(Subject(anas.pk))
    assert [row["recipient"] for row in kept["disclosures"]] == ["Lakeside Family Practice"]
    assert len(kept["suspensions"]) == len(kept["release_consents"]) == 1
    removed = erase_for(Subject(anas.pk))
    assert removed["records.Disclosure"] == 1 and not Disclosure.objects.exists() and not Suspension.objects.exists()


def test_the_register_follows_a_merge(anas: Patient, ben: User, officer: User) -> None:
    from records.changes import Basis, basis

    bens = building.person(ben, given="Ben", family="Tran")
    entry = given(bens, officer)
    with transaction.atomic(), basis(Basis.ERROR_CORRECTION, by=officer.actor):
        patient_rows_move(Subject(bens.pk), Subject(anas.pk))
    assert [row.pk for row in disclosures_of(anas.pk)] == [entry.pk]


@pytest.mark.django_db(transaction=True)
def test_reading_the_register_leaves_a_trace_and_is_for_who_may(
    anas: Patient, ana: User, ben: User, officer: User
) -> None:
    given(anas, officer)
    consent(anas, ana)
    seen = open_disclosures(by=ana.actor, patient_id=anas.pk, purpose=Purpose.COMMUNICATING)
    assert [view.recipient for view in seen] == ["Minnesota Department of Health"]
    assert [view.in_force for view in open_consents(by=ana.actor, patient_id=anas.pk, purpose=Purpose.COMMUNICATING)]
    assert AccessEvent.objects.filter(object_kind="records.disclosure", action=Action.LIST, actor_id=ana.pk).exists()
    with pytest.raises(NotVisible):
        open_disclosures(by=ben.actor, patient_id=anas.pk, purpose=Purpose.COMMUNICATING)


def test_what_was_signed_or_stated_stays_and_only_its_end_is_added(anas: Patient, ana: User, officer: User) -> None:
    signed = consent(anas, ana)
    stated = suspend(anas, officer, disclosure_id=given(anas, officer).pk)
    changes: list[tuple[Any, dict[str, Any]]] = [
        (signed, {"what": "everything"}), (signed, {"expires_on": dt.date(2999, 1, 1)}),
        (stated, {"statement": "something else"}), (stated, {"ends_on": dt.date(2999, 1, 1)}),
    ]
    for row, change in changes:
        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(**change)
    consent_revoke(by=ana.actor, consent_id=signed.pk)
    suspension_lift(by=officer.actor, suspension_id=stated.pk)
