"""From a PDF's bytes to one that only shows pages, and to a picture of each page.

Only ``decode.py`` uses this, in its own process. The document is not searched for what is bad; it
is cut down to what a page needs in order to be shown (``strip.py``). Then every page is drawn: a
page that cannot be drawn within the bounds refuses the document.
"""

from __future__ import annotations

import io

import pikepdf
import pypdfium2
from PIL import Image

from records.intake.picture import Refused
from records.intake.streams import settle
from records.intake.strip import strip

Parts = tuple[dict[str, int], list[bytes]]


def clean(_kind: bytes, data: bytes, limits: dict[str, int]) -> Parts:
    """The clean PDF, a thumbnail of its first page and a JPEG of each page. Raises anything."""
    document = _rebuilt(data, limits)
    pages, thumb = _drawn(document, limits)
    return {"pages": len(pages)}, [document, thumb, *pages]


def _rebuilt(data: bytes, limits: dict[str, int]) -> bytes:
    """What is saved depends on the content alone: the same upload gives the same bytes."""
    out = io.BytesIO()
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:  # an empty password opens what only forbids printing
            if len(pdf.objects) > limits["objects"]:
                raise Refused("too_heavy")
            if len(pdf.pages) > limits["pages"]:
                raise Refused("too_many_pages")
            if not pdf.pages:
                raise Refused("broken")
            strip(pdf, limits)
            pdf.save(out, deterministic_id=True, encryption=False, fix_metadata_version=False)
    except pikepdf.PasswordError:
        raise Refused("locked") from None
    if out.tell() > limits["mb"] * 1024 * 1024:
        raise Refused("too_heavy")
    return out.getvalue()


def _drawn(document: bytes, limits: dict[str, int]) -> tuple[list[bytes], bytes]:
    """A JPEG of each page, and a thumbnail of the first."""
    pages: list[bytes] = []
    thumb = b""
    total = 0
    with pypdfium2.PdfDocument(document) as pdf:
        for number in range(len(pdf)):
            page = pdf[number]
            image = _picture(page, limits["page_edge"])
            page.close()
            if number == 0:
                small = image.copy()
                small.thumbnail((limits["thumb"], limits["thumb"]))
                thumb = _jpeg(small, limits["quality"])
            pages.append(_jpeg(image, limits["quality"]))
            total += len(pages[-1])
            if total > limits["mb"] * 2 * 1024 * 1024:
                raise Refused("too_heavy")
    if not pages:
        raise Refused("broken")
    return pages, thumb


def _picture(page: pypdfium2.PdfPage, edge: int) -> Image.Image:
    """The page on white, its long edge ``edge`` pixels, whatever size it claims to have."""
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        raise Refused("broken")
    scale = edge / max(width, height)
    if min(width, height) * scale < 1:  # a line, not a page
        raise Refused("broken")
    bitmap = page.render(scale=scale, may_draw_forms=False)
    image: Image.Image = bitmap.to_pil().convert("RGB")
    bitmap.close()
    return image


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def warm_up(limits: dict[str, int]) -> None:
    """Make both libraries load what they load on first use, on a page of our own."""
    settle()
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(72, 72))
        pdf.save(out)
    clean(b"pdf ", out.getvalue(), limits)
