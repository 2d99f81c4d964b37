"""Every action in every state, by every role, for every kind: what the table does not name, does not happen.

The rules are one pure function, so almost all of it is tried without a database (FIELD_FAULTS 76).
"""

from __future__ import annotations

import datetime as dt
import itertools
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Role
from privacy.requests import services
from privacy.requests.models import Channel, IdentityState, RequestKind, RequestStep, RightsRequest
from privacy.requests.registry import kinds
from privacy.requests.services import standing_of
from privacy.requests.state import (
    ALLOWED_ROLES,
    ENDED,
    NEEDS_PROOF,
    OPEN,
    TRANSITIONS,
    RequestAction,
    RequestState,
    Standing,
    following,
    steps,
)

ALL = list(itertools.product(RequestState, RequestAction))
FACTS = [
    dict(zip(("proven", "refusable", "may_cost", "fee_open", "in_part", "portal", "working"), facts, strict=True))
    for facts in itertools.product((False, True), repeat=7)
]
A, S = RequestAction, RequestState


def after(standing: Standing, action: RequestAction, role: Role) -> RequestState | None:
    """The following state, or None where the step is refused in whatever way."""
    try:
        return following(standing, action, role)
    except (DomainError, NotVisible):
        return None


@pytest.mark.parametrize(("state", "action"), ALL, ids=[f"{s.value}-{a.value}" for s, a in ALL])
def test_only_the_table_moves_a_request_and_only_for_the_roles_it_names(
    state: RequestState, action: RequestAction
) -> None:
    named = TRANSITIONS.get((state, action))
    for role, facts in itertools.product(Role, FACTS):
        found = after(Standing(state, **facts), action, role)
        assert found in (None, named), (role, facts)
        if role not in ALLOWED_ROLES[action]:
            with pytest.raises(NotVisible):
                following(Standing(state, **facts), action, role)
        assert (action in steps(Standing(state, **facts), role)) == (found is not None)


@pytest.mark.promise("P39")
def test_nothing_runs_and_nothing_is_joined_before_identity_is_proven() -> None:
    for (state, action), role, facts in itertools.product(TRANSITIONS, Role, FACTS):
        found = after(Standing(state, **{**facts, "proven": False}), action, role)
        if found is not None:
            assert action not in NEEDS_PROOF
            assert found not in (S.CARRYING_OUT, S.COMPLETED, S.PARTLY, S.JOINED) or state == found == S.CARRYING_OUT
    assert {A.START, A.CARRY_OUT, A.JOIN, A.COMPLETE} <= NEEDS_PROOF
    assert (S.RECEIVED, A.CARRY_OUT) not in TRANSITIONS and (S.IDENTITY, A.CARRY_OUT) not in TRANSITIONS


def test_what_is_carried_out_is_taken_back_only_while_it_waits_to_be_posted() -> None:
    for role in (Role.PATIENT, Role.GUARDIAN, Role.OFFICER):
        assert after(Standing(S.CARRYING_OUT), A.WITHDRAW, role) is None
        assert after(Standing(S.CARRYING_OUT, recallable=True), A.WITHDRAW, role) == S.WITHDRAWN
    by_post = {rules.kind for rules in kinds() if rules.recallable}
    assert by_post == {RequestKind.ACCESS_PAPER, RequestKind.ACCESS_THIRD_PARTY}


def test_what_is_joined_starts_nothing() -> None:
    ways = {action: end for (state, action), end in TRANSITIONS.items() if state == S.JOINED}
    assert ways == {A.SEPARATE: S.RECEIVED}


def test_no_state_is_a_dead_end_and_the_officer_has_a_way_out_of_each() -> None:
    for state in OPEN:
        for facts in FACTS:
            if facts["working"]:  # a job that is really at work ends by itself
                continue
            out = steps(Standing(state, **facts), Role.OFFICER)
            moving = {action for action in out if TRANSITIONS[state, action] != state}
            if state == S.RECEIVED and not facts["proven"]:
                assert A.ASK_IDENTITY in moving
            assert moving, (state, facts)
    leaves = {state for (state, _action), end in TRANSITIONS.items() if end != state}
    assert leaves - OPEN == {S.DENIED, S.PARTLY, S.JOINED}, "a review, and taking apart again; the rest is over"
    assert ENDED - leaves == {S.COMPLETED, S.WITHDRAWN}


def test_every_state_can_be_reached() -> None:
    reached = {S.RECEIVED, S.IDENTITY}
    for _round in S:
        reached |= {end for (state, _action), end in TRANSITIONS.items() if state in reached}
    assert reached == set(S)


@pytest.mark.promise("P37")
@pytest.mark.parametrize("state", [S.DENIED, S.PARTLY])
def test_every_denial_can_be_reviewed_by_who_asked(state: RequestState) -> None:
    for role, facts in itertools.product((Role.PATIENT, Role.GUARDIAN, Role.OFFICER), FACTS):
        assert following(Standing(state, **facts), A.ASK_REVIEW, role) == S.UNDER_REVIEW


