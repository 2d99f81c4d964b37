"""Letters, the print queue and the cost of a copy in Chromium: both widths, both schemes; wish to posted letter."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from portal.accounts.models import User
from portal.context import SYSTEM
from portal.dates import today
from portal.jobs.runner import run_job
from privacy.copies.models import PrintCopy
from privacy.fees.models import FeeQuote
from privacy.letters.models import Letter
from privacy.letters.services import Recipient, letter_posted, letter_returned, letter_write
from privacy.models import RequestKind, RightsRequest
from privacy.requests import services as engine
from records.models import Patient
from records.people.services import patient_update
from tests.consults import building as consults
from tests.privacy.building import ask, told
from tests.privacy.test_printed_copies import FOR_LEE, quoted
from tests.privacy.windows import Window, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FIELDS = {"request": "A copy of the record on paper", "received": "November 2, 2026", "due": "December 2, 2026"}
MORE = {
    "request": "A copy of the record on paper", "received": "November 2, 2026", "until": "January 1, 2027",
    "reason": "The clinician who must look at the notes is away until December 10.",
}


def made(letter: Letter) -> Letter:
    assert letter.job_id
    run_job(letter.job_id)
    letter.refresh_from_db()
    return letter


@pytest.fixture
def record(ana: User, anas: Patient, clinician: User) -> Patient:
    address = {"street": "1 Lake Road", "city": "Clear Lake", "state": "MN", "postal_code": "55319"}
    patient_update(by=ana.actor, patient_id=anas.pk, address=address)
    told(ana, clinician, anas)
    return anas


@pytest.mark.promise("P35", "P36", "P37")
def test_letters_and_costs_on_a_phone_and_a_desk(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    to = Recipient("Ana Okafor", ("1 Lake Road", "Clear Lake, MN 55319"))
    no = made(letter_write(
        by=SYSTEM, kind="extension", subject_id=record.pk, account_id=ana.pk, fields=MORE, paper=True
    ))
    made(letter_write(by=SYSTEM, kind="received", subject_id=record.pk, account_id=ana.pk, fields=FIELDS))
    back = made(letter_write(by=SYSTEM, kind="received", subject_id=record.pk, fields=FIELDS, to=to))
    letter_posted(by=officer.actor, letter_id=back.pk, on=today(), note="RR 123")
    letter_returned(by=officer.actor, letter_id=back.pk, on=today(), note="Moved away")
    gone = made(letter_write(by=SYSTEM, kind="received", subject_id=record.pk, fields=FIELDS, to=to))
    letter_posted(by=officer.actor, letter_id=gone.pk, on=today())
    paper = ask(ana, record, RequestKind.ACCESS_PAPER)
    quoted(officer, paper)
    other = ask(ana, record, RequestKind.ACCESS_THIRD_PARTY, particulars=FOR_LEE, form_key=uuid4())
    engine.request_start(by=officer.actor, request_id=other.pk)
    look(window, ana, {
        "home": "/privacy/", "letter": f"/privacy/letters/{no.pk}/", "quote": f"/privacy/requests/{paper.pk}/",
        "third": f"/privacy/requests/{other.pk}/",
    })
    look(window, officer, {
        "desk": "/admin/letters/", "no": f"/admin/letters/{no.pk}/", "back": f"/admin/letters/{back.pk}/",
        "gone": f"/admin/letters/{gone.pk}/", "quoted": f"/admin/privacy/{paper.pk}/",
        "counting": f"/admin/privacy/{other.pk}/",
    })


@pytest.mark.promise("P32", "P36")
def test_a_copy_for_somebody_else_from_the_wish_to_the_posted_letter(
    window: Window, ana: User, officer: User, record: Patient
) -> None:
    page = window(ana)
    page.goto("/privacy/")
    page.get_by_role("link", name="Send a copy to somebody else").click()
    page.get_by_label("Who should get it?").fill("Dr. Ann Lee")
    page.get_by_label("Where do we send it?").fill("9 Hill Street\nSt. Cloud, MN 56301")
    page.get_by_label("I want this copy of the health record").check()
    page.get_by_label("Your signature").fill("Ana Okafor")
    page.locator("main form button").last.click()
    expect(page.locator("address", has_text="9 Hill Street")).to_be_visible()
    request = RightsRequest.objects.get(kind=RequestKind.ACCESS_THIRD_PARTY)
    desk = window(officer, width=1280)
    desk.goto(f"/admin/privacy/{request.pk}/")
    desk.get_by_role("button", name="Take it on").click()
    desk.get_by_role("button", name="Make it and count its pages").click()
    run_job(PrintCopy.objects.get().job_id)
    desk.reload()
    desk.get_by_role("button", name="Name the cost").click()
    page.reload()
    page.get_by_role("button", name="I agree, go on to pay").click()
    expect(page.get_by_text("Copying fee").first).to_be_visible()
    request.refresh_from_db()
    consults.pay(FeeQuote.objects.get(request_id=request.pk).order_id)
    made(Letter.objects.get(request_id=request.pk, kind="copy_cover"))
    desk.goto("/admin/letters/")
    with desk.expect_download() as file:
        desk.get_by_role("button", name="Print all").click()
    assert file.value.suggested_filename.startswith("letters-")
    desk.goto("/admin/letters/")
    desk.get_by_role("button", name="Those ticked were posted today").click()
    expect(desk.get_by_text("Went out last")).to_be_visible()
    page.goto(f"/privacy/requests/{request.pk}/")
    expect(page.get_by_text("Done").first).to_be_visible()
