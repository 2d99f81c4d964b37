"""A copy on paper, for oneself or somebody else: counted, quoted, agreed, paid, printed, posted (P32, P36)."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pikepdf
import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Order, Refund
from billing.selectors import order_line
from billing.services import sweep as billing_sweep
from billing.state import OrderState
from portal.accounts.models import User
from portal.crypto import sealed
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.jobs.runner import run_job
from portal.outbox.models import OutgoingMail
from privacy.copies import services
from privacy.copies.models import PrintCopy
from privacy.fees import services as fees
from privacy.fees.calculator import Form, Method, quote
from privacy.fees.models import FeeQuote, FeeState
from privacy.letters.models import Letter, PrintState
from privacy.letters.services import letter_posted, letter_readdress
from privacy.requests import services as engine
from privacy.requests.models import Channel, IdentityHow, RequestKind, RightsRequest
from privacy.requests.services import Identity
from privacy.requests.state import RequestState
from records.disclosures.models import Disclosure, DisclosureBasis
from records.models import Patient
from records.people.services import patient_update
from tests.consults import building as consults
from tests.documents.building import a_document
from tests.privacy.building import ask, carried_out

As = Callable[..., Client]
FOR_LEE = {
    "recipient_name": "Dr. Ann Lee", "recipient_address": "9 Hill Street\nSt. Cloud, MN 56301",
    "signed_name": "Ana Okafor", "signed_on": "2026-11-25", "consent": "True",
}
PAPER, THIRD = RequestKind.ACCESS_PAPER, RequestKind.ACCESS_THIRD_PARTY


@pytest.fixture
def record(ana: User, anas: Patient, clinician: User) -> Patient:
    """Ana's record with an answered consult and an address."""
    address = {"street": "1 Lake Road", "city": "Clear Lake", "state": "MN", "postal_code": "55319"}
    patient_update(by=ana.actor, patient_id=anas.pk, address=address)
    consults.earlier(ana, clinician, anas)
    return anas


def fresh(request: RightsRequest) -> RightsRequest:
    request.refresh_from_db()
    return request


def counted(officer: User, request: RightsRequest, **more: Any) -> PrintCopy:
    """Taken on, made and counted."""
    if fresh(request).state == RequestState.RECEIVED:
        engine.request_start(by=officer.actor, request_id=request.pk)
    copy = services.copy_prepare(by=officer.actor, request_id=request.pk, **more)
    run_job(copy.job_id)
    copy.refresh_from_db()
    assert copy.made_at
    return copy


def quoted(officer: User, request: RightsRequest, **more: Any) -> FeeQuote:
    counted(officer, request)
    given = {"minutes": 5, "postage_cents": 190, **more}
    return services.copy_quote(by=officer.actor, request_id=request.pk, **given)


def paid(ana: User, row: FeeQuote) -> Order:
    order = fees.quote_accept(by=ana.actor, quote_id=row.pk)
    consults.pay(order.pk)
    billing_sweep()  # the effect's signal
    row.refresh_from_db()
    return order


@pytest.mark.promise("P32", "P36")
def test_paper_is_counted_quoted_agreed_paid_printed_and_posted(ana: User, record: Patient, officer: User) -> None:
    request = ask(ana, record, PAPER)
    assert fresh(request).state == RequestState.RECEIVED, "nothing is made by itself"
    row = quoted(officer, request)
    copy = PrintCopy.objects.get(request_id=request.pk)
    with pikepdf.open(io.BytesIO(sealed.read(copy.name, bytes(copy.key or b"")))) as pdf:
        assert copy.pages == row.pages == len(pdf.pages), "measured, not guessed"
    told_sum = quote(form=Form.PAPER, method=Method.ACTUAL, pages=row.pages, minutes=5, postage_cents=190, kind=PAPER)
    assert (row.cents, row.state) == (told_sum.cents, FeeState.QUOTED)
    assert fresh(request).state == RequestState.WAITING_FEE
    with pytest.raises(DomainError):
        engine.request_carry_out(by=officer.actor, request_id=request.pk)
    order = paid(ana, row)
    assert (order.amount_cents, order_line(order.pk).name) == (row.cents, "Copying fee")
    assert row.state == FeeState.PAID
    assert fresh(request).state == RequestState.CARRYING_OUT, "what is paid goes on by itself"
    cover = Letter.objects.get(request_id=request.pk, kind="copy_cover")
    assert cover.paper == PrintState.TO_PRINT
    assert cover.enclosure_pages == row.pages
    assert not PrintCopy.objects.exists(), "the file is the letter's now"
    run_job(cover.job_id)  # type: ignore[arg-type]
    cover.refresh_from_db()
    assert cover.recipient["lines"] == ["1 Lake Road", "Clear Lake, MN 55319"]
    letter_posted(by=officer.actor, letter_id=cover.pk, on=today())
    assert fresh(request).state == RequestState.COMPLETED
    assert not Disclosure.objects.exists(), "to the person themself is no disclosure"


