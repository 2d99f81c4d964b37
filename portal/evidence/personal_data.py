"""What evidence holds about a person: nothing. Facts are counts, durations and codes."""

from __future__ import annotations

from typing import Any

from portal.subjects import FieldClass, Subject

FIELDS: dict[str, dict[str, FieldClass]] = {
    "evidence.Evidence": {
        "id": FieldClass.OPERATIONAL,
        "kind": FieldClass.OPERATIONAL,
        "passed": FieldClass.OPERATIONAL,
        "facts": FieldClass.OPERATIONAL,
        "recorded_at": FieldClass.OPERATIONAL,
        "good_until": FieldClass.OPERATIONAL,
    }
}
_WHY = "proof that a check ran; counts and codes, nothing about a person"
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
    """Nothing is held about a person."""
    return {}
