"""What the privacy desk holds about a person."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from portal.crypto import sealed
from portal.subjects import FieldClass, Subject
from privacy.models import ArchiveCopy, RecordCopy, RightsRequest

_O, _C = FieldClass.OPERATIONAL, FieldClass.CLINICAL
FIELDS: dict[str, dict[str, FieldClass]] = {
    "privacy.RightsRequest": {
        **dict.fromkeys(
            (
                "id", "kind", "subject_id", "account_id", "state", "form_key", "received_on", "due_on", "officer_id",
                "denial_ground", "job_id", "created_at", "ended_at",
            ),
            _O,
        ),
        "note": _C,
        "denial_letter": _C,
    },
    "privacy.ArchiveCopy": dict.fromkeys(
        (
            "id", "subject_id", "encounter_id", "reason", "name", "version", "sha256", "content_sha256", "size",
            "retain_until", "read_at", "sealed_at", "verified_at",
        ),
        _O,
    ),
    "privacy.RecordCopy": {
        **dict.fromkeys(
            ("id", "request", "subject_id", "account_id", "name", "size", "made_at", "expires_at", "downloaded_at"), _O
        ),
        "key": _O,
    },
}
_WHY = "random ids, states, dates and hashes: the legal clock and the archive need to find them"
CLEAR_TEXT: dict[str, str] = {
    f"{model}.{name}": _WHY
    for model, fields in FIELDS.items()
    for name in fields
    if name not in ("note", "denial_letter", "key")
}
RETAINED: dict[str, str] = {
    "privacy.RightsRequest": "proof that the request was answered in time: ids and dates only, words wiped",
    "privacy.ArchiveCopy": "where the archive copy lies and until when: ids, dates and hashes only",
}


def export_for(subject: Subject) -> dict[str, Any]:
    """The person's requests, in their own words where they gave some, and copies in the archive."""
    requests = [
        {
            "kind": row.kind, "state": row.state, "received_on": row.received_on.isoformat(),
            "due_on": row.due_on.isoformat(), "note": row.note,
            "denial_ground": row.denial_ground, "denial_letter": row.denial_letter,
        }
        for row in RightsRequest.objects.filter(subject_id=subject.subject_id).order_by("received_on")
    ]
    copies = [
        {"sealed_at": row.sealed_at.isoformat(), "retain_until": row.retain_until.isoformat(), "reason": row.reason}
        for row in ArchiveCopy.objects.filter(subject_id=subject.subject_id).order_by("sealed_at")
    ]
    return {"requests": requests, "archive_copies": copies}


def archive_for(subject: Subject) -> dict[str, Any]:
    """Requests and letters join the bundle (RULES 1.58); the list of bundles itself does not."""
    return {"requests": export_for(subject)["requests"]}


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove downloadable copies with their files, and the words of requests; ids and dates stay.

    The files go once this is committed; what a crash leaves has lost its key and is swept.
    """
    copies = RecordCopy.objects.filter(subject_id=subject.subject_id)
    names = list(copies.values_list("name", flat=True))
    transaction.on_commit(lambda: _files_remove(names), robust=True)
    removed, _by_model = copies.delete()
    RightsRequest.objects.filter(subject_id=subject.subject_id).update(note="", denial_letter="")
    return {"privacy.RecordCopy": removed} if removed else {}


def _files_remove(names: list[str]) -> None:
    for name in names:
        sealed.delete(name)