@pytest.mark.promise("P14", "P32")
def test_a_copy_for_somebody_else_is_signed_for_and_registered_when_it_is_posted(
    ana: User, record: Patient, officer: User, as_: As
) -> None:
    request = ask(ana, record, THIRD, particulars=FOR_LEE)
    row = quoted(officer, request, waive=True)
    assert (row.cents, row.state) == (0, FeeState.WAIVED), "free is waived without a step"
    assert fresh(request).state == RequestState.IN_PROGRESS
    engine.request_carry_out(by=officer.actor, request_id=request.pk)
    cover = Letter.objects.get(request_id=request.pk)
    assert cover.account_id is None
    run_job(cover.job_id)  # type: ignore[arg-type]
    cover.refresh_from_db()
    assert cover.recipient == {"name": "Dr. Ann Lee", "lines": ["9 Hill Street", "St. Cloud, MN 56301"]}
    elsewhere = {"name": "Dr. Ann Lee", "address": "1 Other Road\nSt. Cloud, MN 56301"}
    with pytest.raises(DomainError, match="signed_place"):  # another place needs a new signature
        letter_readdress(by=officer.actor, letter_id=cover.pk, **elsewhere)
    page = as_(officer).get(reverse("admin:letter", args=[cover.pk])).content.decode()
    assert "Change the address" not in page and "It was posted" in page
    assert not Disclosure.objects.exists(), "not before it is on its way"
    letter_posted(by=officer.actor, letter_id=cover.pk, on=today())
    [given] = Disclosure.objects.all()
    assert (given.basis, given.recipient, given.reference) == (DisclosureBasis.REQUEST, "Dr. Ann Lee", request.pk)
    assert str(row.pages) in given.what
    assert fresh(request).state == RequestState.COMPLETED
    assert "We posted it on" in as_(ana).get(reverse("privacy:request", args=[request.pk])).content.decode()


@pytest.mark.promise("P32")
def test_a_paper_that_is_a_picture_is_in_the_copy_too(ana: User, record: Patient, officer: User) -> None:
    request = ask(ana, record, PAPER)
    without = counted(officer, request).pages
    a_document(record, title="A photographed lab result")
    copy = counted(officer, request)
    with pikepdf.open(io.BytesIO(sealed.read(copy.name, bytes(copy.key or b"")))) as pdf:
        [picture] = pdf.pages[-1].get_images().values()
        assert pikepdf.PdfImage(picture).as_pil_image().size == (60, 80)
        assert copy.pages == len(pdf.pages) == without + 1 and copy.missing == 0


def test_a_copy_is_never_priced_by_guessed_pages(ana: User, record: Patient, officer: User, as_: As) -> None:
    request = ask(ana, record, PAPER)
    engine.request_start(by=officer.actor, request_id=request.pk)
    numbers = {"pages": "400", "minutes": "60", "postage": "20"}
    said = as_(officer).post(reverse("admin:fee_name", args=[request.pk]), numbers, follow=True).content.decode()
    assert "First have the copy made" in said and not FeeQuote.objects.exists()


def test_an_unsigned_wish_for_somebody_else_goes_nowhere(ana: User, record: Patient, officer: User) -> None:
    request = ask(ana, record, THIRD, particulars={**FOR_LEE, "recipient_name": ""})
    quoted(officer, request, waive=True)
    with pytest.raises(DomainError, match="recipient_name"):
        engine.request_carry_out(by=officer.actor, request_id=request.pk)
    other = ask(ana, record, THIRD, particulars={**FOR_LEE, "signed_name": " "}, form_key=uuid4())
    quoted(officer, other, waive=True)
    with pytest.raises(DomainError, match="not_signed"):
        engine.request_carry_out(by=officer.actor, request_id=other.pk)
    assert not Letter.objects.exists()


