"""The one way in which a consult changes its state, and what belongs to each change."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Order
from billing.selectors import order_by_reference
from billing.services import order_undo
from billing.state import PaymentState
from consults.models import Consult
from consults.state import ALLOWED_ROLES, TRANSITIONS, ConsultAction, ConsultState
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.errors import DomainError, NotAllowed, NotVisible
from portal.permissions import Purpose, Role
from records.access import grant_close, grant_open, require_open
from records.models import GrantKind

ORDER_KIND = "consult"
# What Square and the books read as the reason for giving money back. Neutral on purpose.
REFUND_REASON = "service_not_given"

_A = ConsultAction
# Verbs of the clinician who has the case, and of nobody else.
_OF_THE_HOLDER = frozenset({_A.RELEASE, _A.ASK, _A.ANSWER, _A.DECLINE, _A.CLOSE})
_AUDITED_AS = {
    _A.SUBMIT: Action.SUBMIT, _A.PAY: Action.PAY, _A.TAKE: Action.ASSIGN, _A.RELEASE: Action.ASSIGN,
    _A.ANSWER: Action.SIGN, _A.WITHDRAW: Action.WITHDRAW,
}


def held(*, by: Actor, consult_id: UUID, action: ConsultAction) -> Consult:
    """The consult's row, locked, if this actor may do this to it at all. Inside a transaction.

    Raises ``NotVisible`` (``NotAllowed`` for a role), and ``DomainError`` ``consult_taken`` for a
    clinician who does not have the case.
    """
    if by.role not in ALLOWED_ROLES[action]:
        raise NotAllowed(action)
    consult = (
        Consult.objects.select_for_update(no_key=True, of=("self",)).select_related("encounter")
        .filter(pk=consult_id).first()
    )
    if consult is None:
        raise NotVisible
    require_open(by=by, patient_id=consult.patient_id, purpose=Purpose.CARE)
    if by.role == Role.CLINICIAN and action in _OF_THE_HOLDER and consult.assigned_to != by.account_id:
        raise DomainError("consult_taken", _("You do not have this case. Take it first, or ask who has it."))
    return consult


def move(*, by: Actor, consult_id: UUID, action: ConsultAction, **changes: Any) -> Consult:
    """Lock, permission, state, change, audit: in this order, in the caller's transaction.

    ``changes`` are further columns to set. Raises as ``held``, and ``DomainError``
    ``consult_state`` where the table has no such step.
    """
    consult = held(by=by, consult_id=consult_id, action=action)
    consult.state = after(consult, action)
    for name, value in changes.items():
        setattr(consult, name, value)
    consult.save()
    record(by, consult, _AUDITED_AS.get(action, Action.CHANGE), basis=f"consult:{action.value}")
    return consult


def after(consult: Consult, action: ConsultAction) -> ConsultState:
    """The state that ``action`` leads to. Raises ``DomainError`` ``consult_state``."""
    target = TRANSITIONS.get((ConsultState(consult.state), action))
    if target is None:
        raise DomainError(
            "consult_state",
            _("This consult has moved on meanwhile: %(state)s. Please load the page again.")
            % {"state": consult.get_state_display()},
        )
    return target


def record(
    by: Actor, consult: Consult, action: Action, *, basis: str = "", purpose: Purpose = Purpose.CARE
) -> None:
    """A row of the access log about this consult."""
    access_record(
        by=by, action=action, purpose=purpose, subject_id=consult.patient_id,
        object_kind="consults.consult", object_id=consult.pk, basis=basis,
    )


def queue_open(by: Actor, consult: Consult) -> None:
    """From now on any clinician may look through this waiting case."""
    grant_open(
        by=by, patient_id=consult.patient_id, kind=GrantKind.QUEUE, role=Role.CLINICIAN, reference=consult.pk
    )


def queue_close(by: Actor, consult: Consult) -> None:
    grant_close(by=by, patient_id=consult.patient_id, kind=GrantKind.QUEUE, reference=consult.pk)


def care_team_open(by: Actor, consult: Consult) -> None:
    """The clinician who takes the case may open the whole record for it."""
    grant_open(
        by=by, patient_id=consult.patient_id, kind=GrantKind.CARE_TEAM, account_id=consult.assigned_to,
        reference=consult.pk,
    )


def care_team_close(by: Actor, consult: Consult, *, follow_up: bool = True) -> None:
    """End the care team's access: at once, or after the days of follow-up."""
    later = dt.timedelta(days=settings.CARE_TEAM_FOLLOW_UP_DAYS if follow_up else 0)
    grant_close(
        by=by, patient_id=consult.patient_id, kind=GrantKind.CARE_TEAM, reference=consult.pk,
        at=timezone.now() + later,
    )


def order_of(consult_id: UUID) -> Order | None:
    """The bill of a consult, if it was ever sent."""
    return order_by_reference(ORDER_KIND, consult_id)


def paid_moment(order: Order) -> dt.datetime:
    """When the sound payment was made; the promised time counts from then."""
    payment = order.payments.filter(state=PaymentState.COMPLETED, problem="").first()
    return (payment.paid_at if payment else None) or timezone.now()


def money_back(consult: Consult) -> None:
    """Give back all that was paid, or make sure that nothing is paid any more. Safe to repeat.

    A payment that arrives for a cancelled order is shown to staff by billing itself.
    """
    order = order_of(consult.pk)
    if order is not None:
        order_undo(by=SYSTEM, order=order, reason_code=REFUND_REASON, once_key=f"consult-{consult.pk}")
