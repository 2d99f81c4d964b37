"""What a parent or guardian asks about a child's record, from the wish to its end: see, stop, delete (P47)."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core import mail as mailbox
from django.urls import reverse
from playwright.sync_api import Page, expect

from billing.models import Refund
from consults.services import consult_message
from portal.accounts.models import User
from portal.errors import NotVisible
from portal.outbox.models import MailState, OutgoingMail
from portal.outbox.services import mail_queue
from portal.permissions import Role
from privacy.deidentified import rebuild, shown
from privacy.models import RequestKind, RightsRequest
from records.models import Patient
from tests.conftest import account
from tests.consults import building as consults
from tests.privacy.building import WORD, child_of, opened_with, told
from tests.privacy.walking import asks, mails_to, portals_turn, takes_on
from tests.privacy.windows import Window, seen

WALKS = {RequestKind.GUARDIAN_REVIEW, RequestKind.GUARDIAN_DELETION, RequestKind.STOP_USING}
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.promise("P35", "P47")]
AGREE = "I know that this cannot be undone"


@pytest.fixture
def mo(ben: User, guardian: User, officer: User, clinician: User) -> Patient:
    """Mo, fifteen, with a sign-in of his own (Ben's) and an answered consult; Gwen may act for him."""
    patient = child_of(guardian, officer, ben)
    told(ben, clinician, patient)
    return patient


def asks_for(phone: Page, link: str) -> None:
    """From the privacy page over the page for guardians to one wish about the child."""
    asks(phone, "For parents and guardians")
    phone.get_by_role("link", name=link).click()


def test_a_guardian_has_something_explained(window: Window, guardian: User, officer: User, mo: Patient) -> None:
    phone, desk = window(guardian), window(officer, width=1280)
    asks(phone, "For parents and guardians")
    seen(phone, "guardian-1-children")
    phone.get_by_role("link", name="Ask to have something shown or explained").click()
    seen(phone, "guardian-2-review")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Write what you want to see.").first).to_be_visible()
    phone.get_by_label("What do you want to see").fill("What is the cream for?")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Day 0 of 30").first).to_be_visible()
    seen(phone, "guardian-3-asked")
    takes_on(desk, "A look at your child’s record")
    seen(desk, "guardian-4-desk")
    desk.get_by_role("textbox", name="Answer").fill("It calms the skin. Some things may be private.")
    desk.get_by_role("button", name="Send the answer").click()
    expect(desk.get_by_text("The answer is sent.")).to_be_visible()
    portals_turn()
    phone.reload()
    expect(phone.get_by_text("It calms the skin.")).to_be_visible()
    seen(phone, "guardian-5-answered")
    assert mails_to(guardian)[-1] == "An answer waits for you" and WORD not in mailbox.outbox[-1].body
    asks(phone, "For parents and guardians")
    phone.get_by_role("link", name="See the record").click()
    expect(phone.get_by_text("Mo Okafor").first).to_be_visible()
    seen(phone, "guardian-6-record")


def test_a_stop_ends_care_mail_copies_and_numbers_and_pays_back(
    window: Window, guardian: User, ben: User, officer: User, clinician: User, mo: Patient
) -> None:
    waiting = consults.waiting(ben, mo)
    portals_turn()
    rebuild()
    assert shown().count() == 1
    phone, desk, doctor = window(guardian), window(officer, width=1280), window(clinician, width=1280)
    doctor.goto(reverse("admin:consults_queue"))
    case = doctor.locator(f"main [href*='{waiting.pk}'], main [action*='{waiting.pk}']")
    expect(case).not_to_have_count(0)
    asks_for(phone, "Tell us to stop using it")
    seen(phone, "stop-1-ask")
    phone.get_by_role("button", name="Stop using it now").click()
    expect(phone.get_by_text("Tick the box if you want us to stop using the record.").first).to_be_visible()
    phone.get_by_label("I know that care ends with it").check()
    phone.get_by_role("button", name="Stop using it now").dblclick()
    expect(phone.get_by_role("heading", name="The record is only kept")).to_be_visible()
    seen(phone, "stop-2-done")
    waiting.refresh_from_db()
    assert waiting.state == "withdrawn" and Refund.objects.count() == 1
    doctor.reload()
    expect(case).to_have_count(0)
    portals_turn()
    before = len(mails_to(ben)), len(mails_to(guardian))
    with pytest.raises(NotVisible):
        consult_message(by=clinician.actor, consult_id=waiting.pk, body="How are you?", form_key=uuid4())
    mail_queue(kind="consults.message", account_id=ben.pk, subject_id=mo.pk, once_key="late", refs={})
    portals_turn()
    assert OutgoingMail.objects.get(once_key="late").state == MailState.REFUSED
    assert (len(mails_to(ben)), len(mails_to(guardian))) == before
    rebuild()
    assert shown().count() == 0
    child = window(ben)
    child.goto("/privacy/")
    child.get_by_role("link", name="Get a copy", exact=True).click()
    expect(child.get_by_text("only kept and not used")).to_be_visible()
    seen(child, "stop-3-no-copy")
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name="A stop to using your child’s record").click()
    expect(desk.get_by_text("told us to stop using it")).to_be_visible()
    seen(desk, "stop-4-desk")
    desk.get_by_role("link", name="Use it again").click()
    seen(desk, "stop-5-lift")
    desk.get_by_label("Why may it be used again?").fill("She wrote that care may go on.")
    desk.locator("main form button").last.click()
    expect(desk.get_by_text("The record may be used again.")).to_be_visible()
    seen(desk, "stop-6-frozen-list")
    phone.reload()
    expect(phone.get_by_text("The record may be used again.")).to_be_visible()


