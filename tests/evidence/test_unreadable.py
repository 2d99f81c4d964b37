"""A value that no key opens: staff hear of it, reading goes on, and nothing is saved over it (P17)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from consults import services
from consults.questionnaires import load
from portal.crypto.fields import DecryptionError
from portal.crypto.rotation import places
from portal.evidence import tasks, unreadable
from portal.evidence.models import Evidence, UnreadableValue
from portal.evidence.personal_data import erase_for
from portal.evidence.selectors import holds
from portal.evidence.unreadable import unreadable_again, unreadable_check, unreadable_note
from portal.permissions import Purpose
from portal.subjects import Subject
from records import vault
from records.models import Answer, Patient
from tests.consults import building as consults
from tests.crypto.testapp.models import Everything
from tests.records import building

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P17")]


@pytest.fixture(autouse=True)
def no_brake() -> None:
    unreadable.brake.clear()


def spoil(row: Any, column: str, token: str = "gAAAAnothing") -> str:
    """Damage one stored value behind the product's back; returns what stood there."""
    table = row._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [row.pk])
        (stood,) = cursor.fetchone()
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [token, row.pk])
    return stood


def stored(row: Any, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {row._meta.db_table} WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def look(row: Any, column: str) -> None:
    with pytest.raises(DecryptionError):
        getattr(type(row).objects.get(pk=row.pk), column)


@pytest.fixture
def patient(ana: Any) -> Patient:
    return building.person(ana, phone="320 555 0100")


def test_a_page_with_a_damaged_value_says_so_alone_and_leaves_a_note(patient: Patient, ana: Any, as_: Any) -> None:
    spoil(patient, "phone")
    page = as_(ana).get(reverse("records:record")).content.decode()
    assert "cannot be read" in page and "Okafor" in page
    note = UnreadableValue.objects.get()
    assert (note.table, note.column, note.row_key) == ("records.Patient", "phone", str(patient.pk))
    assert note.reason == "key" and note.resolved_at is None


def test_a_note_holds_the_place_and_nothing_of_the_value(caplog: pytest.LogCaptureFixture) -> None:
    row = Everything.objects.create(name="itchy")
    spoil(row, "name", "gAAAAhalf-of-a-token")
    look(row, "name")
    kept = str(UnreadableValue.objects.values().get())
    assert "half-of" not in kept + caplog.text and "itchy" not in kept + caplog.text
    assert f"stored value cannot be read: cryptotest.Everything.name of {row.pk} (key)" in caplog.text


@pytest.mark.parametrize(
    ("column", "token", "reason"),
    [
        ("name", "gAAAAnothing", "key"), ("name", "", "key"), ("name", "in clear", "key"),
        ("name", "notes", "context"), ("birth_date", "format", "format"),
    ],
)
def test_each_reason_is_told_apart(column: str, token: str, reason: str) -> None:
    row = Everything.objects.create(name="a", notes="b", birth_date="2001-02-03")
    if token == "notes":  # a token of another column
        token = stored(row, "notes")
    if token == "format":
        token = Everything._meta.get_field(column).seal_payload(b"no date")
    spoil(row, column, token)
    look(row, column)
    assert UnreadableValue.objects.get().reason == reason
    UnreadableValue.objects.all().delete()
    assert unreadable_check().found == [("cryptotest.Everything", column, str(row.pk), reason)]


def test_one_value_has_one_note_however_often_it_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Everything.objects.create(name="a")
    spoil(row, "name")
    look(row, "name"), look(row, "name")
    assert UnreadableValue.objects.get().count == 1, "the brake: one note a minute"
    unreadable.brake.clear()
    first = UnreadableValue.objects.get()
    look(row, "name")
    again = UnreadableValue.objects.get()
    assert (again.count, again.first_seen) == (2, first.first_seen) and again.last_seen > first.last_seen


def test_with_a_key_missing_pages_are_not_slowed_by_notes(django_assert_max_num_queries: Any) -> None:
    for number in range(unreadable.NOTES_A_MINUTE + 50):
        unreadable_note(table="x.Y", column="z", row_key=str(number), reason="key")
    assert UnreadableValue.objects.count() == unreadable.NOTES_A_MINUTE
    with django_assert_max_num_queries(0):
        unreadable_note(table="x.Y", column="z", row_key="one more", reason="key")


def test_a_note_waits_for_the_open_transaction_and_never_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Everything.objects.create(name="a")
    spoil(row, "name")
    with transaction.atomic():
        look(row, "name")
        assert not UnreadableValue.objects.exists()
        Everything.objects.create(name="b")
    assert UnreadableValue.objects.count() == 1 and Everything.objects.count() == 2
    unreadable.brake.clear()

    def down(*_: Any) -> None:
        raise DatabaseError("no")

    monkeypatch.setattr(unreadable, "_note", down)
    look(row, "name")


def test_a_value_that_opens_again_leaves_the_list_and_comes_back_when_it_breaks_again() -> None:
    row = Everything.objects.create(name="a")
    token = spoil(row, "name")
    look(row, "name")
    assert unreadable_again() == 0 and UnreadableValue.objects.filter(resolved_at=None).exists()
    spoil(row, "name", token)
    assert unreadable_again() == 1 and not UnreadableValue.objects.filter(resolved_at=None).exists()
    spoil(row, "name")
    unreadable.brake.clear()
    look(row, "name")
    assert UnreadableValue.objects.get().resolved_at is None


def test_a_note_about_a_row_that_is_gone_is_removed() -> None:
    row = Everything.objects.create(name="a")
    spoil(row, "name")
    look(row, "name")
    row.delete()
    unreadable_note(table="records.Nothing", column="name", row_key="1", reason="key")
    assert unreadable_again() == 0 and not UnreadableValue.objects.exists()


def test_an_erasure_removes_notes_about_the_persons_own_rows(patient: Patient) -> None:
    spoil(patient, "phone")
    look(patient, "phone")
    assert erase_for(Subject(patient.pk, ())) == {"evidence.UnreadableValue": 1}
    assert not UnreadableValue.objects.exists() and erase_for(Subject(patient.pk, ())) == {}


def test_the_check_opens_every_encrypted_column_of_every_table(patient: Patient, ana: Any, clinician: Any) -> None:
    """History tables and sealed texts in libraries' tables too; the list of them is made from the models."""
    building.filled(ana, clinician, patient=patient)
    outcome = unreadable_check()
    assert outcome.unreadable == 0 and outcome.checked > 20
    assert holds("crypto.readable")
    labels = {place.label for place in places()}
    assert {"records.Patient", "records.PatientEvent", "records.Message"} <= labels


def test_the_nightly_check_finds_what_nobody_has_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    good, bad = Everything.objects.create(name="a", notes="b"), Everything.objects.create(name="c")
    spoil(bad, "name")
    tasks.readable()
    note = UnreadableValue.objects.get()
    assert note.row_key == str(bad.pk) and good.pk != bad.pk
    proof = Evidence.objects.filter(kind="crypto.readable").first()
    assert not proof.passed and proof.facts["unreadable"] == 1
    assert "1 of" in caplog.text
    with pytest.raises(CommandError, match="1 values cannot be read") as stopped:
        call_command("unreadable_check")
    assert stopped.value.returncode == 1 and str(bad.pk) in str(stopped.value)


def test_of_a_big_table_some_rows_are_taken_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    Everything.objects.bulk_create(Everything(plain="x" * 50, name=str(number)) for number in range(3_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cryptotest_everything")
    monkeypatch.setattr(unreadable, "BATCH", 400)
    assert unreadable_check().checked == 3_000
    assert 0 < unreadable_check(rows=800).checked < 2_900


def test_a_missing_key_shows_as_every_value_and_ends_when_it_is_back(settings: Any) -> None:
    Everything.objects.bulk_create(Everything(name=str(number)) for number in range(30))
    right = settings.FIELD_ENCRYPTION_KEY
    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    assert unreadable_check().unreadable >= 30
    settings.FIELD_ENCRYPTION_KEY = right
    assert unreadable_check().unreadable == 0 and not UnreadableValue.objects.filter(resolved_at=None).exists()


def test_support_and_officer_see_the_list_with_its_count_and_can_try_again(
    patient: Patient, officer: Any, support: Any, as_: Any
) -> None:
    token = spoil(patient, "phone")
    look(patient, "phone")
    for person in (officer, support):
        desk = as_(person).get(reverse("admin:index")).content.decode()
        assert "Cannot be read" in desk and "1 waiting" in desk
        page = as_(person).get(reverse("admin:unreadable")).content.decode()
        assert "records.Patient.phone" in page and str(patient.pk) in page and "Okafor" not in page
    spoil(patient, "phone", token)
    page = as_(support).post(reverse("admin:unreadable_again"), follow=True).content.decode()
    assert "1 value can be read again" in page and "Every value that was looked at can be read" in page


# --- never saved over -------------------------------------------------------------------------

TYPES = {
    "name": "new", "notes": "new", "email": "n@example.org", "birth_date": "2000-01-01", "count": 2, "smoker": True,
    "answers": {"b": 2}, "key": b"new",
}


@pytest.mark.parametrize("column", sorted(TYPES))
def test_saving_a_row_leaves_a_damaged_value_of_any_type_as_it_is(column: str) -> None:
    row = Everything.objects.create(**TYPES)
    spoil(row, column)
    again = Everything.objects.get(pk=row.pk)
    again.plain = "changed"
    again.save()
    again.refresh_from_db()
    again.save(update_fields=["plain", column])
    Everything.objects.bulk_update([again], ["plain"])
    assert stored(row, column) == "gAAAAnothing"


@pytest.mark.promise("P38")
def test_the_contact_form_neither_shows_nor_overwrites_a_damaged_value(patient: Patient, ana: Any, as_: Any) -> None:
    spoil(patient, "family_name")
    browser = as_(ana)
    page = browser.get(reverse("records:contact")).content.decode()
    assert "gAAAA" not in page and "Ana" in page
    seen = vault.open_patient(by=ana.actor, patient_id=patient.pk, purpose=Purpose.CARE)
    assert "family_name" in seen.unreadable
    browser.post(reverse("records:contact"), {"given_name": "Anna", "family_name": "", "phone": "320 555 0111"})
    assert stored(patient, "family_name") == "gAAAAnothing"
    assert Patient.objects.get(pk=patient.pk).given_name == "Anna"


def answer(consult: Any, question: str) -> Answer:
    return Answer.objects.get(encounter_id=consult.encounter_id, question_id=question)


@pytest.mark.promise("P38")
def test_a_draft_keeps_a_damaged_answer_and_all_that_may_follow_from_it(ana: Any) -> None:
    """Nobody knows what was chosen, so the questions that hang on it are not taken back either."""
    consult = consults.start(ana)
    consults.answer_all(ana, consult, medicine=["prescription"], allergies=["other"])
    spoil(answer(consult, "medicine"), "value")
    for text in ("goals", "else"):
        spoil(answer(consult, text), "value")
    before = set(Answer.objects.values_list("question_id", flat=True))
    screens = [screen for screen in load(consult.questionnaire).screens if screen.id in ("goals", "where")]
    assert screens
    for screen in screens:
        empty = {question.id: "" for question in screen.questions if not question.required}
        given = {question.id: consults.answer_for(question, {}) for question in screen.questions if question.required}
        services.step_save(by=ana.actor, consult_id=consult.pk, screen_id=screen.id, answers={**given, **empty})
    assert set(Answer.objects.values_list("question_id", flat=True)) == before and "medicine_names" in before
    assert stored(answer(consult, "medicine"), "value") == "gAAAAnothing"
    optional = [q.id for s in screens for q in s.questions if not q.required and q.id in ("goals", "else")]
    assert optional and all(stored(answer(consult, name), "value") == "gAAAAnothing" for name in optional)
