"""The record as a PDF for people, by ``typesetting``: the words come from here, the layout from ``record.typ``."""

from __future__ import annotations

import base64
import datetime as dt
import io
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from PIL import Image

from portal.dates import clinic_zone
from records.export.pdf_words import Extras, Words
from records.export.typesetting import Pdf, typeset
from records.vault.content import RecordView

TEMPLATE = Path(__file__).with_name("record.typ")


def record_pdf(
    record: RecordView, *, changed_at: dt.datetime, thumbs: Mapping[UUID, bytes], extras: Extras | None = None,
    zone: ZoneInfo | None = None,
) -> Pdf:
    """Write the record. ``thumbs`` are JPEGs by photo, ``changed_at`` the day that it bears.

    Raises ``typst.TypstError`` only for a fault in the template itself.
    """
    zone = zone or clinic_zone()
    files = {f"photos/{photo_id.hex}.svg": _svg(data) for photo_id, data in thumbs.items()}
    content = Words(record, zone, frozenset(thumbs), extras or Extras()).content(changed_at)
    return typeset(TEMPLATE, content, files=files, dated=changed_at)


def _svg(jpeg: bytes) -> bytes:
    """A JPEG as an SVG: typst takes files from memory only as text, and nothing may touch a disk."""
    width, height = _size(jpeg)
    data = base64.b64encode(jpeg).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="data:image/jpeg;base64,{data}"/></svg>'
    ).encode()


def _size(jpeg: bytes) -> tuple[int, int]:
    """Width and height from the head of a JPEG that the photo pipeline wrote."""
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
        return picture.size
