"""Reading jobs: whose they are decides who sees them."""

from __future__ import annotations

from django.db.models import QuerySet

from portal.context import Actor
from portal.jobs.models import Job


def jobs_of(by: Actor) -> QuerySet[Job]:
    """The jobs that this account asked for; nobody else sees them, and visitors see none."""
    if by.account_id is None:
        return Job.objects.none()
    return Job.objects.filter(owner_id=by.account_id)
