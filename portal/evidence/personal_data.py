"""What evidence holds about a person: nothing but, for a while, the random id of a row that cannot be read."""

from __future__ import annotations

from typing import Any

from portal.evidence.models import UnreadableValue
from portal.subjects import FieldClass, Subject

FIELDS: dict[str, dict[str, FieldClass]] = {
    "evidence.Evidence": {
        "id": FieldClass.OPERATIONAL,
        "kind": FieldClass.OPERATIONAL,
        "passed": FieldClass.OPERATIONAL,
        "facts": FieldClass.OPERATIONAL,
        "recorded_at": FieldClass.OPERATIONAL,
        "good_until": FieldClass.OPERATIONAL,
    },
    "evidence.UnreadableValue": dict.fromkeys(
        ("id", "table", "column", "row_key", "reason", "first_seen", "last_seen", "count", "resolved_at"),
        FieldClass.OPERATIONAL,
    ),
}
_WHY = "proof that a check ran, or where a damaged value stands; counts, codes and random ids"
CLEAR_TEXT: dict[str, str] = {
    f"{model}.{name}": _WHY for model, fields in FIELDS.items() for name in fields
}
RETAINED: dict[str, str] = {"evidence.Evidence": "names no person"}


def export_for(subject: Subject) -> dict[str, Any]:
    """Nothing is held about a person."""
    return {}


def archive_for(subject: Subject) -> dict[str, Any]:
    """Nothing is held about a person."""
    return {}


def erase_for(subject: Subject) -> dict[str, int]:
    """Notes about the person's own rows go; those about rows below them go with the next check."""
    keys = [str(subject.subject_id), *map(str, subject.account_ids)]
    count, _by_model = UnreadableValue.objects.filter(row_key__in=keys).delete()
    return {"evidence.UnreadableValue": count} if count else {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Nothing is held about a person."""
    return {}
