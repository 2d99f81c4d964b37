"""Hears of values that could not be read, and notes them for staff."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from portal.evidence.unreadable import unreadable_note


def note_unreadable(sender: type[Model], row: Model, column: str, reason: str, **_: Any) -> None:
    unreadable_note(table=sender._meta.label, column=column, row_key=str(row.pk), reason=reason)
