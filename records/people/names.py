"""Names, phone numbers and addresses as people really have them.

Any script, one word, eighty letters: nothing is refused for its form. Only what cannot be seen
is taken out: control and direction marks, which turn the text around them over.
"""

from __future__ import annotations

import re
import unicodedata

from django.utils.translation import gettext as _

from portal.errors import DomainError

# Joiners are letters of some scripts (Persian, Sinhala) and of emoji, so they stay.
_KEPT_FORMAT = {"\u200c", "\u200d"}
_SPACES = re.compile(r"\s+")


def clean_line(text: str) -> str:
    """One line: composed (NFC), without control and direction marks, single spaces.

    Line breaks and tabs become spaces. Lone surrogates are dropped: no store takes them.
    """
    flat = _SPACES.sub(" ", text)
    seen = "".join(letter for letter in unicodedata.normalize("NFC", flat) if _visible(letter))
    return _SPACES.sub(" ", seen).strip(" \u200c\u200d")


def clean_text(text: str) -> str:
    """Several lines: as ``clean_line`` for each, with line breaks kept and blank ends cut off."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    composed = (unicodedata.normalize("NFC", line.replace("\t", " ")) for line in lines)
    kept = ("".join(letter for letter in line if _visible(letter)).rstrip() for line in composed)
    return "\n".join(kept).strip()


def line_said(text: str, field: str, missing: str, *, most: int) -> str:
    """``clean_line`` of what must be filled in. Raises ``DomainError`` on ``field``: ``…_missing``, ``too_long``."""
    return _said(clean_line(text), field, missing, most)


def text_said(text: str, field: str, missing: str, *, most: int) -> str:
    """As ``line_said``, for several lines."""
    return _said(clean_text(text), field, missing, most)


def _said(said: str, field: str, missing: str, most: int) -> str:
    if not said:
        raise DomainError(f"{field}_missing", missing, field)
    if len(said) > most:
        raise DomainError("too_long", _("Please use at most %(count)d letters here.") % {"count": most}, field)
    return said


def _visible(letter: str) -> bool:
    return letter in _KEPT_FORMAT or unicodedata.category(letter) not in {"Cc", "Cf", "Cs"}
