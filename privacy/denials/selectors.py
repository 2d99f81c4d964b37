"""Denials and their reviews: what waits for a clinician, and what a request's page shows."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from portal.context import Actor
from privacy.denials.models import Denial, ReviewDecision

WORDS = (
    "explain", "withheld", "withheld_parts", "where_else",
    "review_words", "review_reason", "judged_license", "reviewer_license",
)


def reviews_for(actor: Actor) -> QuerySet[Denial]:
    """Reviews that wait for somebody who had no part in the answer, one's own first; without anybody's words."""
    waiting = Denial.objects.filter(review_asked_at__isnull=False, reviewed_at=None)
    mine = waiting.filter(Q(reviewer_id=None) | Q(reviewer_id=actor.account_id))
    others = mine.exclude(decided_by=actor.account).exclude(judged_by=actor.account)
    # NULL is not unequal: those that nobody judged have to be named.
    rows = others | mine.exclude(decided_by=actor.account).filter(judged_by=None)
    return rows.distinct().defer(*WORDS).select_related("request").order_by("review_asked_at")


def reviews_waiting(actor: Actor) -> int:
    """How many wait for this clinician; a number for the menu."""
    return reviews_for(actor).count()


def denial_of(request_id: UUID) -> Denial | None:
    """The newest "no" to a request."""
    return Denial.objects.filter(request_id=request_id).order_by("-decided_at").first()


def withheld_from(request_id: UUID) -> frozenset[UUID]:
    """Ids of the parts that a copy made for this request leaves out, unless a review took that back."""
    newest = denial_of(request_id)
    if newest is None or not newest.in_part or newest.decision == ReviewDecision.OVERTURNED:
        return frozenset()
    return frozenset(UUID(part) for part in newest.withheld_parts)


def denials_of(request_id: UUID) -> list[Denial]:
    """Every "no" to a request, oldest first."""
    return list(Denial.objects.filter(request_id=request_id).order_by("decided_at"))
