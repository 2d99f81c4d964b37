"""The services of the vault: who may change what, what is refused, and that the former value stays."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.accounts.models import User
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from records import vault
from records.access import grant_close, may_open
from records.changes import Basis, basis
from records.encounters.services import (
    answer_save,
    answers_clear_hidden,
    checked_value,
    encounter_close,
    encounter_open,
    encounter_submit,
)
from records.messages.services import message_send, messages_read
from records.models import AccessGrant, Answer, Message, Patient, Plan
from records.people.models import GrantKind
from records.people.names import clean_line, clean_text
from records.people.services import patient_create, patient_update
from records.plans.services import assessment_save, plan_save, plan_sign
from tests.records.building import Kept, care, person

pytestmark = pytest.mark.django_db


def refused(code: str, deed: Callable[[], Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        deed()
    assert caught.value.code == code and len(caught.value.message) > 10
    return caught.value


def events(name: str, **lookup: Any) -> list[Any]:
    rows = apps.get_model("records", f"{name}Event")._default_manager.filter(**lookup)
    return list(rows.select_related("pgh_context").order_by("pgh_id"))


class TestPatients:
    @pytest.mark.parametrize("name", ["Sukarno", "李", "Null", "O'Brien", "ʻŌkina", "Nguyễn", "שרה", "👩🏽", "x" * 80])
    def test_one_name_of_any_kind_is_enough(self, name: str, ana: User) -> None:
        """FIELD_FAULTS 11."""
        assert person(ana, given=name, family="").full_name == name

    def test_no_name_at_all_is_asked_for(self, ana: User) -> None:
        assert refused("name_missing", lambda: person(ana, given=" ", family="\u200e")).field == "given_name"

    def test_a_name_is_never_cut(self, ana: User) -> None:
        assert refused("too_long", lambda: person(ana, given="x" * 201)).field == "given_name"
        assert person(ana, given="x" * 200).given_name == "x" * 200

    @pytest.mark.parametrize(
        ("born", "code"),
        [
            (dt.date(2026, 3, 2), "birth_date_future"), (dt.date(1890, 1, 1), "birth_date_too_old"),
            (dt.date(2013, 3, 2), "under_13"), (dt.date(2026, 3, 1), "under_13"),
            (dt.date(2013, 3, 1), "needs_guardian"), (dt.date(2008, 3, 2), "needs_guardian"),
        ],
    )
    @pytest.mark.promise("P45", "P46")
    def test_who_is_too_young_or_not_born_is_told_kindly_and_nothing_is_kept(
        self, born: dt.date, code: str, ana: User
    ) -> None:
        with time_machine.travel(dt.datetime(2026, 3, 1, 18, tzinfo=dt.UTC), tick=False):
            error = refused(code, lambda: person(ana, born=born))
        assert error.field == "birth_date" and not Patient.objects.exists() and not AccessGrant.objects.exists()
        if code == "needs_guardian":
            assert "guardian" in error.message

    def test_born_on_29_february_one_is_18_on_the_first_of_march(self, ana: User) -> None:
        """FIELD_FAULTS 5, and the clinic's day counts, not the server's."""
        born = dt.date(2008, 2, 29)
        with time_machine.travel(dt.datetime(2026, 3, 1, 5, 59, tzinfo=dt.UTC), tick=False):
            refused("needs_guardian", lambda: person(ana, born=born))
        with time_machine.travel(dt.datetime(2026, 3, 1, 6, 1, tzinfo=dt.UTC), tick=False):
            assert person(ana, born=born).birth_date == born

    def test_signing_up_twice_makes_one_patient(self, ana: User) -> None:
        assert person(ana) == person(ana, given="Anna")
        assert Patient.objects.count() == AccessGrant.objects.count() == 1

    def test_staff_make_no_patients(self, support: User, clinician: User) -> None:
        for user in (support, clinician):
            with pytest.raises(NotVisible):
                person(user)

    @pytest.mark.promise("P30")
    def test_only_those_with_a_grant_change_a_patient(self, anas: Kept, ben: User, support: User) -> None:
        for user in (ben, support):
            with pytest.raises(NotVisible):
                patient_update(by=user.actor, patient_id=anas.id, phone="(320) 555-0100")

    @pytest.mark.promise("P38")
    def test_a_change_keeps_the_former_value_encrypted_with_who_and_why(self, anas: Kept, ana: User) -> None:
        patient_update(by=ana.actor, patient_id=anas.id, given_name="Anna")
        (event,) = events("Patient", pgh_obj_id=anas.id)
        assert event.given_name == "Ana"
        assert event.pgh_context.metadata == {
            "basis": "patient_edit", "by": str(ana.pk), "role": "patient", "request": "",
        }
        with connection.cursor() as cursor:
            cursor.execute("SELECT given_name FROM records_patientevent")
            assert cursor.fetchone()[0].startswith("gAAAA")

    def test_a_save_that_changes_nothing_makes_no_history(self, anas: Kept, ana: User) -> None:
        patient_update(by=ana.actor, patient_id=anas.id, given_name="Ana")
        assert not events("Patient")

    def test_an_address_with_nothing_in_it_is_no_address(self, anas: Kept, ana: User) -> None:
        patient_update(by=ana.actor, patient_id=anas.id, address={"city": "Sartell", "other": "x"})
        assert Patient.objects.get(pk=anas.id).address == {"city": "Sartell"}
        patient_update(by=ana.actor, patient_id=anas.id, address={"city": " "})
        assert Patient.objects.get(pk=anas.id).address == {}


class TestBasis:
    @pytest.mark.promise("P38")
    def test_a_change_without_a_basis_fails_in_the_database(self, anas: Kept) -> None:
        patient = Patient.objects.get(pk=anas.id)
        patient.given_name = "Eve"
        for change in (
            patient.save,
            lambda: Patient.objects.filter(pk=anas.id).update(phone="x"),
            lambda: Answer.objects.filter(patient_id=anas.id).update(value={"text": "x"}),
            lambda: Answer.objects.filter(patient_id=anas.id).delete(),
            lambda: Plan.objects.filter(patient_id=anas.id).update(letter="x"),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                change()
        assert Patient.objects.get(pk=anas.id).given_name == "Ana"

    def test_a_bulk_change_is_kept_too(self, anas: Kept, ana: User) -> None:
        """FIELD_FAULTS 81."""
        with basis(Basis.ERROR_CORRECTION, by=ana.actor):
            Answer.objects.filter(patient_id=anas.id).update(value={"text": "x"})
        assert {event.pgh_context.metadata["basis"] for event in events("Answer")} == {"error_correction"}
        assert len(events("Answer")) == 3

    def test_history_is_not_rewritten(self, anas: Kept, ana: User) -> None:
        patient_update(by=ana.actor, patient_id=anas.id, given_name="Anna")
        for deed in ("delete", "update"):
            rows = apps.get_model("records", "PatientEvent")._default_manager.all()
            with pytest.raises(ProgrammingError, match="append_only"), transaction.atomic():
                rows.delete() if deed == "delete" else rows.update(phone="x")

    def test_one_basis_at_a_time(self, ana: User) -> None:
        with basis(Basis.PATIENT_EDIT, by=ana.actor):
            with basis(Basis.PATIENT_EDIT, by=ana.actor):
                pass
            with pytest.raises(ValueError), basis(Basis.CLINICAL_CARE, by=ana.actor):
                pass
        with pytest.raises(ValueError), basis(Basis.REQUEST, by=ana.actor):
            pass
        with basis(Basis.REQUEST, by=ana.actor, request_id=uuid4()):
            pass


class TestEncounters:
    def test_an_answer_changes_in_its_place_and_keeps_what_it_was(self, ana: User) -> None:
        patient = person(ana)
        encounter = encounter_open(by=ana.actor, patient_id=patient.pk, concern="acne")
        for text in ("one", "two", "two"):
            answer_save(
                by=ana.actor, encounter_id=encounter.pk, question_id="q", question_text="What?", value={"text": text}
            )
        assert [answer.value for answer in Answer.objects.all()] == [{"text": "two"}]
        assert [event.value for event in events("Answer")] == [{"text": "one"}]

    def test_answers_that_are_not_asked_any_more_go_and_are_kept_as_history(self, anas: Kept, ana: User) -> None:
        options: dict[str, Any] = {"by": ana.actor, "encounter_id": anas.encounter.pk}
        assert answers_clear_hidden(shown=["where", "since"], **options) == 1
        assert answers_clear_hidden(shown=["where", "since"], **options) == 0
        assert [event.question_id for event in events("Answer")] == ["pregnant"]

    @pytest.mark.parametrize(
        "value", [{}, {"number": True}, {"number": "3"}, {"number": float("nan")}, {"codes": ["a"], "labels": []}]
    )
    def test_a_value_of_no_known_shape_is_an_error_of_the_program(self, value: dict[str, Any]) -> None:
        with pytest.raises(ValueError):
            checked_value(value)

    def test_a_long_text_is_refused_and_not_cut(self) -> None:
        refused("answer_too_long", lambda: checked_value({"text": "x" * 4001}))
        assert checked_value({"text": " a\r\nb\x00 \n"}) == {"text": "a\nb"}

    def test_strangers_find_nothing_to_change(self, anas: Kept, ben: User, other_clinician: User) -> None:
        for user in (ben, other_clinician):
            options: dict[str, Any] = {"by": user.actor, "encounter_id": anas.encounter.pk}
            for deed in (
                lambda o=options: answer_save(question_id="q", question_text="?", value={"text": "x"}, **o),
                lambda o=options: answers_clear_hidden(shown=[], **o),
                lambda o=options: encounter_submit(**o),
                lambda o=options: encounter_close(**o),
                lambda o=options: message_send(body="x", form_key=uuid4(), **o),
                lambda o=options: messages_read(**o),
                lambda o=options: plan_save(letter="x", **o),
                lambda o=options: plan_sign(**o),
                lambda o=options: assessment_save(note="x", **o),
                lambda u=user: encounter_open(by=u.actor, patient_id=anas.id, concern="acne"),
            ):
                with pytest.raises(NotVisible):
                    deed()

    def test_a_closed_consult_stays_as_it_is(self, anas: Kept, ana: User, clinician: User) -> None:
        first = encounter_close(by=clinician.actor, encounter_id=anas.encounter.pk).closed_at
        assert encounter_close(by=clinician.actor, encounter_id=anas.encounter.pk).closed_at == first
        options: dict[str, Any] = {"by": ana.actor, "encounter_id": anas.encounter.pk}
        refused(
            "encounter_closed",
            lambda: answer_save(question_id="q", question_text="?", value={"text": "x"}, **options),
        )
        refused("encounter_closed", lambda: encounter_submit(**options))


class TestMessages:
    def test_five_presses_send_one_message(self, anas: Kept, ana: User) -> None:
        """FIELD_FAULTS 44."""
        key, before = uuid4(), Message.objects.count()
        sent = {
            message_send(by=ana.actor, encounter_id=anas.encounter.pk, body="It stings.", form_key=key).pk
            for _ in range(5)
        }
        assert len(sent) == 1 and Message.objects.count() == before + 1

    def test_a_key_of_another_page_sends_and_shows_nothing(self, anas: Kept, bens: Kept, ana: User, ben: User) -> None:
        key = uuid4()
        message_send(by=ana.actor, encounter_id=anas.encounter.pk, body="Mine.", form_key=key)
        with pytest.raises(NotVisible):
            message_send(by=ben.actor, encounter_id=bens.encounter.pk, body="His.", form_key=key)

    @pytest.mark.parametrize(
        ("body", "code"), [("", "message_empty"), (" \n\u202e", "message_empty"), ("x" * 5001, "message_too_long")]
    )
    def test_an_empty_and_an_endless_message_are_refused(self, body: str, code: str, anas: Kept, ana: User) -> None:
        refused(
            code, lambda: message_send(by=ana.actor, encounter_id=anas.encounter.pk, body=body, form_key=uuid4())
        )

    def test_reading_marks_only_what_the_other_side_wrote(self, anas: Kept, ana: User, clinician: User) -> None:
        assert messages_read(by=ana.actor, encounter_id=anas.encounter.pk) == 1
        assert messages_read(by=ana.actor, encounter_id=anas.encounter.pk) == 0
        assert Message.objects.get(from_staff=False).read_at is None
        assert messages_read(by=clinician.actor, encounter_id=anas.encounter.pk) == 1

    def test_what_was_said_stays_said(self, anas: Kept) -> None:
        with pytest.raises(ProgrammingError, match="sent_once"), transaction.atomic():
            Message.objects.filter(patient_id=anas.id).update(body="changed")

    def test_after_the_case_the_clinician_writes_no_more(self, anas: Kept, clinician: User) -> None:
        grant_close(by=clinician.actor, patient_id=anas.id, kind=GrantKind.CARE_TEAM)
        assert may_open(by=clinician.actor, patient_id=anas.id, purpose=Purpose.CARE) is None
        with pytest.raises(NotVisible):
            message_send(by=clinician.actor, encounter_id=anas.encounter.pk, body="Hello", form_key=uuid4())


class TestPlans:
    @pytest.mark.promise("P38")
    def test_what_is_signed_changes_only_to_correct_an_error_and_keeps_its_words(
        self, anas: Kept, clinician: User
    ) -> None:
        options: dict[str, Any] = {"by": clinician.actor, "encounter_id": anas.encounter.pk}
        refused("signed", lambda: plan_save(letter="other", **options))
        refused("signed", lambda: assessment_save(note="other", **options))
        plan_save(letter="Corrected.", why=Basis.ERROR_CORRECTION, **options)
        (event,) = [event for event in events("Plan") if event.signed_at]
        assert event.letter == "Dear Ana," and event.pgh_context.metadata["basis"] == "error_correction"
        assert Plan.objects.get().signed_by == clinician.pk

    def test_signing_twice_is_signing_once(self, anas: Kept, clinician: User) -> None:
        first = Plan.objects.get().signed_at
        assert plan_sign(by=clinician.actor, encounter_id=anas.encounter.pk).signed_at == first

    def test_nothing_and_emptiness_are_not_signed(self, ana: User, clinician: User) -> None:
        patient = person(ana)
        care(patient, clinician)
        encounter = encounter_open(by=ana.actor, patient_id=patient.pk, concern="acne")
        options: dict[str, Any] = {"by": clinician.actor, "encounter_id": encounter.pk}
        refused("plan_missing", lambda: plan_sign(**options))
        plan_save(morning=[{"what": " ", "how": ""}], **options)
        refused("plan_empty", lambda: plan_sign(**options))

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"weeks": 0}, "weeks_range"), ({"weeks": 53}, "weeks_range"), ({"letter": "x" * 10_001}, "too_long"),
            ({"morning": [{"what": "x" * 301}]}, "too_long"), ({"evening": [{"what": "x"}] * 13}, "too_many_steps"),
        ],
    )
    def test_a_plan_out_of_bounds_is_refused(
        self, wrong: dict[str, Any], code: str, anas: Kept, clinician: User
    ) -> None:
        refused(
            code,
            lambda: plan_save(
                by=clinician.actor, encounter_id=anas.encounter.pk, why=Basis.ERROR_CORRECTION, **wrong
            ),
        )

    def test_a_patient_writes_no_plan(self, anas: Kept, ana: User) -> None:
        with pytest.raises(NotVisible):
            plan_save(by=ana.actor, encounter_id=anas.encounter.pk, letter="x", why=Basis.ERROR_CORRECTION)


@pytest.mark.django_db(transaction=True)
def test_two_sign_ups_and_five_messages_at_the_same_moment_end_as_one(ana: User, clinician: User) -> None:
    made: list[Any] = []

    def at_once(deed: Callable[[], Any]) -> None:
        barrier = threading.Barrier(4)

        def run() -> None:
            try:
                barrier.wait()
                made.append(deed())
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    at_once(lambda: person(ana).pk)
    assert len(made) == 4 and len(set(made)) == 1 and Patient.objects.count() == 1
    encounter = encounter_open(by=ana.actor, patient_id=made[0], concern="acne")
    key = uuid4()
    made.clear()
    at_once(lambda: message_send(by=ana.actor, encounter_id=encounter.pk, body="Hello", form_key=key).pk)
    assert len(made) == 4 and len(set(made)) == 1 and Message.objects.count() == 1
    made.clear()
    at_once(
        lambda: answer_save(
            by=ana.actor, encounter_id=encounter.pk, question_id="q", question_text="?", value={"text": "x"}
        ).pk
    )
    assert len(made) == 4 and len(set(made)) == 1 and Answer.objects.count() == 1


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_cleaning_is_stable_and_leaves_nothing_unseen(text: str) -> None:
    for clean in (clean_line, clean_text):
        once = clean(text)
        assert clean(once) == once
        assert not set(once) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\x00\x07\ufeff")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(name=st.text(min_size=1, max_size=40).filter(clean_line))
def test_any_name_comes_back_as_it_was_given(name: str, ana: User) -> None:
    Patient.objects.all().delete()
    patient = patient_create(by=ana.actor, given_name=name, family_name="", birth_date=dt.date(1990, 1, 1))
    shown = vault.open_patient(by=ana.actor, patient_id=patient.pk, purpose=Purpose.CARE)
    assert shown.full_name == clean_line(name)
