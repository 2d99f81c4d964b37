"""Typesetting with typst: tagged PDF/A-2a and PDF/UA-1, every script in its own letters.

The one way in which the portal makes a PDF. Values reach a template as JSON and are never parsed
as markup; nothing touches a disk; the same content gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

log = logging.getLogger(__name__)
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


def typeset(
    template: Path, content: dict[str, Any], *, dated: dt.datetime, files: Mapping[str, bytes] | None = None
) -> Pdf:
    """Compile a template with its content; ``files`` are texts in memory by name, ``dated`` stands in the PDF.

    The template finds the content as ``sys.inputs.data`` (JSON), the fonts under its key ``fonts``. Letters
    without a glyph stop PDF/A, so they are replaced by their codes and it is tried again. Raises
    ``typst.TypstError`` only for a fault in the template itself.
    """
    content = {**content, "fonts": FAMILIES}
    replaced: set[str] = set()
    for attempt in range(ROUNDS):
        try:
            return Pdf(_typst(template, content, files or {}, dated), frozenset(replaced))
        except typst.TypstError as error:
            missing = _missing(str(error.diagnostic or error.message)) if attempt < ROUNDS - 1 else _foreign(content)
            if not missing - replaced:
                raise
            replaced |= missing
            log.warning("letters without a font in a PDF: %d", len(missing))
            content = {**_coded(content, missing), "fonts": FAMILIES}
    raise AssertionError("the last round returns or raises")


def _typst(template: Path, content: dict[str, Any], files: Mapping[str, bytes], dated: dt.datetime) -> bytes:
    pdf: bytes = typst.compile(  # type: ignore[call-overload]  # a set of files in memory is missing in its stubs
        {"main.typ": template.read_bytes(), **files},
        sys_inputs={"data": json.dumps(content, default=str)},
        font_paths=font_folders(), ignore_system_fonts=True, pdf_standards=STANDARDS,
        timestamp=int(dated.timestamp()),
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
