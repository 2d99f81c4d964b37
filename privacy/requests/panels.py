"""What the pages of a request show for the kinds of the engine's own room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.context import Actor
from portal.jobs.selectors import jobs_of
from portal.jobs.views import card_of
from privacy.requests.models import RightsRequest
from privacy.requests.state import RequestState


def copy_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """The download, or how far the work is."""
    from privacy.exports import copy_of  # which stands on this room

    context: dict[str, Any] = {"copy": copy_of(request)}
    job = jobs_of(by).filter(pk=request.job_id).first() if request.job_id else None
    if job is not None and request.state == RequestState.CARRYING_OUT:
        context |= card_of(job)
    return context


def deletion_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """What is under way and would end with the record, and whether the sign-in of who asked goes with it."""
    from privacy.dossier import subject_of  # which stands on all rooms
    from privacy.selectors import afoot  # which reads requests too

    if request.subject_id is None or request.ended_at:
        return {"afoot": None, "own_goes": False}
    own = request.account_id in subject_of(request.subject_id).account_ids
    return {"afoot": afoot(request.subject_id), "own_goes": own}


def deletion_staff_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """Besides: whether a legal hold stands, and which copies lie in the archive."""
    from privacy.keeping.selectors import on_hold
    from privacy.selectors import archive_copies

    if request.subject_id is None:
        return {}
    held = not request.ended_at and on_hold(request.subject_id)
    others = RightsRequest.objects.filter(subject_id=request.subject_id, ended_at=None).exclude(kind=request.kind)
    return {
        "ends_too": [] if request.ended_at else list(others.only("kind", "due_on").order_by("due_on")),
        **deletion_context(request, by), "held": held, "waits_for_hold": held and request.held_at is not None,
        "copies": archive_copies(request.subject_id)[:20],
    }
