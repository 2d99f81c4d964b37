"""Requests joined to one another: none is lost when the one that leads ends, is refused or is looked at again."""

from __future__ import annotations

import pytest

from portal.accounts.models import User
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from privacy.requests import services
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.state import RequestState
from records.access import grant_open, may_open
from records.models import GrantKind, Patient
from tests.privacy.building import ask
from tests.privacy.test_request_desk import ID, entered, state


def test_what_was_joined_follows_and_goes_on_when_who_leads_is_nobody(
    ana: User, officer: User, anas: Patient
) -> None:
    first = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=first.pk)
    letter = entered(officer, anas, identity=ID)
    main = entered(officer, anas)
    services.request_join(by=officer.actor, request_id=first.pk, main_id=main.pk)
    assert state(first) == RequestState.JOINED and state(letter) == RequestState.JOINED
    assert first.joined_to == main and letter.joined_to == main, "a joined request leads nobody"
    assert may_open(by=officer.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) is None
    services.identity_fail(by=officer.actor, request_id=main.pk, letter="We do not know who wrote.")
    assert state(first) == RequestState.RECEIVED and first.ended_at is None
    assert state(letter) == RequestState.JOINED and letter.joined_to == first


def test_what_turns_out_to_be_about_a_record_is_joined_to_what_is_open_about_it(
    ana: User, officer: User, anas: Patient
) -> None:
    first = ask(ana, anas)
    row = entered(officer, None, identity=ID)
    services.request_about(by=officer.actor, request_id=row.pk, subject_id=anas.pk)
    assert state(row) == RequestState.JOINED and row.joined_to == first and row.subject_id == anas.pk
    lost = entered(officer, None)
    services.identity_fail(by=officer.actor, request_id=lost.pk, letter="We do not know who wrote.")
    with pytest.raises(DomainError, match="request_state"):
        services.request_about(by=officer.actor, request_id=lost.pk, subject_id=anas.pk)


def test_a_no_is_said_to_each_who_asked_and_a_wish_asked_anew_follows_the_review(
    ana: User, officer: User, clinician: User, anas: Patient
) -> None:
    first = ask(ana, anas)
    letter = entered(officer, anas, identity=ID)
    services.request_start(by=officer.actor, request_id=first.pk)
    services.request_deny(by=officer.actor, request_id=first.pk, ground="retention_law", letter="We must keep it.")
    assert state(letter) == RequestState.RECEIVED and letter.joined_to is None
    services.review_ask(by=ana.actor, request_id=first.pk)
    services.review_decide(by=clinician.actor, request_id=first.pk, overturned=True)
    assert state(first) == RequestState.IN_PROGRESS
    assert state(letter) == RequestState.JOINED and letter.joined_to == first
    services.request_deny(by=officer.actor, request_id=first.pk, ground="retention_law", letter="Again.")
    services.review_ask(by=ana.actor, request_id=first.pk)
    RightsRequest.objects.filter(pk=letter.pk).update(state=RequestState.CARRYING_OUT)
    services.review_decide(by=clinician.actor, request_id=first.pk, overturned=True)
    assert state(first) == RequestState.JOINED and first.joined_to == letter, "what is done already is done once"


def test_nobody_asks_for_what_is_not_offered_to_them(ana: User, guardian: User, anas: Patient) -> None:
    grant_open(by=ana.actor, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    with pytest.raises(NotVisible):
        ask(guardian, anas, RequestKind.LEAVING)
    assert not RightsRequest.objects.exists()
