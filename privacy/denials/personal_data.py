"""What denials and their reviews hold about a person; gathered by ``privacy.personal_data``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from portal.subjects import FieldClass, Subject, heard_by, rows_move
from privacy.denials.models import Denial
from records.vault.content import opened

_O, _C, _I = FieldClass.OPERATIONAL, FieldClass.CLINICAL, FieldClass.IDENTIFIER
ENCRYPTED = (
    "explain", "withheld", "withheld_parts", "where_else",
    "judged_license", "review_words", "reviewer_license", "review_reason",
)
FIELDS: dict[str, dict[str, FieldClass]] = {
    "privacy.Denial": {
        **dict.fromkeys(
            (
                "id", "request", "subject_id", "ground", "in_part", "decided_by", "decided_at", "judged_by",
                "letter_id", "review_asked_at", "reviewer_id", "review_taken_at", "decision", "reviewed_at",
            ),
            _O,
        ),
        **dict.fromkeys(("explain", "withheld", "withheld_parts", "where_else", "review_words", "review_reason"), _C),
        **dict.fromkeys(("judged_license", "reviewer_license"), _I),
    },
}
RETAINED = {"privacy.Denial": "proof of who refused and who looked again: ids, codes and dates only, words wiped"}


def export_for(subject: Subject, reader: UUID | None = None) -> list[dict[str, Any]]:
    """Each "no" (to ``reader``) and what its review found, in the words that the person got."""
    heard = heard_by(subject, reader, "request__account_id")
    rows = Denial.objects.filter(heard, subject_id=subject.subject_id).order_by("decided_at")
    return [
        {
            "ground": row.ground, "in_part": row.in_part, "decided_at": row.decided_at.isoformat(),
            "explain": opened(row, "explain"), "withheld": opened(row, "withheld"),
            "where_else": opened(row, "where_else"), "decision": row.decision,
            "review_asked_at": row.review_asked_at.isoformat() if row.review_asked_at else None,
            "review_words": opened(row, "review_words"), "review_reason": opened(row, "review_reason"),
        }
        for row in rows
    ]


def erase_for(subject: Subject) -> dict[str, int]:
    """The words go; ids and dates stay as proof."""
    Denial.objects.filter(subject_id=subject.subject_id).update(
        **(dict.fromkeys(ENCRYPTED, "") | {"withheld_parts": []})
    )
    return {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """They follow the person, like the requests they belong to."""
    return rows_move(Denial, old=old, new=new, account="")
