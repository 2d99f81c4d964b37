"""The row that speaks of a section as a whole: "I have none", and when it was last gone through."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from portal.crypto.fields import DecryptionError
from records.history.models import SHEET, Entry, Section


def sheet_of(patient_id: UUID, section: Section) -> Entry:
    """The section's sheet; made where there is none yet."""
    sheet, _made = Entry.objects.get_or_create(
        patient_id=patient_id, section=section, code=SHEET,
        defaults={"value": {"none": False}, "private": section == Section.PRIVATE},
    )
    return sheet


def says_none(sheet: Entry) -> bool | None:
    """Whether "I have none" was chosen; None when that cannot be read."""
    try:
        return sheet.value.get("none") is True
    except DecryptionError:
        return None


def touch(entry: Entry, *, some: bool) -> None:
    """The entry's section was gone through now; with ``some`` something stands there, so not "none".

    A private entry among others leaves the sheet alone: a guardian sees the sheet, and would see
    that something was added.
    """
    if entry.private and entry.section != Section.PRIVATE:
        return
    sheet = sheet_of(entry.patient_id, Section(entry.section))
    if some and says_none(sheet):
        sheet.value = {"none": False}
        sheet.save(update_fields=["value", "updated_at"])
    else:
        Entry.objects.filter(pk=sheet.pk).update(updated_at=timezone.now())
