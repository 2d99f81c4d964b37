"""Documents out of the vault: the list, one of them, and what lies in its sealed files."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from portal.audit.models import Action
from portal.context import Actor
from portal.crypto.fields import DecryptionError
from portal.errors import NotVisible, StorageUnavailable
from portal.permissions import Purpose
from records.documents.files import VARIANTS, Variant, read_document, shown_name
from records.documents.models import Document, DocumentKind
from records.documents.pipeline import reason_text
from records.documents.selectors import DocumentCard, documents_of
from records.intake.models import UploadState
from records.people.models import GrantKind
from records.vault.content import opened, unreadable_of
from records.vault.files import FileUnreadable
from records.vault.gate import look
from records.withholding.selectors import is_withheld, shown

log = logging.getLogger(__name__)
# Whose opening of a document makes it part of what the clinic relied on.
CLINIC = frozenset({GrantKind.CARE_TEAM, GrantKind.BREAK_GLASS})
PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """Bytes with what to tell a browser: ``name`` is made here and says nothing of the sender's."""

    data: bytes
    content_type: str
    name: str


def open_documents(*, by: Actor, patient_id: UUID, purpose: Purpose) -> tuple[DocumentCard, ...]:
    """All documents of a patient, newest first. Three queries, however many; no file is opened."""
    grant = look(
        by=by, patient_id=patient_id, purpose=purpose, kind="records.document", object_id=patient_id,
        action=Action.LIST,
    )
    return document_cards(patient_id, grant=grant)


def open_document_card(*, by: Actor, document_id: UUID, purpose: Purpose) -> DocumentCard:
    """One document without its file. Raises ``NotVisible``."""
    patient_id = _row(document_id).patient_id
    grant = look(by=by, patient_id=patient_id, purpose=purpose, kind="records.document", object_id=document_id)
    row = shown(documents_of(patient_id), grant).filter(pk=document_id).first()
    if row is None:
        raise NotVisible
    return _card(row)


def open_document(
    *, by: Actor, document_id: UUID, variant: Variant, purpose: Purpose, page: int = 1
) -> bytes:
    """The file (PDF or JPEG), the picture of a page (from 1), or the small one. See ``open_document_file``."""
    return open_document_file(by=by, document_id=document_id, variant=variant, purpose=purpose, page=page).data


def open_document_file(
    *, by: Actor, document_id: UUID, variant: Variant, purpose: Purpose, page: int = 1
) -> OpenedDocument:
    """One sealed file of a document; traced like every look, the file itself as a download.

    Raises ``NotVisible`` (also while it is not ready, and for a page that is not there),
    ``FileUnreadable``, and ``StorageUnavailable`` when the store did not answer.
    """
    if variant not in VARIANTS:
        raise NotVisible
    row = _row(document_id)
    grant = look(
        by=by, patient_id=row.patient_id, purpose=purpose, kind="records.document", object_id=row.pk,
        action=Action.DOWNLOAD if variant == "file" else Action.VIEW,
    )
    if row.state != UploadState.READY or is_withheld(row.pk, grant):
        raise NotVisible
    if grant in CLINIC:
        _seen(row)
    data = _read(row, variant, page)
    return OpenedDocument(data, row.content_type if variant == "file" else "image/jpeg", shown_name(row))


def document_cards(patient_id: UUID, *, grant: GrantKind) -> tuple[DocumentCard, ...]:
    """Only the vault calls this, after its trace. One query."""
    return tuple(map(_card, shown(documents_of(patient_id), grant)))


def _row(document_id: UUID) -> Document:
    row = Document.objects.defer("quarantine_key").filter(pk=document_id).first()
    if row is None:
        raise NotVisible
    return row


def _seen(row: Document) -> None:
    """From now on the patient cannot take it back. Waits for a taking back that is on its way."""
    if row.seen_at is None and not Document.objects.filter(pk=row.pk).update(seen_at=timezone.now()):
        raise NotVisible


def _read(row: Document, variant: Variant, page: int) -> bytes:
    try:
        return read_document(row, variant, page)
    except (FileNotFoundError, DecryptionError) as error:
        log.error("sealed file cannot be read: document %s, %s (%s)", row.pk, variant, type(error).__name__)
        raise FileUnreadable from None
    except NotVisible:
        raise
    except Exception as error:  # a store may raise anything
        log.warning("the store of sealed files did not answer: %s", type(error).__name__)
        raise StorageUnavailable from None


def _card(row: Document) -> DocumentCard:
    ready = row.state == UploadState.READY
    return DocumentCard(
        id=row.pk, patient_id=row.patient_id, kind=DocumentKind(row.kind), title=opened(row, "title"),
        dated=opened(row, "dated", None), state=UploadState(row.state), received_at=row.received_at,
        pages=row.pages if ready else None, content_type=row.content_type,
        reason=reason_text(row.refusal_code) if row.state == UploadState.REFUSED else "",
        previews=row.pages if ready else 0, removable=not getattr(row, "used", True),
        held=bool(row.held_by), unreadable=unreadable_of(row, "title", "dated"),
    )
