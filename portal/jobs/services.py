"""Starting long work, and starting it over."""

from __future__ import annotations

import re
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.jobs.models import Job, JobState
from portal.jobs.registry import kind_of
from portal.poke import poke

_CODES = re.compile(r"[A-Za-z0-9_.:/#-]{1,200}")


def job_start(*, by: Actor, kind: str, subject_id: UUID | None, ref: UUID | None, once_key: str) -> Job:
    """Put work into the queue, in the caller's transaction; the owner is ``by``'s account.

    ``once_key`` names the wish (``export:<request id>``): asking again returns the job that is
    there, whatever has become of it. Raises ``LookupError`` for an unknown kind, ``ValueError``
    for a key that is no code.
    """
    kind_of(kind)
    if not _CODES.fullmatch(once_key):
        raise ValueError("once_key holds ids and codes only")
    now = timezone.now()
    job = Job(
        kind=kind, once_key=once_key, owner_id=by.account_id, owner_role=by.role, subject_id=subject_id,
        ref=ref, run_after=now, created_at=now,
    )
    with transaction.atomic(savepoint=False):
        Job.objects.bulk_create([job], ignore_conflicts=True)
        kept = Job.objects.get(once_key=once_key)
        if kept.pk == job.pk:
            poke("jobs.run", job.pk)
    return kept


def job_retry(*, by: Actor, job_id: UUID) -> Job:
    """Start a job over that failed or whose result is no longer kept; only its owner may.

    Raises ``NotVisible`` for somebody else's job, ``DomainError`` when there is nothing to retry.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None or by.account_id is None or job.owner_id != by.account_id:
            raise NotVisible
        if job.state not in (JobState.FAILED, JobState.EXPIRED):
            raise DomainError("job_not_over", _("This is still in the works. Please wait for it."))
        job.state = JobState.WAITING
        job.attempts = job.done = job.total = 0
        job.message = job.error = ""
        job.result = {}
        job.run_after = timezone.now()
        job.started_at = job.finished_at = job.expires_at = None
        job.save()
        poke("jobs.run", job.pk)
    return job
