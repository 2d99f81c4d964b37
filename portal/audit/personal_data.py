"""What the access log holds about a person: opaque ids, times and codes."""

from __future__ import annotations

from typing import Any

from portal.audit.models import AccessEvent
from portal.audit.selectors import events_about, told_to_patients
from portal.subjects import FieldClass, Subject

FIELDS: dict[str, dict[str, FieldClass]] = {
    "audit.AccessEvent": dict.fromkeys(
        (
            "number", "transaction_id", "event_id", "at", "actor_id", "actor_role", "subject_id", "action",
            "purpose", "object_kind", "object_id", "basis", "request_id", "mac",
        ),
        FieldClass.OPERATIONAL,
    ),
    "audit.AuditDigest": dict.fromkeys(
        (
            "number", "after_number", "from_transaction", "until_transaction", "first_number", "last_number",
            "count", "rows_sha256", "previous", "mac", "at", "name", "version", "sha256", "retain_until",
        ),
        FieldClass.OPERATIONAL,
    ),
    "audit.LogReview": {
        **dict.fromkeys(("id", "month", "finding", "counts", "reviewed_by", "at"), FieldClass.OPERATIONAL),
        "words": FieldClass.IDENTIFIER,
    },
}
_WHY = "the access log must be searchable and provable; opaque ids, times and codes only"
CLEAR_TEXT: dict[str, str] = {
    f"{model}.{name}": _WHY for model, fields in FIELDS.items() for name in fields if name != "words"
}
RETAINED: dict[str, str] = {
    "audit.AccessEvent": "the trace of who looked is kept six years; after an erasure its ids lead to nobody",
    "audit.AuditDigest": "numbers and codes that prove the log; names no person",
    "audit.LogReview": "says which month a member of the staff has gone through; its words are encrypted",
}


def _line(event: AccessEvent) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "role": event.actor_role,
        "action": event.action,
        "purpose": event.purpose,
        "what": event.object_kind,
    }


def export_for(subject: Subject) -> dict[str, Any]:
    """Every logged deed about the person, newest first. Who it was is given by role."""
    rows = told_to_patients(events_about(*subject.ids), *subject.ids)
    return {"access_log": [_line(event) for event in rows.iterator()]}


def archive_for(subject: Subject) -> dict[str, Any]:
    """As exported, with the ids that tie a deed to an account."""
    return {
        "access_log": [
            _line(event)
            | {
                "number": event.number,
                "actor_id": str(event.actor_id or ""),
                "object_id": str(event.object_id or ""),
                "basis": event.basis,
            }
            for event in events_about(*subject.ids).iterator()
        ]
    }


def erase_for(subject: Subject) -> dict[str, int]:
    """The trace stays (see ``RETAINED``): its ids lead to nobody once the person is gone."""
    return {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Nothing: the log is never rewritten. Who looked is read under every id the person ever had."""
    return {}
