"""A correction, from the wish to its letters: made and told on; refused, reviewed, disagreed with (P33, P37)."""

from __future__ import annotations

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.dates import today
from portal.permissions import Purpose
from privacy.models import RequestKind, RightsRequest
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record
from records.models import Patient
from tests.privacy.building import told
from tests.privacy.walking import asks, letters_of, mails_to, portals_turn, reads_letter, takes_on, text_of
from tests.privacy.windows import Window, seen
from tests.records.building import allergy

WALKS = {RequestKind.AMENDMENT}
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def record(ana: User, anas: Patient, clinician: User, officer: User) -> Patient:
    """Ana's record with an answered consult and an allergy; somebody outside got a copy of it."""
    told(ana, clinician, anas)
    allergy(ana, anas, substance="Nickel")
    disclosure_record(
        by=officer.actor, subject_id=anas.pk, purpose=Purpose.CARE, basis=DisclosureBasis.EMERGENCY,
        recipient="Lakes Hospital", recipient_address="5 Bay Street\nClear Lake, MN 55319", what="Allergies",
        on=today(),
    )
    return anas


def asks_for_it(phone: Page) -> None:
    """Ana says what is wrong, and why."""
    asks(phone, "Correct something")
    phone.get_by_role("button", name="Ask for the correction").click()
    expect(phone.get_by_text("Choose the part that is wrong.").first).to_be_visible()
    seen(phone, "correct-1-wrong")
    phone.get_by_label("Which part of your record?").select_option(label="Nickel")
    phone.get_by_label("What should it say?").fill("Nickel does nothing to me.")
    phone.get_by_label("Why is it wrong, or what is missing?").fill("I wore a ring for a month.")
    phone.get_by_role("button", name="Ask for the correction").click()
    expect(phone.get_by_text("Nickel does nothing to me.")).to_be_visible()
    expect(phone.get_by_text("Day 0 of 60").first).to_be_visible()
    seen(phone, "correct-2-asked")


