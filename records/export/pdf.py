"""The record as a PDF for people: tagged, PDF/A-2a and PDF/UA-1, every script in its own letters.

The words come from here, the layout from ``record.typ``. Values reach it as JSON and are never
parsed as markup. The same record gives the same bytes.
"""

from __future__ import annotations

import base64
import datetime as dt
import importlib.util
import io
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typst
from PIL import Image

from portal.dates import clinic_zone
from records.export.pdf_words import Extras, Words
from records.vault.content import RecordView

log = logging.getLogger(__name__)
TEMPLATE = Path(__file__).with_name("record.typ")
FONT_PACKAGES = ("manimgx_fonts", "justmytype_intl_cjk")
STANDARDS = ["a-2a", "ua-1"]
FAMILIES = [
    "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans KR", "Noto Sans JP", "Noto Sans SC",
    "Noto Sans TC", "Noto Sans Symbols", "Noto Emoji",
]
_NO_GLYPH = re.compile(r'(?:the text|the codepoint) `"(.+?)"`', re.DOTALL)
_ESCAPE = re.compile(r"\\+u\{([0-9a-fA-F]+)\}")
ROUNDS = 8


@dataclass(frozen=True)
class Pdf:
    """The file, and the letters that no font has: those stand in it as their codes."""

    data: bytes
    replaced: frozenset[str] = frozenset()


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
    return _compile({**content, "fonts": FAMILIES}, files, changed_at)


def _compile(content: dict[str, Any], files: dict[str, bytes], changed_at: dt.datetime) -> Pdf:
    """Compile; letters without a glyph stop PDF/A, so they are replaced by their codes and it is tried again."""
    replaced: set[str] = set()
    for attempt in range(ROUNDS):
        try:
            return Pdf(_typst(content, files, changed_at), frozenset(replaced))
        except typst.TypstError as error:
            missing = _missing(str(error.diagnostic or error.message)) if attempt < ROUNDS - 1 else _foreign(content)
            if not missing - replaced:
                raise
            replaced |= missing
            log.warning("letters without a font in a record's PDF: %d", len(missing))
            content = {**_coded(content, missing), "fonts": FAMILIES}
    raise AssertionError("the last round returns or raises")


def _typst(content: dict[str, Any], files: dict[str, bytes], changed_at: dt.datetime) -> bytes:
    pdf: bytes = typst.compile(  # type: ignore[call-overload]  # a set of files in memory is missing in its stubs
        {"main.typ": TEMPLATE.read_bytes(), **files},
        sys_inputs={"data": json.dumps(content, default=str)},
        font_paths=font_folders(), ignore_system_fonts=True, pdf_standards=STANDARDS,
        timestamp=int(changed_at.timestamp()),
    )
    return pdf


@lru_cache(maxsize=1)
def font_folders() -> list[str]:
    """Where the fonts lie that come with the product; raises ``RuntimeError`` when one is missing."""
    found = []
    for name in FONT_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"the fonts of {name} are not installed")
        found.append(str(Path(spec.origin).parent))
    return found


def _missing(diagnostic: str) -> set[str]:
    """The letters that typst names as not printable."""
    letters: set[str] = set()
    for quoted in _NO_GLYPH.findall(diagnostic):
        letters.update(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), quoted))
    return {letter for letter in letters if ord(letter) > 127}


def _foreign(content: Any) -> set[str]:
    """Every letter beyond the Latin ones: the last resort."""
    return {letter for letter in json.dumps(content, ensure_ascii=False, default=str) if ord(letter) > 0x24F}


def _coded(value: Any, letters: set[str]) -> Any:
    """The content with these letters as codes, so that nothing is lost: ``[U+13000]``."""
    if isinstance(value, str):
        return "".join(f"[U+{ord(letter):04X}]" if letter in letters else letter for letter in value)
    if isinstance(value, dict):
        return {key: _coded(item, letters) for key, item in value.items()}
    if isinstance(value, list):
        return [_coded(item, letters) for item in value]
    return value


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
