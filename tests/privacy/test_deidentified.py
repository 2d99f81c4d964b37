"""Reporting data without people: what may stay by law, and that it stays when a person goes (P10)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.models import User
from portal.audit.models import AccessEvent
from portal.evidence.selectors import latest
from privacy import deidentified, smallcells
from privacy.models import DeidentifiedCase
from privacy.selectors import statistics_counts, statistics_lines
from privacy.smallcells import Line
from records.models import Patient
from records.vault.statistics import CaseFacts
from tests.consults import building
from tests.privacy.building import ask, carried_out

pytestmark = [pytest.mark.promise("P10"), pytest.mark.django_db(transaction=True)]
NOON = dt.datetime(2026, 11, 24, 18, 0, tzinfo=dt.UTC)


def facts(**given: Any) -> CaseFacts:
    fields = {
        "encounter_id": uuid4(), "concern": "acne", "submitted_at": NOON, "birth_date": dt.date(1990, 4, 4),
        "gender": "female", "state": "MN", "postal_code": "55402", "diagnosis_code": "L70.0", "prescription": True,
        "codes": {"where": ("cheeks", "chin")},
    }
    return CaseFacts(**{**fields, **given})


@pytest.mark.parametrize(("age", "kept"), [(89, "89"), (90, "90+"), (91, "90+"), (17, "17")])
def test_all_ages_of_ninety_and_over_are_one_class(age: int, kept: str) -> None:
    assert deidentified.age_class(age) == kept


@pytest.mark.parametrize(
    ("zip_code", "kept"),
    [("55402", "554"), ("55601", "000"), ("03601", "000"), ("55402-1234", "554"), ("", ""), ("5", "")],
)
def test_a_zip_code_keeps_three_digits_and_none_where_few_people_live(zip_code: str, kept: str) -> None:
    assert deidentified.zip3_of(zip_code) == kept


def test_a_row_holds_the_listed_things_and_nothing_else() -> None:
    row = deidentified.row_of(facts(), outcome="answered")
    assert row is not None
    held = {name.name: getattr(row, name.name) for name in row._meta.concrete_fields}
    held.pop("id"), held.pop("generation")
    assert held == {
        "kept": False, "year": 2026, "state": "MN", "zip3": "554", "age": "36", "gender": "female",
        "concern": "acne", "outcome": "answered", "diagnosis_code": "L70.0", "prescription": True,
        "codes": {"where": ["cheeks", "chin"]},
    }


@given(words=st.text(min_size=1, max_size=40).filter(lambda text: not text.strip().isascii() or " " in text.strip()))
def test_words_never_come_through_where_codes_belong(words: str) -> None:
    row = deidentified.row_of(
        facts(concern=words, gender=words, state=words, diagnosis_code=words, codes={"where": (words,), words: ("x",)}),
        outcome="answered",
    )
    assert row is not None
    assert (row.concern, row.gender, row.state, row.diagnosis_code) == ("", "", "", "")
    assert row.codes == {"where": []}


def test_a_consult_without_a_readable_birth_date_counts_without_an_age() -> None:
    row = deidentified.row_of(facts(birth_date=None), outcome="declined")
    assert row is not None and row.age == ""


def test_private_questions_are_not_on_the_list() -> None:
    private = {"self_harm", "burden", "pregnancy", "hormones", "goals", "else", "state_now"}
    assert not private & set(deidentified.QUESTIONS)


def test_a_rebuild_counts_ended_consults_once_and_leaves_a_trace(ana: User, clinician: User, anas: Patient) -> None:
    building.answered(ana, clinician, anas)
    for _again in range(2):
        deidentified.rebuild()
    [row] = deidentified.shown()
    assert (row.concern, row.outcome, row.kept) == ("acne", "answered", False)
    assert row.codes["where"]
    assert AccessEvent.objects.filter(object_kind="records.statistics", subject_id=anas.pk).count() == 2
    proof = latest(deidentified.EVIDENCE)
    assert proof is not None and proof.facts["rows"] == 1


def test_a_consult_that_was_not_sent_is_not_counted(ana: User, anas: Patient) -> None:
    building.ready(ana, anas)
    assert deidentified.rebuild()["rows"] == 0


def test_nothing_is_shown_while_a_rebuild_is_half_done(ana: User, clinician: User, anas: Patient) -> None:
    building.answered(ana, clinician, anas)
    deidentified.rebuild()
    DeidentifiedCase.objects.create(generation=uuid4(), year=2026, outcome="answered")  # what a killed one left
    assert len(list(statistics_lines())) == 1
    deidentified.rebuild()
    assert DeidentifiedCase.objects.count() == 1


def test_the_statistics_stay_when_the_person_is_erased(
    ana: User, clinician: User, officer: User, anas: Patient
) -> None:
    building.answered(ana, clinician, anas)
    deidentified.rebuild()
    before = deidentified.shown().get()
    carried_out(officer, ask(ana, anas))
    assert not Patient.objects.filter(pk=anas.pk).exists()
    assert deidentified.shown().count() == 1, "the old rows stay until the next rebuild"
    deidentified.rebuild()
    after = deidentified.shown().get()
    assert after.kept and after.pk != before.pk
    assert (after.year, after.age, after.codes) == (before.year, before.age, before.codes)
    deidentified.rebuild()
    assert deidentified.shown().count() == 1


# --- Small cells -------------------------------------------------------------------------------------


def test_low_numbers_are_hidden_and_never_just_one(settings: Any) -> None:
    settings.DEID_SMALL_CELL = 11
    found = {cell.label: cell.count for cell in smallcells.cells({"MN": 500, "WI": 40, "ND": 10, "": 11})}
    assert found == {"MN": 500, "WI": 40, "": None, "ND": None}


def test_two_low_numbers_hide_each_other() -> None:
    found = {cell.label: cell.count for cell in smallcells.cells({"MN": 500, "WI": 3, "ND": 10})}
    assert found == {"MN": 500, "WI": None, "ND": None}


@pytest.mark.parametrize(
    ("age", "band"),
    [("17", "13–17"), ("18", "18–24"), ("84", "75–84"), ("85", "85–89"), ("89", "85–89"), ("90+", "90+"), ("", "")],
)
def test_ages_are_shown_in_bands(age: str, band: str) -> None:
    assert smallcells.age_band(age) == band


_LINES = st.builds(
    Line,
    year=st.sampled_from([2025, 2026]),
    state=st.sampled_from(["MN", "WI", ""]),
    zip3=st.sampled_from(["554", "000", ""]),
    age=st.sampled_from(["20", "33", "89", "90+", ""]),
    gender=st.sampled_from(["female", "male", ""]),
    concern=st.just("acne"),
    outcome=st.just("answered"),
    diagnosis_code=st.just("L70.0"),
    prescription=st.booleans(),
)


@given(lines=st.lists(_LINES, max_size=200))
def test_every_published_row_looks_like_enough_others(lines: list[Line]) -> None:
    published = list(smallcells.publishable(lines))
    assert len(published) <= len(lines)
    people = [line.person for line in published]
    assert all(people.count(person) >= 11 for person in set(people))


def test_a_rare_place_is_made_coarser_before_a_row_is_left_out() -> None:
    def line(zip3: str) -> Line:
        return Line(2026, "MN", zip3, "33", "female", "acne", "answered", "L70.0", True)

    published = list(smallcells.publishable([line("554")] * 20 + [line("558")] * 6 + [line("567")] * 6))
    assert sorted((row.zip3 for row in published), reverse=True) == ["554"] * 20 + [""] * 12


def test_the_database_counts_what_the_page_shows(
    ana: User, ben: User, clinician: User, anas: Patient, bens: Patient, django_assert_num_queries: Any
) -> None:
    building.answered(ana, clinician, anas)
    building.answered(ben, clinician, bens)
    deidentified.rebuild()
    lines = list(statistics_lines())
    counts = statistics_counts()
    assert counts["year"] == {str(lines[0].year): 2} and counts["outcome"] == {"answered": 2}
    assert counts["age"] == {smallcells.age_band(lines[0].age): 2}
    assert counts["codes"] == Counter(code for line in lines for code in line.codes)
    with django_assert_num_queries(9 + len({code.split(":")[0] for code in counts["codes"]})):
        statistics_counts()