@pytest.mark.promise("P36")
def test_who_does_not_want_it_at_this_price_owes_nothing_and_may_ask_for_less(
    ana: User, record: Patient, officer: User, as_: As
) -> None:
    request = ask(ana, record, PAPER)
    row = quoted(officer, request)
    order = fees.quote_accept(by=ana.actor, quote_id=row.pk)
    fees.quote_decline(by=ana.actor, quote_id=row.pk, wish="Only the last consult, please.")
    desk = as_(officer).get(reverse("admin:privacy_request", args=[request.pk])).content.decode()
    assert "Only the last consult" in desk
    order.refresh_from_db()
    assert order.state == OrderState.CANCELLED
    assert fresh(request).state == RequestState.IN_PROGRESS
    with pytest.raises(DomainError):
        engine.request_carry_out(by=officer.actor, request_id=request.pk)
    with pytest.raises(DomainError, match="fee_state"):
        fees.quote_accept(by=ana.actor, quote_id=row.pk)
    whole = row.pages
    with pytest.raises(DomainError, match="no_such_consult"):
        services.copy_prepare(by=officer.actor, request_id=request.pk, encounter_id=uuid4())
    encounter = record.encounters.first()  # type: ignore[attr-defined]
    narrower = counted(officer, request, encounter_id=encounter.pk)
    assert 0 < narrower.pages <= whole
    again = services.copy_quote(by=officer.actor, request_id=request.pk, minutes=1, postage_cents=100)
    assert again.cents < row.cents


@pytest.mark.promise("P36")
@pytest.mark.parametrize("how", ["withdrawn", "denied"])
def test_what_was_paid_goes_back_when_the_request_ends_before_the_work(
    how: str, ana: User, record: Patient, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fees, "_go_on", lambda request: None)  # somebody must still look at it
    request = ask(ana, record, PAPER)
    row = quoted(officer, request)
    paid(ana, row)
    if how == "withdrawn":
        engine.request_withdraw(by=ana.actor, request_id=request.pk)
    else:
        engine.request_deny(by=officer.actor, request_id=request.pk, ground="endangers", letter="Because.")
    row.refresh_from_db()
    assert row.state == FeeState.REFUNDED
    [back] = Refund.objects.all()
    assert back.amount_cents == row.cents
    assert not PrintCopy.objects.exists()
    assert not Letter.objects.filter(kind="copy_cover").exists()
    assert fees.fees_sweep() == {"paid": 0, "dropped": 0}


@pytest.mark.promise("P14", "P36")
def test_a_copy_that_is_not_posted_yet_can_be_taken_back_and_is_paid_back(
    ana: User, record: Patient, officer: User, as_: As
) -> None:
    request = ask(ana, record, THIRD, particulars=FOR_LEE)
    paid(ana, quoted(officer, request))
    cover = Letter.objects.get(request_id=request.pk, kind="copy_cover")
    Letter.objects.filter(pk=cover.pk).update(paper=PrintState.PRINTED)
    browser, order_id = as_(ana), FeeQuote.objects.get().order_id
    page = browser.get(reverse("billing:return", args=[order_id])).content.decode()
    assert "Back to your request" in page and reverse("privacy:request", args=[request.pk]) in page
    page = browser.get(reverse("privacy:request", args=[request.pk])).content.decode()
    assert "You can take your request back until the copy is posted." in page and "Yes, take it back" in page
    browser.post(reverse("privacy:withdraw", args=[request.pk]))
    assert fresh(request).state == RequestState.WITHDRAWN
    assert not Letter.objects.filter(kind="copy_cover").exists() and Refund.objects.exists()
    assert OutgoingMail.objects.filter(kind="privacy.waits", once_key__contains=":printed:").count() == 1
    desk = as_(officer).post(reverse("admin:letters_posted"), {"letter": str(cover.pk)}, follow=True).content.decode()
    assert "Some were taken back or changed meanwhile." in desk and not Disclosure.objects.exists()
    page = browser.get(reverse("privacy:request", args=[request.pk])).content.decode()
    assert "until the copy is posted" not in page and "You get your money back" in page


@pytest.mark.promise("P41")
def test_a_copying_fee_that_went_back_is_no_consult_in_the_last_letter(
    ana: User, record: Patient, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fees, "_go_on", lambda request: None)
    deletion, request = ask(ana, record), ask(ana, record, PAPER)
    paid(ana, quoted(officer, request))
    engine.request_withdraw(by=ana.actor, request_id=request.pk)
    assert Refund.objects.exists()
    carried_out(officer, deletion)
    assert OutgoingMail.objects.get(kind="privacy.erased").refs["paid_back"] == "False"