@pytest.mark.promise("P39", "P41")
def test_a_childs_record_is_deleted_and_guardian_and_child_are_told(
    window: Window, guardian: User, ben: User, officer: User, mo: Patient
) -> None:
    other = account("pat@example.org", Role.PATIENT, "Pat Lee")
    phone, desk, child = window(guardian), window(officer, width=1280), window(ben)
    asks_for(phone, "Ask us to delete it")
    seen(phone, "child-delete-1-ask")
    phone.get_by_label(AGREE).check()
    phone.get_by_role("button", name="Ask for deletion").click()
    expect(phone.get_by_text("Nothing is deleted yet.")).to_be_visible()
    seen(phone, "child-delete-2-asked")
    takes_on(desk, "Deletion of your child’s record")
    seen(desk, "child-delete-3-desk")
    desk.get_by_label(AGREE).check()
    desk.get_by_role("button", name="Delete the record").click()
    phone.reload()
    seen(phone, "child-delete-4-carried-out")
    before = {user: len(mails_to(user)) for user in (guardian, ben, other)}
    portals_turn()
    desk.reload()
    expect(desk.get_by_text("Nothing more to do here.")).to_be_visible()
    seen(desk, "child-delete-5-desk-done")
    phone.reload()
    expect(phone.get_by_text("Done").first).to_be_visible()
    seen(phone, "child-delete-6-done")
    child.goto("/privacy/")
    expect(child.get_by_role("heading", name="Welcome back")).to_be_visible()
    told_ = {one.to[0]: " ".join(one.body.split()) for one in mailbox.outbox if "have deleted" in one.body}
    assert "the record of the child you look after, as you asked" in told_[guardian.email]
    assert "as your parent or guardian asked" in told_["ben@example.org"] and len(told_) == 2
    assert {user: len(mails_to(user)) for user in before} == {
        guardian: before[guardian] + 1, ben: before[ben] + 1, other: 0
    }
    assert not Patient.objects.filter(pk=mo.pk).exists() and opened_with(WORD) == {}
    assert RightsRequest.objects.get(kind=RequestKind.GUARDIAN_DELETION).state == "completed"
    asks(phone, "For parents and guardians")
    expect(phone.get_by_text("You look after nobody here yet")).to_be_visible()
    seen(phone, "child-delete-7-children")
