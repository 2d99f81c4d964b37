"""The states of a privacy request: one plain table, and what else must be so for a step.

No dead ends: every state that is not over has a way out for the officer. No holes: nothing runs
before identity is proven, and a request that is joined to another starts nothing (FIELD_FAULTS 76).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from portal.errors import DomainError, NotVisible
from portal.permissions import Role


class RequestState(models.TextChoices):
    """Where a request stands; in the patient's words."""

    RECEIVED = "received", _("We have your request")
    IDENTITY = "identity", _("We have to make sure who asked")
    IN_PROGRESS = "in_progress", _("We are working on it")
    WAITING_FEE = "waiting_fee", _("We wait for your yes to the cost")
    CARRYING_OUT = "carrying_out", _("Being carried out")
    COMPLETED = "completed", _("Done")
    PARTLY = "partly_granted", _("Granted in part")
    DENIED = "denied", _("Not granted")
    UNDER_REVIEW = "under_review", _("Somebody else looks at our answer")
    WITHDRAWN = "withdrawn", _("You took it back")
    JOINED = "joined", _("Answered together with another request")


class RequestAction(models.TextChoices):
    """What moves a request, or is done to it where it stands."""

    START = "start", _("Start work")
    ASK_IDENTITY = "ask_identity", _("Ask for proof of identity")
    CONFIRM_IDENTITY = "confirm_identity", _("Identity is proven")
    FAIL_IDENTITY = "fail_identity", _("Identity could not be proven")
    CARRY_OUT = "carry_out", _("Carry it out")
    COMPLETE = "complete", _("Finish")
    COMPLETE_PART = "complete_part", _("Finish what was granted")
    FAIL = "fail", _("Could not be carried out; try again")
    DENY = "deny", _("Do not grant")
    REFUSE_PART = "refuse_part", _("Grant only a part")
    EXTEND = "extend", _("Take more time")
    ASSIGN = "assign", _("Change who works on it")
    QUOTE = "quote", _("Say what it costs")
    REQUOTE = "requote", _("Take the cost back")
    ACCEPT_FEE = "accept_fee", _("Agree to the cost")
    DECLINE_FEE = "decline_fee", _("Do not agree to the cost")
    ASK_REVIEW = "ask_review", _("Ask for a review")
    UPHOLD = "uphold", _("The answer stands")
    UPHOLD_PART = "uphold_part", _("The answer in part stands")
    OVERTURN = "overturn", _("The answer is changed")
    JOIN = "join", _("Join to another request")
    SEPARATE = "separate", _("Take apart again")
    WITHDRAW = "withdraw", _("Take back")
    HOLD = "hold", _("Stopped by a legal hold")
    LAPSE = "lapse", _("Overtaken by the deletion of the record")


S, A = RequestState, RequestAction
OFFICER = frozenset({Role.OFFICER})
PATIENT = frozenset({Role.PATIENT, Role.GUARDIAN})
REVIEWERS = frozenset({Role.OFFICER, Role.CLINICIAN})
PORTAL = frozenset({Role.SYSTEM})

_BEFORE_WORK = (S.RECEIVED, S.IDENTITY, S.IN_PROGRESS, S.WAITING_FEE)
OPEN = frozenset({*_BEFORE_WORK, S.CARRYING_OUT, S.UNDER_REVIEW})
ENDED = frozenset(S) - OPEN
# Of these one person has one a kind at a time, where the kind allows no more.
WORKING = frozenset({S.RECEIVED, S.IN_PROGRESS, S.WAITING_FEE, S.CARRYING_OUT})

