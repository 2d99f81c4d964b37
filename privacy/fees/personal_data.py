"""What the fees hold about a person; gathered by ``privacy.personal_data``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from portal.subjects import FieldClass, Subject, heard_by, rows_move
from privacy.fees.models import FeeQuote
from records.vault.content import opened

_O, _P = FieldClass.OPERATIONAL, FieldClass.PAYMENT
FIELDS: dict[str, dict[str, FieldClass]] = {
    "privacy.FeeQuote": {
        **dict.fromkeys(
            (
                "id", "request_id", "subject_id", "account_id", "form", "method", "pages", "minutes", "state",
                "order_id", "paid_how", "quoted_at", "quoted_by", "answered_at", "paid_at",
            ),
            _O,
        ),
        "lines": _P, "cents": _P, "wish": FieldClass.CLINICAL,
    },
}
ENCRYPTED = ("wish",)
RETAINED = {"privacy.FeeQuote": "proof that a fee was told and agreed before the work: sums, codes and dates only"}


def export_for(subject: Subject, reader: UUID | None = None) -> list[dict[str, Any]]:
    """What was asked (of ``reader``) for copies, oldest first."""
    rows = FeeQuote.objects.filter(heard_by(subject, reader), subject_id=subject.subject_id).order_by("quoted_at")
    return [
        {
            "quoted_at": row.quoted_at.isoformat(), "form": row.form, "pages": row.pages, "lines": row.lines,
            "cents": row.cents, "state": row.state, "wish": opened(row, "wish"),
            "paid_at": row.paid_at.isoformat() if row.paid_at else None,
        }
        for row in rows
    ]


def erase_for(subject: Subject) -> dict[str, int]:
    """Sums and dates stay, and lead to no account any more; words go."""
    FeeQuote.objects.filter(subject_id=subject.subject_id).update(account_id=None, wish="")
    return {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Fees follow the person."""
    return rows_move(FeeQuote, old=old, new=new)
