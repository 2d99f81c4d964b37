"""What the consults hold about a person: states and times. What was said lies in the record (P05)."""

from __future__ import annotations

from typing import Any

from consults.models import Consult
from portal.subjects import FieldClass, Subject

_OPS = FieldClass.OPERATIONAL

_COLUMNS = (
    "id", "encounter", "patient", "account_id", "questionnaire", "state", "form_key", "order_id", "assigned_to",
    "created_at", "changed_at", "submitted_at", "consented_at", "consent_version", "notice_version",
    "notice_receipt", "paid_at", "due_at", "answered_at", "ended_at",
)
FIELDS: dict[str, dict[str, FieldClass]] = {"consults.Consult": dict.fromkeys(_COLUMNS, _OPS)}
_WHY = "the state and times of the work, opaque ids and versions: queues and clocks run on them"
CLEAR_TEXT: dict[str, str] = {f"consults.Consult.{name}": _WHY for name in FIELDS["consults.Consult"]}
RETAINED: dict[str, str] = {}

_TIMES = ("created_at", "submitted_at", "consented_at", "paid_at", "due_at", "answered_at", "ended_at")


def export_for(subject: Subject) -> dict[str, Any]:
    """Each consult with its state in words and its times, oldest first."""
    rows = Consult.objects.filter(patient_id=subject.subject_id).order_by("created_at")
    return {"consults": [_consult(row) for row in rows]}


def archive_for(subject: Subject) -> dict[str, Any]:
    """As exported, with who had the case."""
    rows = Consult.objects.filter(patient_id=subject.subject_id).order_by("created_at")
    return {
        "consults": [
            {**_consult(row), "state_code": row.state, "assigned_to": str(row.assigned_to or "")} for row in rows
        ]
    }


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove the rows. The episodes that they moved go with the record."""
    count, _by_model = Consult.objects.filter(patient_id=subject.subject_id).delete()
    return {"consults.Consult": count}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Consults follow the person, into the account that survives."""
    moved = Consult.objects.filter(patient_id=old.subject_id).update(patient_id=new.subject_id)
    if new.account_ids:
        mine = Consult.objects.filter(patient_id=new.subject_id, account_id__in=old.account_ids)
        mine.update(account_id=new.account_ids[0])
    return {"consults.Consult": moved} if moved else {}



def _consult(row: Consult) -> dict[str, Any]:
    moments = {name: getattr(row, name) for name in _TIMES}
    return {
        "consult_id": str(row.pk),
        "encounter_id": str(row.encounter_id),
        "questionnaire": row.questionnaire,
        "state": str(row.get_state_display()),
        "consent_version": row.consent_version,
        "notice_version": row.notice_version,
        "notice_receipt": str(row.get_notice_receipt_display()),
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
    }
