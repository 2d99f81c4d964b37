"""How names, addresses, dates and phone numbers become the words that are hashed and found (B 11).

The same folding runs over what is stored and over what is typed: accents, case, hyphens and
apostrophes make no difference, and neither does writing a name in one word or in two.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from itertools import pairwise

APOSTROPHES = "'\u2018\u2019\u201b\u02bc\u02bb\u02b9\u02be\u02bf`\u00b4\u2032\uff07\u055a\ua78c"
# Letters of their own that Unicode does not take apart.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "ħ": "h", "\u0640": ""}
)
_STREETS = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd", "court": "ct",
    "place": "pl", "highway": "hwy", "north": "n", "south": "s", "east": "e", "west": "w", "apartment": "apt",
    "saint": "st", "mount": "mt", "fort": "ft", "suite": "ste",
}
PREFIX_SHORTEST, PREFIX_LONGEST = 3, 20
_EXTENSION = re.compile(r"(?:x|ext\.?)\s*\d+\s*$", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def fold(text: str) -> str:
    """One word in its plainest form: no case, no accents, nothing but letters, digits and pictures."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_LETTERS)
    kept = "".join(_digit(sign) for sign in apart if _counts(sign))
    return unicodedata.normalize("NFC", kept)


def _counts(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category[0] in "LN" or category in {"Mc", "So"}


def _digit(sign: str) -> str:
    return str(unicodedata.decimal(sign)) if unicodedata.category(sign) == "Nd" else sign


def chunks(text: str) -> list[tuple[str, ...]]:
    """The words of a line, each as its folded parts: ``O'Brien`` is ``("o", "brien")``."""
    spaced = "".join(" " if sign in ",;()/\"\u201c\u201d\u060c\u3001" or sign.isspace() else sign for sign in text)
    parted = (tuple(filter(None, map(fold, _parts(word)))) for word in spaced.split())
    return [parts for parts in parted if parts]


def _parts(word: str) -> list[str]:
    return "".join("\n" if _joins(sign) else sign for sign in word).split("\n")


def _joins(sign: str) -> bool:
    return sign in APOSTROPHES or sign in ".\u00b7\u2022\u2212_" or unicodedata.category(sign) == "Pd"


def name_words(*fields: str) -> set[str]:
    """The whole words of a name: parts, joined words, and neighbours of one field written as one.

    Where no space stands between family and given name (李小明), the whole in either order as well.
    """
    found = {word for field in fields for word in _field_words(field)}
    whole = ["".join(part for parts in chunks(field) for part in parts) for field in fields]
    if all(any(map(_writes_words_in_a_sign, part)) for part in whole):
        found |= {"".join(whole), "".join(reversed(whole))}
    return found


def _field_words(field: str) -> set[str]:
    parted = chunks(field)
    words = {part for parts in parted for part in parts}
    joined = ["".join(parts) for parts in parted]
    words.update(joined)
    words.update(first + second for first, second in pairwise(joined))
    if len(joined) > 2:
        words.add("".join(joined))
    return words


def beginnings(word: str) -> set[str]:
    """The word, and what somebody has typed of it: from three letters on; from one in Chinese, say."""
    shortest = 1 if any(_writes_words_in_a_sign(sign) for sign in word) else PREFIX_SHORTEST
    return {word} | {word[:length] for length in range(shortest, min(len(word), PREFIX_LONGEST) + 1)}


def _writes_words_in_a_sign(sign: str) -> bool:
    """Han, kana and Hangul: a family name is often one sign, with no space after it."""
    return "\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7a3"


def address_words(*fields: str) -> set[str]:
    """House numbers, streets, towns, codes; common words of streets in their short form."""
    return {
        address_word(word)
        for field in fields for parts in chunks(field) for word in {"".join(parts), *parts}
    }


def address_word(word: str) -> str:
    return _STREETS.get(word, word)


def phone_numbers(text: str) -> set[str]:
    """The last ten digits (whatever stands before them for a country) and the last seven."""
    digits = "".join(_digit(sign) for sign in _EXTENSION.sub("", text) if unicodedata.category(sign) == "Nd")
    return {digits[-length:] for length in (10, 7) if len(digits) >= length} or ({digits} if digits else set())


def phone_number(text: str) -> str:
    """The one form to search for: ten digits where they were typed, else the last seven."""
    return max(phone_numbers(text), key=len, default="")


# --- dates, as people write them ---------------------------------------------------------------------
_NAMED = "(?P<month>" + "|".join(_MONTHS) + r")[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_FORMS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)",
        r"(?<!\d)(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})(?!\d)",
        r"(?<!\d)(?P<month>\d{1,2})[-/](?P<day>\d{1,2})[-/](?P<year>\d{4}|\d{2})(?!\d)",
        rf"\b{_NAMED}\s*{_DAY},?\s+(?P<year>\d{{4}})\b",
        rf"\b{_DAY}\s+{_NAMED},?\s+(?P<year>\d{{4}})\b",
    )
]


def dates_in(text: str, *, today: dt.date) -> tuple[list[dt.date], str]:
    """The dates in a line and what is left of it. Month before day, as in the US, unless it cannot be."""
    found: list[dt.date] = []
    for form in _FORMS:
        for match in list(form.finditer(text)):
            day = _date(match.groupdict(), today)
            if day is not None:
                found.append(day)
                text = text.replace(match.group(0), " ", 1)
    return found, text


def _date(parts: dict[str, str], today: dt.date) -> dt.date | None:
    named = parts["month"][:3].lower()
    month = _MONTHS.index(named) + 1 if named in _MONTHS else int(parts["month"])
    day, year = int(parts["day"]), int(parts["year"])
    if len(parts["year"]) == 2:
        year += today.year // 100 * 100
        year -= 100 if year > today.year else 0
    for first, second in ((month, day), (day, month)):
        try:
            return dt.date(year, first, second)
        except ValueError:
            continue
    return None


_PHONE = re.compile(r"(?<![\w-])\+?\(?\d[\d\s().+-]{5,}\d(?!\w)")
_SEVEN = re.compile(r"\d{3}[-.\s]?\d{4}")


def phones_in(text: str) -> tuple[list[str], str]:
    """The phone numbers in a line and what is left of it. A house number and a ZIP code are none."""
    found: list[str] = []
    for match in list(_PHONE.finditer(text)):
        written = match.group(0).strip()
        digits = sum(sign.isdigit() for sign in written)
        if 10 <= digits <= 15 or _SEVEN.fullmatch(written) or (written.startswith("+") and digits >= 7):
            found.append(phone_number(written))
            text = text.replace(match.group(0), " ", 1)
    return found, text
