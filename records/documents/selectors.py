"""Documents as a page shows them. The vault fills the cards: a title is health information."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from records.documents.models import Document, DocumentKind
from records.intake.models import UploadState

KEYS = ("quarantine_key", "file_key", "thumb_key")


@dataclass(frozen=True, slots=True)
class DocumentCard:
    """One document. ``pages`` is None and ``content_type`` empty until it is ready.

    ``dated`` is the day on the document, None when not given or not readable (then it is named in
    ``unreadable``). ``reason`` says in words why it was refused. ``previews`` counts the pages
    that have a picture.
    """

    id: UUID
    patient_id: UUID
    kind: DocumentKind
    title: str
    dated: dt.date | None
    state: UploadState
    received_at: dt.datetime
    pages: int | None
    content_type: str
    reason: str
    previews: int = 0
    removable: bool = False
    unreadable: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        return self.state == UploadState.READY

    @property
    def waiting(self) -> bool:
        return self.state in (UploadState.RECEIVED, UploadState.PROCESSING)

    @property
    def shown_title(self) -> str:
        """What a list calls it: its title, or what kind it is."""
        return str(self.title) or str(self.kind.label)


def documents_of(patient_id: UUID) -> QuerySet[Document]:
    """The patient's documents, newest first, without their keys."""
    return Document.objects.filter(patient_id=patient_id).defer(*KEYS).order_by("-received_at", "pk")