@pytest.mark.promise("P33", "P35", "P37")
def test_a_correction_is_made_and_those_who_hold_the_old_words_are_told(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks_for_it(phone)
    request = takes_on(desk, "A correction of the record")
    seen(desk, "correct-3-desk")
    desk.get_by_role("link", name="Correct the record").click()
    seen(desk, "correct-4-amend")
    desk.get_by_label("The correction, as it shall stand in the record").fill("No allergy to nickel: worn for a month.")
    desk.get_by_role("button", name="Put it into the record").click()
    expect(desk.get_by_text("The correction stands in the record")).to_be_visible()
    seen(desk, "correct-5-desk-done")
    portals_turn()
    phone.goto("/privacy/")
    phone.get_by_role("link", name="A correction of the record", exact=True).click()
    expect(phone.get_by_text("This now stands in your record")).to_be_visible()
    seen(phone, "correct-6-made")
    text = reads_letter(phone, "We corrected your record", "correct-7-letter")
    for words in ("Nickel does nothing to me.", "I wore a ring", "No allergy to nickel", "Who should know"):
        assert words in text
    phone.get_by_role("link", name="Whom shall we tell?").click()
    seen(phone, "correct-8-tell")
    phone.get_by_label("Lakes Hospital").check()
    phone.get_by_role("button", name="Tell them").click()
    desk.goto(f"/admin/privacy/{request.pk}/")
    desk.get_by_role("link", name="Write to them").click()
    seen(desk, "correct-9-telling")
    desk.locator("main form button").last.click()
    expect(desk.get_by_text("Told").first).to_be_visible()
    portals_turn()
    seen(desk, "correct-10-told")
    desk.goto("/admin/letters/")
    with desk.expect_download() as coming:
        desk.get_by_role("button", name="Print all").click()
    printed = text_of(coming.value.path().read_bytes())
    assert "Lakes Hospital" in printed and "No allergy to nickel" in printed and "I wore a ring" not in printed
    phone.goto("/record/")
    expect(phone.get_by_text("No allergy to nickel").first).to_be_visible()
    expect(phone.get_by_text("Nickel", exact=True).first).to_be_visible()
    seen(phone, "correct-11-record")
    assert letters_of(request) == ["amendment.made", "amendment.told"]
    assert mails_to(ana).count("A letter waits for you") == 1


@pytest.mark.promise("P33", "P35", "P37")
def test_a_correction_is_refused_reviewed_disagreed_with_and_answered(
    window: Window, ana: User, officer: User, other_clinician: User, record: Patient
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks_for_it(phone)
    request = takes_on(desk, "A correction of the record")
    desk.get_by_role("link", name="Do not grant it, or only a part").click()
    seen(desk, "refuse-1-form")
    desk.get_by_label("It is right and complete as it stands").check()
    desk.get_by_label("In your own words").fill("A contact allergy stays.")
    desk.get_by_role("button", name="Send the letter").click()
    expect(desk.get_by_text("The letter is in the patient’s portal")).to_be_visible()
    seen(desk, "refuse-2-desk")
    portals_turn()
    phone.reload()
    seen(phone, "refuse-3-patient")
    denial = reads_letter(phone, "We did not correct your record", "refuse-4-letter")
    for words in (
        "right and complete", "A contact allergy stays.", "Another licensed person", "You can disagree in writing",
        "If you write nothing, your request and this letter stay", settings.CLINIC_OFFICER_NAME, settings.CLINIC_PHONE,
        "Department of Health and Human Services", "180 days", "Nickel does nothing to me.",
    ):
        assert words in denial, words
    phone.get_by_role("link", name="Ask for a review").click()
    seen(phone, "refuse-5-ask-review")
    phone.get_by_label("Is there something the other person should know?").fill("Ask my sister.")
    phone.get_by_role("button", name="Ask for a review").click()
    expect(phone.get_by_text("Somebody else looks at it now.")).to_be_visible()
    seen(phone, "refuse-6-under-review")
    looks_again(window(other_clinician, width=1280))
    portals_turn()
    phone.reload()
    seen(phone, "refuse-9-upheld")
    review = reads_letter(phone, "Somebody else looked at our answer", "refuse-10-letter")
    for words in ("Omar Haddad", "The patch test is positive.", "Department of Health and Human Services"):
        assert words in review, words
    disagrees(phone)
    desk.goto(f"/admin/privacy/{request.pk}/")
    seen(desk, "refuse-13-statement")
    desk.get_by_label("The clinic’s answer to the statement").fill("Soap was tested, too.")
    desk.get_by_role("button", name="Send the answer").click()
    expect(desk.get_by_text("Soap was tested, too.")).to_be_visible()
    portals_turn()
    phone.reload()
    rebuttal = reads_letter(phone, "Our answer to your statement", "refuse-14-letter")
    assert "It was soap." in rebuttal and "Soap was tested, too." in rebuttal
    seen(phone, "refuse-15-end")
    assert letters_of(request) == ["denied.amendment", "denied.reviewed", "amendment.rebuttal"]
    phone.goto("/record/")
    for words in ("The patient does not agree with this", "It was soap.", "Soap was tested, too."):
        expect(phone.get_by_text(words).first).to_be_visible()
    seen(phone, "refuse-16-record")
    assert RightsRequest.objects.get(pk=request.pk).state == "denied"


def looks_again(second: Page) -> None:
    """A licensed person who had no part in the answer decides that it stands."""
    second.goto("/admin/reviews/")
    second.get_by_role("link", name="A correction of the record").click()
    seen(second, "refuse-7-review")
    second.get_by_role("button", name="Take it on").click()
    expect(second.get_by_text("Ask my sister.")).to_be_visible()
    seen(second, "refuse-8-decide")
    second.get_by_label("Our answer stands").check()
    second.get_by_label("Why").fill("The patch test is positive.")
    second.get_by_label("Your license number").fill("MN 4711")
    second.get_by_role("button", name="Decide").click()
    expect(second.get_by_text("Your decision stands")).to_be_visible()
    expect(second.get_by_text("Nothing waits for you.")).to_be_visible()


def disagrees(phone: Page) -> None:
    """Ana writes why; her words stay with the part."""
    phone.get_by_role("link", name="Write why you disagree").click()
    seen(phone, "refuse-11-disagree")
    phone.get_by_label("Why do you disagree?").fill("It was soap.")
    phone.get_by_role("button", name="Put it into my record").click()
    expect(phone.get_by_text("It was soap.")).to_be_visible()
    seen(phone, "refuse-12-statement")
