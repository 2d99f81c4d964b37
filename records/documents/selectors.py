"""Documents as a page shows them. The vault fills the cards: a title is health information."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from records.documents.models import Document, DocumentKind
from records.encounters.models import Encounter
from records.intake.models import UploadState

KEYS = ("quarantine_key", "file_key", "thumb_key")


@dataclass(frozen=True, slots=True)
class DocumentCard:
    """One document. ``pages`` is None and ``content_type`` empty until it is ready.

    ``dated`` is the day on the document, None when not given or not readable (then it is named in
    ``unreadable``). ``reason`` says in words why it was refused. ``previews`` counts the pages
    that have a picture; ``removable``: nobody used it yet; ``held``: it waits for something outside.
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
    held: bool = False
    unreadable: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        return self.state == UploadState.READY

    @property
    def waiting(self) -> bool:
        return self.state in (UploadState.RECEIVED, UploadState.PROCESSING)

    @property
    def pages_shown(self) -> range:
        """The numbers of the pages that have a picture."""
        return range(1, self.previews + 1)

    @property
    def shown_title(self) -> str:
        """What a list calls it: its title, or what kind it is."""
        return str(self.title) or str(self.kind.label)


def documents_of(patient_id: UUID) -> QuerySet[Document]:
    """The patient's documents, newest first, without their keys; ``used`` says if they must stay."""
    rows = Document.objects.filter(patient_id=patient_id).defer(*KEYS)
    return rows.alias(handed_in=_handed_in()).annotate(used=_USED).order_by("-received_at", "pk")


def nobody_used(rows: QuerySet[Document]) -> QuerySet[Document]:
    """Those that a person may take back: refused, or neither opened by staff nor followed by a consult."""
    return rows.alias(handed_in=_handed_in()).exclude(_USED)


def held_up() -> dict[str, int]:
    """How many documents wait, by what holds them up ("scanner", "store"). No PHI; for staff."""
    rows = Document.objects.filter(state__in=["received", "processing"]).exclude(held_by="")
    counts: dict[str, int] = {}
    for by in rows.values_list("held_by", flat=True):
        counts[by] = counts.get(by, 0) + 1
    return counts


# A clinician may have relied on it.
_USED = ~Q(state=UploadState.REFUSED) & (Q(seen_at__isnull=False) | Q(handed_in=True))


def _handed_in() -> Exists:
    """A consult was handed in after the document had come."""
    return Exists(Encounter.objects.filter(patient_id=OuterRef("patient_id"), submitted_at__gt=OuterRef("received_at")))
