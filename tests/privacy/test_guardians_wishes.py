"""A parent or guardian sees the child's record, has it deleted, and tells the clinic to stop using it (P47)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.core import mail as mailbox
from django.test import Client
from django.urls import reverse

from billing.models import Payment, Refund
from consults.models import Consult
from consults.services import consult_message
from consults.state import ConsultState
from portal.accounts.models import User
from portal.context import SYSTEM
from portal.dates import start_of_day, today, years_later
from portal.errors import DomainError, NotVisible
from portal.jobs.runner import run_job
from portal.outbox.delivery import drain
from portal.outbox.models import MailState, OutgoingMail
from portal.permissions import Purpose
from privacy import exports
from privacy.deidentified import rebuild, shown
from privacy.keeping.services import hold_place, hold_release
from privacy.letters.services import Recipient, letter_write
from privacy.models import RecordCopy, RequestKind, RightsRequest
from privacy.requests.models import Channel, IdentityHow
from privacy.requests.services import (
    Identity,
    request_answer,
    request_carry_out,
    request_deny,
    request_open,
    request_start,
)
from privacy.requests.state import RequestState
from records import vault
from records.access import grant_close, may_open
from records.changes import Basis, basis
from records.freezing.models import Freeze, FreezeReason
from records.freezing.selectors import is_frozen
from records.guardians.selectors import looked_after
from records.guardians.services import guardian_grant
from records.models import AccessGrant, GrantKind, GrantScope, Patient
from tests.consults import building
from tests.privacy.building import carried_out, copy_asked, work
from tests.reading import asks_again

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P47")]
As = Callable[[User | None], Client]
PAGE = "/privacy/children/"


@pytest.fixture
def mo(ben: User) -> Patient:
    """A patient of fifteen with a sign-in of his own (Ben's); sign-up alone takes no minor yet."""
    patient = building.person(ben, given="Mo", family="Tran")
    patient.birth_date = today().replace(day=1) - dt.timedelta(days=15 * 365)
    with basis(Basis.ERROR_CORRECTION, by=ben.actor):
        patient.save(update_fields=["birth_date"])
    return patient


@pytest.fixture
def gwen(guardian: User, officer: User, mo: Patient) -> User:
    """Mo's guardian, who may act for him."""
    guardian_grant(by=officer.actor, patient_id=mo.pk, account_id=guardian.pk)
    return guardian


def wish(browser: Client, patient: Patient, name: str, **more: str) -> Any:
    return browser.post(f"{PAGE}{patient.pk}/{name}/", {"form_key": str(uuid4()), **more})


def asked(kind: RequestKind) -> RightsRequest:
    return RightsRequest.objects.get(kind=kind)


@pytest.mark.promise("P32")
def test_a_guardians_copy_holds_no_words_between_the_clinic_and_the_young_person(
    gwen: User, ben: User, officer: User, mo: Patient
) -> None:
    """Letters, requests, fees and reports are each account's own; the young person gets all (RULES 1.44-1.46)."""
    letters = {
        name: letter_write(
            by=SYSTEM, kind="received", subject_id=mo.pk, account_id=account_id, to=to,
            fields={"request": f"A letter to {name}", "received": "November 2, 2026", "due": "December 2, 2026"},
        )
        for name, account_id, to in (
            ("ZQXMO", ben.pk, None), ("ZQXGWEN", gwen.pk, None), ("ZQXPOST", None, Recipient("Mo", ("1 A", "B")))
        )
    }
    for letter in letters.values():
        run_job(letter.job_id)  # type: ignore[arg-type]
    for user, word in ((ben, "ZQXASKED"), (gwen, "ZQXWANTED")):
        request_open(
            by=user.actor, kind=RequestKind.QUESTION, subject_id=mo.pk, account_id=user.pk, details=word,
            form_key=uuid4(),
        )
    for user, there, hidden in (
        (gwen, {"ZQXGWEN", "ZQXWANTED"}, {"ZQXMO", "ZQXPOST", "ZQXASKED"}),
        (ben, {"ZQXMO", "ZQXGWEN", "ZQXPOST", "ZQXASKED", "ZQXWANTED"}, set()),
    ):
        copy = copy_asked(user, mo)
        work(copy)
        _row, pieces = exports.copy_open(by=user.actor, copy_id=RecordCopy.objects.get(request=copy).pk)
        with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
            words = archive.read("other/privacy.json").decode()
            accounts = archive.read("other/accounts.json").decode()
            pdfs = {name for name in archive.namelist() if name.startswith("letters/")}
        assert {word for word in there | hidden if word in words} == there
        assert (ben.email in accounts) == (user == ben), "nor anything of his own sign-in"
        mine = [letter for name, letter in letters.items() if name in there and letter.account_id in (user.pk, None)]
        assert pdfs == {f"letters/{letter.dated.isoformat()}-{letter.reference}.pdf" for letter in mine}


@pytest.mark.promise("P11")
def test_a_copy_that_lies_ready_is_not_fetched_once_the_guardians_access_is_over(
    gwen: User, mo: Patient, ben: User, officer: User, as_: As
) -> None:
    """Ended by a court, or by the 18th birthday: the file asks the same rule as the record (FIELD_FAULTS 70, 75)."""
    for user in (gwen, ben):
        work(copy_asked(user, mo))
    address = {copy.account_id: f"/privacy/copies/{copy.pk}/download/" for copy in RecordCopy.objects.all()}
    assert as_(gwen).get(address[gwen.pk]).status_code == 200
    grant_close(by=SYSTEM, patient_id=mo.pk, kind=GrantKind.GUARDIAN, account_id=gwen.pk)
    assert as_(gwen).get(address[gwen.pk]).status_code == 404
    assert as_(ben).get(address[ben.pk]).status_code == 200
    late = copy_asked(ben, mo)
    RightsRequest.objects.filter(pk=late.pk).update(account_id=gwen.pk)  # as if hers had waited since before
    work(late)
    assert not RecordCopy.objects.filter(request=late).exists()


# --- The page ---------------------------------------------------------------------------------------------------


def test_the_page_offers_the_three_and_says_what_stays_private(gwen: User, mo: Patient, as_: As) -> None:
    browser = as_(gwen)
    assert PAGE in browser.get("/privacy/").content.decode()
    shown_ = browser.get(PAGE).content.decode()
    for words in ("Mo Tran", "See the record", "Tell us to stop using it", "Ask us to delete it", "cannot tell you"):
        assert words in shown_
    for name in ("review", "stop", "delete"):
        assert f"{PAGE}{mo.pk}/{name}/" in shown_
        assert "Mo Tran" in browser.get(f"{PAGE}{mo.pk}/{name}/").content.decode()


def test_who_looks_after_nobody_reads_how_to_begin(ana: User, as_: As) -> None:
    shown_ = as_(ana).get(PAGE).content.decode()
    assert "You look after nobody here yet" in shown_ and "We make sure who you are" in shown_


@pytest.mark.promise("P21")
def test_strangers_and_those_who_may_only_see_ask_nothing(
    ana: User, ben: User, guardian: User, officer: User, mo: Patient, as_: As
) -> None:
    guardian_grant(by=officer.actor, patient_id=mo.pk, account_id=guardian.pk, scope=GrantScope.VIEW)
    assert "You may look at this record" in as_(guardian).get(PAGE).content.decode()
    for user in (ana, ben, guardian):
        for name in ("review", "stop", "delete", "nothing"):
            assert wish(as_(user), mo, name, understood="on", details="x").status_code == 404
    assert not RightsRequest.objects.exists() and not Freeze.objects.exists()


@pytest.mark.promise("P18")
def test_an_old_sign_in_is_asked_for_again(gwen: User, mo: Patient, as_: As) -> None:
    browser = as_(gwen)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0}]
    session.save()
    assert asks_again(wish(browser, mo, "stop", understood="on"))
    assert not Freeze.objects.exists()


