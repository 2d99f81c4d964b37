"""A limit on what is shared, and another way to be reached, from the wish to what then holds (RULES 1.36-1.38)."""

from __future__ import annotations

import re

import pypdf
import pytest
from django.core import mail as mailbox
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from privacy.letters.models import Letter
from privacy.limits.services import post_instead
from privacy.models import RequestKind
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import may_release
from records.models import Patient
from records.people.services import patient_update
from records.restrictions.selectors import limits_of
from tests.consults import building as consults
from tests.privacy.building import told
from tests.privacy.walking import asks, letters_of, mails_to, portals_turn, reads_letter, takes_on
from tests.privacy.windows import Window, seen

WALKS = {RequestKind.RESTRICTION, RequestKind.CONFIDENTIAL}
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def record(ana: User, anas: Patient, clinician: User) -> Patient:
    """Ana's record with an address and an answered consult that she paid for."""
    address = {"street": "1 Lake Road", "city": "Clear Lake", "state": "MN", "postal_code": "55319"}
    patient_update(by=ana.actor, patient_id=anas.pk, address=address)
    told(ana, clinician, anas)
    return anas


def printed(desk: Page) -> str:
    """All that waits on the print queue, as the officer gets it."""
    desk.goto("/admin/letters/")
    with desk.expect_download() as coming:
        desk.get_by_role("button", name="Print all").click()
    pages = pypdf.PdfReader(coming.value.path()).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.promise("P35")
