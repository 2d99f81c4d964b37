"""Writing, keeping and signing the answer. No word is ever lost, and signed means fixed."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from consults.desk.services import draft_version
from consults.models import Consult
from consults.services import consult_answer, consult_ask, consult_reply
from consults.state import ConsultState
from portal.accounts.models import User
from portal.outbox.models import OutgoingMail
from portal.permissions import Purpose
from records.models import Assessment, Message, Plan
from records.vault import open_plan
from tests.desk.building import Case, taken, typed, waiting
from tests.desk.test_case import page, url

pytestmark = pytest.mark.django_db(transaction=True)

SIGN = {"looked": "on"}


def send(client: Any, name: str, case: Case, data: dict[str, Any]) -> Any:
    return client.post(url(name, case), data)


def text(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.promise("S2")
def test_a_draft_is_kept_and_comes_back_as_it_was(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    response = send(client, "save", case, typed(note="Watch the chin"))
    assert response.status_code == 302
    shown = page(client, case)
    for words in ("Dear Ana, this will get better.", "Azelaic acid 15% gel", "Watch the chin", "Moisturizer"):
        assert words in shown
    assert Plan.objects.get(encounter=case.encounter).signed_at is None
    assert case.state == ConsultState.IN_REVIEW


@pytest.mark.promise("S2")
def test_signing_sends_the_plan_freezes_it_and_tells_the_patient(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    response = send(client, "sign", case, typed(**SIGN))
    assert response.url == reverse("admin:consults_queue")
    assert case.state == ConsultState.ANSWERED
    plan = open_plan(by=case.user.actor, encounter_id=case.encounter.pk, purpose=Purpose.CARE)
    assert plan is not None and plan.signed_by == clinician.pk
    assert [step.prescription for step in plan.morning] == [False, True]
    assert OutgoingMail.objects.filter(account_id=case.user.pk).exists()
    shown = page(client, case)
    assert "Signed by Karin Lind" in shown and 'id="answer"' not in shown


@pytest.mark.promise("P38")
def test_what_is_signed_stays_as_it_is_and_later_words_are_shown_to_copy(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    send(client, "sign", case, typed(**SIGN))
    for name in ("save", "sign", "fill"):
        shown = text(send(client, name, case, typed(letter="A second thought", **SIGN)))
        assert "Nothing was saved here" in shown and "A second thought" in shown, name
    plan = open_plan(by=clinician.actor, encounter_id=case.encounter.pk, purpose=Purpose.CARE)
    assert plan is not None and plan.letter == "Dear Ana, this will get better."


@pytest.mark.parametrize(
    ("over", "complaint"),
    [
        ({"diagnosis_text": ""}, "Say what you found before you sign."),
        ({"letter": "  "}, "Write the patient a few lines before you sign."),
        ({"looked": ""}, "Tick this once you have looked at them all."),
        ({"weeks": "0"}, "Give 1 to 52 weeks."),
        ({"weeks": "soon"}, "Give the weeks as a number."),
        ({"weeks": ""}, "Give a number of weeks."),
        ({"morning": [], "evening": []}, "Give at least one step"),
        ({"morning": [("", "Thin layer", False)]}, "Say what to use, or clear the line."),
        ({"letter": "x" * 8001}, "at most 8000"),
        ({"morning": [("y" * 121, "", False)]}, "at most 120"),
    ],
)
def test_an_answer_that_lacks_something_is_refused_and_keeps_every_word(
    clinician: User, as_: Any, over: dict[str, Any], complaint: str
) -> None:
    case, client = taken(clinician), as_(clinician)
    shown = text(send(client, "sign", case, typed(**{"note": "Watch the chin", **SIGN, **over})))
    assert complaint in shown
    assert "Watch the chin" in shown and "Stop if your face swells." in shown
    assert (case.state, Plan.objects.filter(signed_at__isnull=False).count()) == (ConsultState.IN_REVIEW, 0)


def test_too_many_lines_are_refused_with_all_of_them_kept(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    lines = [(f"Cream {number}", "Thin", False) for number in range(13)]
    shown = text(send(as_(clinician), "save", case, typed(morning=lines)))
    assert "Cream 0" in shown and "Cream 12" in shown and "at most 12" in shown


def test_a_broken_form_of_a_robot_is_no_server_error(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    assert send(as_(clinician), "save", case, {"letter": "x", "weeks": "8"}).status_code == 200
    assert send(as_(clinician), "sign", case, {}).status_code == 200
    assert send(as_(clinician), "save", case, {**typed(), "morning-TOTAL_FORMS": "900000"}).status_code == 200


@pytest.mark.promise("S2")
def test_a_plan_against_the_patients_answers_needs_the_clinicians_own_yes(clinician: User, as_: Any) -> None:
    case = taken(clinician, answers={"allergies": ["clindamycin"], "reaction": "Bad diarrhea"})
    lines = [("Clindamycin 1% lotion", "Thin layer", True)]
    shown = text(send(as_(clinician), "sign", case, typed(morning=lines, **SIGN)))
    assert "Clindamycin: allergy or past colitis" in shown and "Read the warning above" in shown
    assert case.state == ConsultState.IN_REVIEW
    assert send(as_(clinician), "sign", case, typed(morning=lines, aware="on", **SIGN)).status_code == 302
    assert case.state == ConsultState.ANSWERED


def test_a_mark_of_the_questionnaire_must_be_seen_before_signing(clinician: User, as_: Any) -> None:
    case = taken(clinician, answers={"burden": ["lot"]})
    assert "think of body dysmorphia" in text(send(as_(clinician), "sign", case, typed(**SIGN)))
    assert send(as_(clinician), "sign", case, typed(aware="on", **SIGN)).status_code == 302


@pytest.mark.promise("S2")
def test_a_template_fills_an_empty_answer_and_warns_of_what_does_not_fit(clinician: User, as_: Any) -> None:
    case, client = taken(clinician, answers={"pregnancy": ["trying"]}), as_(clinician)
    shown = page(client, case, template="moderate")
    assert "Clindamycin 1% with benzoyl peroxide 5% gel" in shown and "moderate acne" in shown
    assert "Pregnancy is possible" in shown
    assert not Plan.objects.exists()


def test_filling_from_a_template_leaves_ones_own_words(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    mine = typed(letter="My own letter", diagnosis_code="", diagnosis_text="", warnings="", morning=[], evening=[])
    shown = text(send(client, "fill", case, {**mine, "template": "mild"}))
    assert "My own letter" in shown and "Acne vulgaris, mild" in shown and "responds well" not in shown
    assert not Plan.objects.exists()


def test_another_template_takes_the_place_of_the_first_where_nothing_was_changed(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    empty = typed(letter="", diagnosis_code="", diagnosis_text="", warnings="", morning=[], evening=[])
    first = send(client, "fill", case, {**empty, "template": "mild"}).context["forms"].typed()
    lines = {
        part: [(row["what"], row["how"], row["prescription"]) for row in first[part]] for part in ("morning", "evening")
    }
    words = {name: str(first[name]).replace("\n", "\r\n") for name in ("letter", "warnings", "diagnosis_text")}
    second = text(send(client, "fill", case, {**typed(**words, **lines), "template": "moderate"}))
    assert "Tretinoin 0.025% cream" in second and "Adapalene" not in second


def test_nothing_chosen_is_said_and_nothing_is_lost(clinician: User, as_: Any) -> None:
    shown = text(send(as_(clinician), "fill", taken(clinician), {**typed(), "template": "no-such"}))
    assert "Choose a template first." in shown and "Dear Ana, this will get better." in shown


@pytest.mark.promise("S2")
def test_the_preview_shows_the_very_card_that_the_patient_gets(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    response = client.post(url("save", case), {**typed(), "then": "plan"}, follow=True)
    shown = response.content.decode()
    part = shown[shown.index('id="plan-preview"'):shown.index('id="answer"')]
    assert "As Ana will see it" in part and "Azelaic acid 15% gel" in part and "prescription" in part
    assert "consults/_plan_card.html" in {template.name for template in response.templates}


def test_showing_other_pictures_keeps_the_half_written_answer(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    left = case.encounter.photos.get(view="left").pk
    response = send(client, "save", case, typed(letter="Half", then="photos", left=str(left)))
    assert f"left={left}" in response.url
    assert "Half" in client.get(response.url).content.decode()


def test_an_older_window_never_overwrites_a_newer_draft_unseen(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    send(client, "save", case, typed(letter="Newer"))
    shown = text(send(client, "save", case, typed(letter="Older", version="")))
    assert "Another window saved this answer" in shown and "Older" in shown
    version = draft_version(case.encounter.pk)
    assert f'value="{version.replace("+", "+")}"' in shown.replace("&#x2B;", "+")
    assert send(client, "save", case, typed(letter="Older", version=version)).status_code == 302
    assert "Older" in page(client, case)


def test_of_two_windows_that_sign_at_once_one_wins_and_the_other_is_told(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    gate, answers = threading.Barrier(2), []

    def press(letter: str) -> None:
        client = as_(clinician)
        gate.wait()
        answers.append(send(client, "sign", case, typed(letter=letter, **SIGN)))
        connection.close()

    windows = [threading.Thread(target=press, args=(letter,)) for letter in ("First words", "Other words")]
    for window in windows:
        window.start()
    for window in windows:
        window.join(20)
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    told = next(answer.content.decode() for answer in answers if answer.status_code == 200)
    assert "First words" in told and "Other words" in told
    assert case.state == ConsultState.ANSWERED
    assert Assessment.objects.filter(encounter=case.encounter, signed_at__isnull=False).count() == 1
    mails = OutgoingMail.objects.filter(account_id=case.user.pk, kind__contains="plan")
    assert mails.count() == 1


def test_putting_back_keeps_the_draft_for_whoever_takes_it_next(
    clinician: User, other_clinician: User, as_: Any
) -> None:
    case = taken(clinician)
    response = send(as_(clinician), "release", case, typed(letter="Half a thought"))
    assert (response.url, case.state) == (reverse("admin:consults_queue"), ConsultState.SUBMITTED)
    assert Consult.objects.get(pk=case.id).assigned_to is None
    other = as_(other_clinician)
    assert "Half a thought" not in page(other, case)
    other.post(url("take", case))
    assert "Half a thought" in page(other, case)


def test_words_typed_after_the_case_was_put_back_are_shown_to_copy(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    send(as_(clinician), "release", case, {})
    shown = text(send(as_(clinician), "save", case, typed(letter="Too late")))
    assert "Nothing was saved here" in shown and "Too late" in shown and "Take this case" in shown


@pytest.mark.promise("S3")
def test_a_message_goes_out_and_the_half_written_answer_is_kept(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    key = "6f1c0d4e-2f7b-4a3c-9a53-1d1f0c6b7a10"
    data = typed(letter="Half a thought", body="Do you use a scrub?", form_key=key)
    for _press in range(3):
        response = send(client, "message", case, {**data, "version": draft_version(case.encounter.pk)})
        assert response.status_code == 302
    assert Message.objects.filter(encounter=case.encounter).count() == 1
    shown = page(client, case)
    assert "Half a thought" in shown and "Do you use a scrub?" in shown and "Karin Lind" in shown
    assert case.state == ConsultState.IN_REVIEW


@pytest.mark.promise("S2")
def test_a_question_waits_for_the_patient_and_the_reply_brings_the_case_back(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    key = "0b6d2f9e-5e5c-4f55-8f0e-2f8d5a0d9c11"
    send(client, "ask", case, typed(letter="Half", body="Since when?", form_key=key))
    assert case.state == ConsultState.NEEDS_INFORMATION
    assert "waits for the patient" in client.get(reverse("admin:consults_queue")).content.decode()
    consult_reply(
        by=case.user.actor, consult_id=case.id, body="Since May", form_key="0b6d2f9e-5e5c-4f55-8f0e-2f8d5a0d9c12"
    )
    assert "1 new message" in client.get(reverse("admin:consults_queue")).content.decode()
    assert "Since May" in page(client, case)
    assert "1 new message" not in client.get(reverse("admin:consults_queue")).content.decode()


def test_an_empty_message_is_refused_and_nothing_typed_is_lost(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    shown = text(send(as_(clinician), "ask", case, typed(letter="Half a thought", body=" ", form_key="x")))
    assert "Write something first." in shown and "Half a thought" in shown
    long = text(send(as_(clinician), "message", case, typed(weeks="99", body="b" * 4001)))
    assert "Give 1 to 52 weeks." in long and "b" * 4001 in long
    assert not Message.objects.exists()


def test_a_question_after_the_answer_ends_with_the_answer_as_it_was_signed(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    send(client, "sign", case, typed(**SIGN))
    key = "0b6d2f9e-5e5c-4f55-8f0e-2f8d5a0d9c13"
    assert send(client, "ask", case, {"body": "How is it going?", "form_key": key}).status_code == 302
    assert case.state == ConsultState.NEEDS_INFORMATION
    shown = page(client, case)
    assert "Done: the answer stands" in shown and 'id="answer"' not in shown
    again = text(send(client, "message", case, {"body": "", "form_key": key}))
    assert "Write something first." in again and 'form="answer"' not in again
    assert send(client, "answered", case, {}).status_code == 302
    assert case.state == ConsultState.ANSWERED
    assert send(client, "close", case, {}).status_code == 302
    assert case.state == ConsultState.CLOSED
    assert "Send message" not in page(client, case)


def test_declining_needs_a_reason_and_gives_the_case_away(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    response = send(client, "save", case, typed(letter="Half", then="decline"))
    assert response.url == url("decline", case)
    assert "the fee goes back" in client.get(response.url).content.decode()
    key = "0b6d2f9e-5e5c-4f55-8f0e-2f8d5a0d9c14"
    assert "Tell the patient why" in text(send(client, "decline", case, {"reason": "", "form_key": key}))
    assert case.state == ConsultState.IN_REVIEW
    done = send(client, "decline", case, {"reason": "Please see a doctor in person.", "form_key": key})
    assert (done.status_code, case.state) == (302, ConsultState.DECLINED)
    assert "Please see a doctor in person." in page(client, case)
    assert send(client, "decline", case, {"reason": "Again", "form_key": key}).status_code == 302
    assert Message.objects.filter(encounter=case.encounter).count() == 1


def test_a_waiting_case_cannot_be_answered_or_declined_before_it_is_taken(clinician: User, as_: Any) -> None:
    case, client = waiting(), as_(clinician)
    for name in ("save", "sign"):
        shown = text(send(client, name, case, typed(**SIGN)))
        assert "Nothing was saved here" in shown
    assert client.get(url("decline", case)).status_code == 302
    assert (case.state, Plan.objects.exists()) == (ConsultState.SUBMITTED, False)


def test_an_answer_signed_elsewhere_is_not_signed_twice(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    send(client, "save", case, typed())
    consult_answer(by=clinician.actor, consult_id=case.id)
    shown = text(send(client, "sign", case, typed(letter="Other", version=draft_version(case.encounter.pk), **SIGN)))
    assert "Nothing was saved here" in shown and "Other" in shown


def test_a_question_by_a_service_shows_the_same_case(clinician: User, as_: Any) -> None:
    case = taken(clinician)
    consult_ask(
        by=clinician.actor, consult_id=case.id, body="Since when?", form_key="0b6d2f9e-5e5c-4f55-8f0e-2f8d5a0d9c15"
    )
    assert "Since when?" in page(as_(clinician), case)


@pytest.mark.promise("P38")
def test_a_draft_that_cannot_be_read_is_not_written_over(clinician: User, as_: Any) -> None:
    case, client = taken(clinician), as_(clinician)
    send(client, "save", case, typed())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE records_plan DISABLE TRIGGER USER")
        cursor.execute("UPDATE records_plan SET letter = overlay(letter placing 'AAAA' from 40)")
        cursor.execute("ALTER TABLE records_plan ENABLE TRIGGER USER")
        cursor.execute("SELECT letter FROM records_plan")
        token = cursor.fetchone()
    shown = page(client, case)
    assert "cannot be read" in shown and 'id="answer"' not in shown
    version = draft_version(case.encounter.pk)
    refused = text(send(client, "save", case, typed(version=version, letter="New words")))
    assert "so that it is not lost" in refused and "New words" in refused
    with connection.cursor() as cursor:
        cursor.execute("SELECT letter FROM records_plan")
        assert cursor.fetchone() == token
