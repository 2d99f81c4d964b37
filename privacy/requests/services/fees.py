"""What a request costs: named first, agreed to, then worked for (P36, RULES 1.13, 1.33). The sum comes from outside."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.context import Actor
from portal.errors import DomainError
from privacy.requests import mails
from privacy.requests.models import FeeState, RightsRequest
from privacy.requests.services.moves import locked, locked_own, move
from privacy.requests.state import RequestAction


def fee_quote(*, by: Actor, request_id: UUID, cents: int) -> RightsRequest:
    """Name the cost and wait for a yes; at zero there is nothing to wait for.

    Raises ``DomainError`` ``no_fee`` for a kind that never costs anything, ``cents_missing`` below zero.
    """
    if cents < 0:
        raise DomainError("cents_missing", _("A cost cannot be less than nothing."), "cents")
    with transaction.atomic():
        request = locked(by, request_id)
        move(request, RequestAction.QUOTE, by)
        request.fee_cents, request.fee_state = cents, FeeState.QUOTED
        if cents == 0:
            request.fee_state = FeeState.WAIVED
            move(request, RequestAction.REQUOTE, by)
        request.save(update_fields=["state", "fee_cents", "fee_state"])
        if cents:
            mails.fee_named(request)
        return request


def fee_take_back(*, by: Actor, request_id: UUID) -> RightsRequest:
    """Take a named cost back, to name another."""
    return _answered(by, request_id, RequestAction.REQUOTE, FeeState.NONE, own=False)


def fee_accept(*, by: Actor, request_id: UUID) -> RightsRequest:
    """Who asked agrees to the cost; the officer notes it for somebody who wrote or called."""
    return _answered(by, request_id, RequestAction.ACCEPT_FEE, FeeState.ACCEPTED, own=True)


def fee_decline(*, by: Actor, request_id: UUID) -> RightsRequest:
    """Who asked does not agree: the officer offers something smaller, or a free copy in the portal."""
    return _answered(by, request_id, RequestAction.DECLINE_FEE, FeeState.DECLINED, own=True)


def _answered(by: Actor, request_id: UUID, action: RequestAction, fee: FeeState, *, own: bool) -> RightsRequest:
    with transaction.atomic():
        request = locked_own(by, request_id) if own else locked(by, request_id)
        move(request, action, by)
        request.fee_state = fee
        if fee == FeeState.NONE:
            request.fee_cents = None
        request.save(update_fields=["state", "fee_state", "fee_cents"])
        if own and not by.is_staff:
            mails.request_waits(request, f"{fee.value}-{request.fee_cents}")
        return request
