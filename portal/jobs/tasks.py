"""The worker's side of jobs. Messages carry an id; the rows say what is to be done."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from portal.jobs.runner import run_job
from portal.jobs.runner import sweep as sweep_jobs


@shared_task(name="jobs.run")
def run(job_id: str) -> None:
    run_job(UUID(job_id))


@shared_task(name="jobs.sweep")
def sweep() -> None:
    sweep_jobs()