def test_a_consult_of_the_child_leads_to_nothing_that_is_not_the_guardians(
    gwen: User, mo: Patient, ben: User, clinician: User, as_: As
) -> None:
    """A receipt is the payer's, and only a patient begins a consult."""
    consult = building.answered(ben, clinician, mo)
    Payment.objects.update(receipt_number=42)
    page, receipt = f"/consults/{consult.pk}/", f"/billing/receipts/{consult.order_id}/"
    assert receipt in as_(ben).get(page).content.decode()
    shown_ = as_(gwen).get(page).content.decode()
    assert receipt not in shown_ and "/consults/start/" not in shown_ and "/billing/pay/" not in shown_
    Consult.objects.filter(pk=consult.pk).update(state=ConsultState.CLOSED)
    assert "/consults/start/" in as_(ben).get(f"{page}messages/").content.decode()
    assert "/consults/start/" not in as_(gwen).get(f"{page}messages/").content.decode()


# --- Stop using -------------------------------------------------------------------------------------------------


def stopped(gwen: User, mo: Patient, as_: As) -> RightsRequest:
    answer = wish(as_(gwen), mo, "stop", understood="on", details="She is moving")
    row = asked(RequestKind.STOP_USING)
    assert answer.status_code == 302 and str(row.pk) in answer["Location"]
    return row


