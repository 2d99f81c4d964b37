"""Denials and their reviews: what waits for a clinician, and what a request's page shows."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from portal.context import Actor
from privacy.denials.models import Denial, ReviewDecision
from privacy.requests.models import WORDS as REQUEST_WORDS
from privacy.requests.state import RequestState

WORDS = (
    "explain", "withheld", "withheld_parts", "where_else",
    "review_words", "review_reason", "judged_license", "reviewer_license",
)


def reviews_for(actor: Actor) -> QuerySet[Denial]:
    """Reviews that wait for somebody who had no part in the answer, one's own first; without anybody's words."""
    waiting = Denial.objects.filter(
        review_asked_at__isnull=False, reviewed_at=None, request__state=RequestState.UNDER_REVIEW
    )
    mine = waiting.filter(Q(reviewer_id=None) | Q(reviewer_id=actor.account_id))
    others = mine.exclude(decided_by=actor.account).exclude(judged_by=actor.account)
    # NULL is not unequal: those that nobody judged have to be named.
    rows = others | mine.exclude(decided_by=actor.account).filter(judged_by=None)
    words = (*WORDS, *(f"request__{name}" for name in REQUEST_WORDS))
    return rows.distinct().select_related("request").defer(*words).order_by("review_asked_at")


def reviews_waiting(actor: Actor) -> int:
    """How many wait for this clinician; a number for the menu."""
    return reviews_for(actor).count()


def withheld_from(request_id: UUID) -> frozenset[UUID]:
    """Ids of the parts that a copy made for this request leaves out: of every "no" to it, unless a review took it back.

    Each "no" in part adds to those before it; what a review takes back is the whole of them.
    """
    found: set[str] = set()
    for row in denials_of(request_id):
        if row.decision == ReviewDecision.OVERTURNED:
            found.clear()
        elif row.in_part:
            found.update(row.withheld_parts)
    return frozenset(UUID(part) for part in found)


def denials_of(request_id: UUID) -> list[Denial]:
    """Every "no" to a request, oldest first."""
    return list(Denial.objects.filter(request_id=request_id).order_by("decided_at"))
