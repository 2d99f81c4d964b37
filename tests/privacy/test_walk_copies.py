"""A copy of the record, from the wish to what closes it: in the portal, on paper, for somebody else (P31, P32, P36)."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from privacy.letters.models import Letter
from privacy.models import RequestKind, RightsRequest
from records.disclosures.models import Disclosure
from records.models import Patient
from records.people.services import patient_update
from tests.privacy.building import WORD, told
from tests.privacy.walking import (
    asks,
    letters_of,
    mails_to,
    portals_turn,
    square,
    takes_on,
    text_of,
)
from tests.privacy.windows import Window, seen

WALKS = {RequestKind.ACCESS, RequestKind.ACCESS_PAPER, RequestKind.ACCESS_THIRD_PARTY}
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def record(ana: User, anas: Patient, clinician: User) -> Patient:
    """Ana's record with an answered consult and an address."""
    address = {"street": "1 Lake Road", "city": "Clear Lake", "state": "MN", "postal_code": "55319"}
    patient_update(by=ana.actor, patient_id=anas.pk, address=address)
    told(ana, clinician, anas)
    return anas


@pytest.mark.promise("P31", "P32", "P35")
def test_an_electronic_copy_is_asked_for_made_and_taken(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    phone = window(ana)
    asks(phone, "Get a copy")
    seen(phone, "access-1-ask")
    phone.get_by_role("button", name="Make my copy").click()
    expect(phone.get_by_role("heading", name="A copy of the record", exact=True)).to_be_visible()
    expect(phone.get_by_text("Day 0 of 30").first).to_be_visible()
    seen(phone, "access-2-made")
    desk = window(officer, width=1280)
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name=re.compile("^A copy of the record ·")).click()
    expect(desk.get_by_text("The portal is at work")).not_to_have_count(0)
    seen(desk, "access-3-desk")
    portals_turn()
    phone.get_by_role("link", name="Show it").click(timeout=20_000)
    expect(phone.get_by_role("heading", name="Your copy is ready")).to_be_visible()
    seen(phone, "access-4-ready")
    with phone.expect_download() as coming:
        phone.get_by_role("link", name="Download").click()
    with zipfile.ZipFile(io.BytesIO(coming.value.path().read_bytes())) as copy:
        [readable] = [name for name in copy.namelist() if name.endswith(".pdf")]
        assert WORD in text_of(copy.read(readable))
    desk.reload()
    expect(desk.get_by_text("Done").first).to_be_visible()
    seen(desk, "access-5-desk-done")
    assert mails_to(ana).count("The copy you asked for is ready") == 1
    phone.goto("/privacy/")
    seen(phone, "access-6-home")


@pytest.mark.promise("P32", "P35", "P36", "P37")
def test_a_copy_on_paper_is_quoted_paid_at_square_printed_and_posted(
    window: Window, ana: User, officer: User, record: Patient, settings: Any, live_server: Any
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks(phone, "Get a copy on paper")
    seen(phone, "paper-1-ask")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.get_by_text("We have your request.").first).to_be_visible()
    expect(phone.get_by_text("Day 0 of 30").first).to_be_visible()
    seen(phone, "paper-2-asked")
    desk.goto("/admin/privacy/")
    seen(desk, "paper-3-queue")
    request = takes_on(desk, "A copy of the record on paper")
    seen(desk, "paper-4-desk")
    desk.get_by_role("button", name="Make it and count its pages").click()
    portals_turn()
    desk.reload()
    seen(desk, "paper-5-counted")
    desk.get_by_role("button", name="Name the cost").click()
    expect(desk.get_by_text("We wait for the answer.")).to_be_visible()
    seen(desk, "paper-6-quoted")
    with square(settings, live_server.url):
        pays(phone, request)
    assert letters_of(request) == ["copy_cover"], "what can be read in the portal needs no second letter"
    phone.goto(f"/privacy/requests/{request.pk}/")
    seen(phone, "paper-9-paid")
    posts(desk, "paper")
    phone.reload()
    expect(phone.get_by_text("Done").first).to_be_visible()
    seen(phone, "paper-12-done")
    desk.goto(f"/admin/privacy/{request.pk}/")
    seen(desk, "paper-13-desk-done")
    assert not Disclosure.objects.exists(), "to the person themself is no disclosure"
    told = mails_to(ana)
    assert "What your request would cost" in told and len(set(told)) == len(told), told


