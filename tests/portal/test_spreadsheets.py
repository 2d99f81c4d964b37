"""CSV files show what was written and run nothing (fault 98, ASVS 1.2.10)."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import io
import subprocess
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy as _

from portal.spreadsheets import csv_lines, csv_response, safe_cell

BASE = Path(__file__).resolve().parents[2]
FORMULAS = [
    "=1+1", "@x", "\t=1", "\r=1", "=10+20+cmd|' /C calc'!A0", "\n=1", "\0=1", "\0", "  =1+1", "\u00a0=1", "\ufeff=1",
    "\u200b=1", "+1+1", "-1+cmd|' /C calc'!A0", "+SUM(A1)", "-A1", "--1", "+-1", "@SUM(1)", "\uff1d1+1", "\uff0b1+1",
    "\uff0dA1", "\uff20x", "\ufe63A1", "\ufe62A1", "\ufe661", "- eczema on both arms",
    "=", "+", "-", "@", "-%", "+.", "-.", "-1-2",
    "+1-320-555-0142", '=HYPERLINK("http://x","y")', "=1\n", "+1.5x", "+1;=2", "\x0b=1", "\u2028=1", "-5 =A1",
]
HONEST = [
    "+1", "-1", "-5", "+1.5", "1e3", "-1.5E-3", "-.5", "1,234.50", "-1,234.50", "-12%", "(320) 555-0142",
    "+13205550142", "+1 320 555 0142", "+1 (320) 555-0142", "+1 320.555.0142", "320-555-0142", "2026-11-25",
    "11/25/2026", "O'Neill", "Ana Okafor", "", "부산시", "a=b", "1+1", "x@example.org", "'quoted", "👩🏽",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_would_run_gets_an_apostrophe_and_is_otherwise_as_it_was(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", HONEST)
def test_numbers_phones_dates_and_names_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "=10+20+cmd|' /C calc'!A0"])
def test_no_cell_of_fault_98_starts_a_formula(text: str) -> None:
    """What is left of the list is a plain number, which every program shows and none runs."""
    ((cell,),) = list(csv.reader(io.StringIO("".join(csv_lines(["name"], [[text]])).split("\r\n", 1)[1], newline="")))
    assert cell == "'" + text or (cell == text and float(cell) in (1, -1))


def test_values_with_a_type_are_written_plainly() -> None:
    when = dt.datetime(2026, 11, 25, 4, 5, 6, tzinfo=dt.UTC)
    ident = UUID(int=1)
    cells = [-5, 1.5, Decimal("-2.50"), dt.date(2026, 11, 25), when, ident, None, _("Looked")]
    assert [safe_cell(cell) for cell in cells] == [
        "-5", "1.5", "-2.50", "2026-11-25", "2026-11-25T04:05:06+00:00", str(ident), "", "Looked",
    ]


def test_a_file_is_utf_8_with_its_mark_and_reads_back_whole() -> None:
    rows = [["Nguyễn, \"Ty\"", "a\r\nb"], ["עמר; x", "=1"]]
    text = "".join(csv_lines(["=who", "what"], rows))
    assert text.encode().startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert read == [["'=who", "what"], rows[0], ["עמר; x", "'=1"]]
    assert text.endswith('"\r\n') and text.count('"', 1) % 2 == 0


def test_rows_are_taken_one_at_a_time_and_must_fit_the_header() -> None:
    taken = []

    def rows():  # type: ignore[no-untyped-def]
        for number in range(3):
            taken.append(number)
            yield [number]

    lines = csv_lines(["n"], rows())
    next(lines), next(lines)
    assert taken == [0]
    with pytest.raises(ValueError, match="as wide"):
        list(csv_lines(["a", "b"], [["only one"]]))
    with pytest.raises(TypeError):
        safe_cell(["a list"])  # type: ignore[arg-type]


def test_a_download_is_streamed_as_an_attachment() -> None:
    response = csv_response("who-looked.csv", ["a"], [["=1"]])
    assert response.streaming
    assert b"".join(response.streaming_content) == "\ufeff\"a\"\r\n\"'=1\"\r\n".encode()
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="who-looked.csv"'


def test_nothing_else_writes_csv() -> None:
    """One guarded writer: no other module imports ``csv`` or a maker of workbooks."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=BASE, capture_output=True, text=True, check=True,
    ).stdout.split()
    writers = []
    for name in listed:
        if name.startswith("tests/") or name == "portal/spreadsheets.py" or not (BASE / name).exists():
            continue
        for node in ast.walk(ast.parse((BASE / name).read_text())):
            if isinstance(node, ast.Attribute | ast.Name | ast.alias | ast.ImportFrom):
                named = getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "name", None)
                named = named or getattr(node, "module", None)
                if named in {"csv", "DictWriter", "openpyxl", "xlsxwriter", "xlwt"}:
                    writers.append(name)
                    break
    assert writers == []
