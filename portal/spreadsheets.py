"""CSV that a spreadsheet program shows and does not run (RULES ASVS 1.2.10).

The only writer of CSV, and its only reader. UTF-8 with a byte order mark, so that Excel reads names rightly; every
cell quoted and lines ended by CRLF, as RFC 4180 says. A text that a program would take for a
formula gets an apostrophe in front, which makes it text; numbers, dates and phone numbers stay.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.functional import Promise

Cell: TypeAlias = str | int | float | Decimal | dt.date | UUID | Promise | None

BYTE_ORDER_MARK = "\ufeff"
_GUARD = "'"
_STARTS = frozenset("=+-@")
# Looked past by one program or another before the first sign: blanks, controls, invisible signs.
_SKIPPED = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_CONTROLS_THAT_START = frozenset("\t\r\n\0")
_NUMBER = re.compile(r"(?=[^0-9]{0,2}[0-9])[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?([eE][+-]?\d+)?%?", re.ASCII)
_PHONE = re.compile(r"\+\d[\d ().-]{5,24}", re.ASCII)


def csv_lines(header: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The file, line by line, with the header first; ``rows`` may be a generator of any length.

    Times are written in ISO 8601, None as an empty cell. Raises ``TypeError`` for a cell that is
    no plain value, ``ValueError`` for a row that is not as wide as the header.
    """
    yield BYTE_ORDER_MARK + _line(header)
    for row in rows:
        if len(row) != len(header):
            raise ValueError("a row is not as wide as the header")
        yield _line(row)


def csv_read(data: bytes, header: Sequence[str], *, most: int) -> list[tuple[int, dict[str, str]]]:
    """The rows of a file that somebody sent, as (number of the line, cell by name), blank rows left out.

    The first row must hold the names of ``header``, in any order and case. Cells are trimmed, and the
    apostrophe that ``safe_cell`` puts in front is taken away. Raises ``CsvUnreadable``: ``encoding``, ``form``,
    ``header`` (with the first name that is missing), ``too_many`` for more than ``most`` rows.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CsvUnreadable("encoding") from None
    if "\0" in text:
        raise CsvUnreadable("form")
    found: list[tuple[int, dict[str, str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip().casefold() for name in next(reader, [])]
        places = {name: names.index(name) if name in names else -1 for name in header}
        missing = next((name for name, place in places.items() if place < 0), None)
        if missing is not None:
            raise CsvUnreadable("header", missing)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(found) == most:
                raise CsvUnreadable("too_many")
            cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
            found.append((reader.line_num, {name: _bare(cell) for name, cell in cells.items()}))
    except csv.Error:
        raise CsvUnreadable("form") from None
    return found


class CsvUnreadable(ValueError):
    """A file is no CSV, or not the one that is wanted. ``code`` says why, ``name`` which column is missing."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code, self.name = code, name


def _bare(cell: str) -> str:
    return cell[1:] if cell[:1] == _GUARD and _runs(cell[1:]) else cell


def csv_response(filename: str, header: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> StreamingHttpResponse:
    """A download of ``csv_lines``, sent as it is made. ``filename`` is a constant: no name of a person."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def safe_cell(value: Cell) -> str:
    """The cell as text, with an apostrophe in front where a program would run it."""
    if isinstance(value, str | Promise):
        text = str(value)
        return f"{_GUARD}{text}" if _runs(text) else text
    if value is None:
        return ""
    if isinstance(value, dt.date):  # a datetime too
        return value.isoformat()
    if isinstance(value, int | float | Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no plain value")


def _line(row: Iterable[Cell]) -> str:
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([safe_cell(cell) for cell in row])
    return sink.getvalue()


def _runs(text: str) -> bool:
    """True for what a spreadsheet program may take for a formula or a command.

    Full-width and small forms count as the signs they stand for. Text that is one number or one
    phone number is no formula: with digits and separators alone nothing can be called.
    """
    if text[:1] in _CONTROLS_THAT_START and text:
        return True
    seen = text.lstrip("".join(sign for sign in set(text) if unicodedata.category(sign) in _SKIPPED))
    if unicodedata.normalize("NFKC", seen[:1])[:1] not in _STARTS or not seen:
        return False
    return not (_NUMBER.fullmatch(text) or _is_phone(text))


def _is_phone(text: str) -> bool:
    """Such as ``+13205550142`` and ``+1 (320) 555-0142``.

    Not ``+1-320-555-0142``: without a blank or a bracket a program takes hyphens for minus signs
    and shows the sum, so the apostrophe is what keeps that number whole.
    """
    return bool(_PHONE.fullmatch(text)) and ("-" not in text or " " in text or "(" in text)
