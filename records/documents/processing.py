"""The worker's side of documents: a received upload becomes the clean file and its page pictures."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from portal.crypto import sealed
from records.documents import files, pipeline
from records.documents.models import Document, DocumentPage
from records.intake.processing import Worker, write_all


@dataclass(frozen=True, slots=True)
class _Files:
    """The written file, thumbnail and page pictures."""

    content_type: str
    file: sealed.SealedRef
    thumb: sealed.SealedRef
    pages: list[sealed.SealedRef]

    @property
    def names(self) -> list[str]:
        return [ref.name for ref in (self.file, self.thumb, *self.pages)]

    def put_on(self, row: Document) -> None:
        """Inside the caller's transaction: the pages get their rows together with the document."""
        row.content_type, row.pages = self.content_type, len(self.pages) or 1
        row.file_name, row.file_key = self.file.name, self.file.key
        row.file_bytes, row.file_sha256 = self.file.size, self.file.sha256
        row.thumb_name, row.thumb_key = self.thumb.name, self.thumb.key
        DocumentPage.objects.bulk_create(
            DocumentPage(
                document=row, patient_id=row.patient_id, number=number, image_name=ref.name, image_key=ref.key
            )
            for number, ref in enumerate(self.pages, start=1)
        )


def _make(_document: Document, upload: bytes) -> _Files:
    made = pipeline.process(upload)
    file, thumb, *pages = write_all([made.file, made.thumb, *made.pages], folder=files.KEPT)
    return _Files(made.content_type, file, thumb, pages)


_worker = Worker(
    model=Document, make=_make, seconds=lambda: settings.DOCUMENT_SECONDS,
    attempts=lambda: settings.DOCUMENT_MAX_ATTEMPTS,
)


def document_process(*, document_id: UUID) -> None:
    """Do the work of one document if it is there to be done. Safe to call at any time, any number of times."""
    _worker.process(document_id)


def documents_sweep(*, seconds: float = 45) -> int:
    """Work through documents whose nudge was lost or whose worker died; returns how many."""
    return _worker.sweep(seconds=seconds)
