"""Values that cannot be read: noted when somebody meets one, and looked for at night.

A note is written after the open transaction, if there is one, and an error in writing it is
logged: it never disturbs the reading. What is lost that way, the nightly check finds.
"""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import connections, router, transaction
from django.db.models import F
from django.utils import timezone

from portal.crypto.base import SealedField
from portal.crypto.rotation import Column, Place, Unreadable, places
from portal.crypto.tokens import DecryptionError, unseal
from portal.evidence.models import UnreadableValue
from portal.evidence.services import evidence_record

log = logging.getLogger(__name__)
EVIDENCE = "crypto.readable"
NOTE_SECONDS = 60.0
NOTES_A_MINUTE = 100
BATCH = 1_000
NAMED = 1_000  # notes that one check writes: with a key missing everything is unreadable


class _Brake:
    """One note a value and minute, and not more than ``NOTES_A_MINUTE`` in all, in this process.

    With a key missing, every value of every page is unreadable: pages must stay as fast as they are.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._lock = Lock()

    def lets(self, key: tuple[str, str, str]) -> bool:
        now = time.monotonic()
        with self._lock:
            while self._last and next(iter(self._last.values())) < now - NOTE_SECONDS:
                self._last.popitem(last=False)
            if key in self._last or len(self._last) >= NOTES_A_MINUTE:
                return False
            self._last[key] = now
            return True

    def clear(self) -> None:
        with self._lock:
            self._last.clear()


brake = _Brake()


def unreadable_note(*, table: str, column: str, row_key: str, reason: str) -> None:
    """Somebody looked at a value that cannot be read. Holds the place, never the value; never raises."""
    if not brake.lets((table, column, row_key)):
        return
    log.error("stored value cannot be read: %s.%s of %s (%s)", table, column, row_key, reason)
    transaction.on_commit(partial(_note, table, column, row_key, reason), robust=True)


def _note(table: str, column: str, row_key: str, reason: str) -> None:
    now = timezone.now()
    kept = UnreadableValue.objects.filter(table=table, column=column, row_key=row_key)
    if not kept.update(reason=reason, last_seen=now, count=F("count") + 1, resolved_at=None):
        note = UnreadableValue(
            table=table, column=column, row_key=row_key, reason=reason, first_seen=now, last_seen=now
        )
        UnreadableValue.objects.bulk_create([note], ignore_conflicts=True)


@dataclass
class Outcome:
    """Counts of stored values. ``found`` holds (table, column, row key, reason), at most ``NAMED``."""

    checked: int = 0
    unreadable: int = 0
    mended: int = 0
    found: list[tuple[str, str, str, str]] = field(default_factory=list)


def unreadable_check(*, rows: int | None = None) -> Outcome:
    """Try the noted values again, then open values of every table with encrypted columns.

    ``rows`` is how many of a table, taken by chance where it has more; None takes all. Reads in
    batches, one table at a time, keeps nothing of what it opens, and records evidence.
    """
    outcome = Outcome()
    begun = time.monotonic()
    known = {place.label: place for place in places()}
    outcome.mended = unreadable_again()
    for place in known.values():
        for pk, *stored in _rows(place, rows):
            for column, value in zip(place.columns, stored, strict=True):
                _check(outcome, place, column, str(pk), value)
    for note in outcome.found:
        _note(*note)
    waiting = UnreadableValue.objects.filter(resolved_at=None).count()
    evidence_record(
        kind=EVIDENCE,
        passed=waiting == 0,
        facts={
            "tables": len(known), "checked": outcome.checked, "unreadable": waiting, "mended": outcome.mended,
            "all_rows": rows is None, "took_seconds": round(time.monotonic() - begun, 1),
        },
        valid_for=timedelta(hours=36),
    )
    return outcome


def _check(outcome: Outcome, place: Place, column: Column, row_key: str, stored: str | None) -> None:
    if stored is None:
        return
    outcome.checked += 1
    reason = why_unreadable(place, column, stored)
    if reason:
        outcome.unreadable += 1
        if len(outcome.found) < NAMED:
            outcome.found.append((place.label, column.name, row_key, reason))


def why_unreadable(place: Place, column: Column, stored: str) -> str:
    """The reason code, empty when the value opens. Nothing of the value is kept."""
    try:
        if column.context is None:
            column.turn(stored)
            return ""
        payload = unseal(stored, context=column.context)
        stood = place.model._meta.get_field(column.name)
        if isinstance(stood, SealedField):
            stood.load_checked(payload)
    except DecryptionError as error:
        return error.reason
    except Unreadable as error:
        return str(error.args[0])
    except json.JSONDecodeError:
        return "format"
    return ""


def unreadable_again() -> int:
    """Try every open note; what opens is done, what is gone needs no note. Returns how many opened."""
    known = {place.label: place for place in places()}
    mended = []
    for note in UnreadableValue.objects.filter(resolved_at=None).iterator(chunk_size=BATCH):
        place = known.get(note.table)
        column = next((c for c in place.columns if c.name == note.column), None) if place is not None else None
        stored = _one(place, column, note.row_key) if place is not None and column is not None else None
        if place is None or column is None or stored is None:
            note.delete()
        elif not why_unreadable(place, column, stored):
            mended.append(note.pk)
    UnreadableValue.objects.filter(pk__in=mended).update(resolved_at=timezone.now())
    return len(mended)


def _one(place: Place, column: Column, row_key: str) -> str | None:
    """The stored text of one value; None when the row or the value is gone."""
    connection = connections[router.db_for_read(place.model)]
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {quote(column.column)}::text FROM {quote(place.model._meta.db_table)} "  # noqa: S608
            f"WHERE {quote(str(place.model._meta.pk.column))}::text = %s",
            [row_key],
        )
        found = cursor.fetchone()
    return None if found is None else found[0]


def _rows(place: Place, most: int | None) -> Iterator[list[Any]]:
    """Key and stored texts of a table's rows in batches; of a big table about ``most``, by chance."""
    connection = connections[router.db_for_read(place.model)]
    quote = connection.ops.quote_name
    table = quote(place.model._meta.db_table)
    key = quote(str(place.model._meta.pk.column))
    names = ", ".join(f"{quote(column.column)}::text" for column in place.columns)
    chance = _chance(place, most)
    last: Any = None
    while True:
        where = f"WHERE {key} > %s" if last is not None else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {key}, {names} FROM {table} {chance} {where} ORDER BY {key} LIMIT %s",  # noqa: S608
                [*([last] if last is not None else []), BATCH],
            )
            batch = [list(row) for row in cursor.fetchall()]
        yield from batch
        if len(batch) < BATCH:
            return
        last = batch[-1][0]


def _chance(place: Place, most: int | None) -> str:
    """``TABLESAMPLE`` for a table that has more rows than wanted, with one seed for all its batches."""
    if most is None:
        return ""
    connection = connections[router.db_for_read(place.model)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [place.model._meta.db_table])
        rows = int(cursor.fetchone()[0])
    if rows <= most:
        return ""
    return f"TABLESAMPLE SYSTEM ({100 * most / rows:.6f}) REPEATABLE ({int(time.time())})"


def nightly() -> Outcome:
    """The check as the beat runs it."""
    return unreadable_check(rows=settings.READABLE_CHECK_ROWS)