def test_what_was_paid_for_is_kept_from_a_health_plan_from_the_first_moment_and_cannot_be_refused(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks(phone, "Limit what we share")
    seen(phone, "limit-1-ask")
    phone.get_by_role("button", name="Ask for it").click()
    expect(phone.get_by_text("Write what you do not want us to share.").first).to_be_visible()
    phone.get_by_label("What do you not want us to share?").fill("My acne visit in fall.")
    phone.get_by_label("A health plan or insurer").check()
    phone.get_by_label("Did you pay for it yourself, in full?").select_option(index=1)
    phone.get_by_role("button", name="Ask for it").click()
    expect(phone.get_by_text("We keep to it already, from the moment you asked.")).to_be_visible()
    expect(phone.get_by_text("Day 0 of 30").first).to_be_visible()
    seen(phone, "limit-2-asked")
    assert [limit.must for limit in limits_of(record.pk)] == [True]
    release = may_release(subject_id=record.pk, basis=DisclosureBasis.PAYMENT, recipient="Big Plan Inc.")
    assert not release.allowed and release.code == "limited"
    request = takes_on(desk, "A limit on what we share")
    expect(desk.get_by_text("The law demands it")).to_be_visible()
    expect(desk.get_by_text("Do not grant it, or only a part")).to_have_count(0)
    seen(desk, "limit-3-desk")
    desk.get_by_role("button", name="Agree to it").click()
    seen(desk, "limit-4-agreed")
    portals_turn()
    phone.reload()
    seen(phone, "limit-5-done")
    text = reads_letter(phone, "We do not share what you named", "limit-6-letter")
    for words in ("My acne visit in fall.", "A health plan or insurer", "You paid for it yourself", "In an emergency"):
        assert words in text, words
    assert letters_of(request) == ["limit.agreed"]
    phone.get_by_role("button", name="End this limit").click()
    expect(phone.get_by_text("The limit is over.")).to_be_visible()
    seen(phone, "limit-7-ended")
    assert limits_of(record.pk) == ()
    desk.reload()
    expect(desk.get_by_text("The patient ended it")).to_be_visible()


@pytest.mark.promise("P35", "P37")
def test_another_limit_may_be_refused_and_when_it_is_agreed_to_an_emergency_is_written_down(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    for what in ("My visits.", "Only my pictures."):
        asks(phone, "Limit what we share")
        phone.get_by_label("What do you not want us to share?").fill(what)
        phone.get_by_label("An employer").check()
        phone.get_by_label("Their name").fill("Mill Co.")
        phone.get_by_role("button", name="Ask for it").click()
        expect(phone.get_by_text("not yet").first).to_be_visible()
        request = takes_on(desk, "A limit on what we share")
        if what == "My visits.":
            desk.get_by_role("link", name="Do not grant it, or only a part").click()
            desk.get_by_label("A law makes us share it").check()
            seen(desk, "limit-8-refuse")
            desk.get_by_role("button", name="Send the letter").click()
        else:
            desk.get_by_role("button", name="Agree to it").click()
        portals_turn()
        phone.reload()
        seen(phone, f"limit-9-{'refused' if what == 'My visits.' else 'agreed'}")
    text = reads_letter(phone, "We do not share what you named")
    assert "Only my pictures." in text and "Mill Co." in text and "We agreed to it" in text
    assert [limit.must for limit in limits_of(record.pk)] == [False]
    desk.goto(f"/admin/privacy/{request.pk}/")
    desk.get_by_role("link", name="Shared in an emergency").click()
    desk.get_by_label("Who got it?").fill("Lakes Hospital")
    desk.get_by_label("What was the emergency?").fill("She fainted at work.")
    desk.get_by_label("I asked them to use it for this emergency only").check()
    seen(desk, "limit-10-emergency")
    desk.get_by_role("button", name="Note it").click()
    expect(desk.get_by_text("It is noted. The limit goes on.")).to_be_visible()
    phone.goto("/privacy/who-received/")
    expect(phone.get_by_text("Lakes Hospital").first).to_be_visible()


@pytest.mark.promise("P35", "P54")
def test_letters_only_at_another_address_nobody_asks_why_and_no_mail_goes_out_any_more(
    window: Window, ana: User, officer: User, clinician: User, record: Patient
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks(phone, "Be reached another way")
    seen(phone, "reach-1-ask")
    assert not re.search(r"\b(reason|why)\b", phone.locator("main form").inner_text().lower())
    phone.get_by_label("Send me letters only, no email").check()
    phone.get_by_label("You can call, but leave no voicemail").check()
    phone.get_by_label("Send letters here instead: street").fill("PO Box 7")
    phone.get_by_label("City").fill("Monticello")
    phone.get_by_label("State").fill("MN")
    phone.get_by_label("ZIP code").fill("55362")
    phone.get_by_role("button", name="Ask for it").click()
    expect(phone.get_by_text("We send letters and no email.")).to_be_visible()
    seen(phone, "reach-2-asked")
    request = takes_on(desk, "Another way to reach you")
    expect(desk.get_by_text("Do not ask why.")).to_be_visible()
    expect(desk.get_by_text("Do not grant it, or only a part")).to_have_count(0)
    seen(desk, "reach-3-desk")
    portals_turn()
    before = len(mails_to(ana))
    desk.get_by_role("button", name="Do so from now on").click()
    portals_turn()
    phone.reload()
    seen(phone, "reach-4-done")
    assert letters_of(request) == ["reach.granted"]
    text = printed(desk)
    for words in ("PO Box 7", "Monticello, MN 55362", "no email", "no voicemail"):
        assert words in text, words
    assert "1 Lake Road" not in text
    seen(desk, "reach-5-print-queue")
    consults.services.consult_message(
        by=clinician.actor, consult_id=consults.Consult.objects.get().pk, body="How are you?",
        form_key=request.form_key,
    )
    portals_turn()
    assert len(mails_to(ana)) == before and mailbox.outbox, "letters in place of every mail"
    assert (post_instead(), post_instead()) == (1, 0)
    portals_turn()
    assert "Something new waits for you" in printed(desk)
    assert Letter.objects.filter(kind="reach.waits").count() == 1
    asks(phone, "Be reached another way")
    phone.get_by_role("button", name="Ask for it").click()
    expect(phone.get_by_text("We reach you in the usual ways.")).to_be_visible()
    takes_on(desk, "Another way to reach you")
    desk.get_by_role("button", name="Do so from now on").click()
    portals_turn()
    assert mails_to(ana)[before:][-1] == "A letter waits for you", "mail goes again as always"
