"""Two wishes that end in a letter and need no decision: the list of disclosures, and our notice on paper (P34, P50)."""

from __future__ import annotations

import datetime as dt

import pytest
from playwright.sync_api import expect

from portal.accounts.models import User
from portal.dates import today
from portal.permissions import Purpose
from privacy.models import RequestKind, RightsRequest
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record
from records.models import Patient
from records.people.public_id import public_id_shown
from tests.privacy.walking import asks, letters_of, mails_to, portals_turn, reads_letter, takes_on, text_of
from tests.privacy.windows import Window, seen

WALKS = {RequestKind.ACCOUNTING, RequestKind.NOTICE}
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def given(
    officer: User, patient: Patient, recipient: str, *, ago: int, what: str,
    basis: DisclosureBasis = DisclosureBasis.LAW,
) -> None:
    """One line of the register."""
    disclosure_record(
        by=officer.actor, subject_id=patient.pk, purpose=Purpose.LEGAL_DUTY, basis=basis, recipient=recipient,
        recipient_address="7 Court Street\nSt. Paul, MN 55101", what=what, on=today() - dt.timedelta(days=ago),
    )


@pytest.mark.promise("P34", "P35", "P37")
def test_a_list_of_disclosures_is_asked_for_and_read_as_a_letter(
    window: Window, ana: User, officer: User, anas: Patient
) -> None:
    for ago in (90, 60, 30):
        given(officer, anas, "Board of Health", ago=ago, what="Diagnosis")
    given(officer, anas, "Lakes Hospital", ago=10, what="Allergies", basis=DisclosureBasis.EMERGENCY)
    phone, desk = window(ana), window(officer, width=1280)
    asks(phone, "Get a list of whom we told what")
    seen(phone, "list-1-ask")
    phone.get_by_label("From").fill("2026-11-20")
    phone.get_by_label("Until").fill("2026-11-10")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.get_by_text("The last day comes before the first.").first).to_be_visible()
    phone.get_by_label("From").fill("")
    phone.get_by_label("Until").fill("")
    phone.get_by_role("button", name="Send", exact=True).click()
    portals_turn()
    phone.reload()
    seen(phone, "list-2-done")
    request = RightsRequest.objects.get()
    text = reads_letter(phone, "Who received something of your record", "list-3-letter")
    for words in ("Board of Health", "7 Court Street", "Diagnosis", "3 times", "Lakes Hospital", "Allergies"):
        assert words in text, words
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name="A list of whom we told what").click()
    seen(desk, "list-4-desk")
    assert letters_of(request) == ["accounting"]
    assert mails_to(ana).count("A letter waits for you") == 1


@pytest.mark.promise("P34", "P35", "P36")
def test_a_list_asked_for_by_letter_is_proven_priced_and_posted(
    window: Window, ana: User, officer: User, anas: Patient
) -> None:
    given(officer, anas, "Board of Health", ago=90, what="Diagnosis")
    desk = window(officer, width=1280)
    for number in (1, 2):
        desk.goto("/admin/privacy/")
        desk.get_by_role("link", name="Write down a request").click()
        desk.get_by_label("What is asked for").select_option("accounting")
        desk.get_by_label("How it came").select_option("mail")
        desk.get_by_label("Number of the record").fill(public_id_shown(anas.public_id))
        seen(desk, f"listpost-{number}-enter")
        desk.get_by_role("button", name="Write it down").click()
        desk.get_by_label("How you made sure").select_option("called_back")
        desk.get_by_label("What you saw or asked").fill("Called back at the number on file.")
        desk.get_by_role("button", name="It is known who asked").click()
        seen(desk, f"listpost-{number}-proven")
        request = takes_on(desk, "A list of whom we told what")
        seen(desk, f"listpost-{number}-desk")
        if number == 2:
            desk.get_by_role("button", name="Name the cost").click()
            expect(desk.get_by_text("We wait for the answer.")).to_be_visible()
            seen(desk, "listpost-2-quoted")
            desk.get_by_role("button", name="A check over this sum came").click()
        else:
            desk.get_by_role("button", name="Write the list").click()
        portals_turn()
        request.refresh_from_db()
        assert request.state == "completed"


@pytest.mark.promise("P35", "P50")
def test_our_notice_comes_on_paper(window: Window, ana: User, officer: User, anas: Patient) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks(phone, "Get our privacy notice on paper")
    seen(phone, "notice-1-ask")
    phone.get_by_label("Name on the envelope").fill("Ana Okafor")
    phone.get_by_label("Address").fill("1 Lake Road\nClear Lake, MN 55319")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.get_by_text("1 Lake Road").first).to_be_visible()
    seen(phone, "notice-2-asked")
    request = takes_on(desk, "Our privacy notice on paper")
    seen(desk, "notice-3-desk")
    desk.get_by_role("button", name="Print the notice").click()
    portals_turn()
    desk.goto("/admin/letters/")
    seen(desk, "notice-4-print")
    with desk.expect_download() as coming:
        desk.get_by_role("button", name="Print all").click()
    printed = text_of(coming.value.path().read_bytes())
    assert "Clear Lake, MN 55319" in printed and "Notice of privacy practices" in printed
    desk.goto("/admin/letters/")
    desk.get_by_role("button", name="Those ticked were posted today").click()
    phone.reload()
    expect(phone.get_by_text("Done").first).to_be_visible()
    seen(phone, "notice-5-done")
    reads_letter(phone, "Notice of privacy practices", "notice-6-letter")
    assert letters_of(request) == ["printed_notice"]
    assert mails_to(ana).count("A letter waits for you") == 1
