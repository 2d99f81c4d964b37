"""What a file is by its first bytes. Its name and declared type are never asked."""

from __future__ import annotations

from enum import StrEnum

HEAD_BYTES = 1024


class Kind(StrEnum):
    """The kinds that are told apart: those that are taken somewhere, and those that get a kind no."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIF = "heif"
    AVIF = "avif"
    TIFF = "tiff"
    PDF = "pdf"
    GIF = "gif"
    VIDEO = "video"


# As the decoding process calls them.
DECODED = {
    Kind.JPEG: b"jpeg", Kind.PNG: b"png ", Kind.WEBP: b"webp", Kind.HEIF: b"heif", Kind.AVIF: b"avif",
    Kind.TIFF: b"tiff", Kind.PDF: b"pdf ",
}
PHOTO_KINDS = frozenset({Kind.JPEG, Kind.PNG, Kind.WEBP, Kind.HEIF, Kind.AVIF})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def sniff(head: bytes) -> Kind | None:
    """The kind of a file by its first ``HEAD_BYTES`` bytes, or None."""
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if head.startswith(b"RIFF"):
        return {b"WEBP": Kind.WEBP, b"AVI ": Kind.VIDEO}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _sniff_boxes(head)
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return Kind.TIFF
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Kind.GIF
    if head.startswith(b"\x1aE\xdf\xa3"):
        return Kind.VIDEO
    return Kind.PDF if b"%PDF-" in head[:HEAD_BYTES] else None


def _sniff_boxes(head: bytes) -> Kind | None:
    """HEIF, AVIF and MP4 share a container; the brands in its first box tell them apart."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {head[at : at + 4] for at in range(16, end - 3, 4)}
    if major in _AVIF_BRANDS or (major in (b"mif1", b"msf1") and brands & _AVIF_BRANDS):
        return Kind.AVIF
    if major in _HEIF_BRANDS:
        return Kind.HEIF
    if brands & _AVIF_BRANDS:
        return Kind.AVIF
    return Kind.HEIF if brands & _HEIF_BRANDS else Kind.VIDEO
