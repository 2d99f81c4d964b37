"""The pictures themselves: sealed files, opened one at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal
from uuid import UUID

from portal.context import Actor
from portal.crypto import sealed
from portal.crypto.fields import DecryptionError
from portal.errors import NotVisible, PortalError, StorageUnavailable
from portal.permissions import Purpose
from records.documents.models import Document
from records.photos.models import Photo, PhotoState
from records.vault.gate import look
from records.withholding.selectors import is_withheld

log = logging.getLogger(__name__)
Variant = Literal["image", "thumb"]
VARIANTS: tuple[Variant, ...] = ("image", "thumb")


class FileUnreadable(PortalError):
    """The file is gone or damaged; trying again does not help. Staff find it in the log."""


def open_photo(*, by: Actor, photo_id: UUID, variant: Variant, purpose: Purpose) -> bytes:
    """One picture, JPEG, as kept or as a thumbnail; traced like every look.

    Raises ``NotVisible`` (also while it is not ready), ``FileUnreadable``, and
    ``StorageUnavailable`` when the store did not answer.
    """
    if variant not in VARIANTS:
        raise NotVisible
    photo = Photo.objects.select_related("encounter").defer("quarantine_key").filter(pk=photo_id).first()
    if photo is None:
        raise NotVisible
    waits = photo.encounter.submitted_at is not None and photo.encounter.closed_at is None
    grant = look(
        by=by, patient_id=photo.patient_id, purpose=purpose, kind=f"records.photo.{variant}", object_id=photo.pk,
        whole=not waits,
    )
    if photo.state != PhotoState.READY or is_withheld(photo.pk, grant):
        raise NotVisible
    return read_photo(photo, variant)


def read_photo(photo: Photo, variant: Variant) -> bytes:
    """The plain bytes. Only the vault and the record's copy call this, after their trace."""
    if variant == "image":
        return _plain(photo.image_name, lambda: photo.image_key, f"photo {photo.pk}, image")
    return _plain(photo.thumb_name, lambda: photo.thumb_key, f"photo {photo.pk}, thumb")


def read_document(document: Document) -> bytes:
    """As ``read_photo``: the cleaned file of a document that is ready."""
    return _plain(document.file_name, lambda: document.file_key, f"document {document.pk}")


def _plain(name: str, key: Callable[[], bytes | None], what: str) -> bytes:
    """Opens the key, then the file. Raises ``FileUnreadable`` for good, ``StorageUnavailable`` for now."""
    try:
        return sealed.read(name, key() or b"")
    except (FileNotFoundError, DecryptionError) as error:
        log.error("sealed file cannot be read: %s (%s)", what, type(error).__name__)
        raise FileUnreadable from None
    except Exception as error:  # a store may raise anything
        log.warning("the store of sealed files did not answer: %s", type(error).__name__)
        raise StorageUnavailable from None