def test_stopping_needs_a_tick(gwen: User, mo: Patient, as_: As) -> None:
    answer = wish(as_(gwen), mo, "stop", details="She is moving").content.decode()
    assert "Tick the box" in answer and "She is moving" in answer and not Freeze.objects.exists()


def test_the_case_closes_is_paid_back_and_leaves_the_queue(
    gwen: User, mo: Patient, ben: User, clinician: User, as_: As
) -> None:
    taken = building.taken(ben, clinician, mo)
    desk = as_(clinician)
    assert desk.get(reverse("admin:consults_case", args=[taken.pk])).status_code == 200
    row = stopped(gwen, mo, as_)
    taken.refresh_from_db()
    assert (row.state, taken.state) == (RequestState.COMPLETED, ConsultState.WITHDRAWN)
    assert Refund.objects.count() == 1
    assert desk.get(reverse("admin:consults_case", args=[taken.pk])).status_code == 404
    assert "Mo Tran" not in desk.get(reverse("admin:consults_queue")).content.decode()
    for purpose in Purpose:
        assert may_open(by=clinician.actor, patient_id=mo.pk, purpose=purpose) is None
    assert Freeze.objects.get().reason == FreezeReason.STOP_USING


def test_no_mail_about_care_goes_and_the_answer_to_the_wish_does(
    gwen: User, mo: Patient, ben: User, clinician: User, as_: As
) -> None:
    consult = building.answered(ben, clinician, mo)
    consult_message(by=clinician.actor, consult_id=consult.pk, body="How are you?", form_key=uuid4())
    stopped(gwen, mo, as_)
    drain()
    about_care = OutgoingMail.objects.filter(kind__startswith="consults.")
    assert about_care.exists() and set(about_care.values_list("state", "last_error")) == {(MailState.REFUSED, "frozen")}
    wish(as_(gwen), mo, "review", details="What is kept?")
    drain()
    assert [mail.to for mail in mailbox.outbox if mail.to == [gwen.email]]


def test_no_copy_is_made_or_fetched_and_apps_get_nothing(gwen: User, mo: Patient, ben: User, as_: As) -> None:
    work(copy_asked(ben, mo))
    copy = RecordCopy.objects.get()
    stopped(gwen, mo, as_)
    browser = as_(ben)
    assert browser.get(f"/privacy/copies/{copy.pk}/download/").status_code == 404
    assert browser.post("/privacy/copy/", {"form_key": str(uuid4())})["Location"] == "/privacy/"
    assert browser.get("/fhir/Patient/$everything").status_code == 404
    assert browser.get("/record/").status_code == 200, "looking stays"
    with pytest.raises(NotVisible):
        exports.copy_open(by=ben.actor, copy_id=copy.pk)
    assert exports.copies_expire() == 1


@pytest.mark.promise("P10")
def test_the_statistics_forget_it(gwen: User, mo: Patient, ben: User, clinician: User, as_: As) -> None:
    building.answered(ben, clinician, mo)
    rebuild()
    assert shown().count() == 1
    stopped(gwen, mo, as_)
    rebuild()
    assert shown().count() == 0


def test_the_guardian_still_looks_and_still_asks(gwen: User, mo: Patient, as_: As) -> None:
    row = stopped(gwen, mo, as_)
    browser = as_(gwen)
    assert browser.get(f"/record/of/{mo.pk}/").status_code == 200
    assert "only kept" in browser.get(f"/privacy/requests/{row.pk}/").content.decode()
    page = browser.get(PAGE).content.decode()
    assert "Only kept, not used" in page and f"{mo.pk}/stop/" not in page
    assert wish(browser, mo, "delete", understood="on").status_code == 302
    assert asked(RequestKind.GUARDIAN_DELETION).state == RequestState.RECEIVED


def test_stopping_twice_is_once(gwen: User, mo: Patient, as_: As) -> None:
    stopped(gwen, mo, as_)
    wish(as_(gwen), mo, "stop", understood="on")
    assert is_frozen(mo.pk) and Freeze.objects.filter(lifted_at=None).count() == RightsRequest.objects.count()


def test_what_came_by_letter_is_done_by_the_officer(mo: Patient, officer: User) -> None:
    row = request_open(
        by=officer.actor, kind=RequestKind.STOP_USING, subject_id=mo.pk, account_id=None, form_key=uuid4(),
        channel=Channel.MAIL, contact={"name": "Gwen Tran"}, identity=Identity(IdentityHow.AUTHORITY, "court paper"),
    )
    assert row.state == RequestState.RECEIVED and not is_frozen(mo.pk)
    request_start(by=officer.actor, request_id=row.pk)
    request_carry_out(by=officer.actor, request_id=row.pk)
    assert is_frozen(mo.pk)


