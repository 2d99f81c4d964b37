"""Corrections and limits walked in Chromium on both sides, from the wish to the letter (P33, P37)."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from portal.accounts.models import User
from privacy.denials.models import Denial
from privacy.limits import services as limits
from privacy.requests import services as requests
from privacy.requests.models import RightsRequest
from records.contact.services import Wanted
from records.models import Restriction, Telling
from records.people.services import patient_update
from tests.consults import building as consults
from tests.privacy.windows import Window, look
from tests.records.building import allergy
from tests.sweeps import corrected as correcting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.promise("P33", "P37")
def test_a_correction_is_walked_from_the_wish_to_the_clinics_answer(
    window: Window, ana: User, officer: User, other_clinician: User, clinician: User
) -> None:
    consult = consults.answered(ana, clinician)
    allergy(ana, consult.patient, substance="Nickel")
    hers = window(ana)
    hers.goto("/record/")
    hers.get_by_role("link", name="Is something wrong? Ask us to correct it.").click()
    hers.get_by_label("Which part of your record?").select_option(label="Nickel")
    hers.get_by_label("What should it say?").fill("Nickel does nothing to me.")
    hers.get_by_label("Why is it wrong, or what is missing?").fill("I wore a ring for a month.")
    hers.get_by_role("button", name="Ask for the correction").click()
    expect(hers.get_by_text("Nickel does nothing to me.")).to_be_visible()
    row = RightsRequest.objects.get()
    desk = window(officer, width=1280)
    desk.goto(f"/admin/privacy/{row.pk}/")
    desk.get_by_role("button", name="Take it on").click()
    expect(desk.get_by_text("I wore a ring for a month.")).to_be_visible()
    desk.get_by_role("link", name="Do not grant it, or only a part").click()
    desk.get_by_label("It is right and complete as it stands").check()
    desk.get_by_label("In your own words").fill("A contact allergy stays.")
    desk.get_by_role("button", name="Send the letter").click()
    hers.reload()
    hers.get_by_role("link", name="Write why you disagree").click()
    hers.get_by_label("Why do you disagree?").fill("It was soap.")
    hers.get_by_role("button", name="Put it into my record").click()
    hers.goto(f"/privacy/requests/{row.pk}/review/")
    hers.get_by_role("button", name="Ask for a review").click()
    second = window(other_clinician, width=1280)
    second.goto("/admin/reviews/")
    second.get_by_role("link", name="A correction of the record").click()
    second.get_by_role("button", name="Take it on").click()
    second.get_by_label("Our answer stands").check()
    second.get_by_label("Why").fill("The patch test is positive.")
    second.get_by_label("Your license number").fill("MN 4711")
    second.get_by_role("button", name="Decide").click()
    hers.goto("/record/")
    for words in ("The patient does not agree with this", "It was soap.", "The patch test is positive."):
        expect(hers.get_by_text(words).first).to_be_visible()


@pytest.mark.promise("P33", "P37", "P54")
def test_the_pages_of_corrections_and_limits_on_a_phone_and_a_desk(
    window: Window, ana: User, ben: User, officer: User, other_clinician: User, clinician: User
) -> None:
    consult = consults.answered(ana, clinician)
    bens = consults.person(ben, given="Ben", family="Tran")
    address = {"street": "1 Lake St", "city": "Big Lake", "state": "MN"}
    patient_update(by=ana.actor, patient_id=consult.patient_id, address=address)
    made = correcting.build(ana, consult.patient, ben, bens, officer, consult.encounter_id)
    denied = RightsRequest.objects.filter(kind="amendment", account_id=ana.pk, state="denied")
    no, second = denied.exclude(pk=made.refused).get(), f"/privacy/requests/{made.refused}"
    look(window, ana, {
        "correct": "/privacy/correct/", "limit": "/privacy/limit/", "reach": "/privacy/reach/",
        "refused": f"/privacy/requests/{no.pk}/", "granted": f"/privacy/requests/{made.granted}/",
        "disagree": f"{second}/disagree/", "review": f"{second}/review/",
        "tell": f"/privacy/requests/{made.granted}/tell/", "limited": f"/privacy/requests/{made.limit_request}/",
        "record": "/record/",
    })
    requests.request_start(by=officer.actor, request_id=made.limit_request)
    requests.request_carry_out(by=officer.actor, request_id=made.limit_request)
    limits.reach_ask(by=ben.actor, patient_id=bens.pk, form_key=uuid4(), wanted=Wanted(no_phone=True))
    look(window, officer, {
        "desk_in_hand": f"/admin/privacy/{made.in_hand}/", "desk_amend": f"/admin/privacy/{made.in_hand}/amend/",
        "desk_refuse": f"/admin/privacy/{made.in_hand}/refuse/", "desk_refused": f"/admin/privacy/{no.pk}/",
        "desk_granted": f"/admin/privacy/{made.granted}/", "desk_inbound": "/admin/privacy/inbound/",
        "desk_telling": f"/admin/privacy/tellings/{Telling.objects.get(pk=made.telling).pk}/",
        "desk_limit": f"/admin/privacy/{made.limit_request}/",
        "desk_override": f"/admin/privacy/limits/{Restriction.objects.get().pk}/override/",
        "desk_reach": f"/admin/privacy/{made.reach_request}/",
    })
    taken = window(other_clinician)
    taken.goto(f"/admin/reviews/{Denial.objects.get(pk=made.denial).pk}/")
    taken.get_by_role("button", name="Take it on").click()
    look(window, other_clinician, {"reviews": "/admin/reviews/", "review_desk": f"/admin/reviews/{made.denial}/"})
    look(window, clinician, {
        "staff_record": f"/admin/patients/{consult.patient_id}/record/", "case": f"/admin/consults/{consult.pk}/",
    })
