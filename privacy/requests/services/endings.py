"""How a request ends: done, given up by its job, taken back, overtaken."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from portal.context import SYSTEM, Actor
from privacy.requests import letters, mails
from privacy.requests.models import RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.services.moves import ended, locked_own, move, open_twin
from privacy.requests.state import OPEN, RequestAction, RequestState


def request_complete(request: RightsRequest) -> None:
    """It is done. Called in the transaction of the deed; done twice, it changes nothing."""
    if request.state in (RequestState.COMPLETED, RequestState.PARTLY):
        return
    move(request, RequestAction.COMPLETE_PART if request.in_part else RequestAction.COMPLETE, SYSTEM)
    ended(request, answered=True)
    for row in request.joined.all():
        letters.joined_answered(SYSTEM, row)


def request_failed(request_id: UUID) -> None:
    """The job was given up: back to the officer's desk, with the clock still running (P35).

    The officer hears that it waits; the kind may tell who asked that it takes longer.
    """
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().filter(pk=request_id).first()
        if request is None or request.state != RequestState.CARRYING_OUT:
            return
        move(request, RequestAction.FAIL, SYSTEM)
        request.save(update_fields=["state"])
        failed = rules_of(request.kind).failed
        if failed is not None:
            failed(request)
        mails.request_waits(request, f"failed-{(request.job_id or request.pk).hex}")


def request_resume(request_id: UUID) -> RightsRequest:
    """The request as its job finds it. A try that the patient started anew is taken up again."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().get(pk=request_id)
        if request.state == RequestState.IN_PROGRESS:
            move(request, RequestAction.CARRY_OUT, SYSTEM)
            request.save(update_fields=["state"])
        return request


def request_withdraw(*, by: Actor, request_id: UUID) -> RightsRequest:
    """Who asked takes the request back, as long as nothing has been carried out or (``recallable``) posted.

    The officer does it for somebody who said so by letter or phone. What was joined to it and came
    from somebody else stands on its own again: nothing falls silent.
    """
    with transaction.atomic():
        request = locked_own(by, request_id)
        move(request, RequestAction.WITHDRAW, by)
        ended(request)
        stopped = rules_of(request.kind).stopped
        if stopped is not None:
            stopped(request)
        joined_revive(request)
        return request


def joined_revive(main: RightsRequest, *, everybody: bool = False) -> None:
    """What was joined to a request that ended unanswered goes on: what others asked, or with ``everybody`` all of it.

    It follows one that is at work by now, else the oldest of them leads.
    """
    found = RightsRequest.objects.select_for_update().filter(joined_to=main).order_by("created_at")
    rows = [row for row in found if everybody or row.account_id is None or row.account_id != main.account_id]
    lead = open_twin(rows[0]) if rows else None
    for row in rows:
        if lead is not None:
            row.joined_to = lead
            row.save(update_fields=["joined_to"])
            continue
        move(row, RequestAction.SEPARATE, SYSTEM)
        row.joined_to = row.ended_at = None
        row.save(update_fields=["state", "joined_to", "ended_at"])
        mails.request_waits(row, f"apart-{main.pk.hex}")
        lead = row


def requests_lapse(*, subject_id: UUID, but: UUID) -> None:
    """What else this person had asked for ends with the record. In the erasure's transaction."""
    others = RightsRequest.objects.select_for_update().filter(
        subject_id=subject_id, state__in=[state.value for state in OPEN]
    )
    for request in others.exclude(pk=but):
        move(request, RequestAction.LAPSE, SYSTEM)
        ended(request)