def test_the_officer_thaws_it_with_a_reason(
    gwen: User, mo: Patient, ben: User, officer: User, clinician: User, as_: As
) -> None:
    row = stopped(gwen, mo, as_)
    desk, freeze = as_(officer), Freeze.objects.get()
    listed = desk.get(reverse("admin:privacy_frozen")).content.decode()
    assert "told us to stop using it" in listed and "Tran" not in listed
    page = reverse("admin:privacy_lift", args=[freeze.pk])
    assert "Write down why" in desk.post(page, {"note": " "}).content.decode() and is_frozen(mo.pk)
    assert desk.post(page, {"note": "They changed their mind."}).status_code == 302
    assert not is_frozen(mo.pk)
    assert desk.get(page).status_code == 404
    assert "may be used again" in as_(gwen).get(f"/privacy/requests/{row.pk}/").content.decode()
    assert building.start(ben, mo).state == ConsultState.DRAFT, "care can begin anew"


# --- Review and deletion ----------------------------------------------------------------------------------------


def test_a_guardian_with_a_sign_in_and_no_access_gets_to_look_for_some_weeks(
    guardian: User, mo: Patient, officer: User, settings: Any
) -> None:
    row = request_open(
        by=officer.actor, kind=RequestKind.GUARDIAN_REVIEW, subject_id=mo.pk, account_id=guardian.pk, form_key=uuid4(),
        channel=Channel.MAIL, identity=Identity(IdentityHow.AUTHORITY, "birth certificate"),
    )
    request_start(by=officer.actor, request_id=row.pk)
    request_answer(by=officer.actor, request_id=row.pk, answer="You may look now. Some answers may be private.")
    row.refresh_from_db()
    assert row.state == RequestState.COMPLETED and looked_after(guardian.pk) == {mo.pk: False}
    grant = AccessGrant.objects.get(account_id=guardian.pk)
    assert grant.ends_at and (grant.ends_at - grant.starts_at).days in (59, 60)
    assert vault.open_record(by=guardian.actor, patient_id=mo.pk, purpose=Purpose.CARE).sections.private_hidden


def test_a_guardian_who_may_look_already_keeps_what_they_have(gwen: User, mo: Patient, officer: User, as_: As) -> None:
    wish(as_(gwen), mo, "review", details="Please explain the plan.")
    row = asked(RequestKind.GUARDIAN_REVIEW)
    request_start(by=officer.actor, request_id=row.pk)
    request_answer(by=officer.actor, request_id=row.pk, answer="Thin layer, at night.")
    assert looked_after(gwen.pk) == {mo.pk: True} and AccessGrant.objects.filter(account_id=gwen.pk).count() == 1
    assert "Thin layer, at night." in as_(gwen).get(f"/privacy/requests/{row.pk}/").content.decode()


def test_nobody_is_shown_the_record_of_a_grown_up(guardian: User, ana: User, officer: User) -> None:
    adult = building.person(ana)
    row = request_open(
        by=officer.actor, kind=RequestKind.GUARDIAN_REVIEW, subject_id=adult.pk, account_id=guardian.pk,
        form_key=uuid4(), channel=Channel.MAIL, identity=Identity(IdentityHow.AUTHORITY, "papers"),
    )
    request_start(by=officer.actor, request_id=row.pk)
    with pytest.raises(DomainError) as refused:
        request_answer(by=officer.actor, request_id=row.pk, answer="Here you are.")
    assert refused.value.code == "of_age" and not looked_after(guardian.pk)


@pytest.mark.promise("P39")
def test_the_record_is_deleted_by_the_officer_and_the_guardian_is_told(
    gwen: User, mo: Patient, officer: User, as_: As
) -> None:
    wish(as_(gwen), mo, "delete", understood="on")
    row = asked(RequestKind.GUARDIAN_DELETION)
    assert row.state == RequestState.RECEIVED and Patient.objects.filter(pk=mo.pk).exists()
    request_start(by=officer.actor, request_id=row.pk)
    request_carry_out(by=officer.actor, request_id=row.pk)
    work(row)
    assert row.state == RequestState.COMPLETED and not Patient.objects.filter(pk=mo.pk).exists()
    drain()
    assert any("the child you look after" in mail.body for mail in mailbox.outbox if mail.to == [gwen.email])