def pays(phone: Page, request: RightsRequest) -> None:
    """Ana reads the cost, agrees, and pays at Square; then the portal goes on by itself."""
    portals_turn()
    phone.goto("/privacy/")
    phone.get_by_role("link", name=request.get_kind_display(), exact=True).click()
    seen(phone, f"{request.kind}-7-quote")
    phone.get_by_role("button", name="I agree, go on to pay").click()
    expect(phone.get_by_text("Copying fee").first).to_be_visible()
    seen(phone, f"{request.kind}-8-pay")
    phone.get_by_role("button", name="Go to Square and pay").click()
    phone.get_by_role("button", name=re.compile("^Pay \\$")).click()
    expect(phone.get_by_role("heading", name="Thank you. You have paid.")).to_be_visible()
    seen(phone, f"{request.kind}-8b-paid")
    portals_turn()
    phone.get_by_role("link", name="Back to your request").click()
    expect(phone.get_by_role("heading", name=request.get_kind_display(), level=1)).to_be_visible()
    request.refresh_from_db()
    assert request.state == "carrying_out"


def posts(desk: Page, name: str) -> str:
    """The officer prints all, puts it into envelopes and posts it; the printed text."""
    desk.goto("/admin/letters/")
    seen(desk, f"{name}-10-print")
    with desk.expect_download() as coming:
        desk.get_by_role("button", name="Print all").click()
    text = text_of(coming.value.path().read_bytes())
    desk.goto("/admin/letters/")
    desk.get_by_role("button", name="Those ticked were posted today").click()
    expect(desk.get_by_text("Went out last")).to_be_visible()
    seen(desk, f"{name}-11-posted")
    return text


def asks_for_less(phone: Page, desk: Page, request: RightsRequest) -> None:
    """Ana says no to the first cost and what would be enough; the officer offers that."""
    phone.goto(f"/privacy/requests/{request.pk}/")
    phone.get_by_text("No, or ask for less").click()
    phone.get_by_label("What would be enough for you?").fill("Only the plan.")
    phone.get_by_role("button", name="No, not at this price").click()
    expect(phone.get_by_text("Nothing is made, and you owe nothing.").first).to_be_visible()
    seen(phone, "third-6-declined")
    desk.reload()
    expect(desk.get_by_text("Only the plan.")).to_be_visible()
    expect(desk.get_by_role("button", name="Put it into the print queue")).to_have_count(0)
    seen(desk, "third-6-desk-declined")
    desk.get_by_label("What goes into it").select_option(index=1)
    desk.get_by_role("button", name="Make it again").click()
    portals_turn()
    desk.reload()
    desk.get_by_role("button", name="Name the cost").click()
    expect(desk.get_by_text("We wait for the answer.")).to_be_visible()


@pytest.mark.promise("P14", "P32", "P36")
def test_a_copy_for_somebody_else_is_signed_for_paid_posted_and_registered(
    window: Window, ana: User, officer: User, record: Patient, settings: Any, live_server: Any
) -> None:
    phone, desk = window(ana), window(officer, width=1280)
    asks(phone, "Send a copy to somebody else")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.get_by_text("Type your full name to sign.").first).to_be_visible()
    seen(phone, "third-1-wrong")
    phone.get_by_label("Who should get it?").fill("Dr. Ann Lee")
    phone.get_by_label("Where do we send it?").fill("9 Hill Street\nSt. Cloud, MN 56301")
    phone.get_by_label("I want this copy of the health record").check()
    phone.get_by_label("Your signature").fill("Ana Okafor")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.locator("address", has_text="9 Hill Street")).to_be_visible()
    seen(phone, "third-2-asked")
    request = takes_on(desk, "A copy of the record for somebody else")
    desk.get_by_role("button", name="Make it and count its pages").click()
    portals_turn()
    desk.reload()
    seen(desk, "third-5-counted")
    desk.get_by_role("button", name="Name the cost").click()
    asks_for_less(phone, desk, request)
    with square(settings, live_server.url):
        pays(phone, request)
    printed = posts(desk, "third")
    assert "Dr. Ann Lee" in printed and WORD in printed
    phone.goto(f"/privacy/requests/{request.pk}/")
    expect(phone.get_by_text("Done").first).to_be_visible()
    expect(phone.get_by_text("We posted it on")).to_be_visible()
    seen(phone, "third-12-done")
    assert Letter.objects.get(request_id=request.pk).kind == "copy_cover"
    phone.goto("/privacy/")
    phone.get_by_role("link", name="See who received something").click()
    expect(phone.get_by_text("Dr. Ann Lee").first).to_be_visible()
    seen(phone, "third-13-received")
