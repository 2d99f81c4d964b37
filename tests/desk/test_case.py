"""The case page: preview, taking, who may come, what is in sight, and the trace of each look."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from consults.models import Consult
from consults.services import consult_answer, consult_release, consult_take
from consults.state import ConsultState
from portal.accounts.models import User
from portal.audit.models import AccessEvent
from portal.permissions import Purpose
from records.models import AccessGrant
from records.plans.services import assessment_save, plan_save
from tests.desk.building import taken, waiting
from tests.documents.building import a_document
from tests.records.building import photo

pytestmark = pytest.mark.django_db(transaction=True)


def url(name: str, case: Any) -> str:
    return reverse(f"admin:consults_{name}", args=[case.id])


def page(client: Any, case: Any, **query: str) -> str:
    response = client.get(url("case", case), query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.promise("P21")
def test_a_waiting_case_opens_as_a_preview_until_somebody_takes_it(clinician: User, as_: Any) -> None:
    case = waiting(answers={"else": "my very own words"})
    shown = page(as_(clinician), case)
    assert "Take this case" in shown and "Ana O." in shown
    assert "my very own words" not in shown and "Okafor" not in shown and "/image/" not in shown
    as_(clinician).post(url("take", case))
    shown = page(as_(clinician), case)
    assert "my very own words" in shown and "Ana Okafor" in shown and "Take this case" not in shown


def test_two_who_take_at_once_one_gets_it_and_the_other_is_told(
    clinician: User, other_clinician: User, as_: Any
) -> None:
    case = waiting()
    first = as_(clinician).post(url("take", case))
    second = as_(other_clinician).post(url("take", case), follow=True)
    assert first.url == url("case", case)
    assert "Somebody else took this case" in second.content.decode()
    assert Consult.objects.get(pk=case.id).assigned_to == clinician.pk
    again = as_(clinician).post(url("take", case))
    assert again.url == url("case", case)


def test_taking_what_was_never_sent_or_never_was_is_not_found(clinician: User, as_: Any) -> None:
    assert as_(clinician).post(reverse("admin:consults_take", args=[uuid4()])).status_code == 404
    case = waiting()
    Consult.objects.filter(pk=case.id).update(state=ConsultState.DRAFT, paid_at=None)
    AccessGrant.objects.filter(patient=case.patient, kind="queue").delete()
    assert as_(clinician).post(url("take", case)).status_code == 404


@pytest.mark.promise("P21")
def test_another_clinicians_case_is_not_there_until_it_is_put_back(
    clinician: User, other_clinician: User, as_: Any
) -> None:
    case = taken(clinician)
    other = as_(other_clinician)
    assert other.get(url("case", case)).status_code == 404
    for name in ("save", "sign", "fill", "release", "message", "ask", "decline", "close", "answered"):
        assert other.post(url(name, case), {"letter": "x"}).status_code == 404, name
    consult_release(by=clinician.actor, consult_id=case.id)
    assert "Take this case" in page(other, case)


@pytest.mark.promise("P21")
def test_earlier_care_of_a_patient_does_not_open_a_colleagues_new_case(
    clinician: User, other_clinician: User, as_: Any
) -> None:
    before = taken(other_clinician)
    case = waiting(user=before.user, patient=before.patient)
    consult_take(by=clinician.actor, consult_id=case.id)
    assert as_(other_clinician).get(url("case", case)).status_code == 404
    assert as_(clinician).get(url("case", before)).status_code == 404


@pytest.mark.parametrize("persona", ["support", "officer", "owner", "ana", "guardian"])
@pytest.mark.promise("P21")
def test_nobody_but_clinicians_comes_to_a_case(
    request: pytest.FixtureRequest, clinician: User, as_: Any, persona: str
) -> None:
    case, client = taken(clinician), as_(request.getfixturevalue(persona))
    assert client.get(url("case", case)).status_code == 404
    for name in ("take", "save", "sign", "fill", "release", "message", "ask", "decline", "close", "answered"):
        assert client.post(url(name, case)).status_code == 404, name


def test_a_visitor_is_sent_to_sign_in(clinician: User, as_: Any) -> None:
    response = as_(None).get(url("case", taken(clinician)))
    assert response.status_code == 302 and "/accounts/login/" in response.url


@pytest.mark.parametrize("state", ["draft", "awaiting_payment", "expired"])
def test_a_consult_that_was_never_sent_is_not_there(clinician: User, as_: Any, state: str) -> None:
    case = taken(clinician)
    Consult.objects.filter(pk=case.id).update(state=state)
    assert as_(clinician).get(url("case", case)).status_code == 404
    assert as_(clinician).get(reverse("admin:consults_case", args=[uuid4()])).status_code == 404


@pytest.mark.promise("P11", "P21")
def test_opening_a_case_leaves_a_trace_of_care_for_that_patient(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    before = AccessEvent.objects.count()
    page(as_(clinician), case)
    fresh = AccessEvent.objects.order_by("pk")[before:]
    looks = {(event.object_kind, event.purpose, event.actor_id, event.subject_id) for event in fresh}
    assert ("records.record", Purpose.CARE.value, clinician.pk, case.patient.pk) in looks
    assert {event.subject_id for event in fresh} == {case.patient.pk}
    assert {event.purpose for event in fresh} <= {Purpose.CARE.value}


def test_pictures_are_never_kept_by_browser_or_proxy(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    front = case.encounter.photos.get(view="front")
    for variant in ("thumb", "image"):
        response = as_(clinician).get(reverse("records:photo", args=[front.pk, variant]))
        assert response.status_code == 200
        assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.promise("S2")
def test_who_it_is_and_what_is_dangerous_stands_on_top(clinician: User, as_: Any) -> None:
    case = taken(clinician, answers={
        "allergies": ["sulfa"], "reaction": "Hives", "pregnancy": ["maybe"],
        "medicine": ["prescription"], "medicine_names": "Sertraline 50 mg",
    })
    shown = page(as_(clinician), case)
    banner = shown[shown.index('class="who"'):shown.index("</section>", shown.index('class="who"'))]
    assert "Ana Okafor" in banner and "Apr 4, 2001" in banner and "Sertraline 50 mg" in banner
    assert '<span class="pill alert">Sulfa' in banner and '<span class="pill alert">Maybe' in banner
    assert "Pregnancy or breast-feeding" in shown and "Check each line of the plan" in shown


def test_no_allergy_and_no_pregnancy_raise_no_alarm(clinician: User, as_: Any) -> None:
    shown = page(as_(clinician), taken(clinician))
    assert "pill alert" not in shown and "Mind this" not in shown


@pytest.mark.promise("S2")
def test_answers_that_are_other_than_last_time_are_marked_with_what_they_were(clinician: User, as_: Any) -> None:
    first = taken(clinician, answers={"tried": ["benzoyl"], "where": ["cheeks"]})
    again = waiting(user=first.user, patient=first.patient, answers={"tried": ["retinoid"], "worse": ["stress"]})
    consult_take(by=clinician.actor, consult_id=again.id)
    shown = page(as_(clinician), again)
    assert '<span class="changed">Retinoid</span> <span class="hint">last time: Benzoyl</span>' in shown
    assert '<span class="changed">Stress</span> <span class="hint">new</span>' in shown
    assert '<span class="changed">Cheeks' not in shown
    assert "Where" in shown and "About your skin" in shown


@pytest.mark.promise("S2")
def test_pictures_stand_side_by_side_over_time_and_any_two_can_be_chosen(clinician: User, as_: Any) -> None:
    first = taken(clinician)
    again = waiting(user=first.user, patient=first.patient)
    consult_take(by=clinician.actor, consult_id=again.id)
    now, then = again.encounter.photos, first.encounter.photos
    shown = _pair(page(as_(clinician), again))
    assert shown == [now.get(view="front").pk, then.get(view="front").pk]
    chosen = page(as_(clinician), again, left=str(now.get(view="left").pk), right=str(then.get(view="right").pk))
    assert _pair(chosen) == [now.get(view="left").pk, then.get(view="right").pk]
    strange = photo(waiting().encounter)
    assert _pair(page(as_(clinician), again, left=str(strange.pk), right="nonsense")) == shown


def _pair(shown: str) -> list[Any]:
    import re
    from uuid import UUID

    part = shown[shown.index("data-compare"):shown.index("choose")]
    return [UUID(found) for found in re.findall(r'<img src="[^"]*?([0-9a-f-]{36})/image/', part)]


def test_a_case_without_pictures_still_opens(clinician: User, as_: Any) -> None:
    assert "There are no photos" in page(as_(clinician), taken(clinician, pictures={}))


def test_the_title_and_the_address_tell_nothing_about_the_patient(clinician: User, as_: Any) -> None:
    shown = page(as_(clinician), taken(clinician))
    title = shown[shown.index("<title>"):shown.index("</title>")]
    assert "Case" in title and "Ana" not in title


def test_an_earlier_plan_is_at_hand_and_a_colleagues_draft_is_visible_to_the_care_team(
    clinician: User, as_: Any
) -> None:
    first = taken(clinician)
    assessment_save(by=clinician.actor, encounter_id=first.encounter.pk, diagnosis_text="Acne, comedonal")
    plan_save(by=clinician.actor, encounter_id=first.encounter.pk, letter="The old letter", morning=[{"what": "Soap"}])
    consult_answer(by=clinician.actor, consult_id=first.id)
    again = waiting(user=first.user, patient=first.patient)
    consult_take(by=clinician.actor, consult_id=again.id)
    shown = page(as_(clinician), again)
    assert "Earlier consults" in shown and "Acne, comedonal" in shown and "The old letter" in shown
    assert again.state == ConsultState.IN_REVIEW


@pytest.mark.promise("P07")
def test_what_the_patient_handed_in_stands_beside_the_answers(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    assert 'id="documents-h"' not in page(as_(clinician), case), "no heading over nothing"
    row = a_document(case.patient, title="Blood test")
    shown = page(as_(clinician), case)
    assert "Blood test" in shown and "Lab result" in shown
    for variant in ("thumb/1", "preview/1", "file/1"):
        address = f"/record/documents/{row.pk}/{variant}/"
        assert f'"{address}"' in shown
        assert as_(clinician).get(address).status_code == 200
    row.refresh_from_db()
    assert row.seen_at is not None, "from now on it is part of what the clinic relied on"
