"""Requests that come elsewhere, who asked, one wish twice, owners, answers, costs and reviews (RULES 1.48)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core import mail as outgoing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.context import SYSTEM
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.jobs.models import Job
from portal.outbox.delivery import drain
from portal.outbox.models import OutgoingMail
from portal.permissions import Purpose
from privacy.letters.models import Letter
from privacy.letters.services import letter_posted
from privacy.requests import services
from privacy.requests.models import Channel, FeeState, IdentityHow, IdentityState, RequestKind, RightsRequest
from privacy.requests.services import Identity
from privacy.requests.state import OPEN, RequestState
from records.access import grant_open, may_open
from records.models import GrantKind, Patient
from records.people.public_id import public_id_shown
from tests.privacy.building import ask, copy_asked
from tests.privacy.test_pages import page, queries, text

As = Callable[..., Client]
ID = Identity(IdentityHow.PHOTO_ID, "Driver’s license, seen at the desk.")
HOME = {"name": "Ana Okafor", "address": "1 Lake St\nSartell, MN 56377"}


def entered(
    officer: User, patient: Patient | None, kind: RequestKind = RequestKind.DELETION, **more: Any
) -> RightsRequest:
    return services.request_open(
        by=officer.actor, kind=kind, subject_id=patient.pk if patient else None,
        **{"account_id": None, "form_key": uuid4(), "channel": Channel.MAIL, "contact": HOME, **more},
    )


def state(row: RightsRequest) -> str:
    row.refresh_from_db()
    return row.state


# --- Entered by the officer (P35, RULES 1.6, 1.48) ---------------------------------------------------------


@pytest.mark.promise("P35")
def test_the_clock_of_what_came_by_letter_runs_from_the_day_it_came(officer: User, anas: Patient) -> None:
    came = today() - dt.timedelta(days=4)
    row = entered(officer, anas, received_on=came, identity=ID)
    assert (row.received_on, row.due_on) == (came, came + dt.timedelta(days=30))
    assert (row.entered_by, row.channel, row.state) == (officer.pk, "mail", "received")
    assert (row.identity_state, row.identity_how, row.identity_by) == ("confirmed", "photo_id", officer.pk)
    with pytest.raises(DomainError, match="received_future"):
        entered(officer, anas, received_on=today() + dt.timedelta(days=1))


def test_a_name_is_wanted_of_somebody_without_an_account_and_they_get_a_letter(officer: User, anas: Patient) -> None:
    with pytest.raises(DomainError, match="who_missing"):
        entered(officer, anas, contact=None)
    entered(officer, anas, identity=ID)
    [letter] = Letter.objects.all()
    assert letter.kind == "received" and letter.paper == "to_print" and letter.recipient["name"] == "Ana Okafor"
    assert not OutgoingMail.objects.filter(kind="privacy.received").exists()


@pytest.mark.promise("P21", "P35")
def test_only_the_officer_writes_down_what_came_elsewhere(
    ana: User, clinician: User, support: User, owner: User, anas: Patient
) -> None:
    for other in (ana, clinician, support, owner):
        with pytest.raises(NotVisible):
            entered(other, anas, account_id=other.pk if other == ana else None)
    assert not RightsRequest.objects.exists()


@pytest.mark.promise("P39")
def test_nothing_of_an_unproven_request_can_be_done_by_anybody(officer: User, ana: User, anas: Patient) -> None:
    row = entered(officer, anas, account_id=ana.pk, contact=None)
    assert row.state == RequestState.IDENTITY and row.identity_state == IdentityState.ASKED
    deeds: list[Callable[[], Any]] = [
        lambda: services.request_start(by=officer.actor, request_id=row.pk),
        lambda: services.request_carry_out(by=officer.actor, request_id=row.pk),
        lambda: services.request_deny(by=officer.actor, request_id=row.pk, ground="legal_hold", letter="No."),
        lambda: services.request_refuse_part(by=officer.actor, request_id=row.pk, ground="legal_hold", letter="No."),
        lambda: services.request_put_back(by=officer.actor, request_id=row.pk),
        lambda: services.fee_quote(by=officer.actor, request_id=row.pk, cents=100),
    ]
    for deed in deeds:
        with pytest.raises(DomainError):
            deed()
    other = ask(ana, anas)
    with pytest.raises(DomainError, match="request_state"):
        services.request_join(by=officer.actor, request_id=row.pk, main_id=other.pk)
    assert state(row) == RequestState.IDENTITY and not Job.objects.filter(kind="privacy.erase").exists()
    assert may_open(by=officer.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) is None


def test_identity_needs_a_listed_way_a_note_and_for_a_record_its_number(officer: User, anas: Patient) -> None:
    row = entered(officer, None)
    for wrong, code in (
        ({"how": "rumor", "note": "x"}, "how_missing"), ({"how": "portal", "note": "x"}, "how_missing"),
        ({"how": "photo_id", "note": " "}, "note_missing"), ({"how": "photo_id", "note": "x"}, "needs_record"),
        ({"how": "photo_id", "note": "x", "subject_id": uuid4()}, "no_such_record"),
    ):
        with pytest.raises(DomainError, match=code):
            services.identity_confirm(by=officer.actor, request_id=row.pk, **wrong)
        assert state(row) == RequestState.IDENTITY
    services.identity_confirm(
        by=officer.actor, request_id=row.pk, how="called_back", note="Number on file.", subject_id=anas.pk
    )
    assert state(row) == RequestState.RECEIVED and row.subject_id == anas.pk
    services.request_start(by=officer.actor, request_id=row.pk)
    assert may_open(by=officer.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) == GrantKind.REQUEST


@pytest.mark.promise("P37")
def test_who_cannot_be_known_gets_a_letter_and_may_ask_for_a_review_and_still_nothing_runs(
    officer: User, clinician: User, anas: Patient
) -> None:
    row = entered(officer, anas)
    services.identity_fail(by=officer.actor, request_id=row.pk, letter="Nobody answered at the number we have.")
    assert state(row) == RequestState.DENIED and row.ended_at and row.denial_ground == "identity_unproven"
    letter = Letter.objects.get(kind="identity_failed")
    words = str(letter.content)
    assert "review" in words and "hhs.gov" in words and "Nobody answered" in words
    services.review_ask(by=officer.actor, request_id=row.pk)
    with pytest.raises(DomainError, match="identity_first"):
        services.review_decide(by=clinician.actor, request_id=row.pk, overturned=True)
    services.identity_ask(by=officer.actor, request_id=row.pk)
    assert state(row) == RequestState.IDENTITY


def test_proof_can_be_asked_for_again_and_the_record_closes_meanwhile(ana: User, officer: User, anas: Patient) -> None:
    row = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=row.pk)
    services.identity_ask(by=officer.actor, request_id=row.pk)
    assert state(row) == RequestState.IDENTITY and row.identity_how == ""
    assert may_open(by=officer.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) is None
    assert Letter.objects.get().kind == "identity_asked"


# --- One wish twice ----------------------------------------------------------------------------------------


@pytest.mark.promise("P39")
def test_the_same_wish_by_letter_is_joined_after_proof_and_starts_nothing(
    ana: User, officer: User, anas: Patient
) -> None:
    first = ask(ana, anas)
    second = entered(officer, anas)
    assert state(second) == RequestState.IDENTITY, "nothing is joined before it is known who asked"
    services.identity_confirm(by=officer.actor, request_id=second.pk, how="photo_id", note="Seen.")
    assert state(second) == RequestState.JOINED and second.joined_to == first and second.ended_at
    third = entered(officer, anas, identity=ID)
    assert third.state == RequestState.JOINED
    assert not Job.objects.filter(kind="privacy.erase").exists() and state(first) == RequestState.RECEIVED
    with pytest.raises(DomainError, match="still_open"):
        services.request_separate(by=officer.actor, request_id=third.pk)


def test_a_joined_wish_of_somebody_else_goes_on_when_the_other_is_taken_back(
    ana: User, guardian: User, officer: User, anas: Patient
) -> None:
    first = ask(ana, anas)
    letter = entered(officer, anas, identity=ID)
    mine = entered(officer, anas, identity=ID, account_id=ana.pk, contact=None)
    late = entered(officer, anas, identity=ID, contact={"name": "Mother"})
    services.request_withdraw(by=ana.actor, request_id=first.pk)
    assert state(letter) == RequestState.RECEIVED and letter.joined_to is None and letter.ended_at is None
    assert state(late) == RequestState.JOINED and late.joined_to == letter, "only one is open at a time"
    assert state(mine) == RequestState.JOINED, "Ana took back her own wish, however often she had sent it"
    services.request_withdraw(by=officer.actor, request_id=letter.pk)
    assert state(late) == RequestState.RECEIVED


def test_questions_and_complaints_may_be_many_at_a_time(ana: User, anas: Patient) -> None:
    rows = {ask(ana, anas, RequestKind.QUESTION, details=str(number)).pk for number in range(3)}
    assert len(rows) == 3


# --- Hands -------------------------------------------------------------------------------------------------


def test_a_request_is_handed_over_with_the_record(
    ana: User, officer: User, support: User, anas: Patient, django_user_model: type[User]
) -> None:
    deputy = django_user_model.objects.create_user(email="deputy@example.com", role="officer", display_name="Deputy")
    row = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=row.pk)
    with pytest.raises(DomainError, match="no_officer"):
        services.request_assign(by=officer.actor, request_id=row.pk, officer_id=support.pk)
    services.request_assign(by=officer.actor, request_id=row.pk, officer_id=deputy.pk)
    assert state(row) == RequestState.IN_PROGRESS and row.officer_id == deputy.pk
    assert may_open(by=deputy.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) == GrantKind.REQUEST
    assert may_open(by=officer.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) is None
    assert OutgoingMail.objects.filter(account_id=deputy.pk, kind="privacy.waits", once_key__contains="given").exists()


# --- Answers in words (P50, P51, RULES 1.59) ---------------------------------------------------------------


@pytest.mark.promise("P50")
def test_a_question_is_answered_on_the_page_and_the_mail_says_only_that_it_is(
    ana: User, officer: User, anas: Patient, as_: As
) -> None:
    browser = as_(ana)
    form = browser.get("/privacy/ask/question/").context["form"]
    answer = browser.post(
        "/privacy/ask/question/", {"form_key": form["form_key"].value(), "details": "Who reads zebrafish?"}
    )
    row = RightsRequest.objects.get()
    assert answer.headers["Location"] == f"/privacy/requests/{row.pk}/" and row.subject_id == anas.pk
    desk = as_(officer)
    desk.post(f"/admin/privacy/{row.pk}/start/")
    shown = desk.post(f"/admin/privacy/{row.pk}/answer/", {"answer": "  "})
    assert shown.status_code == 200 and "Write the answer first." in text(shown)
    with pytest.raises(DomainError, match="answer_missing"):
        services.request_carry_out(by=officer.actor, request_id=row.pk)
    desk.post(f"/admin/privacy/{row.pk}/answer/", {"answer": "Only the officer, and quokkas."})
    assert state(row) == RequestState.COMPLETED and row.in_time is True
    words = page(browser, "privacy:request", row.pk)
    assert "Only the officer, and quokkas." in words and "Who reads zebrafish?" in words
    drain(patient=False)
    mails = [letter for letter in outgoing.outbox if letter.to == [ana.email]]
    assert mails[-1].subject == "An answer waits for you"
    assert not any("quokka" in letter.body or "zebrafish" in letter.body for letter in outgoing.outbox)


@pytest.mark.promise("P51")
def test_a_complaint_is_logged_with_its_outcome_and_nobody_is_threatened(
    ana: User, officer: User, anas: Patient, as_: As
) -> None:
    browser = as_(ana)
    words = page(browser, "privacy:ask", "complaint")
    assert "Nobody here will treat you worse for it." in words and "180 days" in words
    assert "hhs.gov/hipaa/filing-a-complaint" in browser.get("/privacy/ask/complaint/").content.decode()
    row = ask(ana, anas, RequestKind.COMPLAINT, details="You called my work.")
    services.request_start(by=officer.actor, request_id=row.pk)
    with pytest.raises(DomainError, match="outcome_missing"):
        services.request_answer(by=officer.actor, request_id=row.pk, answer="You are right.", outcome="whatever")
    services.request_answer(by=officer.actor, request_id=row.pk, answer="You are right.", outcome="founded")
    assert (state(row), row.outcome) == ("completed", "founded")
    assert "The complaint was right" in page(browser, "privacy:request", row.pk)


def test_somebody_without_an_account_or_a_record_is_answered_by_post(officer: User) -> None:
    row = entered(officer, None, RequestKind.QUESTION, details="How do I get my record?")
    assert row.state == RequestState.RECEIVED and row.identity_state == IdentityState.NOT_NEEDED
    services.request_start(by=officer.actor, request_id=row.pk)
    services.request_answer(by=officer.actor, request_id=row.pk, answer="Write to us.")
    letter = Letter.objects.get(kind="answer")
    assert letter.paper == "to_print" and letter.fields["answer"] == "Write to us." and not OutgoingMail.objects.filter(
        kind="privacy.answered"
    ).exists()


@pytest.mark.promise("P50")
def test_the_printed_notice_is_done_when_it_is_posted(ana: User, officer: User, as_: As) -> None:
    browser = as_(ana)
    form = browser.get("/privacy/ask/notice/").context["form"]
    told = {"form_key": form["form_key"].value(), "name": "Ana Okafor", "address": "one line"}
    assert "two to five lines" in text(browser.post("/privacy/ask/notice/", told))
    browser.post("/privacy/ask/notice/", {**told, "address": "1 Lake St\nSartell, MN 56377"})
    row = RightsRequest.objects.get()
    assert row.subject_id is None, "no record is needed for it"
    services.request_start(by=officer.actor, request_id=row.pk)
    services.request_carry_out(by=officer.actor, request_id=row.pk)
    assert state(row) == RequestState.CARRYING_OUT
    letter = Letter.objects.get(kind="printed_notice")
    assert "how medical information about you may be used" in str(letter.content) and letter.recipient["lines"]
    Letter.objects.filter(pk=letter.pk).update(pdf_name="x", made_at=dt.datetime.now(dt.UTC))
    letter_posted(by=officer.actor, letter_id=letter.pk, on=today())
    assert state(row) == RequestState.COMPLETED


# --- Costs (P36) -------------------------------------------------------------------------------------------


@pytest.mark.promise("P36")
def test_work_waits_for_a_yes_to_the_cost_and_nothing_is_owed_after_a_no(
    ana: User, officer: User, anas: Patient
) -> None:
    row = ask(ana, anas, RequestKind.ACCESS_PAPER)
    services.request_start(by=officer.actor, request_id=row.pk)
    services.fee_quote(by=officer.actor, request_id=row.pk, cents=2000)
    with pytest.raises(DomainError, match="request_state"):
        services.request_carry_out(by=officer.actor, request_id=row.pk)
    services.fee_decline(by=ana.actor, request_id=row.pk)
    with pytest.raises(DomainError, match="fee_first"):
        services.request_carry_out(by=officer.actor, request_id=row.pk)
    services.fee_quote(by=officer.actor, request_id=row.pk, cents=0)
    assert (state(row), row.fee_state) == ("in_progress", FeeState.WAIVED)
    deletion = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=deletion.pk)
    with pytest.raises(DomainError, match="no_fee"):
        services.fee_quote(by=officer.actor, request_id=deletion.pk, cents=1)


# --- Refusals and reviews (P37) ----------------------------------------------------------------------------


@pytest.mark.promise("P37")
def test_a_review_is_by_somebody_else_has_a_clock_and_may_change_the_answer(
    ana: User, officer: User, clinician: User, support: User, anas: Patient
) -> None:
    with time_machine.travel("2026-12-01T18:00:00Z", tick=False):
        row = ask(ana, anas)
        services.request_start(by=officer.actor, request_id=row.pk)
        services.request_deny(by=officer.actor, request_id=row.pk, ground="retention_law", letter="We must keep it.")
    with time_machine.travel("2027-02-01T18:00:00Z", tick=False):
        services.review_ask(by=ana.actor, request_id=row.pk)
    assert state(row) == RequestState.UNDER_REVIEW and row.due_on == dt.date(2027, 3, 3) and row.ended_at is None
    assert row.in_time is True, "a review does not make the first answer late"
    for wrong in (support, ana):
        with pytest.raises(NotVisible):
            services.review_decide(by=wrong.actor, request_id=row.pk, overturned=True)
    with pytest.raises(DomainError, match="same_person"):
        services.review_decide(by=officer.actor, request_id=row.pk, overturned=False)
    services.review_decide(by=clinician.actor, request_id=row.pk, overturned=True)
    assert state(row) == RequestState.IN_PROGRESS and row.reviewed_by == clinician.pk
    assert may_open(by=officer.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) == GrantKind.REQUEST


@pytest.mark.promise("P37")
def test_a_part_is_refused_and_the_rest_is_given(ana: User, officer: User, clinician: User, anas: Patient) -> None:
    row = ask(ana, anas, RequestKind.COMPLAINT, details="x")
    with pytest.raises(DomainError):
        services.request_refuse_part(by=officer.actor, request_id=row.pk, ground="legal_hold", letter="x")
    deletion = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=deletion.pk)
    services.request_refuse_part(by=officer.actor, request_id=deletion.pk, ground="retention_law", letter="One part.")
    deletion.refresh_from_db()
    deletion.state = RequestState.CARRYING_OUT
    deletion.save()
    services.request_complete(deletion)
    assert state(deletion) == RequestState.PARTLY and deletion.denial_letter == "One part."
    services.review_ask(by=ana.actor, request_id=deletion.pk)
    services.review_decide(by=clinician.actor, request_id=deletion.pk, overturned=False)
    assert state(deletion) == RequestState.PARTLY and deletion.ended_at


# --- Stuck -------------------------------------------------------------------------------------------------


def test_what_is_really_at_work_is_not_taken_off_and_what_is_stuck_is(ana: User, officer: User, anas: Patient) -> None:
    row = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=row.pk)
    services.request_carry_out(by=officer.actor, request_id=row.pk)
    with pytest.raises(DomainError, match="at_work"):
        services.request_put_back(by=officer.actor, request_id=row.pk)
    Job.objects.update(state="failed", finished_at=timezone.now())
    services.request_put_back(by=officer.actor, request_id=row.pk)
    assert state(row) == RequestState.IN_PROGRESS


@pytest.mark.parametrize("at", sorted(OPEN))
def test_the_pages_open_in_every_state_for_both_sides(
    at: RequestState, ana: User, officer: User, anas: Patient, as_: As
) -> None:
    rows = [ask(ana, anas, kind, details="words") for kind in (RequestKind.DELETION, RequestKind.QUESTION)]
    for row in rows:
        RightsRequest.objects.filter(pk=row.pk).update(state=at, denial_ground="retention_law", review_asked_on=today())
        assert "What happened" in page(as_(ana), "privacy:request", row.pk)
        assert "Next:" in page(as_(officer), "admin:privacy_request", row.pk)
    assert "Next:" in page(as_(officer), "admin:privacy_desk")
    page(as_(ana), "privacy:home")


# --- The desk's pages --------------------------------------------------------------------------------------


@pytest.mark.promise("P35")
def test_the_officer_writes_down_a_letter_and_proves_who_wrote_it(
    ana: User, guardian: User, officer: User, anas: Patient, as_: As
) -> None:
    before = timezone.now() - dt.timedelta(days=400)  # the guardian's access is the older one; it is Ana's record
    grant_open(by=SYSTEM, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk, starts_at=before)
    desk = as_(officer)
    form = desk.get("/admin/privacy/new/").context["form"]
    number = public_id_shown(anas.public_id)
    told = {
        "form_key": form["form_key"].value(), "kind": "deletion", "channel": "phone", "number": "nobody",
        "received_on": (today() + dt.timedelta(days=2)).isoformat(), "portal": "on", "details": "Please delete all.",
    }
    assert "There is no record with this number." in text(desk.post("/admin/privacy/new/", told))
    told["number"] = number
    assert "A request cannot come on a day that is still ahead." in text(desk.post("/admin/privacy/new/", told))
    told["received_on"] = (today() - dt.timedelta(days=2)).isoformat()
    assert "Write down what you saw or asked." in text(desk.post("/admin/privacy/new/", {**told, "how": "photo_id"}))
    desk.post("/admin/privacy/new/", told)
    desk.post("/admin/privacy/new/", told)
    row = RightsRequest.objects.get()
    assert (row.account_id, row.channel, row.state) == (ana.pk, "phone", "identity")
    assert "We have to make sure that it was you who asked." in page(as_(ana), "privacy:request", row.pk)
    assert "Make sure who asked" in page(desk, "admin:privacy_request", row.pk)
    desk.post(f"/admin/privacy/{row.pk}/identity/", {"how": "called_back", "note": "Called 320-555-0100."})
    words = page(desk, "admin:privacy_request", row.pk)
    for said in ("Called back at the number in the record", "Take it on", "Please delete all."):
        assert said in words


def test_the_deeds_of_the_desk_lead_back_with_what_was_typed(ana: User, officer: User, anas: Patient, as_: As) -> None:
    row, desk = ask(ana, anas), as_(officer)
    at = f"/admin/privacy/{row.pk}"
    shown = text(desk.post(f"{at}/extend/", {"reason": "Because.", "until": today().isoformat()}))
    assert "The law gives no more time for a request of this kind." in shown, "also where the page offers no such form"
    desk.post(f"{at}/identity/ask/")
    assert state(row) == RequestState.IDENTITY
    shown = desk.post(f"{at}/identity/", {"how": "photo_id", "note": ""})
    assert "Write down what you saw or asked." in text(shown)
    shown = desk.post(f"{at}/identity/unproven/", {"unproven-letter": ""})
    assert "Write a letter that says why." in text(shown)
    desk.post(f"{at}/identity/unproven/", {"unproven-letter": "We could not reach you."})
    assert state(row) == RequestState.DENIED
    lost = entered(officer, None, RequestKind.COMPLAINT)
    desk.post(f"/admin/privacy/{lost.pk}/taken-back/")
    assert state(lost) == RequestState.WITHDRAWN


def test_the_queue_filters_pages_and_asks_as_often_for_many_as_for_few(
    ana: User, officer: User, anas: Patient, as_: As
) -> None:
    desk = as_(officer)
    rows = [ask(ana, anas, RequestKind.QUESTION, details=str(number)) for number in range(3)]
    few = queries(desk, "/admin/privacy/")
    RightsRequest.objects.bulk_create(
        RightsRequest(
            kind=RequestKind.QUESTION, subject_id=anas.pk, account_id=ana.pk, identity_state="not_needed",
            received_on=today(), first_due_on=today(), due_on=today() + dt.timedelta(days=number),
        )
        for number in range(60)
    )
    assert queries(desk, "/admin/privacy/") == few <= 8, few
    words = page(desk, "admin:privacy_desk")
    assert "Page 1 of 3" in words and "63" in words
    services.request_start(by=officer.actor, request_id=rows[0].pk)
    RightsRequest.objects.filter(pk=rows[1].pk).update(
        received_on=today() - dt.timedelta(days=9), first_due_on=today() - dt.timedelta(days=2),
        due_on=today() - dt.timedelta(days=2),
    )
    for query, count in (
        ("owner=mine", 1), ("late=late", 1), ("kind=question&owner=nobody", 62), ("kind=deletion", 0),
        (f"owner={officer.pk}", 1), ("owner=nonsense", 63), ("page=99", 63), ("late=soon", 9),
    ):
        shown = desk.get(f"/admin/privacy/?{query}")
        assert shown.status_code == 200 and shown.context["total"] == count, query


def test_a_guardian_without_a_record_sees_what_can_be_asked_without_one(guardian: User, as_: As) -> None:
    browser = as_(guardian)
    words = page(browser, "privacy:home")
    assert "Ask a question" in words and "Make a complaint" in words and "Delete it" not in words
    assert browser.get(reverse("privacy:ask", args=["access_paper"])).status_code == 404
    assert browser.get(reverse("privacy:ask", args=["deletion"])).status_code == 404
    assert browser.get(reverse("privacy:ask", args=["nonsense"])).status_code == 404


def test_two_people_each_get_a_copy_of_their_own_and_follow_one_deed_together(
    ana: User, guardian: User, anas: Patient, as_: As
) -> None:
    grant_open(by=ana.actor, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    first, second = copy_asked(ana, anas), copy_asked(guardian, anas)
    assert first != second and (first.state, second.state) == ("carrying_out", "carrying_out")
    first, second = ask(ana, anas), ask(guardian, anas)
    assert second.state == RequestState.JOINED and second.joined_to == first and second.account_id == guardian.pk
    words = page(as_(guardian), "privacy:request", second.pk)
    assert "Both are answered together" in words and "Day 0 of 30" in words, "the clock goes on for who was joined"
    first.kind = second.kind = RequestKind.ACCESS_PAPER  # a deletion would end with the account
    first.state = RequestState.CARRYING_OUT
    first.save()
    second.save()
    services.request_complete(first)
    assert Letter.objects.get(kind="joined_answered").account_id == guardian.pk
