"""The sealed files of documents: which folders, which of them a row names, and how one is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from django.db import models

from portal.crypto import sealed
from portal.dates import clinic_day
from portal.errors import NotVisible
from records.documents.models import Document, DocumentPage
from records.intake import files

QUARANTINE = "document-uploads"
KEPT = "documents"
Variant = Literal["file", "preview", "thumb"]
VARIANTS: tuple[Variant, ...] = ("file", "preview", "thumb")
ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg"}


def read_document(row: Document, variant: Variant = "file", page: int = 1) -> bytes:
    """The plain bytes of a ready document: its file (PDF or JPEG), the picture of a page, or the small one.

    Only the vault and the record's copy call this, after their trace. Raises what ``sealed.read``
    raises, anything that the store raises, and ``NotVisible`` for a page that is not there.
    """
    if variant == "preview" and row.content_type == "application/pdf":
        picture = DocumentPage.objects.filter(document_id=row.pk, number=page).first()
        if picture is None:
            raise NotVisible
        return sealed.read(picture.image_name, picture.image_key or b"")
    if page != 1:
        raise NotVisible
    name, key = (row.thumb_name, row.thumb_key) if variant == "thumb" else (row.file_name, row.file_key)
    return sealed.read(name, key or b"")


def shown_name(row: Document, number: int | None = None) -> str:
    """The name under which a document leaves the portal: made here, never the sender's.

    ``number`` tells documents of one copy apart: ``lab-result-03-2026-11-02.pdf``.
    """
    middle = "" if number is None else f"-{number:02d}"
    return f"{row.kind.replace('_', '-')}{middle}-{clinic_day(row.received_at)}.{ENDINGS.get(row.content_type, 'bin')}"


def names_in_copy(rows: Iterable[Document]) -> dict[Document, str]:
    """A name of its own for each ready document of a patient, oldest first: for a copy's folder."""
    ready = sorted((row for row in rows if row.state == "ready"), key=lambda row: (row.received_at, row.pk))
    return {row: shown_name(row, number) for number, row in enumerate(ready, start=1)}


def names_of(document: Document) -> list[str]:
    """The files on the document's own row, in whatever state it is; its pages have theirs."""
    return [name for name in (document.quarantine_name, document.file_name, document.thumb_name) if name]


def sweep(*, part: int) -> int:
    """Delete files of one sub-folder (0 to 255) that no document names; returns how many."""
    return files.sweep(folders=(QUARANTINE, KEPT), known=_known, part=part)


def _known(names: list[str]) -> set[str]:
    asked = models.Q(quarantine_name__in=names) | models.Q(file_name__in=names) | models.Q(thumb_name__in=names)
    rows = Document.objects.filter(asked).values_list("quarantine_name", "file_name", "thumb_name")
    pages = DocumentPage.objects.filter(image_name__in=names).values_list("image_name", flat=True)
    return {name for row in rows for name in row if name}.union(pages)
