"""Reading requests: a person's own, the officer's desk. Lists never load anybody's words."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from privacy.requests.models import WORDS, RightsRequest
from privacy.requests.state import ENDED, OPEN


def requests_of(subject_id: UUID) -> QuerySet[RightsRequest]:
    """A person's requests, newest first, without their words."""
    return RightsRequest.objects.filter(subject_id=subject_id).defer(*WORDS).order_by("-created_at")


def open_requests() -> QuerySet[RightsRequest]:
    """The officer's desk: what is not done, nearest date first, without anybody's words."""
    rows = RightsRequest.objects.filter(state__in=[state.value for state in OPEN])
    return rows.defer(*WORDS).order_by("due_on", "created_at")


def ended_requests(*, most: int = 50) -> QuerySet[RightsRequest]:
    """What was done last, newest first."""
    rows = RightsRequest.objects.filter(state__in=[state.value for state in ENDED])
    return rows.defer(*WORDS).order_by("-ended_at")[:most]
