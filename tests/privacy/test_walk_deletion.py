"""A deletion from the wish to the last letter and nothing left, in the portal and by post with a hold (P39, P41).

Also the end of the relationship: one last mail, and none after it whatever happens (P28).
"""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core import mail as mailbox
from playwright.sync_api import Page, expect

from billing.models import Refund
from portal.accounts.models import User
from portal.dates import today
from portal.outbox.models import MailState, OutgoingMail
from portal.outbox.services import mail_queue
from privacy.letters.models import Letter
from privacy.models import ArchiveCopy, RequestKind, RightsRequest
from records.models import Patient
from records.people.public_id import public_id_shown
from records.people.services import patient_update
from tests.browser.evidence import where
from tests.conftest import PASSWORD
from tests.consults import building as consults
from tests.privacy.building import WORD, bundles, opened_with, sealed_files, told
from tests.privacy.test_gone_for_good import everywhere, lines
from tests.privacy.test_walk_limits import printed
from tests.privacy.walking import asks, mails_to, portals_turn, takes_on
from tests.privacy.windows import Window, seen

__all__ = ["lines"]
WALKS = {RequestKind.DELETION, RequestKind.LEAVING}
pytestmark = [
    pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places"),
]
NEW = "zqxnewmailbox@example.org"
STREET = "Zqxstreet 7"


@pytest.fixture
def record(ana: User, anas: Patient, clinician: User, places: None) -> Patient:
    """Ana's record with an address, an answered consult and one that is paid for and waits."""
    address = {"street": STREET, "city": "Clear Lake", "state": "MN", "postal_code": "55319"}
    patient_update(by=ana.actor, patient_id=anas.pk, address=address)
    told(ana, clinician, anas)
    consults.waiting(ana, anas)
    return anas


def to(address: str) -> list[str]:
    """The words of all mail to this address, in its order."""
    return [str(one.body) for one in mailbox.outbox if one.to == [address]]


def changes_address(phone: Page) -> None:
    """Ana signs in with another mailbox from now on; a code proves that it is hers."""
    phone.goto("/accounts/email/")
    phone.get_by_label("Email").fill(NEW)
    phone.get_by_role("button", name="Send the code").click()
    phone.get_by_label("Password", exact=True).fill(PASSWORD)
    phone.get_by_role("button", name="It is me").click()
    phone.get_by_label("Code").wait_for()
    portals_turn()
    [code] = re.findall(r"^\s*([A-Z0-9]{3,4}-[A-Z0-9]{3,4})\s*$", to(NEW)[-1], re.MULTILINE)
    phone.get_by_label("Code").fill(code)
    phone.get_by_role("button", name="Go on").click()
    phone.wait_for_url("**/account/")
    assert User.objects.filter(email=NEW).exists()


def asks_for_deletion(phone: Page) -> RightsRequest:
    """From the privacy page to a request that waits."""
    asks(phone, "Delete it")
    seen(phone, "delete-1-ask")
    phone.get_by_role("button", name="Ask for deletion").click()
    expect(phone.get_by_text("Tick the box if you want us to delete your record.").first).to_be_visible()
    phone.get_by_label("I know that this cannot be undone").check()
    phone.get_by_label("Do you want to tell us why?").fill(f"Because {WORD}.")
    phone.get_by_role("button", name="Ask for deletion").dblclick()
    expect(phone.get_by_text("Nothing is deleted yet")).to_be_visible()
    expect(phone.get_by_text("Day 0 of 30").first).to_be_visible()
    seen(phone, "delete-2-asked")
    return RightsRequest.objects.get(kind=RequestKind.DELETION)


