"""Every action in every state, by every role: what the table does not name, does not happen (FIELD_FAULTS 76)."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest

from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Role
from privacy import services
from privacy.models import RequestKind, RightsRequest
from privacy.state import ALLOWED_ROLES, ENDED, TRANSITIONS, RequestAction, RequestState

ALL = [(s, a) for s in RequestState for a in RequestAction]


def _request(state: RequestState) -> RightsRequest:
    ground = {"denial_ground": "identity"} if state == RequestState.DENIED else {}
    return RightsRequest.objects.create(
        kind=RequestKind.DELETION, subject_id=uuid4(), account_id=uuid4(), state=state,
        received_on=dt.date(2026, 12, 1), due_on=dt.date(2026, 12, 31), **ground,
    )


@pytest.mark.parametrize(("state", "action"), ALL, ids=[f"{s.value}-{a.value}" for s, a in ALL])
def test_only_the_table_moves_a_request(db: None, state: RequestState, action: RequestAction) -> None:
    role = next(iter(ALLOWED_ROLES[action]))
    request = _request(state)
    following = TRANSITIONS.get((state, action))
    if following is None:
        with pytest.raises(DomainError):
            services._move(request, action, Actor(uuid4(), role))
        assert request.state == state
    else:
        services._move(request, action, Actor(uuid4(), role))
        assert request.state == following


@pytest.mark.parametrize("action", list(RequestAction))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_that_is_not_named_moves_nothing(db: None, role: Role, action: RequestAction) -> None:
    state = next(s for (s, a) in TRANSITIONS if a == action)
    request = _request(state)
    if role in ALLOWED_ROLES[action]:
        services._move(request, action, Actor(uuid4(), role))
        assert request.state == TRANSITIONS[state, action]
        return
    with pytest.raises(NotVisible):
        services._move(request, action, Actor(uuid4(), role))
    assert request.state == state


def test_no_state_is_a_dead_end_but_the_ended_ones() -> None:
    for state in RequestState:
        leaves = [action for (s, action) in TRANSITIONS if s == state]
        assert bool(leaves) == (state not in ENDED), state


def test_nothing_is_carried_out_before_somebody_took_it_on() -> None:
    assert (RequestState.RECEIVED, RequestAction.CARRY_OUT) not in TRANSITIONS