@pytest.mark.parametrize("name", ["delete", "stop"])
def test_a_parents_wish_is_not_carried_out_once_the_child_is_of_age(
    name: str, gwen: User, mo: Patient, officer: User, as_: As
) -> None:
    """Asked for before the birthday, done on it: then it is the grown child's to ask (FIELD_FAULTS 7)."""
    kind = {"delete": RequestKind.GUARDIAN_DELETION, "stop": RequestKind.STOP_USING}[name]
    row = request_open(
        by=officer.actor, kind=kind, subject_id=mo.pk, account_id=gwen.pk, form_key=uuid4(), channel=Channel.MAIL,
        identity=Identity(IdentityHow.AUTHORITY, "birth certificate"),
    )
    request_start(by=officer.actor, request_id=row.pk)
    with time_machine.travel(start_of_day(years_later(mo.birth_date, 18)), tick=True):
        with pytest.raises(DomainError) as refused:
            request_carry_out(by=officer.actor, request_id=row.pk)
        assert refused.value.code == "of_age" and not is_frozen(mo.pk)
        row.refresh_from_db()
        assert row.state == RequestState.IN_PROGRESS and Patient.objects.filter(pk=mo.pk).exists()
        if name == "delete":
            request_deny(by=officer.actor, request_id=row.pk, ground="of_age", letter="Your child is of age.")
            row.refresh_from_db()
            assert row.state == RequestState.DENIED


@pytest.mark.parametrize("grown", [False, True])
def test_a_parents_deletion_that_waited_for_a_hold_goes_on_only_while_the_child_is_a_child(
    grown: bool, gwen: User, mo: Patient, officer: User, as_: As
) -> None:
    later = today() + dt.timedelta(days=30)
    hold = hold_place(by=officer.actor, subject_id=mo.pk, reason="A court asked for it.", review_on=later)
    wish(as_(gwen), mo, "delete", understood="on")
    row = asked(RequestKind.GUARDIAN_DELETION)
    request_start(by=officer.actor, request_id=row.pk)
    request_carry_out(by=officer.actor, request_id=row.pk)
    with time_machine.travel(
        start_of_day(years_later(mo.birth_date, 18)) if grown else dt.datetime.now(dt.UTC), tick=True
    ):
        hold_release(by=officer.actor, hold_id=hold.pk, why="The court is done.")
    row.refresh_from_db()
    assert row.state == (RequestState.IN_PROGRESS if grown else RequestState.CARRYING_OUT)
    assert OutgoingMail.objects.filter(kind="privacy.waits", once_key__contains=":unheld:").exists() == grown


@pytest.mark.promise("P39", "P41")
def test_the_last_mail_speaks_of_the_childs_record_and_leaves_the_parents_account(
    gwen: User, ben: User, mo: Patient, officer: User, as_: As
) -> None:
    """The young person, whose own sign-in goes with the record, reads it as it is for them."""
    wish(as_(gwen), mo, "delete", understood="on")
    carried_out(officer, asked(RequestKind.GUARDIAN_DELETION))
    drain(patient=False)
    last = [one for one in mailbox.outbox if one.subject == "What you asked us to do is done"]
    mail, young = sorted(last, key=lambda one: one.to != [gwen.email])
    body = " ".join(mail.body.split())
    assert mail.to == [gwen.email] and "the record of the child you look after" in body
    assert "closed your account" not in body and "your record" not in body
    assert young.to == ["ben@example.org"] and "closed your account, as your parent or guardian asked" in young.body
    assert not Patient.objects.filter(pk=mo.pk).exists() and User.objects.filter(pk=gwen.pk, is_active=True).exists()


@pytest.mark.promise("P37")
@pytest.mark.parametrize("name", ["delete", "review"])
def test_what_the_law_leaves_to_the_young_person_is_a_listed_ground(
    name: str, gwen: User, mo: Patient, officer: User, as_: As
) -> None:
    wish(as_(gwen), mo, name, understood="on", details="All of it")
    row = RightsRequest.objects.get()
    request_start(by=officer.actor, request_id=row.pk)
    request_deny(by=officer.actor, request_id=row.pk, ground="minors_own", letter="We ask your child first.")
    row.refresh_from_db()
    assert row.state == RequestState.DENIED and Patient.objects.filter(pk=mo.pk).exists()


def test_nobody_elses_child_is_named(ana: User, mo: Patient, gwen: User, as_: As) -> None:
    assert "Mo Tran" not in as_(ana).get(PAGE).content.decode()
    assert as_(ana).get(f"{PAGE}{UUID(int=1)}/stop/").status_code == 404
    assert Consult.objects.count() == 0