@pytest.mark.promise("P31", "P35", "P39", "P40", "P41")
def test_a_deletion_from_the_wish_to_the_last_mail_at_the_newest_address_and_nothing_left(
    window: Window, ana: User, officer: User, record: Patient, lines: list[str]
) -> None:
    """Nowhere in dump, storage, broker, logs, outbox and sessions, where each word stood before."""
    old, phone, desk = ana.email, window(ana), window(officer, width=1280)
    changes_address(phone)
    asks(phone, "Get a copy")
    phone.get_by_role("button", name="Make my copy").click()
    request = asks_for_deletion(phone)
    assert opened_with(WORD) and opened_with(STREET) and sealed_files()
    assert where([NEW], everywhere(lines)) == [f"{NEW} in dump"], "else the search at the end would prove nothing"
    takes_on(desk, "Deletion of the record")
    expect(desk.get_by_text(f"Because {WORD}.")).to_be_visible()
    seen(desk, "delete-3-desk")
    desk.get_by_role("button", name="Delete the record").click()
    expect(desk.get_by_text("Tick the box first")).to_be_visible()
    desk.get_by_label("I know that this cannot be undone").check()
    desk.get_by_role("button", name="Delete the record").click()
    expect(desk.get_by_text("See to the copy first.")).to_be_visible()
    seen(desk, "delete-4-copy-first")
    portals_turn()
    phone.reload()
    seen(phone, "delete-5-worked-on")
    desk.get_by_label("I know that this cannot be undone").check()
    desk.get_by_role("button", name="Delete the record").click()
    expect(desk.get_by_text("It is being carried out.").first).to_be_visible()
    phone.reload()
    seen(phone, "delete-6-carried-out")
    before = len(to(old)), len(to(NEW))
    portals_turn()
    desk.reload()
    expect(desk.get_by_text("the account is gone")).to_be_visible()
    seen(desk, "delete-7-done")
    phone.goto("/privacy/")
    expect(phone.get_by_role("heading", name="Welcome back")).to_be_visible()
    [closing] = to(NEW)[before[1]:]
    assert len(to(old)) == before[0], "the mailbox of before hears nothing"
    [kept] = ArchiveCopy.objects.values_list("retain_until", flat=True).distinct()
    for words in (
        "we have deleted your record and closed your account", "what was paid for it goes back",
        f"until {kept:%B} {kept.day}, {kept.year}", "Our register shows nothing", "Square", "Sealed backups",
    ):
        assert words in " ".join(closing.split()), words
    assert WORD not in closing and Refund.objects.count() == 1 and len(bundles()) == 2
    request.refresh_from_db()
    assert request.state == "completed" and not Patient.objects.filter(pk=record.pk).exists()
    assert opened_with(WORD) == opened_with(STREET) == opened_with(NEW) == opened_with(old) == {}
    found = where([WORD, STREET, NEW, old, "Okafor", str(ana.pk)], everywhere(lines))
    assert [place for place in found if not place.startswith(str(ana.pk))] == []
    mailbox.outbox.clear()
    portals_turn()
    assert mailbox.outbox == []


@pytest.mark.promise("P35", "P39", "P41")
def test_a_deletion_by_post_is_proven_held_and_told_on_paper(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    """No word by mail: who wrote a letter gets letters, to the last one."""
    desk = window(officer, width=1280)
    portals_turn()
    mailbox.outbox.clear()
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name="Write down a request").click()
    desk.get_by_label("What is asked for").select_option("deletion")
    desk.get_by_label("How it came").select_option("mail")
    desk.get_by_label("The day it came").fill((today() - dt.timedelta(days=2)).isoformat())
    desk.get_by_label("Number of the record").fill(public_id_shown(record.public_id))
    desk.get_by_label("This person uses the portal").uncheck()
    desk.get_by_label("Name of who asked").fill("Ana Okafor")
    desk.get_by_label("Postal address").fill("PO Box 12\nMonticello, MN 55362")
    desk.get_by_label("What they asked, in their words").fill(f"Delete all of it. {WORD}")
    seen(desk, "post-1-enter")
    desk.get_by_role("button", name="Write it down").click()
    expect(desk.get_by_role("button", name="Take it on")).to_have_count(0)
    portals_turn()
    seen(desk, "post-2-unproven")
    desk.get_by_label("How you made sure").select_option("copy_of_id")
    desk.get_by_label("What you saw or asked").fill("The signature agrees.")
    desk.get_by_role("button", name="It is known who asked").click()
    request = takes_on(desk, "Deletion of the record")
    holds(desk)
    desk.goto(f"/admin/privacy/{request.pk}/")
    desk.get_by_label("I know that this cannot be undone").check()
    desk.get_by_role("button", name="Delete the record").click()
    expect(desk.get_by_text("goes on when it ends").first).to_be_visible()
    seen(desk, "post-4-held")
    portals_turn()
    assert Patient.objects.filter(pk=record.pk).exists() and mails_to(ana) == []
    received = printed(desk)
    assert "PO Box 12" in received and "Deletion of the record" in received and "Delete all of it" not in received
    desk.goto(f"/admin/privacy/{request.pk}/")
    expect(desk.get_by_role("button", name="Delete the record")).to_have_count(0)
    desk.get_by_role("link", name="See the holds").click()
    desk.get_by_role("region", name="Holds that stand").get_by_role("link").first.click()
    desk.locator("main form textarea").fill("The court closed the case.")
    desk.get_by_label("I know that a deletion that waits for this goes on at once").check()
    seen(desk, "post-5-end-of-hold")
    desk.get_by_role("button", name="End the hold").click()
    expect(desk.get_by_text("The hold has ended.")).to_be_visible()
    portals_turn()
    assert not Patient.objects.filter(pk=record.pk).exists()
    desk.goto(f"/admin/privacy/{request.pk}/")
    seen(desk, "post-6-done")
    closing = Letter.objects.get(kind="closing")
    assert closing.subject_id is None and closing.account_id is None
    text = printed(desk)
    for words in ("Ana Okafor", "PO Box 12", "Monticello, MN 55362", "archive", "backups", "outside the clinic"):
        assert words in text, words
    assert STREET not in text and WORD not in text and mails_to(ana) == []
    desk.goto("/admin/letters/")
    desk.get_by_role("button", name="Those ticked were posted today").click()
    seen(desk, "post-7-posted")
    assert opened_with(WORD) == opened_with(STREET) == {}


