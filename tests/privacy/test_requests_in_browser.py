"""Requests in Chromium, walked on both sides: by the patient on a phone, by the officer at a desk."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from portal.accounts.models import User
from portal.dates import today
from privacy.denials.services import No, request_refuse
from privacy.requests import services
from privacy.requests.models import Channel, IdentityHow, RequestKind, RightsRequest
from privacy.requests.services import Identity
from records.models import Patient
from records.people.public_id import public_id_shown
from tests.privacy.building import ask, told
from tests.privacy.windows import Window, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.promise("P35", "P50")
def test_a_question_goes_from_the_phone_to_the_desk_and_back(
    window: Window, ana: User, officer: User, anas: Patient
) -> None:
    phone = window(ana)
    phone.goto("/privacy/")
    phone.get_by_role("link", name="Ask a question").click()
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Write your question first.").first).to_be_visible()
    phone.get_by_label("Your question").fill("Who can see my photos?")
    phone.get_by_role("button", name="Send").dblclick()
    expect(phone.get_by_role("heading", name="A question about privacy")).to_be_visible()
    expect(phone.get_by_text("Day 0 of 14").first).to_be_visible()
    assert RightsRequest.objects.count() == 1
    desk = window(officer, width=1280)
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name="A question about privacy").click()
    desk.get_by_role("button", name="Take it on").click()
    desk.get_by_role("textbox", name="Answer").fill("Only the people who care for you.")
    desk.get_by_role("button", name="Send the answer").click()
    expect(desk.get_by_text("The answer is sent.")).to_be_visible()
    phone.reload()
    expect(phone.get_by_text("Only the people who care for you.")).to_be_visible()


@pytest.mark.promise("P35")
def test_a_letter_is_written_down_proven_and_taken_back(
    window: Window, ana: User, officer: User, anas: Patient
) -> None:
    desk = window(officer, width=1280)
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name="Write down a request").click()
    desk.get_by_label("What is asked for").select_option("deletion")
    desk.get_by_label("The day it came").fill((today() - dt.timedelta(days=3)).isoformat())
    desk.get_by_label("Number of the record").fill(public_id_shown(anas.public_id))
    desk.get_by_role("button", name="Write it down").click()
    expect(desk.get_by_text("Nothing is done before you made sure who asked.")).to_be_visible()
    desk.get_by_label("How you made sure").select_option("called_back")
    desk.get_by_label("What you saw or asked").fill("Called back at the number on file.")
    desk.get_by_role("button", name="It is known who asked").click()
    expect(desk.get_by_role("button", name="Take it on")).to_be_visible()
    phone = window(ana)
    phone.goto("/privacy/")
    phone.get_by_role("link", name="Deletion of the record").first.click()
    phone.get_by_text("Take my request back").click()
    phone.get_by_role("button", name="Yes, take it back").click()
    expect(phone.get_by_text("You took your request back. Nothing was changed.")).to_be_visible()


def test_the_pages_of_requests_on_a_phone_and_a_desk(
    window: Window, ana: User, officer: User, clinician: User
) -> None:
    patient = told(ana, clinician).patient
    late = ask(ana, patient, RequestKind.QUESTION, details="What do you keep of me when I leave?")
    RightsRequest.objects.filter(pk=late.pk).update(
        received_on=today() - dt.timedelta(days=16), due_on=today() - dt.timedelta(days=2)
    )
    answered = ask(ana, patient, RequestKind.COMPLAINT, details="Somebody called me at work.")
    services.request_start(by=officer.actor, request_id=answered.pk)
    services.request_answer(
        by=officer.actor, request_id=answered.pk, answer="You are right, and we are sorry.", outcome="founded"
    )
    unknown = services.request_open(
        by=officer.actor, kind=RequestKind.DELETION, subject_id=patient.pk, account_id=ana.pk, form_key=uuid4(),
        channel=Channel.MAIL, received_on=today() - dt.timedelta(days=9), details="Please delete my file.",
    )
    refused = services.request_open(
        by=officer.actor, kind=RequestKind.DELETION, subject_id=patient.pk, account_id=ana.pk, form_key=uuid4(),
        channel=Channel.PHONE, identity=Identity(IdentityHow.CALLED_BACK, "Number on file."),
    )
    services.request_start(by=officer.actor, request_id=refused.pk)
    request_refuse(by=officer.actor, request_id=refused.pk, no=No("retention_law", "You were here in spring."))
    at = {row.pk: f"/privacy/requests/{row.pk}/" for row in (late, answered, unknown, refused)}
    look(window, ana, {
        "req-home": "/privacy/", "req-ask": "/privacy/ask/complaint/", "req-notice": "/privacy/ask/notice/",
        "req-late": at[late.pk], "req-answered": at[answered.pk], "req-unknown": at[unknown.pk],
        "req-refused": at[refused.pk],
    })
    look(window, officer, {
        "req-desk": "/admin/privacy/", "req-desk-late": "/admin/privacy/?late=late", "req-enter": "/admin/privacy/new/",
        "req-desk-question": f"/admin/privacy/{late.pk}/", "req-desk-unknown": f"/admin/privacy/{unknown.pk}/",
        "req-desk-refused": f"/admin/privacy/{refused.pk}/",
    })
