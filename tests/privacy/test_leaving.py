"""Leaving: the account closes for good, one last mail goes out, and after it only letters (P28)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core import mail as mailbox
from django.test import Client
from django.urls import reverse

from billing.models import Refund
from consults.models import Consult
from consults.state import ConsultState
from portal.accounts.leaving import account_leave
from portal.accounts.models import User
from portal.accounts.selectors import reopenable
from portal.accounts.services import account_reopen
from portal.context import SYSTEM
from portal.errors import DomainError, NotVisible
from portal.outbox.delivery import drain
from portal.outbox.models import LeftAddress, OutgoingMail
from portal.outbox.services import mail_queue
from privacy.leaving.services import come_back
from privacy.letters.models import Letter, PaperReason, PrintState
from privacy.letters.services import letter_write
from privacy.models import RequestKind, RightsRequest
from privacy.requests.models import Channel, IdentityHow
from privacy.requests.services import Identity, request_carry_out, request_open, request_start
from privacy.requests.state import RequestState
from records.access import grant_open
from records.contact.selectors import reach_of
from records.models import GrantKind, Patient
from tests.consults import building
from tests.reading import asks_again
from tests.sweeps.test_canary import rows_in_clear

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P28")]
As = Callable[[User | None], Client]
PAGE = "/privacy/leave/"
ADDRESS = {"street": "4 Birch Lane", "city": "Sartell", "state": "MN", "postal_code": "56377"}


def told(**more: str) -> dict[str, Any]:
    return {"form_key": str(uuid4()), "understood": "on", **ADDRESS, **more}


def left(browser: Client, **more: str) -> RightsRequest:
    answer = browser.post(PAGE, told(**more))
    assert answer.status_code == 302 and answer["Location"] == "/privacy/left/"
    return RightsRequest.objects.get(kind=RequestKind.LEAVING)


def test_the_page_says_what_follows_and_wants_a_tick(ana: User, anas: Patient, as_: As) -> None:
    browser = as_(ana)
    shown = browser.get(PAGE).content.decode()
    for words in ("closes for good", "we never mail you again", "goes by post", "Get a copy", "does not delete"):
        assert words in shown
    answer = browser.post(PAGE, {"form_key": str(uuid4()), "details": "Moving away"}).content.decode()
    assert "Tick the box" in answer and "Moving away" in answer
    assert not RightsRequest.objects.exists() and not LeftAddress.objects.exists()


def test_the_account_closes_for_good_and_one_last_mail_goes_out(ana: User, anas: Patient, as_: As) -> None:
    browser, other = as_(ana), as_(ana)
    row = left(browser)
    assert (row.state, row.account_id) == (RequestState.COMPLETED, ana.pk)
    ana.refresh_from_db()
    assert ana.has_left and not ana.is_active and ana.closed_at and not ana.has_usable_password()
    assert not EmailAddress.objects.filter(user=ana).exists() and not Session.objects.exists()
    assert other.get("/home/").status_code == 302, "signed out everywhere"
    drain()
    (mail,) = mailbox.outbox
    assert mail.to == ["ana@example.org"] and "last mail" in mail.body and "goes by post" in mail.body
    assert "we never mail you again" in browser.get("/privacy/left/").content.decode()
    assert rows_in_clear("ana@example.org") == [], "only a keyed hash is left"
    assert Patient.objects.filter(pk=anas.pk).exists(), "leaving is no deletion"


def test_nothing_is_mailed_afterwards_by_whatever_way(ana: User, anas: Patient, as_: As) -> None:
    mail_queue(kind="account.closed", account_id=ana.pk, address=ana.email, once_key="waited", secret={"at": "2026"})
    left(as_(ana))
    drain()
    assert [mail.subject for mail in mailbox.outbox] == [mailbox.outbox[0].subject] and len(mailbox.outbox) == 1
    as_(None).post(reverse("account_reset_password"), {"email": "ana@example.org"})
    as_(None).post(reverse("account_login"), {"login": "ana@example.org", "password": "a long walk by the lake"})
    mail_queue(kind="account.reopened", address="ana@example.org", once_key="late", secret={"at": "2026"})
    drain()
    assert len(mailbox.outbox) == 1
    assert set(OutgoingMail.objects.filter(state="refused").values_list("last_error", flat=True)) == {"left"}


def test_open_consults_end_and_what_nobody_answered_is_paid_back(
    ana: User, clinician: User, as_: As
) -> None:
    consult = building.taken(ana, clinician)
    left(as_(ana))
    consult.refresh_from_db()
    assert consult.state == ConsultState.WITHDRAWN and Refund.objects.count() == 1
    drain()
    assert "goes back the way it came" in mailbox.outbox[-1].body
    assert not Consult.objects.exclude(state__in=["withdrawn", "closed"]).exists()


def test_letters_go_on_paper_to_the_address_that_was_given(ana: User, anas: Patient, officer: User, as_: As) -> None:
    left(as_(ana))
    assert reach_of(anas.pk).address.street == "4 Birch Lane"
    letter = letter_write(
        by=officer.actor, kind="received", subject_id=anas.pk, account_id=ana.pk,
        fields={"request": "A copy of the record", "received": "November 25, 2026", "due": "December 25, 2026"},
    )
    work_letter(letter)
    assert (letter.paper, letter.paper_reason) == (PrintState.TO_PRINT, PaperReason.NO_ACCOUNT)
    assert letter.recipient and "4 Birch Lane" in letter.recipient["lines"][0]
    drain()
    assert len(mailbox.outbox) == 1


def work_letter(letter: Letter) -> None:
    from portal.jobs.runner import run_job

    assert letter.job_id
    run_job(letter.job_id)
    letter.refresh_from_db()


def test_without_an_address_one_is_asked_for_and_with_one_not(ana: User, anas: Patient, as_: As) -> None:
    from records.people.services import patient_update

    browser = as_(ana)
    given = told()
    given.pop("street")
    assert "required" in browser.post(PAGE, given).content.decode() and not LeftAddress.objects.exists()
    patient_update(by=ana.actor, patient_id=anas.pk, address=ADDRESS)
    shown = browser.get(PAGE).content.decode()
    assert 'name="street"' not in shown
    assert browser.post(PAGE, {"form_key": str(uuid4()), "understood": "on"}).status_code == 302


def test_who_looks_after_a_child_is_asked_to_call_first(ana: User, anas: Patient, ben: User, as_: As) -> None:
    child = building.person(ben, given="Mo", family="Tran")
    grant_open(by=ben.actor, patient_id=child.pk, kind=GrantKind.GUARDIAN, account_id=ana.pk)
    browser = as_(ana)
    assert "Call or write to us first" in browser.get(PAGE).content.decode()
    assert "Call or write to us first" in browser.post(PAGE, told()).content.decode()
    ana.refresh_from_db()
    assert not ana.has_left and not LeftAddress.objects.exists() and not RightsRequest.objects.exists()


def test_an_old_sign_in_is_asked_for_again(ana: User, anas: Patient, as_: As) -> None:
    browser = as_(ana)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0}]
    session.save()
    assert asks_again(browser.post(PAGE, told()))
    assert not RightsRequest.objects.exists()


def test_five_presses_leave_once(ana: User, anas: Patient, as_: As) -> None:
    browser, given = as_(ana), told()
    answers = [browser.post(PAGE, given).status_code for _press in range(5)]
    # From the second on the person is signed out: the page of a form whose sign-in ended.
    assert answers == [302, 200, 200, 200, 200]
    assert RightsRequest.objects.count() == 1 and LeftAddress.objects.count() == 1


def test_who_wrote_or_called_is_served_by_the_officer(ana: User, anas: Patient, officer: User) -> None:
    row = request_open(
        by=officer.actor, kind=RequestKind.LEAVING, subject_id=anas.pk, account_id=None, form_key=uuid4(),
        channel=Channel.PHONE, contact={"name": "Ana Okafor"}, identity=Identity(IdentityHow.CALLED_BACK, "called"),
    )
    assert row.state == RequestState.RECEIVED and not LeftAddress.objects.exists()
    request_start(by=officer.actor, request_id=row.pk)
    request_carry_out(by=officer.actor, request_id=row.pk)
    row.refresh_from_db()
    ana.refresh_from_db()
    assert row.state == RequestState.COMPLETED and ana.has_left and LeftAddress.objects.count() == 1
    drain()
    assert [mail.to for mail in mailbox.outbox if mail.to == ["ana@example.org"]] == [["ana@example.org"]]


def test_a_person_without_a_sign_in_is_said_to_have_none(ben: User, officer: User) -> None:
    from records.access import grant_close

    patient = building.person(ben, given="Mo", family="Tran")
    grant_close(by=ben.actor, patient_id=patient.pk, kind=GrantKind.SELF)
    row = request_open(
        by=officer.actor, kind=RequestKind.LEAVING, subject_id=patient.pk, account_id=None, form_key=uuid4(),
        channel=Channel.MAIL, contact={"name": "Mo Tran"}, identity=Identity(IdentityHow.PHOTO_ID, "seen"),
    )
    request_start(by=officer.actor, request_id=row.pk)
    with pytest.raises(DomainError) as refused:
        request_carry_out(by=officer.actor, request_id=row.pk)
    assert refused.value.code == "no_account"


def test_nobody_opens_such_an_account_again(ana: User, anas: Patient, support: User, as_: As) -> None:
    left(as_(ana))
    assert not reopenable().exists()
    with pytest.raises(NotVisible):
        account_reopen(by=support.actor, account_id=ana.pk)
    assert account_leave(by=SYSTEM, account_id=ana.pk) == [], "leaving twice is once"


def test_staff_do_not_leave_this_way(clinician: User) -> None:
    with pytest.raises(DomainError):
        account_leave(by=SYSTEM, account_id=clinician.pk)
    with pytest.raises(NotVisible):
        account_leave(by=SYSTEM, account_id=uuid4())


def test_who_wants_mail_again_is_let_back_by_the_officer(
    ana: User, anas: Patient, officer: User, support: User, as_: As
) -> None:
    left(as_(ana))
    page = reverse("admin:privacy_come_back")
    desk = as_(officer)
    assert "1 address is never written to" in desk.get(page).content.decode()
    assert "never left" in desk.post(page, {"email": "other@example.org", "sure": "on"}).content.decode()
    assert "make sure that it is the person" in desk.post(page, {"email": "ana@example.org"}).content.decode()
    assert desk.post(page, {"email": "ana@example.org", "sure": "on"}).status_code == 302
    assert not LeftAddress.objects.exists()
    with pytest.raises(NotVisible):
        come_back(by=support.actor, email="ana@example.org")
