"""What jobs hold about a person: that long work was asked for, by opaque ids."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from portal.jobs.models import Job
from portal.subjects import FieldClass, Subject, rows_move

FIELDS: dict[str, dict[str, FieldClass]] = {
    "jobs.Job": dict.fromkeys(
        (
            "id", "kind", "once_key", "owner_id", "owner_role", "subject_id", "ref", "state", "done", "total",
            "message", "result", "error", "attempts", "lease", "leased_until", "run_after", "created_at",
            "started_at", "finished_at", "expires_at",
        ),
        FieldClass.OPERATIONAL,
    )
}
_WHY = "workers claim and count by these; ids, codes, states and times only"
CLEAR_TEXT: dict[str, str] = {
    f"{model}.{name}": _WHY for model, fields in FIELDS.items() for name in fields
}
RETAINED: dict[str, str] = {}


def _about(subject: Subject) -> QuerySet[Job]:
    own = Q(owner_id__in=subject.account_ids, subject_id__isnull=True)
    return Job.objects.filter(Q(subject_id=subject.subject_id) | own)


def export_for(subject: Subject) -> dict[str, Any]:
    """Long work that was asked for, newest first."""
    rows = _about(subject).order_by("-created_at").values_list("kind", "state", "created_at")
    return {"jobs": [{"kind": kind, "state": state, "asked_at": at.isoformat()} for kind, state, at in rows]}


def archive_for(subject: Subject) -> dict[str, Any]:
    """Nothing: that a copy was prepared stands in the access log."""
    return {}


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove the jobs. What their results point to is removed by the app that keeps it."""
    removed, _by_model = _about(subject).delete()
    return {"jobs.Job": removed} if removed else {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Jobs about the old record are about the new one now, and belong to its account."""
    return rows_move(Job, old=old, new=new, account="owner_id")
