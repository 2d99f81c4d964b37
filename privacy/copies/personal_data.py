"""What copies that wait to be printed hold about a person; gathered by ``privacy.personal_data``."""

from __future__ import annotations

from portal.subjects import FieldClass, Subject, rows_move
from privacy.copies.models import PrintCopy
from records.intake.files import drop_on_commit

_O = FieldClass.OPERATIONAL
FIELDS: dict[str, dict[str, FieldClass]] = {
    "privacy.PrintCopy": dict.fromkeys(
        (
            "id", "request_id", "subject_id", "encounter_id", "asked_by", "job_id", "name", "key", "pages", "missing",
            "created_at", "made_at",
        ),
        _O,
    ),
}
ENCRYPTED = ("key",)


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove them; their files go once this is committed."""
    rows = PrintCopy.objects.filter(subject_id=subject.subject_id)
    names = [name for name in rows.values_list("name", flat=True) if name]
    drop_on_commit(names)
    removed, _by_model = rows.delete()
    return {"privacy.PrintCopy": removed} if removed else {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """They follow the person."""
    return rows_move(PrintCopy, old=old, new=new, account="")
