"""From the file a person sent to the document the clinic keeps: a clean PDF, or one upright JPEG.

Pictures and single-page TIFF (a fax) go the way of photos; a PDF is cut down to its pages and each
is drawn. This module decides by content, and decodes nothing itself: see ``records/intake``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy

from records.intake import sandbox
from records.intake.kinds import DECODED, HEAD_BYTES, PHOTO_KINDS, Kind, sniff
from records.intake.receiving import UploadRefused

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

JPEG_QUALITY = 85
KINDS = PHOTO_KINDS | {Kind.PDF, Kind.TIFF}
_REFUSED_KINDS = {Kind.GIF: "not_a_document", Kind.VIDEO: "video"}

# Reason code -> what the person reads. The code is stored, the sentence never is.
REASONS: dict[str, _StrOrPromise] = {
    "empty": gettext_lazy("That file is empty. Please choose the document again."),
    "not_a_document": gettext_lazy(
        "That file is not a document we can open. Please send a PDF, or a photo or scan of the page "
        "(JPEG, PNG, HEIC, WebP, AVIF or TIFF)."
    ),
    "video": gettext_lazy("That is a video. Please send a PDF or a photo of the page."),
    "animated": gettext_lazy("That is a moving picture. Please send a PDF or a photo of the page."),
    "many_pictures": gettext_lazy(
        "That TIFF file holds several pages, and we can only open one. Please save it as a PDF, or send "
        "one file for each page."
    ),
    "locked": gettext_lazy(
        "That PDF is locked with a password, so nobody here could read it. Please give an unlocked copy: "
        "open it, print it to a new PDF, and send that."
    ),
    "too_big": gettext_lazy("That file is larger than %(megabytes)s MB. Please send it in smaller parts."),
    "too_many_pages": gettext_lazy(
        "That PDF has more than %(pages)s pages. Please send only the pages that matter, or several smaller files."
    ),
    "too_many_pixels": gettext_lazy(
        "A picture in that file has more than %(megapixels)s million pixels. Please scan or take it again "
        "at a normal size."
    ),
    "too_heavy": gettext_lazy(
        "That file is too large to open safely. Please print it to a new PDF, or send photos of the pages."
    ),
    "too_slow": gettext_lazy(
        "That file takes too long to open. Please print it to a new PDF, or send photos of the pages."
    ),
    "infected": gettext_lazy(
        "Our virus scanner warns of that file. Please ask the sender for a new copy, or send photos of the pages."
    ),
    "broken": gettext_lazy(
        "That file is damaged or was cut short on its way. Please send it again, or take a photo of the page."
    ),
    "failed": gettext_lazy("We could not read that file. Please send it again, or take a photo of the page."),
}


def reason_text(code: str) -> str:
    """The sentence for a stored reason code; an unknown code reads like "failed"."""
    values = {
        "megabytes": settings.DOCUMENT_MAX_BYTES // 1_000_000,
        "megapixels": settings.DOCUMENT_MAX_PIXELS // 1_000_000,
        "pages": settings.DOCUMENT_MAX_PAGES,
    }
    return str(REASONS.get(code, REASONS["failed"])) % values


class DocumentRefused(UploadRefused):
    """This file will not become a document. ``code`` is a key of ``REASONS``."""

    def __init__(self, code: str) -> None:
        code = code if code in REASONS else "broken"
        super().__init__(code, reason_text(code), field="document")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What is kept: the file, a thumbnail of its first page, and of a PDF a JPEG of each page."""

    content_type: str
    file: bytes
    thumb: bytes
    pages: tuple[bytes, ...]


def check(*, head: bytes, size: int) -> Kind:
    """What the web process can say at once, without decoding. Raises ``DocumentRefused``.

    ``size`` is the whole file's length in bytes, ``head`` its first ``HEAD_BYTES``.
    """
    if size == 0:
        raise DocumentRefused("empty")
    kind = sniff(head[:HEAD_BYTES])
    if kind is None or kind not in KINDS:
        raise DocumentRefused("not_a_document" if kind is None else _REFUSED_KINDS[kind])
    if size > settings.DOCUMENT_MAX_BYTES:
        raise DocumentRefused("too_big")
    return kind


def limits() -> sandbox.Limits:
    """The bounds of one document, from the settings. Half the wall clock may be processor time."""
    return sandbox.Limits(
        wall_seconds=settings.DOCUMENT_SECONDS,
        bounds={
            "cpu_seconds": max(1, settings.DOCUMENT_SECONDS // 2),
            "memory_mb": settings.DOCUMENT_MEMORY_MB,
            "pixels": settings.DOCUMENT_MAX_PIXELS,
            "edge": settings.DOCUMENT_MAX_EDGE,
            "thumb": settings.DOCUMENT_THUMB_EDGE,
            "quality": JPEG_QUALITY,
            "pages": settings.DOCUMENT_MAX_PAGES,
            "objects": settings.DOCUMENT_MAX_OBJECTS,
            "page_edge": settings.DOCUMENT_PAGE_EDGE,
            "mb": -(-settings.DOCUMENT_MAX_BYTES // 1_000_000),
        },
    )


def process(data: bytes) -> Cleaned:
    """Turn a file into the document that is kept.

    Raises ``DocumentRefused`` for anything wrong with the file, and ``sandbox.SandboxLost`` when
    the decoding process itself could not work: then the document may be tried again.
    """
    kind = check(head=data[:HEAD_BYTES], size=len(data))
    answer = sandbox.decode("document", DECODED[kind], data, limits())
    if answer.code:
        raise DocumentRefused(answer.code)
    file, thumb, *pages = answer.parts
    if len(pages) > settings.DOCUMENT_MAX_PAGES:
        raise DocumentRefused("too_many_pages")
    content_type = "application/pdf" if kind is Kind.PDF else "image/jpeg"
    return Cleaned(content_type, file, thumb, tuple(pages))