TRANSITIONS: dict[tuple[RequestState, RequestAction], RequestState] = {
    (S.RECEIVED, A.START): S.IN_PROGRESS,
    (S.RECEIVED, A.ASK_IDENTITY): S.IDENTITY,
    (S.IN_PROGRESS, A.ASK_IDENTITY): S.IDENTITY,
    (S.IDENTITY, A.CONFIRM_IDENTITY): S.RECEIVED,
    (S.IDENTITY, A.FAIL_IDENTITY): S.DENIED,
    (S.IN_PROGRESS, A.CARRY_OUT): S.CARRYING_OUT,
    (S.IN_PROGRESS, A.DENY): S.DENIED,
    (S.IN_PROGRESS, A.REFUSE_PART): S.IN_PROGRESS,
    (S.IN_PROGRESS, A.QUOTE): S.WAITING_FEE,
    (S.WAITING_FEE, A.REQUOTE): S.IN_PROGRESS,
    (S.WAITING_FEE, A.ACCEPT_FEE): S.IN_PROGRESS,
    (S.WAITING_FEE, A.DECLINE_FEE): S.IN_PROGRESS,
    (S.CARRYING_OUT, A.COMPLETE): S.COMPLETED,
    (S.CARRYING_OUT, A.COMPLETE_PART): S.PARTLY,
    (S.CARRYING_OUT, A.FAIL): S.IN_PROGRESS,
    (S.IN_PROGRESS, A.HOLD): S.IN_PROGRESS,
    (S.CARRYING_OUT, A.HOLD): S.IN_PROGRESS,
    (S.DENIED, A.ASK_REVIEW): S.UNDER_REVIEW,
    (S.PARTLY, A.ASK_REVIEW): S.UNDER_REVIEW,
    (S.UNDER_REVIEW, A.UPHOLD): S.DENIED,
    (S.UNDER_REVIEW, A.UPHOLD_PART): S.PARTLY,
    (S.UNDER_REVIEW, A.OVERTURN): S.IN_PROGRESS,
    (S.UNDER_REVIEW, A.ASK_IDENTITY): S.IDENTITY,
    (S.RECEIVED, A.JOIN): S.JOINED,
    (S.IN_PROGRESS, A.JOIN): S.JOINED,
    (S.JOINED, A.SEPARATE): S.RECEIVED,
    **{(state, A.EXTEND): state for state in _BEFORE_WORK},
    **{(state, A.WITHDRAW): S.WITHDRAWN for state in (*_BEFORE_WORK, S.CARRYING_OUT)},
    **{(state, A.ASSIGN): state for state in S if state in OPEN},
    **{(state, A.LAPSE): S.WITHDRAWN for state in S if state in OPEN},
}
ALLOWED_ROLES: dict[RequestAction, frozenset[Role]] = {
    A.START: OFFICER | PORTAL,
    A.ASK_IDENTITY: OFFICER,
    A.CONFIRM_IDENTITY: OFFICER,
    A.FAIL_IDENTITY: OFFICER,
    A.CARRY_OUT: OFFICER | PORTAL,
    A.COMPLETE: PORTAL,
    A.COMPLETE_PART: PORTAL,
    A.FAIL: OFFICER | PORTAL,
    A.DENY: OFFICER,
    A.REFUSE_PART: OFFICER,
    A.EXTEND: OFFICER,
    A.ASSIGN: OFFICER,
    A.QUOTE: OFFICER,
    A.REQUOTE: OFFICER,
    A.ACCEPT_FEE: PATIENT | OFFICER | PORTAL,
    A.DECLINE_FEE: PATIENT | OFFICER,
    A.ASK_REVIEW: PATIENT | OFFICER,
    A.UPHOLD: REVIEWERS,
    A.UPHOLD_PART: REVIEWERS,
    A.OVERTURN: REVIEWERS,
    A.JOIN: OFFICER | PORTAL,
    A.SEPARATE: OFFICER | PORTAL,
    A.WITHDRAW: PATIENT | OFFICER,
    A.HOLD: OFFICER | PORTAL,
    A.LAPSE: PORTAL,
}
# What does something, or says something about the person: never before identity is proven.
NEEDS_PROOF = frozenset(
    {
        A.START, A.CARRY_OUT, A.COMPLETE, A.COMPLETE_PART, A.REFUSE_PART, A.QUOTE, A.JOIN, A.OVERTURN, A.UPHOLD_PART,
    }
)
_SAYS_NO = frozenset({A.DENY, A.REFUSE_PART})


@dataclass(frozen=True)
class Standing:
    """All that decides whether a step may be taken. ``in_part``: a part was refused already.

    ``proven`` is true where the kind needs no proof; ``portal``: the patient asked by themselves;
    ``working``: a job is at work on it; ``fee_open``: a cost was named and nobody agreed to it;
    ``recallable``: what is carried out can still be stopped, since it waits to be posted (RULES 1.51).
    """

    state: RequestState
    proven: bool = True
    refusable: bool = True
    may_cost: bool = True
    fee_open: bool = False
    in_part: bool = False
    portal: bool = False
    working: bool = False
    recallable: bool = False


def following(standing: Standing, action: RequestAction, role: Role) -> RequestState:
    """The state after a step. Raises ``NotVisible`` for the wrong role, ``DomainError`` off the table."""
    if role not in ALLOWED_ROLES[action]:
        raise NotVisible
    after = TRANSITIONS.get((standing.state, action))
    if after is None:
        raise _moved_on()
    why_not = _stop(standing, action, role)
    if why_not is not None:
        raise why_not
    return after


def _moved_on() -> DomainError:
    return DomainError("request_state", _now("This request has moved on. Reload the page to see where it stands."))


def steps(standing: Standing, role: Role) -> frozenset[RequestAction]:
    """What this role may do with the request now."""
    return frozenset(
        action for (state, action) in TRANSITIONS
        if state == standing.state and role in ALLOWED_ROLES[action] and _stop(standing, action, role) is None
    )


def _stop(standing: Standing, action: RequestAction, role: Role) -> DomainError | None:
    """What else stands in the way of a step that the table allows."""
    if action in NEEDS_PROOF and not standing.proven:
        return DomainError("identity_first", _now("First make sure who asked. Nothing is done before that."))
    if action in _SAYS_NO and not standing.refusable:
        return DomainError("not_refused", _now("A request of this kind cannot be refused."))
    if action == A.QUOTE and not standing.may_cost:
        return DomainError("no_fee", _now("A request of this kind is always free."))
    if action == A.CARRY_OUT and standing.fee_open:
        return DomainError("fee_first", _now("The person has not agreed to the cost yet."))
    if (action == A.COMPLETE) == standing.in_part and action in (A.COMPLETE, A.COMPLETE_PART):
        return DomainError("partly", _now("A part of this request was refused."))
    if (action == A.UPHOLD) == standing.in_part and action in (A.UPHOLD, A.UPHOLD_PART):
        return DomainError("partly", _now("A part of this request was granted."))
    if action == A.WITHDRAW and role == Role.OFFICER and standing.portal:
        return DomainError("patients_own", _now("Only the patient can take this request back."))
    if action == A.WITHDRAW and standing.state == S.CARRYING_OUT and not standing.recallable:
        return _moved_on()
    if action == A.FAIL and role == Role.OFFICER and standing.working:
        return DomainError("at_work", _now("The portal is still at work on it. Please wait for it."))
    return None