def holds(desk: Page) -> None:
    """A court's order comes while the request is worked on."""
    desk.get_by_role("link", name="Place a legal hold on this record").click()
    desk.get_by_label("Why, and who asked for it").fill("District court, file 27-CV-1.")
    desk.get_by_label("Look at it again on").fill((today() + dt.timedelta(days=20)).isoformat())
    seen(desk, "post-3-hold")
    desk.get_by_role("button", name="Place the hold").click()
    expect(desk.get_by_text("The hold stands.")).to_be_visible()


@pytest.mark.promise("P28", "P35")
def test_who_leaves_gets_one_last_mail_and_none_after_it(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    phone, desk, other = window(ana), window(officer, width=1280), window(ana)
    portals_turn()
    mailbox.outbox.clear()
    mail_queue(kind="consults.message", account_id=ana.pk, subject_id=record.pk, once_key="was-waiting", refs={})
    asks(phone, "Leave, and get no more mail")
    seen(phone, "leave-1-ask")
    phone.get_by_role("button", name="Leave now").click()
    expect(phone.get_by_text("Tick the box if you want to leave.").first).to_be_visible()
    phone.get_by_label("I know that my account closes for good").check()
    phone.get_by_role("button", name="Leave now").click()
    expect(phone.get_by_role("heading", name="Goodbye")).to_be_visible()
    seen(phone, "leave-2-left")
    other.goto("/home/")
    expect(other.get_by_role("heading", name="Welcome back")).to_be_visible()
    portals_turn()
    [last] = to(ana.email)
    for words in ("Nobody can sign in to it", "the last mail", "goes back the way it came", "goes by post", "7 years"):
        assert words in " ".join(last.split()), words
    request = RightsRequest.objects.get(kind=RequestKind.LEAVING)
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name="The end of your time with us").click()
    expect(desk.get_by_text("Done").first).to_be_visible()
    seen(desk, "leave-3-desk")
    tries_again(phone, ana.email)
    mail_queue(kind="privacy.received", account_id=ana.pk, subject_id=record.pk, once_key="late", refs={
        "request": str(request.pk), "due": "2026-12-24",
    })
    mail_queue(kind="account.reopened", address=ana.email, once_key="later", secret={"at": "2026"})
    portals_turn()
    assert to(ana.email) == [last], "exactly one, and none after it"
    waiting = [MailState.WAITING, MailState.SENDING, MailState.DEAD]
    assert not OutgoingMail.objects.filter(state__in=waiting, account_id=ana.pk).exists()
    assert Patient.objects.filter(pk=record.pk).exists() and Refund.objects.count() == 1
    desk.goto("/admin/privacy/left/")
    expect(desk.get_by_text("1 address is never written to")).to_be_visible()
    seen(desk, "leave-4-come-back")


def tries_again(phone: Page, address: str) -> None:
    """A password forgotten, a sign-in, a new account: none of it brings a mail."""
    phone.goto("/accounts/password/reset/")
    phone.get_by_label("Email").fill(address)
    phone.get_by_role("button", name="Send the code").click()
    portals_turn()
    phone.goto("/accounts/login/")
    phone.get_by_label("Email").fill(address)
    phone.get_by_label("Password", exact=True).fill(PASSWORD)
    phone.get_by_role("button", name="Sign in", exact=True).click()
    expect(phone.locator("[role=alert]").first).to_be_visible()
