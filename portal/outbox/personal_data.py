"""What the outbox holds about a person: that a mail of some kind went out, and when."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from portal.outbox.models import OutgoingMail
from portal.subjects import FieldClass, Subject, rows_move

_OPERATIONAL = (
    "id", "kind", "category", "once_key", "account_id", "subject_id", "refs", "has_secret", "priority", "state",
    "message_id", "queued_at", "send_after", "send_before", "lease", "leased_until", "begun_at", "attempts",
    "repeats", "last_error", "gate_passed", "sent_at",
)
FIELDS: dict[str, dict[str, FieldClass]] = {
    "outbox.OutgoingMail": {
        **dict.fromkeys(_OPERATIONAL, FieldClass.OPERATIONAL),
        "address": FieldClass.IDENTIFIER,
        "secret": FieldClass.IDENTIFIER,
    },
    "outbox.LeftAddress": dict.fromkeys(("id", "address_hash", "since"), FieldClass.OPERATIONAL),
}
_WHY = "delivery needs ids, states and times to claim and repeat mails; no words of a mail are kept"
CLEAR_TEXT: dict[str, str] = {f"outbox.OutgoingMail.{name}": _WHY for name in _OPERATIONAL}
CLEAR_TEXT |= {
    f"outbox.LeftAddress.{name}": "a keyed hash that must be found again and leads back to nobody: the key is not "
    "in the database"
    for name in ("id", "address_hash", "since")
}
RETAINED: dict[str, str] = {
    "outbox.LeftAddress": "whoever left is never mailed again, also after the erasure; a keyed hash alone stays (P28)"
}


def _about(subject: Subject) -> QuerySet[OutgoingMail]:
    """Mails about the person, and mails to the person's accounts that are about nobody else."""
    own = Q(account_id__in=subject.account_ids, subject_id__isnull=True)
    return OutgoingMail.objects.filter(Q(subject_id=subject.subject_id) | own)


def export_for(subject: Subject) -> dict[str, Any]:
    """Which mails went out or wait, newest first, without their words: none are kept."""
    rows = _about(subject).order_by("-queued_at").values_list("kind", "state", "queued_at", "sent_at")
    return {
        "mails": [
            {
                "kind": kind,
                "state": state,
                "queued_at": queued_at.isoformat(),
                "sent_at": sent_at.isoformat() if sent_at else None,
            }
            for kind, state, queued_at, sent_at in rows
        ]
    }


def archive_for(subject: Subject) -> dict[str, Any]:
    """As exported."""
    return export_for(subject)


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove every mail about the person, queued ones too (P39). Returns rows per model."""
    removed, _by_model = _about(subject).delete()
    return {"outbox.OutgoingMail": removed} if removed else {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Mails about the old record are about the new one now; to whom they went stays as it was."""
    return rows_move(OutgoingMail, old=old, new=new, account="")
