"""A complaint and a question, from the words that somebody writes to the answer that they read (P50, P51)."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core import mail as mailbox
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from privacy.models import RequestKind, RightsRequest
from records.models import Patient
from tests.privacy.building import told
from tests.privacy.test_walk_limits import printed
from tests.privacy.walking import asks, mails_to, portals_turn, takes_on
from tests.privacy.windows import Window, seen

WALKS = {RequestKind.COMPLAINT, RequestKind.QUESTION}
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.promise("P35", "P50")]


@pytest.fixture
def record(ana: User, anas: Patient, clinician: User) -> Patient:
    told(ana, clinician, anas)
    return anas


def answers(desk: Page, words: str, *, shot: str, outcome: str = "") -> None:
    """The officer sends an empty answer first, and is told so."""
    desk.get_by_role("button", name="Send the answer").click()
    expect(desk.get_by_text("Write the answer first.").first).to_be_visible()
    seen(desk, f"{shot}-empty")
    if outcome:
        desk.get_by_label("What came of it").select_option(outcome)
    desk.get_by_role("textbox", name="Answer").fill(words)
    desk.get_by_role("button", name="Send the answer").click()
    expect(desk.get_by_text("The answer is sent.")).to_be_visible()
    portals_turn()
    seen(desk, shot)


@pytest.mark.promise("P51")
def test_a_complaint_is_looked_into_and_answered(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks(phone, "Make a complaint")
    expect(phone.get_by_role("link", name="U.S. Department of Health and Human Services").first).to_be_visible()
    seen(phone, "complaint-1-ask")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Write what happened first.").first).to_be_visible()
    phone.get_by_label("What happened?").fill("Somebody called me at work.")
    phone.get_by_role("button", name="Send").dblclick()
    expect(phone.get_by_text("Somebody called me at work.")).to_be_visible()
    seen(phone, "complaint-2-asked")
    assert RightsRequest.objects.count() == 1
    takes_on(desk, "A complaint")
    seen(desk, "complaint-3-desk")
    answers(desk, "You are right. We call you at home only.", shot="complaint-4-desk-done", outcome="founded")
    phone.reload()
    expect(phone.get_by_text("The complaint was right")).to_be_visible()
    expect(phone.get_by_text("We call you at home only.")).to_be_visible()
    seen(phone, "complaint-5-answered")
    assert mails_to(ana)[-1] == "An answer waits for you" and "at home" not in mailbox.outbox[-1].body
    phone.goto("/privacy/")
    seen(phone, "complaint-6-home")


def test_a_question_by_phone_of_somebody_without_a_record_is_answered_on_paper(
    window: Window, officer: User
) -> None:
    desk = window(officer, width=1280)
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name="Write down a request").click()
    desk.get_by_label("What is asked for").select_option("question")
    desk.get_by_label("How it came").select_option("phone")
    desk.get_by_label("Name of who asked").fill("Lee Park")
    desk.get_by_label("Postal address").fill("9 Hill Street\nSt. Cloud, MN 56301")
    desk.get_by_label("What they asked, in their words").fill("Do you sell data?")
    desk.get_by_role("button", name="Write it down").click()
    portals_turn()
    takes_on(desk, "A question about privacy")
    seen(desk, "question-1-desk")
    answers(desk, "No, never.", shot="question-2-desk-done")
    text = printed(desk)
    for words in ("Lee Park", "9 Hill Street", "A question about privacy", "No, never.", settings.CLINIC_OFFICER_NAME,
                  "Department of Health and Human Services"):
        assert words in text, words
    desk.goto("/admin/letters/")
    desk.get_by_role("button", name="Those ticked were posted today").click()
    seen(desk, "question-3-posted")
    assert mailbox.outbox == [] or all("Lee" not in one.body for one in mailbox.outbox)


def test_a_question_from_the_phone_is_answered_there(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks(phone, "Ask a question")
    seen(phone, "question-4-ask")
    phone.get_by_label("Your question").fill("Who can see my photos?")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Day 0 of 14").first).to_be_visible()
    seen(phone, "question-5-asked")
    takes_on(desk, "A question about privacy")
    answers(desk, "Only the people who care for you.", shot="question-6-desk-done")
    phone.reload()
    expect(phone.get_by_text("Only the people who care for you.")).to_be_visible()
    seen(phone, "question-7-answered")
    assert mails_to(ana)[-1] == "An answer waits for you"
