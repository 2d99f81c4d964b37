"""The record's own allergies, medicines, conditions and pregnancy at the clinician's case."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from consults.desk.casefile import open_case_file
from consults.desk.cautions import conflicts
from portal.accounts.models import User
from portal.audit.models import AccessEvent
from records.history.models import Entry, Section
from records.history.services import section_none
from records.history.topics import Said, topics_save
from tests.desk.building import Case, taken, waiting
from tests.records.building import allergy, broken, entry, identifier

pytestmark = pytest.mark.django_db(transaction=True)


def shown(client: Any, case: Case) -> str:
    response = client.get(reverse("admin:consults_case", args=[case.id]))
    assert response.status_code == 200
    return response.content.decode()


def glance(text: str) -> str:
    start = text.index('aria-labelledby="glance"')
    return text[start:text.index("</section>", start)]


def pregnant(case: Case, choice: str) -> None:
    topics_save(
        by=case.user.actor, patient_id=case.patient.pk, section=Section.PRIVATE,
        answers={"pregnancy": Said(choice=choice)},
    )


@pytest.mark.promise("S2", "P21")
def test_the_record_stands_beside_the_answers_of_the_case(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    allergy(case.user, case.patient, substance="Penicillin")
    sertraline = {"name": "Sertraline", "kind": "prescribed", "dose": "50 mg", "status": "taking"}
    entry(case.user, case.patient, Section.MEDICATIONS, **sertraline)
    entry(case.user, case.patient, Section.MEDICATIONS, name="Ibuprofen", kind="over_the_counter", status="stopped")
    entry(case.user, case.patient, Section.CONDITIONS, name="Asthma", since="2011", status="active")
    identifier(case.user, case.patient, number="QX-777-314159")
    pregnant(case, "trying")
    block = glance(shown(as_(clinician), case))
    assert '<span class="pill alert">Penicillin</span>' in block and "Severe · hives" in block
    assert "Sertraline" in block and "50 mg" in block and "Ibuprofen" not in block
    assert "Asthma" in block and '<span class="pill alert">I want to become pregnant</span>' in block
    assert "314159" not in shown(as_(clinician), case)


def test_what_was_not_said_is_not_none_and_none_is_said_as_such(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    assert glance(shown(as_(clinician), case)).count("Nothing said") == 4
    section_none(by=case.user.actor, patient_id=case.patient.pk, section=Section.ALLERGIES)
    block = glance(shown(as_(clinician), case))
    assert block.count("None, says the patient") == 1 and block.count("Nothing said") == 3


@pytest.mark.promise("P17")
def test_an_allergy_that_cannot_be_read_is_an_alarm(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    broken(Entry, "value", pk=allergy(case.user, case.patient).pk)
    assert '<span class="pill alert">cannot be read</span>' in glance(shown(as_(clinician), case))


def test_it_costs_no_trace_and_no_query_more_however_much_there_is(clinician: User, as_: Any) -> None:
    case, browser = taken(clinician), as_(clinician)
    shown(browser, case)

    def cost() -> tuple[int, int]:
        before = AccessEvent.objects.count()
        with CaptureQueriesContext(connection) as captured:
            shown(browser, case)
        return len(captured), AccessEvent.objects.count() - before

    empty = cost()
    for number in range(12):
        allergy(case.user, case.patient, substance=f"Thing {number}")
    assert cost() == empty


@pytest.mark.promise("S2")
@pytest.mark.parametrize("choice", ["pregnant", "trying", "possible", "breast_feeding", "unsaid"])
def test_a_plan_is_checked_against_the_record_too(choice: str, clinician: User) -> None:
    case = taken(clinician)
    assert case.encounter.answers.filter(question_id="pregnancy").exists()
    assert "Pregnancy is possible" not in conflicts_of(clinician, case)
    pregnant(case, choice)
    assert "Pregnancy is possible" in conflicts_of(clinician, case)


def conflicts_of(clinician: User, case: Case) -> list[str]:
    file = open_case_file(by=clinician.actor, consult=case.consult)
    return [caution.title for caution in conflicts(file.cautioned, ["adapalene 0.1 %", "amoxicillin"])]


def test_an_allergy_of_the_record_counts_for_the_plan(clinician: User) -> None:
    case = taken(clinician)
    allergy(case.user, case.patient, substance="Bactrim (sulfa)")
    file = open_case_file(by=clinician.actor, consult=case.consult)
    assert {"sulfa", "allergic"} <= file.cautioned and "sulfa" not in file.dangers
    assert not file.allergic, "the banner says what was answered in this consult"


@pytest.mark.promise("P21")
def test_the_preview_of_a_waiting_case_has_no_such_block(clinician: User, as_: Any) -> None:
    case = waiting()
    allergy(case.user, case.patient, substance="QZLATEX")
    assert "QZLATEX" not in shown(as_(clinician), case)
