"""The page on which a person waits for long work. Only the owner sees it; others get 404."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from portal.jobs.models import Job, JobState
from portal.jobs.registry import JobKind, kind_of
from portal.jobs.selectors import jobs_of
from portal.jobs.services import job_retry


@require_GET
def job_status(request: AuthRequest, job_id: UUID) -> HttpResponse:
    """How far the work is. htmx asks for the card alone; without script the page reloads itself."""
    job = visible_or_404(jobs_of(request.actor), pk=job_id)
    partial = bool(request.headers.get("HX-Request"))
    response = render(request, "portal/jobs/_card.html" if partial else "portal/jobs/status.html", card_of(job))
    response.headers["Vary"] = "HX-Request"
    return response


def card_of(job: Job) -> dict[str, Any]:
    """What ``portal/jobs/_card.html`` shows, for any page that has the card on it."""
    kind = _kind(job)
    return {
        "job": job,
        "title": kind.title if kind else "",
        "message": kind.messages.get(job.message, "") if kind else "",
        "over": job.state in (JobState.DONE, JobState.FAILED, JobState.EXPIRED),
        "done_url": kind.done_url(job) if kind and kind.done_url and job.state == JobState.DONE else "",
    }


@require_POST
def job_again(request: AuthRequest, job_id: UUID) -> HttpResponse:
    """Start work over that failed or whose result is no longer kept."""
    try:
        job_retry(by=request.actor, job_id=job_id)
    except DomainError as error:
        messages.info(request, error.message)
    return redirect("jobs:status", job_id=job_id)


def _kind(job: Job) -> JobKind | None:
    try:
        return kind_of(job.kind)
    except LookupError:
        return None
