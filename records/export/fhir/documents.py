"""Lab results and outside records as DocumentReference, with their files beside the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from records.documents.models import DocumentKind
from records.documents.selectors import DocumentCard
from records.export.fhir import codes
from records.export.fhir.base import Resource, concept, instant, pruned, ref, system, text_of, us_core
from records.export.fhir.episode import FileRef, attachment

TYPES = {
    DocumentKind.LAB_RESULT: codes.LAB_REPORT, DocumentKind.OUTSIDE_RECORD: codes.OUTSIDE_RECORD,
    DocumentKind.OTHER: codes.UNKNOWN_DOCUMENT,
}


def document(card: DocumentCard, file: FileRef | None) -> Resource:
    """One document that the patient gave. The day on it is a day, not an instant: it stands in the title's place."""
    title = text_of(card.title) or str(card.kind.label)
    content = attachment(file, card.content_type, title)
    if card.dated is not None:
        content["creation"] = card.dated.isoformat()
    return pruned(
        {
            "resourceType": "DocumentReference",
            "id": str(card.id),
            "meta": {**us_core("documentreference"), "lastUpdated": instant(card.received_at)},
            "identifier": [{"system": system("document"), "value": str(card.id)}],
            "status": "current",
            "type": concept(TYPES[card.kind], text=str(card.kind.label)),
            "category": [concept(codes.CLINICAL_NOTE)],
            "subject": ref(card.patient_id),
            "date": instant(card.received_at),
            "author": [ref(card.patient_id)],
            "description": title,
            "content": [{"attachment": content}],
        }
    )


def documents(cards: tuple[DocumentCard, ...], files: Mapping[UUID, FileRef]) -> list[Resource]:
    """Those that are ready; one that still waits has no file to point at."""
    return [document(card, files.get(card.id)) for card in cards if card.ready]
