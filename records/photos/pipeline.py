"""From the bytes a person sent to the picture the clinic keeps (RULES 8.21, 14.2.8).

Kept is one upright sRGB JPEG of at most ``PHOTO_MAX_EDGE`` pixels and a thumbnail: no place, no
device, no comment, nothing that was hidden behind the picture. This module decides by content
and never looks at a file's name or declared type. It decodes nothing itself: see ``sandbox.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy

from records.intake import sandbox
from records.intake.kinds import DECODED, HEAD_BYTES, Kind, sniff
from records.intake.receiving import UploadRefused

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

JPEG_QUALITY = 85
_REFUSED_KINDS = {Kind.TIFF: "document", Kind.PDF: "document", Kind.GIF: "animated", Kind.VIDEO: "video"}

# Reason code -> what the person reads. The code is stored, the sentence never is.
REASONS: dict[str, _StrOrPromise] = {
    "empty": gettext_lazy("That file is empty. Please choose the photo again."),
    "not_a_picture": gettext_lazy(
        "That file is not a photo we can open. Please send a JPEG, PNG, HEIC, WebP or AVIF picture."
    ),
    "document": gettext_lazy(
        "That is a document, not a photo. Please send a JPEG, PNG, HEIC, WebP or AVIF picture here. "
        "Lab results and letters have their own place: My record, Documents."
    ),
    "video": gettext_lazy("That is a video. Please take a still photo and send that."),
    "animated": gettext_lazy("That is a moving picture. Please take a still photo and send that."),
    "too_big": gettext_lazy("That file is larger than %(megabytes)s MB. Please send a smaller photo."),
    "too_many_pixels": gettext_lazy(
        "That photo has more than %(megapixels)s million pixels. Please take it again at your "
        "camera's normal size."
    ),
    "too_heavy": gettext_lazy("That photo is too large to open. Please take it again at your camera's normal size."),
    "too_slow": gettext_lazy("That photo takes too long to open. Please take a new one and send that."),
    "broken": gettext_lazy(
        "That photo is damaged or was cut short on its way. Please send it again, or take a new one."
    ),
    "infected": gettext_lazy("Our virus scanner warns of that file. Please take a new photo and send that."),
    "failed": gettext_lazy("We could not read that photo. Please send it again, or take a new one."),
}


def reason_text(code: str) -> str:
    """The sentence for a stored reason code; an unknown code reads like "failed"."""
    values = {
        "megabytes": settings.PHOTO_MAX_BYTES // 1_000_000,
        "megapixels": settings.PHOTO_MAX_PIXELS // 1_000_000,
    }
    return str(REASONS.get(code, REASONS["failed"])) % values


class PhotoRefused(UploadRefused):
    """This file will not become a photo. ``code`` is a key of ``REASONS``."""

    def __init__(self, code: str) -> None:
        code = code if code in REASONS else "broken"
        super().__init__(code, reason_text(code), field="photo")


@dataclass(frozen=True, slots=True)
class Processed:
    """What is kept: two JPEGs, and the size of ``image`` in pixels. ``rise_kb``: peak memory."""

    image: bytes
    thumb: bytes
    width: int
    height: int
    rise_kb: int = 0


def check(*, head: bytes, size: int) -> Kind:
    """What the web process can say at once, without decoding. Raises ``PhotoRefused``.

    ``size`` is the whole file's length in bytes, ``head`` its first ``HEAD_BYTES``.
    """
    if size == 0:
        raise PhotoRefused("empty")
    kind = sniff(head[:HEAD_BYTES])
    if kind is None:
        raise PhotoRefused("not_a_picture")
    if kind in _REFUSED_KINDS:
        raise PhotoRefused(_REFUSED_KINDS[kind])
    if size > settings.PHOTO_MAX_BYTES:
        raise PhotoRefused("too_big")
    return kind


def limits() -> sandbox.Limits:
    """The bounds of one photo, from the settings. Half the wall clock may be processor time."""
    return sandbox.Limits(
        wall_seconds=settings.PHOTO_SECONDS,
        bounds={
            "cpu_seconds": max(1, settings.PHOTO_SECONDS // 2),
            "memory_mb": settings.PHOTO_MEMORY_MB,
            "pixels": settings.PHOTO_MAX_PIXELS,
            "edge": settings.PHOTO_MAX_EDGE,
            "thumb": settings.PHOTO_THUMB_EDGE,
            "quality": JPEG_QUALITY,
        },
    )


def process(data: bytes) -> Processed:
    """Turn a file into the picture that is kept.

    Raises ``PhotoRefused`` for anything wrong with the file, and ``sandbox.SandboxLost`` when
    the decoding process itself could not work: then the photo may be tried again.
    """
    kind = check(head=data[:HEAD_BYTES], size=len(data))
    answer = sandbox.decode("photo", DECODED[kind], data, limits())
    if answer.code:
        raise PhotoRefused(answer.code)
    image, thumb = answer.parts
    return Processed(image, thumb, answer.facts["width"], answer.facts["height"], answer.rise_kb)
