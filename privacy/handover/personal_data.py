"""What an export for a new owner holds about a person: that they are in a part, or why they are not."""

from __future__ import annotations

from portal.subjects import FieldClass, Subject
from privacy.handover.services import person_forget, person_move

FIELDS: dict[str, dict[str, FieldClass]] = {
    "privacy.Handover": dict.fromkeys(
        (
            "id", "assignment", "recipient_key", "started_by", "started_at", "job_id", "runs", "finished_at",
            "passed_at", "passed_by",
        ),
        FieldClass.OPERATIONAL,
    ),
    "privacy.HandoverPart": dict.fromkeys(
        ("id", "handover", "number", "name", "sha256", "size", "patients", "counts", "made_at"), FieldClass.OPERATIONAL
    ),
    "privacy.HandoverPerson": dict.fromkeys(
        ("id", "handover", "subject_id", "part", "skipped"), FieldClass.OPERATIONAL
    ),
}


def erase_for(subject: Subject) -> dict[str, int]:
    """Out of every export; a part that still lies here goes too (P39)."""
    return person_forget(subject.subject_id)


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """What is not handed over yet is sealed anew."""
    return person_move(old.subject_id, new.subject_id)
