"""Every action in every state, by everybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction

from billing.state import OrderState
from consults import services
from consults.models import Consult
from consults.services.moves import order_of
from consults.state import ALLOWED_ROLES, TRANSITIONS, ConsultAction, ConsultState
from portal.accounts.models import User
from portal.context import ANONYMOUS, SYSTEM, Actor
from portal.errors import DomainError, NotVisible
from privacy.management.commands.states import FILE, document
from tests.consults.building import YES, answered, asked, pay, ready, sent, taken, waiting, write_plan

S, A = ConsultState, ConsultAction
Deed = Callable[[Actor, Consult], object]


def _paid(by: Actor, consult: Consult) -> object:
    order = order_of(consult.pk)
    if order is not None and order.state == OrderState.OPEN:
        pay(order.pk)
    return services.consult_paid(by=by, consult_id=consult.pk)


def _say(service: Callable[..., object]) -> Deed:
    return lambda by, consult: service(by=by, consult_id=consult.pk, body="Some words", form_key=uuid4())


def _do(service: Callable[..., object]) -> Deed:
    return lambda by, consult: service(by=by, consult_id=consult.pk)


DEEDS: dict[ConsultAction, Deed] = {
    A.SUBMIT: lambda by, consult: services.consult_submit(by=by, consult_id=consult.pk, consent=YES),
    A.REVISE: _do(services.consult_revise),
    A.PAY: _paid,
    A.TAKE: _do(services.consult_take),
    A.RELEASE: _do(services.consult_release),
    A.ASK: _say(services.consult_ask),
    A.REPLY: _say(services.consult_reply),
    A.ANSWER: _do(services.consult_answer),
    A.CLOSE: _do(services.consult_close),
    A.WITHDRAW: _do(services.consult_withdraw),
    A.DECLINE: lambda by, consult: services.consult_decline(
        by=by, consult_id=consult.pk, reason="Please see somebody in person.", form_key=uuid4()
    ),
    A.EXPIRE: _do(services.consult_expire),
    A.END: lambda by, consult: services.consults_end(by=by, patient_id=consult.patient_id),
}


def in_state(state: ConsultState, ana: User, clinician: User) -> Consult:
    """A consult that came into this state the way consults do."""
    make: dict[ConsultState, Callable[[], Consult]] = {
        S.DRAFT: lambda: ready(ana), S.AWAITING_PAYMENT: lambda: sent(ana), S.SUBMITTED: lambda: waiting(ana),
        S.IN_REVIEW: lambda: taken(ana, clinician), S.NEEDS_INFORMATION: lambda: asked(ana, clinician),
        S.ANSWERED: lambda: answered(ana, clinician),
        S.CLOSED: lambda: services.consult_close(by=SYSTEM, consult_id=answered(ana, clinician).pk),
        S.WITHDRAWN: lambda: services.consult_withdraw(by=ana.actor, consult_id=waiting(ana).pk),
        S.DECLINED: lambda: services.consult_decline(
            by=clinician.actor, consult_id=taken(ana, clinician).pk, reason="Not online.", form_key=uuid4()
        ),
        S.EXPIRED: lambda: services.consult_expire(by=SYSTEM, consult_id=ready(ana).pk),
    }
    consult = make[state]()
    if state in (S.IN_REVIEW, S.NEEDS_INFORMATION):
        write_plan(clinician, consult)
    consult.refresh_from_db()
    assert consult.state == state
    return consult


def attempt(deed: Deed, by: Actor, consult: Consult) -> str:
    """The state that the deed leads to; whatever it did is rolled back."""
    reached = consult.state
    with transaction.atomic():
        try:
            with transaction.atomic():
                deed(by, consult)
        except (DomainError, NotVisible):
            pass
        reached = Consult.objects.values_list("state", flat=True).get(pk=consult.pk)
        transaction.set_rollback(True)
    return str(reached)


@pytest.mark.parametrize("state", list(S))
def test_every_action_by_everybody_leads_only_where_the_table_says(
    state: ConsultState, ana: User, ben: User, guardian: User, clinician: User, other_clinician: User,
    officer: User, support: User, owner: User,
) -> None:
    consult = in_state(state, ana, clinician)
    has_case = consult.assigned_to == clinician.pk
    everybody = {
        "ana": ana.actor, "ben": ben.actor, "guardian": guardian.actor, "clinician": clinician.actor,
        "other clinician": other_clinician.actor, "officer": officer.actor, "support": support.actor,
        "owner": owner.actor, "portal": SYSTEM, "visitor": ANONYMOUS,
    }
    for action, deed in DEEDS.items():
        for name, by in everybody.items():
            right = by.role in ALLOWED_ROLES[action] and (
                name in ("ana", "portal")
                or (name == "clinician" and (action is A.TAKE or has_case))
                or (name == "other clinician" and action is A.TAKE)
            )
            wanted = TRANSITIONS.get((state, action), state) if right else state
            assert attempt(deed, by, consult) == wanted, f"{name}: {action} in {state}"


def test_every_state_can_be_reached_and_left_or_is_an_end() -> None:
    reached = set(TRANSITIONS.values()) | {S.DRAFT}
    left = {state for state, _action in TRANSITIONS}
    assert reached == set(S)
    assert set(S) - left == {S.CLOSED, S.WITHDRAWN, S.DECLINED, S.EXPIRED}
    assert set(ALLOWED_ROLES) == set(A) == set(DEEDS)


def test_the_page_of_states_is_current() -> None:
    assert (Path(settings.BASE_DIR) / FILE).read_text() == document(), "run: manage.py states"
