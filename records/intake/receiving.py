"""The web request's part of any upload: look at the head and the size, seal, and let go."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.files.base import File

from portal.crypto import sealed
from portal.errors import DomainError
from records.intake.kinds import HEAD_BYTES

log = logging.getLogger(__name__)


class UploadRefused(DomainError):
    """This file will not come into the record. ``code`` is a key of the room's own table of reasons."""


def whole(upload: File[bytes], *, check: Callable[..., object]) -> bytes:
    """The whole upload, after ``check(head=, size=)`` had no objection. Raises what that raises."""
    upload.seek(0)
    head = upload.read(HEAD_BYTES)
    check(head=head, size=upload.size)
    return bytes(head + upload.read())


def seal(data: bytes, *, folder: str, or_else: DomainError) -> sealed.SealedRef:
    """The upload, sealed in its quarantine. Raises ``or_else`` when the store does not take it."""
    try:
        return sealed.write(data, folder=folder)
    except Exception as error:  # a store may raise anything: OSError, boto's errors, time-outs
        log.warning("an upload could not be stored: %s", type(error).__name__)
        raise or_else from None
