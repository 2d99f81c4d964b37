"""Reading requests: a person's own, the officer's desk. Lists never load anybody's words."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.context import Actor
from portal.dates import today
from portal.permissions import Role
from privacy.requests.models import ONE_AT_A_TIME, WORDS, RightsRequest

SOON_DAYS = 7


def asker(request: RightsRequest) -> Actor:
    """Who asked, in the role of their account; a copy holds what this person may see."""
    assert request.account_id is not None
    role = User.objects.values_list("role", flat=True).filter(pk=request.account_id).first()
    return Actor(request.account_id, Role(role or Role.ANONYMOUS))


def asked_by(account_id: UUID) -> QuerySet[RightsRequest]:
    """What this account asked for, newest first, without the words."""
    rows = RightsRequest.objects.filter(account_id=account_id).select_related("joined_to")
    return rows.defer(*WORDS, *(f"joined_to__{name}" for name in WORDS)).order_by("-created_at")


def open_requests(
    *, kind: str = "", owner: UUID | None = None, nobody: bool = False, late: str = ""
) -> QuerySet[RightsRequest]:
    """The officer's desk: what is not done, nearest date first, without anybody's words.

    ``owner`` is an officer's id, ``nobody`` asks for what nobody has; ``late`` is "late" or "soon".
    """
    rows = RightsRequest.objects.filter(ended_at=None).defer(*WORDS).order_by("due_on", "created_at")
    if kind:
        rows = rows.filter(kind=kind)
    if owner is not None:
        rows = rows.filter(officer_id=owner)
    elif nobody:
        rows = rows.filter(officer_id=None)
    if late == "late":
        rows = rows.filter(due_on__lt=today())
    elif late == "soon":
        rows = rows.filter(due_on__lte=today() + dt.timedelta(days=SOON_DAYS))
    return rows


def ended_requests(*, most: int = 50) -> QuerySet[RightsRequest]:
    """What was done last, newest first."""
    return RightsRequest.objects.filter(ended_at__isnull=False).defer(*WORDS).order_by("-ended_at")[:most]


def twins_of(row: RightsRequest) -> QuerySet[RightsRequest]:
    """Other requests of the same person and kind: those joined to this one, and open ones it could be joined to."""
    rows = RightsRequest.objects.exclude(pk=row.pk).defer(*WORDS).order_by("created_at")
    same = Q(joined_to=row)
    if row.subject_id is not None and row.kind in ONE_AT_A_TIME:
        same |= Q(subject_id=row.subject_id, kind=row.kind, ended_at=None)
    return rows.filter(same)
