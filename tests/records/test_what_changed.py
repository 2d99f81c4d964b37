"""What changed in my record: old and new, by whom, on what basis, over everything that is kept (P38)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pghistory
import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.accounts.models import User
from portal.context import SYSTEM, Actor
from portal.permissions import Purpose
from portal.subjects import FieldClass
from records import personal_data
from records.access import grant_open
from records.changes import Basis, basis
from records.documents.models import Document
from records.history.services import entry_change, entry_remove, version_of
from records.models import Answer, Entry, GrantKind, Plan
from records.people.services import patient_update
from records.plans.services import plan_save
from records.vault import ChangeView, open_changes
from records.vault.history import PAGE
from records.vault.wording import FACTS, facts
from tests.privacy.test_pages import page, text
from tests.records.building import Kept, allergy, broken

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P38")]
As = Callable[..., Client]


def seen(by: User | Actor, kept: Kept, section: str = "") -> list[ChangeView]:
    actor = by if isinstance(by, Actor) else by.actor
    return list(open_changes(by=actor, patient_id=kept.id, purpose=Purpose.CARE, section=section).lines)


def told(by: User, kept: Kept, section: str = "") -> list[tuple[str, str, str]]:
    return [(line.what, line.old, line.new) for line in seen(by, kept, section)]


def test_every_table_that_keeps_former_values_is_told() -> None:
    tracked = {
        model.pgh_tracked_model.__name__
        for model in apps.get_app_config("records").get_models()
        if issubclass(model, pghistory.models.Event)
    }
    assert tracked == set(FACTS) == set(personal_data.TRACKED)


def test_every_kept_field_that_says_something_of_the_person_is_in_the_words(anas: Kept, ana: User) -> None:
    """A field that is added to a table must come into ``vault.wording``, or a change of it would be silent."""
    samples: dict[str, Any] = {
        "address": {"street": "ZQX"}, "value": {"text": "ZQX", "substance": "ZQX"}, "morning": [{"what": "ZQX"}],
        "evening": [{"what": "ZQX"}], "weeks": 7, "birth_date": dt.date(1955, 5, 5), "dated": dt.date(1955, 5, 5),
        "gender": "other",
    }
    silent = []
    for name in FACTS:
        model, table = apps.get_model("records", name), apps.get_model("records", f"{name}Event")
        kept = {field.name for field in table._meta.concrete_fields}
        classed = personal_data.FIELDS[f"records.{name}"]
        for field, kind in classed.items():
            if field not in kept or kind is FieldClass.OPERATIONAL or field in ("number", "public_id"):
                continue  # a number leaves the vault covered; a patient number never changes
            row = model(**{"Entry": {"section": "allergies"}, "Document": {"kind": "other"}}.get(name, {}))
            if name == "Answer":
                row.question_text, row.value = "Where?", {"text": "x"}
            if name == "Entry":
                row.value = {}
            before = facts(name, row)
            setattr(row, field, samples.get(field, "ZQX"))
            if facts(name, row) == before:
                silent.append(f"{name}.{field}")
    assert silent == []


# --- Each kind of change -------------------------------------------------------------------------------------


def test_a_patient_reads_what_they_changed_themselves(anas: Kept, ana: User) -> None:
    patient_update(by=ana.actor, patient_id=anas.id, phone="(320) 555-0100")
    (line,) = seen(ana, anas, "contact")
    assert (line.what, line.old, line.new) == ("Phone", "", "(320) 555-0100")
    assert (line.basis, line.by, line.section_label) == ("You changed it", "Ana Okafor", "Who you are")


def test_an_answer_an_entry_and_a_title_are_told_with_old_and_new(anas: Kept, ana: User) -> None:
    with basis(Basis.PATIENT_EDIT, by=ana.actor):
        answer = Answer.objects.get(encounter=anas.encounter, question_id="since")
        answer.value = {"number": 6, "unit": "months"}
        answer.save()
    entry = allergy(ana, anas.patient, substance="Latex")
    entry_change(
        by=ana.actor, entry_id=entry.pk, seen=version_of(entry),
        values={"substance": "Latex", "reaction": "swelling", "severity": "mild"}, private=False,
    )
    document = Document.objects.create(patient=anas.patient, kind="lab_result", title="Bloods", state="refused",
                                       refusal_code="broken", uploaded_by=ana.pk)
    with basis(Basis.PATIENT_EDIT, by=ana.actor):
        document.title = "Blood of May"
        document.save()
    found = told(ana, anas)
    assert ("For how long?", "3 months", "6 months") in found
    assert ("Title", "Bloods", "Blood of May") in found
    assert any(what == "Latex: What happens?" and new == "swelling" for what, _old, new in found)


def test_what_was_taken_out_is_told_as_gone(anas: Kept, ana: User) -> None:
    entry = allergy(ana, anas.patient, substance="Latex")
    entry_remove(by=ana.actor, entry_id=entry.pk, seen=version_of(entry))
    gone = [line for line in told(ana, anas, "allergies") if line[0].startswith("Latex")]
    assert gone and all(new == "" for _what, _old, new in gone)
    assert any(old == "Latex" for _what, old, _new in gone)


@pytest.mark.parametrize(("why", "words"), [
    (Basis.CLINICAL_CARE, "Changed for the care"), (Basis.ERROR_CORRECTION, "An error was corrected"),
    (Basis.REQUEST, "Changed on a request"), (Basis.PATIENT_EDIT, "The patient changed it"),
])
def test_each_basis_has_its_words_and_its_person(
    why: Basis, words: str, anas: Kept, ana: User, clinician: User
) -> None:
    by = ana if why is Basis.PATIENT_EDIT else clinician
    with basis(why, by=by.actor, request_id=uuid4() if why is Basis.REQUEST else None):
        anas.patient.phone = "1234567"
        anas.patient.save()
    (line,) = seen(clinician, anas, "contact")
    assert (line.basis, line.by) == (words, by.display_name)


def test_a_guardians_change_is_told_as_theirs(anas: Kept, ana: User, guardian: User) -> None:
    grant_open(by=SYSTEM, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    patient_update(by=guardian.actor, patient_id=anas.id, phone="(320) 555-0100")
    (line,) = seen(ana, anas, "contact")
    assert (line.basis, line.by) == ("A parent or guardian changed it", "Gwen Okafor")


def test_a_value_changed_twice_tells_each_step(anas: Kept, ana: User) -> None:
    for phone in ("(320) 555-0101", "(320) 555-0102", ""):
        patient_update(by=ana.actor, patient_id=anas.id, phone=phone)
    assert told(ana, anas, "contact") == [
        ("Phone", "(320) 555-0102", ""), ("Phone", "(320) 555-0101", "(320) 555-0102"), ("Phone", "", "(320) 555-0101"),
    ]


# --- Who sees what -------------------------------------------------------------------------------------------


def test_a_plan_that_is_not_signed_shows_its_drafts_to_its_writer_only(
    anas: Kept, ana: User, clinician: User
) -> None:
    with basis(Basis.CLINICAL_CARE, by=clinician.actor):
        Plan.objects.filter(encounter=anas.encounter).delete()
    for letter in ("Dear Ana, first.", "Dear Ana, second."):
        plan_save(
            by=clinician.actor, encounter_id=anas.encounter.pk, letter=letter, morning=[], evening=[], warnings="",
            weeks=8,
        )
    assert ("Letter", "Dear Ana, first.", "Dear Ana, second.") in told(clinician, anas, "plan")
    assert not [line for line in told(ana, anas, "plan") if "first" in line[1]]


def test_private_answers_and_entries_are_not_told_to_a_guardian(anas: Kept, ana: User, guardian: User) -> None:
    """RULES 4.14: also not what was open and was made private later, nor the other way round."""
    grant_open(by=SYSTEM, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    with basis(Basis.PATIENT_EDIT, by=ana.actor):
        answer = Answer.objects.get(encounter=anas.encounter, question_id="pregnant")
        answer.value = {"text": "ZQX yes"}
        answer.save()
        answer.value = {"text": "ZQX no"}
        answer.save()
    entry = allergy(ana, anas.patient, substance="ZQX latex")
    for private in (True, False):
        entry = Entry.objects.get(pk=entry.pk)
        entry_change(
            by=ana.actor, entry_id=entry.pk, seen=version_of(entry), private=private,
            values={"substance": "ZQX latex", "reaction": f"{private}", "severity": "mild"},
        )
    assert [line for line in told(ana, anas) if "ZQX" in str(line)]
    assert not [line for line in told(guardian, anas) if "ZQX" in str(line)]


def test_a_number_is_told_covered(anas: Kept, ana: User) -> None:
    from tests.records.building import identifier

    entry = identifier(ana, anas.patient)
    whole = entry.number
    entry_remove(by=ana.actor, entry_id=entry.pk, seen=version_of(entry))
    lines = told(ana, anas, "identifiers")
    assert any("••••" in old for _what, old, _new in lines)
    assert whole and whole not in str(lines)


def test_what_cannot_be_read_says_so_and_its_neighbours_stay(anas: Kept, ana: User) -> None:
    patient_update(by=ana.actor, patient_id=anas.id, phone="(320) 555-0100", given_name="Anna")
    table = apps.get_model("records", "PatientEvent")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f'UPDATE "{table._meta.db_table}" SET phone = %s', ["gAAAAABnotatoken"])
        cursor.execute("SET session_replication_role = DEFAULT")
    assert set(told(ana, anas, "contact")) == {
        ("Phone", "cannot be read", "(320) 555-0100"), ("First name", "Ana", "Anna"),
    }
    broken(type(anas.patient), "phone", pk=anas.id)
    assert ("First name", "Ana", "Anna") in told(ana, anas, "contact")


# --- The page ------------------------------------------------------------------------------------------------


def test_the_page_tells_changes_and_narrows_to_one_part(anas: Kept, ana: User, as_: As) -> None:
    patient_update(by=ana.actor, patient_id=anas.id, phone="(320) 555-0100")
    browser = as_(ana)
    words = page(browser, "records:changes")
    assert "Phone Who you are Before nothing Then (320) 555-0100" in words and "You changed it · Ana Okafor" in words
    assert "Nothing has been changed yet" in text(browser.get("/record/changes/?part=documents"))
    for query in ("part=nonsense", "before=nonsense", "before=2026-01-01T00:00:00Z~Zebra~1", "before=~~", "part=%00"):
        assert browser.get(f"/record/changes/?{query}").status_code == 200


def test_every_change_is_on_exactly_one_page_in_a_constant_number_of_questions(
    anas: Kept, ana: User, as_: As
) -> None:
    for count in range(PAGE + 15):
        patient_update(by=ana.actor, patient_id=anas.id, phone=f"(320) 555-{count:04}")
        if count % 3 == 0:
            with basis(Basis.PATIENT_EDIT, by=ana.actor):
                answer = Answer.objects.get(encounter=anas.encounter, question_id="since")
                answer.value = {"number": count + 10, "unit": "days"}
                answer.save()
    found: list[tuple[str, str, str]] = []
    key, pages = "", 0
    while True:
        with CaptureQueriesContext(connection) as caught:
            got = open_changes(by=ana.actor, patient_id=anas.id, purpose=Purpose.CARE, before=key)
        assert len(caught) <= 16
        found += [(line.what, line.old, line.new) for line in got.lines]
        key, pages = got.older, pages + 1
        if not key:
            break
    assert pages >= 2 and len(found) == len(set(found))
    assert sum(what == "Phone" for what, _old, _new in found) == PAGE + 15


def test_somebody_elses_changes_are_not_found(anas: Kept, bens: Kept, ben: User, as_: As) -> None:
    assert as_(ben).get(f"/record/of/{anas.id}/changes/").status_code == 404


def test_a_made_up_id_is_not_found(ana: User, as_: As) -> None:
    assert as_(ana).get(f"/record/of/{UUID(int=5)}/changes/").status_code == 404
