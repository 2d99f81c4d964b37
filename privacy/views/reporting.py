"""Numbers without names: the reporting data as tables and as a file (P10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consults.questionnaires import NEWEST, newest
from portal.evidence.selectors import latest
from portal.guards import AuthRequest
from portal.poke import poke
from portal.spreadsheets import csv_response
from privacy import deidentified, smallcells
from privacy.selectors import statistics_counts, statistics_lines
from records.models import Concern

COLUMNS = ("year", "state", "zip3", "age", "gender", "concern", "outcome", "diagnosis_code", "prescription", "codes")


@require_safe
def numbers(request: AuthRequest) -> HttpResponse:
    """One table a question, low numbers hidden."""
    counts = statistics_counts()
    yes_no = {"True": _("yes"), "False": _("no"), "None": ""}
    scales = [(_("Year"), counts["year"]), (_("Age"), counts["age"])]  # in their order; the others by size
    tables = [
        (_("What for"), _in_words(counts["concern"], dict(Concern.choices))),
        (_("State"), counts["state"]),
        (_("How it ended"), _in_words(counts["outcome"], {"answered": _("Answered"), "declined": _("Not taken on")})),
        (_("Diagnosis"), counts["diagnosis_code"]),
        (_("With a prescription"), _in_words(counts["prescription"], yes_no)),
        *_answers(counts["codes"]),
    ]
    context = {
        **admin.site.each_context(request), "title": _("Numbers without names"), "total": sum(counts["year"].values()),
        "tables": [
            *((title, sorted(smallcells.cells(found), key=_unknown_last)) for title, found in scales),
            *((title, smallcells.cells(found)) for title, found in tables),
        ],
        "made": latest(deidentified.EVIDENCE), "least": settings.DEID_SMALL_CELL,
    }
    return render(request, "privacy/staff/numbers.html", context)


@require_safe
def numbers_file(request: AuthRequest) -> HttpResponseBase:
    """The rows as CSV, made coarse until enough of them look alike."""
    rows = (
        (
            line.year, line.state, line.zip3, line.age, line.gender, line.concern, line.outcome, line.diagnosis_code,
            "" if line.prescription is None else int(line.prescription), " ".join(line.codes),
        )
        for line in smallcells.publishable(statistics_lines())
    )
    return csv_response("numbers-without-names.csv", COLUMNS, rows)


@require_POST
def numbers_again(request: AuthRequest) -> HttpResponse:
    """Ask for the data set to be made anew; the worker does it."""
    poke("privacy.deidentify")
    messages.success(request, _("The numbers are being made anew. Load the page again in a minute."))
    return redirect("admin:numbers")


def _unknown_last(cell: smallcells.Cell) -> tuple[bool, str]:
    return not cell.label, cell.label


def _answers(counts: Mapping[str, int]) -> list[tuple[str, dict[str, int]]]:
    """One table for each question, in the words and the order of the questionnaires."""
    words = {
        f"{question.id}:{choice.code}": (question.text, choice.label)
        for questionnaire in map(newest, NEWEST)
        for screen in questionnaire.screens
        for question in screen.questions
        for choice in question.choices
    }
    tables: dict[str, dict[str, int]] = {}
    # What an older questionnaire asked stands last, under its codes.
    for key in (*words, *(key for key in sorted(counts) if key not in words)):
        if key in counts:
            question, answer = words.get(key) or key.split(":", 1)
            tables.setdefault(question, {})[answer] = counts[key]
    return list(tables.items())


def _in_words(counts: Mapping[str, int], words: Mapping[str, Any]) -> dict[str, int]:
    return {str(words.get(value, value)): count for value, count in counts.items()}