def test_a_payment_whose_signal_got_lost_is_found_by_the_sweep(
    ana: User, record: Patient, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(ana, record, PAPER)
    row = quoted(officer, request)
    order = fees.quote_accept(by=ana.actor, quote_id=row.pk)
    consults.pay(order.pk)
    assert fresh(request).state == RequestState.WAITING_FEE
    assert fees.fees_sweep()["paid"] == 1
    assert fees.fees_sweep()["paid"] == 0
    assert fresh(request).state == RequestState.CARRYING_OUT


@pytest.mark.promise("P36")
def test_money_that_comes_for_a_request_taken_back_goes_back(ana: User, record: Patient, officer: User) -> None:
    request = ask(ana, record, PAPER)
    row = quoted(officer, request)
    order = fees.quote_accept(by=ana.actor, quote_id=row.pk)
    Order.objects.filter(pk=order.pk).update(state=OrderState.PAID)  # this very moment
    consults.pay(order.pk)
    engine.request_withdraw(by=ana.actor, request_id=request.pk)
    billing_sweep()
    fees.fees_sweep()
    assert Refund.objects.get().amount_cents == row.cents
    row.refresh_from_db()
    assert row.state in (FeeState.CANCELLED, FeeState.REFUNDED)


def test_a_request_by_letter_is_answered_by_letter_and_paid_by_check(record: Patient, officer: User) -> None:
    request = engine.request_open(
        by=officer.actor, kind=PAPER, subject_id=record.pk, account_id=None, form_key=uuid4(), channel=Channel.MAIL,
        contact={"name": "Ana Okafor", "address": "3 Old Road\nClear Lake, MN 55319"},
        identity=Identity(IdentityHow.COPY_OF_ID),
    )
    row = quoted(officer, request)
    letter = Letter.objects.get(kind="fee_quote")
    assert letter.paper == PrintState.TO_PRINT
    assert letter.recipient["lines"] == ["3 Old Road", "Clear Lake, MN 55319"]
    assert "$" in str(letter.fields["total"])
    fees.quote_settled_by_post(by=officer.actor, quote_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.paid_how, row.order_id) == (FeeState.PAID, "by_post", None)
    assert fresh(request).state == RequestState.CARRYING_OUT
    cover = Letter.objects.get(kind="copy_cover")
    assert cover.recipient["lines"] == ["3 Old Road", "Clear Lake, MN 55319"]


def test_nobody_else_answers_a_quote(ana: User, ben: User, record: Patient, officer: User, clinician: User) -> None:
    row = quoted(officer, ask(ana, record, PAPER))
    for person in (ben, clinician):
        with pytest.raises(NotVisible):
            fees.quote_accept(by=person.actor, quote_id=row.pk)
    with pytest.raises(NotVisible):
        fees.quote_decline(by=ben.actor, quote_id=row.pk)
    with pytest.raises(NotVisible):
        fees.quote_settled_by_post(by=ana.actor, quote_id=row.pk)
    with pytest.raises(NotVisible):
        services.copy_prepare(by=clinician.actor, request_id=row.request_id)


@pytest.mark.promise("P36")
def test_an_amendment_can_never_cost_anything(ana: User, record: Patient, officer: User) -> None:
    request = ask(ana, record, RequestKind.DELETION)
    engine.request_start(by=officer.actor, request_id=request.pk)
    with pytest.raises(DomainError, match="no_fee"):
        fees.quote_send(
            by=officer.actor, request_id=request.pk, quote=quote(form=Form.PAPER, pages=3, minutes=5),
            form=Form.PAPER, method=Method.ACTUAL, pages=3,
        )
    assert not FeeQuote.objects.exists()


@pytest.mark.promise("P34", "P36")
def test_a_second_accounting_on_paper_in_twelve_months_is_quoted_agreed_and_then_written_by_itself(
    record: Patient, officer: User, as_: As
) -> None:
    def wanted() -> RightsRequest:
        return engine.request_open(
            by=officer.actor, kind=RequestKind.ACCOUNTING, subject_id=record.pk, account_id=None, form_key=uuid4(),
            channel=Channel.MAIL, contact={"name": "Ana Okafor", "address": "3 Old Road\nClear Lake, MN 55319"},
            identity=Identity(IdentityHow.COPY_OF_ID),
        )

    first = wanted()
    if fresh(first).state == RequestState.RECEIVED:
        engine.request_start(by=officer.actor, request_id=first.pk)
        with pytest.raises(DomainError, match="fee_free"):
            fees.cost_name(by=officer.actor, request_id=first.pk, pages=2, minutes=6, postage_cents=78)
        engine.request_carry_out(by=officer.actor, request_id=first.pk)
    assert fresh(first).state == RequestState.COMPLETED, "the first is free, without a step"
    second = wanted()
    client, here = as_(officer), reverse("admin:privacy_request", args=[second.pk])
    if fresh(second).state == RequestState.RECEIVED:
        engine.request_start(by=officer.actor, request_id=second.pk)
    assert reverse("admin:fee_name", args=[second.pk]) in client.get(here).content.decode()
    client.post(reverse("admin:fee_name", args=[second.pk]), {"pages": "2", "minutes": "6", "postage": "0.78"})
    row = FeeQuote.objects.get(request_id=second.pk)
    assert row.cents == 240 + 2 * 6 + 40 + 78
    client.post(reverse("admin:fee_check", args=[second.pk]))
    assert fresh(second).state == RequestState.COMPLETED
    assert Letter.objects.filter(kind="accounting").count() == 2


# --- The pages ---------------------------------------------------------------------------------------------


@pytest.mark.promise("P36")
def test_the_patient_sees_the_lines_and_both_answers_before_anything_is_printed(
    ana: User, record: Patient, officer: User, as_: As
) -> None:
    request = ask(ana, record, PAPER)
    row = quoted(officer, request)
    page = as_(ana).get(reverse("privacy:request", args=[request.pk])).content.decode()
    for words in ("What it costs", "Postage", "$1.90", reverse("privacy:fee_accept", args=[row.pk]),
                  reverse("privacy:fee_decline", args=[row.pk])):
        assert words in page
    went = as_(ana).post(reverse("privacy:fee_accept", args=[row.pk]))
    row.refresh_from_db()
    assert went["Location"] == reverse("billing:pay", args=[row.order_id])
    as_(ana).post(reverse("privacy:fee_decline", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == FeeState.DECLINED


def test_the_officer_walks_it_on_the_desk(ana: User, record: Patient, officer: User, as_: As) -> None:
    request = ask(ana, record, THIRD, particulars=FOR_LEE)
    engine.request_start(by=officer.actor, request_id=request.pk)
    client, here = as_(officer), reverse("admin:privacy_request", args=[request.pk])
    page = client.get(here).content.decode()
    assert "Dr. Ann Lee" in page
    assert "Make it and count its pages" in page
    client.post(reverse("admin:copy_prepare", args=[request.pk]), {"part": ""})
    run_job(PrintCopy.objects.get(request_id=request.pk).job_id)  # type: ignore[arg-type]
    assert "Name the cost" in client.get(here).content.decode()
    refused = client.post(reverse("admin:copy_quote", args=[request.pk]), {"minutes": "-1", "postage": "2.17"})
    shown = refused.content.decode()
    assert "greater than or equal to 0" in shown and 'value="2.17"' in shown and not FeeQuote.objects.exists()
    client.post(reverse("admin:copy_quote", args=[request.pk]), {"minutes": "5", "postage": "1.90"})
    assert FeeQuote.objects.get().state == FeeState.QUOTED
    assert OutgoingMail.objects.filter(kind="privacy.fee").exists()
    client.post(reverse("admin:fee_check", args=[request.pk]))
    assert fresh(request).state == RequestState.CARRYING_OUT
    client.post(reverse("admin:copy_prepare", args=[request.pk]), {"part": "nonsense"})
    assert not PrintCopy.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("recipient_name", ""), ("recipient_address", "one line"), ("consent", ""),
                         ("signed_name", ""), ("recipient_name", "x" * 61)]
)
def test_the_form_for_somebody_else_wants_all_of_it(field: str, value: str) -> None:
    from privacy.copies.forms import ThirdPartyForm

    full = {"form_key": str(uuid4()), **FOR_LEE}
    assert ThirdPartyForm(full).is_valid()
    form = ThirdPartyForm({**full, field: value})
    assert not form.is_valid()
    assert field in form.errors
