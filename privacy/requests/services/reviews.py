"""A second look at an answer: another person than the one who said no, and a clock of its own (P37, RULES 1.17)."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.selectors import staff_of
from portal.context import SYSTEM, Actor
from portal.dates import due_on, today
from portal.errors import DomainError, NotVisible
from portal.permissions import Role
from privacy.requests import mails
from privacy.requests.models import RightsRequest
from privacy.requests.services.moves import ended, joined, locked_own, move, open_twin, record_opened
from privacy.requests.state import TRANSITIONS, RequestAction, RequestState


def review_ask(*, by: Actor, request_id: UUID) -> RightsRequest:
    """Who was refused, wholly or in part, asks for a review; it is offered for every denial (P37)."""
    with transaction.atomic():
        request = locked_own(by, request_id)
        move(request, RequestAction.ASK_REVIEW, by)
        request.review_asked_on, request.ended_at = today(), None
        request.due_on = due_on(today(), settings.REVIEW_DUE_DAYS)
        request.save(update_fields=["state", "review_asked_on", "ended_at", "due_on"])
        mails.request_waits(request, f"review-{request.review_asked_on.isoformat()}")
        return request


def review_decide(*, by: Actor, request_id: UUID, overturned: bool) -> RightsRequest:
    """What the reviewer found binds: the answer stands, or the request is worked on anew.

    Whoever calls it tells the person, by a letter of the register. Raises ``DomainError`` ``same_person`` for
    whoever said no, ``identity_first`` where it never was proven who asked: then only the proof can be asked
    for again.
    """
    if by.account_id is None or by.account_id not in staff_of(Role.OFFICER, Role.CLINICIAN):
        raise NotVisible
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().filter(pk=request_id).first()
        if request is None:
            raise NotVisible
        if by.account_id == request.denied_by:
            raise DomainError("same_person", _("Somebody else must look at it: you gave the answer."))
        request.reviewed_by = by.account_id
        if overturned:
            move(request, RequestAction.OVERTURN, by)
            _taken_up_again(request, by)
        else:
            move(request, RequestAction.UPHOLD_PART if request.in_part else RequestAction.UPHOLD, by)
            ended(request, "reviewed_by")
        return request


def _taken_up_again(request: RightsRequest, by: Actor) -> None:
    """Back to work. What the same person asked anew meanwhile is joined to it, or leads where it is too far on."""
    request.in_part = False
    twin = open_twin(request)
    if twin is not None and (RequestState(twin.state), RequestAction.JOIN) in TRANSITIONS:
        joined(twin, request, SYSTEM)
        twin.save(update_fields=["state", "joined_to", "ended_at"])
    elif twin is not None:
        joined(request, twin, SYSTEM)
    request.save(update_fields=["state", "reviewed_by", "in_part", "joined_to", "ended_at"])
    if request.ended_at is None:
        record_opened(request, by)
        mails.request_waits(request, f"overturned-{request.review_asked_on}")
