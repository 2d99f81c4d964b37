"""Running long work under a lease, so that a killed worker's job is found and a bad one ends.

Attempts are counted when a job is claimed: a job that kills its worker comes back as often as
its kind allows and no oftener. All that a run writes about its own job is tied to its lease:
a worker that lost the lease cannot overwrite what the next one found.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.dates import clinic_zone
from portal.errors import DomainError, PortalError
from portal.jobs.models import Job, JobState
from portal.jobs.registry import JobKind, kind_of

log = logging.getLogger(__name__)

_PROGRESS_SECONDS = 0.5  # a row written more often than this helps nobody
_BACK_OFF_SECONDS = 20


class JobLost(PortalError):
    """Another worker has this job now; stop."""


class _Progress:
    """Writes how far a job is, and keeps its lease. See ``registry.Progress``."""

    def __init__(self, job: Job, lease: timedelta) -> None:
        self._job = job
        self._lease = lease
        self._written = time.monotonic()

    def __call__(self, done: int, total: int, message: str = "") -> None:
        job = self._job
        changed = message != job.message
        job.done, job.total, job.message = min(done, total), total, message
        if not changed and done < total and time.monotonic() - self._written < _PROGRESS_SECONDS:
            return
        self._written = time.monotonic()
        kept = _held(job).update(
            done=job.done, total=job.total, message=message[:60], leased_until=timezone.now() + self._lease
        )
        if not kept:
            raise JobLost(job.pk)


def run_job(job_id: UUID) -> bool:
    """Claim and run one job to its end. False when it is not there to be claimed."""
    job = _claim(job_id)
    if job is None:
        return False
    try:
        kind = kind_of(job.kind)
    except LookupError:
        _give_up(job, None, "unknown_kind")
        return True
    if job.attempts > kind.max_attempts:
        _give_up(job, kind, job.error or "worker_lost")
        return True
    try:
        with timezone.override(clinic_zone()):  # nobody reads along: its days are the clinic's
            result = dict(kind.run(job, _Progress(job, kind.lease)))
    except JobLost:
        log.warning("job %s of kind %s went to another worker", job.pk, job.kind)
    except DomainError as error:
        _give_up(job, kind, error.code)
    except Exception as error:
        log.exception("job %s of kind %s failed", job.pk, job.kind)
        _failed_once(job, kind, type(error).__name__)
    else:
        _finish(job, kind, result)
    return True


def sweep() -> int:
    """Find what a lost nudge or a killed worker left, and expired results. Returns jobs touched."""
    now = timezone.now()
    ready = Q(state=JobState.WAITING, run_after__lte=now) | Q(state=JobState.RUNNING, leased_until__lt=now)
    waiting = list(Job.objects.filter(ready).order_by("run_after").values_list("pk", flat=True)[:200])
    ran = sum(run_job(job_id) for job_id in waiting)
    overdue = Job.objects.filter(state=JobState.DONE, expires_at__lt=now).values_list("pk", flat=True)
    return ran + sum(_expire(job_id) for job_id in list(overdue[:500]))


def _claim(job_id: UUID) -> Job | None:
    now = timezone.now()
    ready = Q(state=JobState.WAITING, run_after__lte=now) | Q(state=JobState.RUNNING, leased_until__lt=now)
    with transaction.atomic():
        job = Job.objects.select_for_update(skip_locked=True).filter(ready, pk=job_id).first()
        if job is None:
            return None
        job.state = JobState.RUNNING
        job.attempts += 1
        job.lease = uuid4()
        job.leased_until = now + _lease_of(job)
        job.started_at = job.started_at or now
        job.save(update_fields=["state", "attempts", "lease", "leased_until", "started_at"])
    return job


def _lease_of(job: Job) -> timedelta:
    try:
        return kind_of(job.kind).lease
    except LookupError:
        return timedelta(minutes=1)


def _held(job: Job) -> QuerySet[Job]:
    """The job's row, as long as this run holds it."""
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease=job.lease)


def _finish(job: Job, kind: JobKind, result: dict[str, str | int]) -> None:
    now = timezone.now()
    total = max(job.total, 1)
    _held(job).update(
        state=JobState.DONE, result=result, error="", done=total, total=total, finished_at=now, lease=None,
        leased_until=None, expires_at=None if kind.keep is None else now + kind.keep,
    )


def _failed_once(job: Job, kind: JobKind, error: str) -> None:
    if job.attempts >= kind.max_attempts:
        _give_up(job, kind, error)
        return
    pause = timedelta(seconds=_BACK_OFF_SECONDS * 2 ** (job.attempts - 1))
    _held(job).update(
        state=JobState.WAITING, error=error[:80], run_after=timezone.now() + pause, lease=None, leased_until=None
    )


def _give_up(job: Job, kind: JobKind | None, error: str) -> None:
    """End it as failed, and let the kind tell the person: both or neither."""
    with transaction.atomic():
        ended = _held(job).update(
            state=JobState.FAILED, error=error[:80], finished_at=timezone.now(), lease=None, leased_until=None
        )
        if ended and kind is not None and kind.failed is not None:
            job.refresh_from_db()
            kind.failed(job)


def _expire(job_id: UUID) -> bool:
    with transaction.atomic():
        due = Job.objects.select_for_update(skip_locked=True).filter(
            pk=job_id, state=JobState.DONE, expires_at__lt=timezone.now()
        )
        job = due.first()
        if job is None:
            return False
        try:
            kind: JobKind | None = kind_of(job.kind)
        except LookupError:
            kind = None
        if kind is not None and kind.expire is not None:
            kind.expire(job)
        job.state, job.result = JobState.EXPIRED, {}
        job.save(update_fields=["state", "result"])
    return True
