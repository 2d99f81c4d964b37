"""P34, RULES 1.28-1.35: a statement of up to six years that lists all, marks what the law counts, and is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from portal.accounts.models import User
from portal.dates import today, years_later
from portal.errors import DomainError
from portal.permissions import Purpose
from privacy.disclosing.accounting import window_of
from privacy.disclosing.models import AccountingStatement
from privacy.letters.models import Letter, PrintState
from privacy.requests.models import Channel, FeeState, IdentityHow, RequestKind, RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.services import request_carry_out, request_extend, request_open, request_start
from privacy.requests.services.opening import Identity
from privacy.requests.state import RequestState
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record
from records.models import Patient

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P34")]
As = Callable[..., Client]


def gave(officer: User, patient: Patient, recipient: str, on: dt.date, *, law: bool = True) -> None:
    disclosure_record(
        by=officer.actor, subject_id=patient.pk, recipient=recipient, what=f"A report to {recipient}", on=on,
        purpose=Purpose.LEGAL_DUTY if law else Purpose.CARE,
        basis=DisclosureBasis.LAW if law else DisclosureBasis.TREATMENT,
    )


def asked(ana: User, patient: Patient, **particulars: str) -> RightsRequest:
    return request_open(
        by=ana.actor, kind=RequestKind.ACCOUNTING, subject_id=patient.pk, account_id=ana.pk, form_key=uuid4(),
        particulars=particulars or None,
    )


def by_post(officer: User, patient: Patient, **more: Any) -> RightsRequest:
    return request_open(
        by=officer.actor, kind=RequestKind.ACCOUNTING, subject_id=patient.pk, account_id=None, form_key=uuid4(),
        channel=Channel.MAIL, contact={"name": "Ana Okafor", "address": "1 Main Street"},
        identity=Identity(IdentityHow.COPY_OF_ID, "The signature agrees"), **more,
    )


def test_in_the_portal_the_statement_is_a_letter_at_once_with_what_the_law_counts_first(
    anas: Patient, ana: User, officer: User
) -> None:
    gave(officer, anas, "Department of Health", today() - dt.timedelta(days=30))
    gave(officer, anas, "Department of Health", today() - dt.timedelta(days=3))
    gave(officer, anas, "Lakeside", today(), law=False)
    request = asked(ana, anas)
    assert request.state == RequestState.COMPLETED
    letter, statement = Letter.objects.get(kind="accounting"), AccountingStatement.objects.get()
    assert (statement.lines, statement.counted, statement.letter_id, statement.fee_cents) == (2, 1, letter.pk, 0)
    blocks = letter.content["blocks"]
    heads = [block["text"] for block in blocks if block["kind"] == "heading"]
    assert heads[:2] == ["What the law makes us list", "What we list besides"]
    words = str(blocks)
    assert words.index("Department of Health") < words.index("What we list besides") < words.index("Lakeside")
    assert f"2 times, the last on {date_format(today() - dt.timedelta(days=3), 'F j, Y')}" in words
    assert "Given without your signed consent." in words


def test_the_window_is_six_years_or_less(anas: Patient, ana: User, officer: User) -> None:
    first = years_later(today(), -6)
    gave(officer, anas, "Too old", first - dt.timedelta(days=1))
    gave(officer, anas, "Just in time", first)
    request = asked(ana, anas)
    assert window_of(request) == (first, today())
    words = str(Letter.objects.get().content)
    assert "Just in time" in words and "Too old" not in words
    less = asked(ana, anas, since="2026-06-01", until="2026-07-31")
    assert window_of(less) == (dt.date(2026, 6, 1), dt.date(2026, 7, 31))
    assert window_of(asked(ana, anas, since="1999-01-01", until="2999-01-01")) == (first, today())


def test_nothing_to_tell_is_told(anas: Patient, ana: User) -> None:
    asked(ana, anas)
    assert "Our register shows nothing in this time." in str(Letter.objects.get().content)


def test_by_post_it_has_sixty_days_one_extension_and_no_ground_to_refuse(anas: Patient, officer: User) -> None:
    with time_machine.travel(dt.datetime(2026, 12, 1, 18, tzinfo=dt.UTC)):
        request = by_post(officer, anas)
        assert (request.received_on, request.due_on) == (dt.date(2026, 12, 1), dt.date(2027, 1, 30))
        request_start(by=officer.actor, request_id=request.pk)
        for until in (dt.date(2027, 3, 2), dt.date(2027, 1, 30)):
            with pytest.raises(DomainError):
                request_extend(by=officer.actor, request_id=request.pk, reason="The files are old", until=until)
        request_extend(
            by=officer.actor, request_id=request.pk, reason="The files are old", until=dt.date(2027, 3, 1)
        )
        with pytest.raises(DomainError):
            request_extend(by=officer.actor, request_id=request.pk, reason="Again", until=dt.date(2027, 3, 1))
    assert rules_of(RequestKind.ACCOUNTING).grounds == ()


@pytest.mark.promise("P36")
def test_the_first_in_twelve_months_is_free_and_a_later_one_waits_for_a_yes(anas: Patient, officer: User) -> None:
    def done(request: RightsRequest) -> RightsRequest:
        request_start(by=officer.actor, request_id=request.pk)
        return request_carry_out(by=officer.actor, request_id=request.pk)

    start = timezone.now()
    assert done(by_post(officer, anas)).state == RequestState.COMPLETED
    assert Letter.objects.get(kind="accounting").paper == PrintState.TO_PRINT
    with time_machine.travel(start + dt.timedelta(days=200)):
        again = by_post(officer, anas)
        with pytest.raises(DomainError) as refused:
            done(again)
        assert refused.value.code == "fee_first" and AccountingStatement.objects.count() == 1
        RightsRequest.objects.filter(pk=again.pk).update(fee_state=FeeState.ACCEPTED, fee_cents=500)
        assert request_carry_out(by=officer.actor, request_id=again.pk).state == RequestState.COMPLETED
        assert AccountingStatement.objects.get(request_id=again.pk).fee_cents == 500
    with time_machine.travel(start + dt.timedelta(days=200 + 366)):
        assert done(by_post(officer, anas)).state == RequestState.COMPLETED, "twelve months on it is free again"


@pytest.mark.promise("P36")
def test_a_later_one_is_quoted_at_the_desk_and_paid_before_it_is_written(
    as_: As, anas: Patient, officer: User
) -> None:
    first = by_post(officer, anas)
    request_start(by=officer.actor, request_id=first.pk)
    request_carry_out(by=officer.actor, request_id=first.pk)
    later, desk = by_post(officer, anas), as_(officer)
    request_start(by=officer.actor, request_id=later.pk)
    page = reverse("admin:privacy_request", args=[later.pk])
    assert "It is not the first in twelve months" in desk.get(page).content.decode()
    desk.post(reverse("admin:fee_name", args=[later.pk]), {"pages": "2", "minutes": "5", "postage": "1.63"})
    later.refresh_from_db()
    assert later.fee_state == FeeState.QUOTED and later.fee_cents == 200 + 2 * 6 + 40 + 163
    assert "Paper and envelope" in desk.get(page).content.decode()
    told = Letter.objects.get(kind="fee_quote")
    assert told.paper == PrintState.TO_PRINT and told.recipient == {"name": "Ana Okafor", "lines": ["1 Main Street"]}
    assert told.fields["total"] in str(told.content) and "send us a check" in str(told.content)
    with pytest.raises(DomainError):
        request_carry_out(by=officer.actor, request_id=later.pk)
    desk.post(reverse("admin:fee_check", args=[later.pk]))
    later.refresh_from_db()
    assert later.state == RequestState.COMPLETED, "paid, it goes on by itself"
    assert AccountingStatement.objects.get(request_id=later.pk).fee_cents == later.fee_cents


@pytest.mark.promise("P36")
def test_in_the_portal_every_one_is_free(anas: Patient, ana: User) -> None:
    for _time in range(3):
        assert asked(ana, anas).state == RequestState.COMPLETED
    assert AccountingStatement.objects.filter(fee_cents=0).count() == 3


def test_the_desk_and_the_patient_see_what_it_says(as_: As, anas: Patient, ana: User, officer: User) -> None:
    gave(officer, anas, "Department of Health", today())
    mine = asked(ana, anas)
    page = as_(ana).get(reverse("privacy:request", args=[mine.pk])).content.decode()
    assert reverse("privacy:letter", args=[Letter.objects.get(kind="accounting").pk]) in page
    request = by_post(officer, anas)
    shown = as_(officer).get(reverse("admin:privacy_request", args=[request.pk])).content.decode()
    assert "1 line" in shown and "1 of them counted by law" in shown and "It is free" in shown
