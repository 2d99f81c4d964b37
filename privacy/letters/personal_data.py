"""What the letters hold about a person; gathered by ``privacy.personal_data``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q

from portal.crypto import sealed
from portal.subjects import FieldClass, Subject, heard_by, rows_move
from privacy.letters.making import reference_shown
from privacy.letters.models import Letter
from records.intake.files import drop_on_commit
from records.vault.content import opened

_O, _C, _I = FieldClass.OPERATIONAL, FieldClass.CLINICAL, FieldClass.IDENTIFIER
FIELDS: dict[str, dict[str, FieldClass]] = {
    "privacy.Letter": {
        **dict.fromkeys(
            (
                "id", "reference", "kind", "subject_id", "account_id", "request_id", "once_key", "language", "dated",
                "written_at", "written_by", "job_id", "made_at", "pdf_name", "pdf_key", "pdf_size", "pages",
                "enclosure_name", "enclosure_key", "enclosure_pages", "notice", "read_at", "paper", "paper_reason",
                "printed_at", "posted_on", "returned_on", "handled_by",
            ),
            _O,
        ),
        "fields": _C, "content": _C, "recipient": _I, "delivery_note": _C,
    },
}
ENCRYPTED = ("fields", "content", "recipient", "delivery_note", "pdf_key", "enclosure_key")


def export_for(subject: Subject, reader: UUID | None = None) -> list[dict[str, Any]]:
    """Every letter (for ``reader``) in words, oldest first, and how it went out."""
    rows = Letter.objects.filter(heard_by(subject, reader), subject_id=subject.subject_id).order_by("written_at")
    return [_told(row) for row in rows]


def _told(row: Letter) -> dict[str, Any]:
    content = opened(row, "content", None) or {}
    return {
        "reference": reference_shown(row.reference), "kind": row.kind, "dated": row.dated.isoformat(),
        "title": content.get("title", ""), "blocks": content.get("blocks", []), "to": opened(row, "recipient", None),
        "signed_by": content.get("signer", ""), "pages": row.pages,
        "posted_on": row.posted_on.isoformat() if row.posted_on else None,
        "returned_on": row.returned_on.isoformat() if row.returned_on else None,
        "delivery_note": opened(row, "delivery_note"),
    }


def files_for(subject: Subject, account_id: UUID | None) -> dict[str, bytes]:
    """The letters' PDFs by their name in a copy: those to this account, and those to nobody's that it may have."""
    mine = heard_by(subject, account_id) & (Q(account_id=account_id) | Q(account_id=None))
    rows = Letter.objects.filter(mine, subject_id=subject.subject_id, made_at__isnull=False).order_by("written_at")
    found: dict[str, bytes] = {}
    for row in rows:
        name = f"letters/{row.dated.isoformat()}-{row.reference}.pdf"
        key = opened(row, "pdf_key", None)
        if key and sealed.exists(row.pdf_name):
            found[name] = sealed.read(row.pdf_name, bytes(key))
    return found


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove the letters; their files go once this is committed. They are in the archive's bundle."""
    rows = Letter.objects.filter(subject_id=subject.subject_id)
    names = [name for pair in rows.values_list("pdf_name", "enclosure_name") for name in pair if name]
    drop_on_commit(names)
    removed, _by_model = rows.delete()
    return {"privacy.Letter": removed} if removed else {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Letters follow the person."""
    return rows_move(Letter, old=old, new=new)