@pytest.mark.promise("P36")
def test_a_cost_is_named_only_where_there_may_be_one_and_agreed_to_before_work() -> None:
    for facts in FACTS:
        quote = after(Standing(S.IN_PROGRESS, **facts), A.QUOTE, Role.OFFICER)
        assert quote == (S.WAITING_FEE if facts["may_cost"] and facts["proven"] else None)
        does = after(Standing(S.IN_PROGRESS, **facts), A.CARRY_OUT, Role.OFFICER)
        assert does == (S.CARRYING_OUT if facts["proven"] and not facts["fee_open"] else None)
    assert (S.WAITING_FEE, A.CARRY_OUT) not in TRANSITIONS
    free = (RequestKind.AMENDMENT, RequestKind.RESTRICTION, RequestKind.DELETION)
    assert not any(rules.fee for rules in kinds() if rules.kind in free)


def test_a_part_that_was_refused_is_never_called_done() -> None:
    whole, part = Standing(S.CARRYING_OUT), Standing(S.CARRYING_OUT, in_part=True)
    assert after(whole, A.COMPLETE, Role.SYSTEM) == S.COMPLETED and not after(whole, A.COMPLETE_PART, Role.SYSTEM)
    assert after(part, A.COMPLETE_PART, Role.SYSTEM) == S.PARTLY and not after(part, A.COMPLETE, Role.SYSTEM)
    review = Standing(S.UNDER_REVIEW, in_part=True)
    assert after(review, A.UPHOLD_PART, Role.CLINICIAN) == S.PARTLY and not after(review, A.UPHOLD, Role.CLINICIAN)


def test_the_officer_takes_back_only_what_did_not_come_through_the_portal() -> None:
    for state in (S.RECEIVED, S.IDENTITY, S.IN_PROGRESS, S.WAITING_FEE):
        assert after(Standing(state, portal=False), A.WITHDRAW, Role.OFFICER) == S.WITHDRAWN
        assert after(Standing(state, portal=True), A.WITHDRAW, Role.OFFICER) is None
        assert after(Standing(state, portal=True), A.WITHDRAW, Role.PATIENT) == S.WITHDRAWN


# --- Each kind as it is registered -------------------------------------------------------------------------


def of_kind(kind: str, state: RequestState, identity: IdentityState = IdentityState.CONFIRMED) -> RightsRequest:
    """A row in a state, with what the database wants beside it; not saved."""
    row = RightsRequest(
        kind=kind, subject_id=uuid4(), account_id=uuid4(), state=state, identity_state=identity,
        received_on=dt.date(2026, 12, 1), first_due_on=dt.date(2026, 12, 31), due_on=dt.date(2026, 12, 31),
    )
    if state in ENDED:
        row.ended_at = timezone.now()
    if state in (S.DENIED, S.PARTLY):
        row.denial_ground, row.in_part = "identity", state == S.PARTLY
    return row


@pytest.mark.parametrize("rules", kinds(), ids=[rules.kind.value for rules in kinds()])
def test_each_kind_obeys_the_table_in_every_state(rules: object) -> None:
    from privacy.requests.registry import KindRules

    assert isinstance(rules, KindRules)
    for state, action, role in itertools.product(RequestState, RequestAction, Role):
        for identity in IdentityState:
            row = of_kind(rules.kind, state, identity)
            found = after(standing_of(row, working=False), action, role)
            if found is None:
                continue
            assert found == TRANSITIONS[state, action] and role in ALLOWED_ROLES[action]
            assert rules.grounds or action not in (A.DENY, A.REFUSE_PART)
            assert rules.fee or action != A.QUOTE
            known = identity in (IdentityState.CONFIRMED, IdentityState.NOT_NEEDED)
            assert known or action not in NEEDS_PROOF


# --- The same through the database -------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(RequestState))
def test_a_move_is_written_down_and_a_refused_one_leaves_nothing(db: None, state: RequestState) -> None:
    row = of_kind(RequestKind.DELETION, state)
    if state == S.JOINED:
        row.joined_to = main = of_kind(RequestKind.DELETION, S.RECEIVED)
        main.save()
    row.save()
    for action in RequestAction:
        row.state = state
        named = TRANSITIONS.get((state, action))
        role = next(iter(ALLOWED_ROLES[action] - {Role.OFFICER} or ALLOWED_ROLES[action]))
        before = RequestStep.objects.filter(request=row).count()
        if after(standing_of(row, working=False), action, role) is None:
            with pytest.raises((DomainError, NotVisible)):
                services.move(row, action, Actor(uuid4(), role))
            assert row.state == state and RequestStep.objects.filter(request=row).count() == before
        else:
            services.move(row, action, Actor(uuid4(), role))
            assert row.state == named and RequestStep.objects.filter(request=row, state=named).exists()


@pytest.mark.promise("P39")
@pytest.mark.parametrize("state", [S.IN_PROGRESS, S.WAITING_FEE, S.CARRYING_OUT, S.COMPLETED, S.PARTLY])
def test_the_database_itself_lets_nothing_run_for_somebody_unknown(db: None, state: RequestState) -> None:
    for identity in (IdentityState.ASKED, IdentityState.FAILED):
        with pytest.raises(IntegrityError, match="request_runs_for_somebody_known"), transaction.atomic():
            of_kind(RequestKind.DELETION, state, identity).save()
    of_kind(RequestKind.DELETION, state).save()


def test_how_a_request_came_decides_who_may_take_it_back() -> None:
    row = of_kind(RequestKind.DELETION, S.RECEIVED)
    assert standing_of(row, working=False).portal
    row.channel = Channel.PHONE
    assert not standing_of(row, working=False).portal
