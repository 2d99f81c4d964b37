"""The privacy pages in Chromium: a phone and a desk, light and dark, with and without JavaScript; axe finds nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portal.accounts.models import User
from portal.permissions import Purpose
from privacy.models import DenialGround, RightsRequest
from privacy.requests import services
from records.models import Patient
from records.vault import open_case
from tests.consults import building as consults
from tests.privacy.building import ask, carried_out, copy_asked, draft_with, told, work
from tests.privacy.test_requests import breaks, given_up
from tests.privacy.windows import Window, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.promise("P31", "P32", "P35", "P39")
def test_the_patients_pages_on_a_phone_and_a_desk(
    window: Window, ana: User, officer: User, clinician: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consult = told(ana, clinician)
    open_case(by=clinician.actor, encounter_id=consult.encounter_id, purpose=Purpose.CARE)
    draft_with(ana, consult.patient)
    denied = ask(ana, consult.patient)
    services.request_start(by=officer.actor, request_id=denied.pk)
    services.request_deny(
        by=officer.actor, request_id=denied.pk, ground=DenialGround.LEGAL_HOLD,
        letter="Dear Ana,\n\na court told us on November 3 to keep your record for now.\n\nMia Soto",
    )
    ready = copy_asked(ana, consult.patient)
    work(ready)
    failed = copy_asked(ana, consult.patient)
    with monkeypatch.context() as patch:
        breaks(patch)
        given_up(failed)
    deletion = ask(ana, consult.patient)
    look(window, ana, {
        "home": "/privacy/", "copy": "/privacy/copy/", "delete": "/privacy/delete/", "looked": "/privacy/who-looked/",
        "ready": f"/privacy/requests/{ready.pk}/", "failed": f"/privacy/requests/{failed.pk}/",
        "denied": f"/privacy/requests/{denied.pk}/", "deletion": f"/privacy/requests/{deletion.pk}/",
    })


def test_the_promises_on_a_phone_and_a_desk(window: Window) -> None:
    look(window, None, {"promises": "/privacy/promises/"})


def test_the_officers_pages_on_a_phone_and_a_desk(
    window: Window, ana: User, ben: User, officer: User, clinician: User, bens: Patient
) -> None:
    import datetime as dt

    done = carried_out(officer, ask(ben, bens))
    consult = told(ana, clinician)
    consults.waiting(ana, consult.patient)
    work(copy_asked(ana, consult.patient))
    deletion = ask(ana, consult.patient, details="I am moving to another clinic.")
    new = RightsRequest.objects.create(
        kind="deletion", subject_id=done.pk, account_id=done.pk, received_on=dt.date(2026, 9, 1),
        first_due_on=dt.date(2026, 10, 1), due_on=dt.date(2026, 10, 1),
    )
    services.request_start(by=officer.actor, request_id=deletion.pk)
    look(window, officer, {
        "desk": "/admin/privacy/", "work": f"/admin/privacy/{deletion.pk}/", "new": f"/admin/privacy/{new.pk}/",
        "done": f"/admin/privacy/{done.pk}/",
    })


@pytest.mark.promise("P31", "P32")
def test_the_copy_comes_by_itself_while_the_patient_waits(
    window: Window, ana: User, clinician: User
) -> None:
    patient = told(ana, clinician).patient
    page = window(ana)
    page.goto("/privacy/copy/")
    page.get_by_role("button", name="Make my copy").dblclick()
    page.wait_for_url("**/privacy/requests/*/")
    expect(page.get_by_text("It starts in a moment.")).to_be_visible()
    [request] = RightsRequest.objects.filter(subject_id=patient.pk)
    work(request)
    page.get_by_role("link", name="Show it").click(timeout=8_000)
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download").click()
    assert coming.value.suggested_filename.startswith("my-record-")


@pytest.mark.promise("P32")
def test_without_javascript_the_page_loads_itself_until_the_copy_is_there(
    window: Window, ana: User, anas: Patient
) -> None:
    page = window(ana, js=False)
    page.goto("/privacy/copy/")
    page.get_by_role("button", name="Make my copy").click()
    expect(page.get_by_text("It starts in a moment.")).to_be_visible()
    work(RightsRequest.objects.get())
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=8_000)


@pytest.mark.promise("P39")
def test_a_deletion_from_both_sides(window: Window, ana: User, officer: User, clinician: User) -> None:
    consult = told(ana, clinician)
    page = window(ana)
    page.goto("/privacy/delete/")
    page.get_by_role("button", name="Ask for deletion").click()
    expect(page.locator("[role=alert]")).to_contain_text("Tick the box")
    page.get_by_label("I know that this cannot be undone").check()
    page.get_by_role("button", name="Ask for deletion").click()
    page.wait_for_url("**/privacy/requests/*/")
    desk = window(officer, width=1280)
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name="Deletion of the record").click()
    desk.get_by_role("button", name="Take it on").click()
    desk.get_by_label("I know that this cannot be undone").check()
    desk.get_by_role("button", name="Delete the record").click()
    [request] = RightsRequest.objects.filter(subject_id=consult.patient_id)
    work(request)
    desk.reload()
    expect(desk.get_by_text("the account is gone")).to_be_visible()
    page.goto("/privacy/")
    assert "/login/" in page.url
