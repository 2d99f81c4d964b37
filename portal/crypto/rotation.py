"""Moving stored tokens to the newest key, table by table, without opening a single model attribute.

Rows are taken in batches by primary key, each batch in a transaction of its own under a row lock.
What the newest key already opens is skipped, so a run that was stopped can simply be started again.
A save of a row that was loaded before its turn writes its old token back: an old key may be dropped
only once a later dry run finds nothing under it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pgtrigger
from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import connections, models, router, transaction

from portal.crypto.base import SealedField
from portal.crypto.keys import crypter, newest
from portal.crypto.tokens import TOKEN_START, DecryptionError, unseal

# JSON columns of other packages that hold tokens of ours: ("app.Model", "field").
_foreign_columns: set[tuple[str, str]] = set()


def also_rotate(model: str, field_name: str) -> None:
    """Name a JSON column outside our fields whose strings hold our tokens (``seal_text``)."""
    _foreign_columns.add((model, field_name))


@contextmanager
def may_rewrite(*tables: type[models.Model]) -> Iterator[None]:
    """Stand the triggers of these tables aside: the append-only guard, and the history writer.

    Re-encryption changes no value, so it is neither a breach of "append only" nor a change for the
    history. The one opening for key rotation; nothing else may use it.
    """
    concerned = {table._meta.concrete_model for table in tables}
    uris = [
        trigger.get_uri(model) for model, trigger in pgtrigger.registered() if model._meta.concrete_model in concerned
    ]
    if not uris:
        yield
        return
    with pgtrigger.ignore(*uris):
        yield


class Unreadable(Exception):
    """No key opens this token, or it belongs to another column. ``args[0]`` is the reason."""


@dataclass(frozen=True)
class Column:
    """One column that holds tokens; ``context`` is None where tokens are strings inside JSON."""

    name: str
    column: str
    context: str | None

    def turn(self, stored: str) -> str:
        """``stored`` with each token under the newest key. Raises ``Unreadable``."""
        if self.context is not None:
            return _turned(stored, self.context)
        return json.dumps(_walk(json.loads(stored)))


def _turned(token: str, context: str | None) -> str:
    try:
        newest().decrypt(token)
        fresh = token
    except (InvalidToken, ValueError):
        try:
            fresh = crypter().rotate(token).decode("ascii")
        except (InvalidToken, ValueError):
            raise Unreadable("key") from None
    if context is not None:
        try:
            unseal(fresh, context=context)
        except DecryptionError as error:
            raise Unreadable(error.reason) from None
    return fresh


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _walk(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner) for inner in value]
    return _turned(value, None) if isinstance(value, str) and value.startswith(TOKEN_START) else value


@dataclass(frozen=True)
class Place:
    """A table with the columns of it that hold tokens."""

    model: type[models.Model]
    columns: tuple[Column, ...]

    @property
    def label(self) -> str:
        return self.model._meta.label


@dataclass
class Outcome:
    """Counts of values, not rows. ``unreadable`` holds (primary key, field name, reason), no values."""

    label: str
    current: int = 0  # already under the newest key
    turned: int = 0  # moved to it, or in a dry run: still to be moved
    unreadable: list[tuple[str, str, str]] = field(default_factory=list)
    last: Any = None  # primary key of the last row done; a later run may start after it


def places() -> list[Place]:
    """Every table with encrypted columns, history tables included, found from the models."""
    found: dict[type[models.Model], list[Column]] = {}
    foreign = {(label.lower(), name) for label, name in _foreign_columns}
    for model in apps.get_models(include_auto_created=True):
        options = model._meta
        if options.proxy or not options.managed or options.swapped:
            continue
        for column in options.local_concrete_fields:
            if isinstance(column, SealedField):
                found.setdefault(model, []).append(Column(column.name, str(column.column), column.context))
            elif (options.label_lower, column.name) in foreign:
                found.setdefault(model, []).append(Column(column.name, str(column.column), None))
    return sorted((Place(model, tuple(columns)) for model, columns in found.items()), key=lambda place: place.label)


def rotate(
    place: Place, *, batch: int, dry_run: bool, after: Any = None, progress: Callable[[Outcome], None] | None = None
) -> Outcome:
    """Move one table to the newest key. Each batch of ``batch`` rows is committed before the next."""
    outcome = Outcome(place.label, last=after)
    while _rotate_batch(place, outcome, batch=batch, dry_run=dry_run):
        if progress is not None:
            progress(outcome)
    return outcome


def _rotate_batch(place: Place, outcome: Outcome, *, batch: int, dry_run: bool) -> bool:
    """One batch; False when no row was left."""
    using = router.db_for_write(place.model)
    with transaction.atomic(using=using):
        rows = _take(place, using, after=outcome.last, batch=batch, lock=not dry_run)
        fresh: list[tuple[Any, ...]] = []
        for pk, *stored in rows:
            turned = [
                _turn_one(outcome, pk, column, value) for column, value in zip(place.columns, stored, strict=True)
            ]
            if turned != stored:
                fresh.append((pk, *turned))
        if fresh and not dry_run:
            with may_rewrite(place.model):
                _put(place, using, fresh)
    if rows:
        outcome.last = rows[-1][0]
    return len(rows) == batch


def _turn_one(outcome: Outcome, pk: Any, column: Column, stored: str | None) -> str | None:
    if stored is None:
        return None
    try:
        fresh = column.turn(stored)
    except Unreadable as error:
        outcome.unreadable.append((str(pk), column.name, error.args[0]))
        return stored
    if column.context is None and json.loads(fresh) == json.loads(stored):
        fresh = stored
    if fresh == stored:
        outcome.current += 1
    else:
        outcome.turned += 1
    return fresh


def _take(place: Place, using: str, *, after: Any, batch: int, lock: bool) -> list[list[Any]]:
    connection = connections[using]
    quote = connection.ops.quote_name
    key = quote(str(place.model._meta.pk.column))
    names = ", ".join(f"{quote(column.column)}::text" for column in place.columns)
    where = f"WHERE {key} > %s" if after is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {names} FROM {quote(place.model._meta.db_table)} {where} "  # noqa: S608
            f"ORDER BY {key} LIMIT %s {'FOR NO KEY UPDATE' if lock else ''}",
            [*([after] if after is not None else []), batch],
        )
        return [list(row) for row in cursor.fetchall()]


def _put(place: Place, using: str, fresh: list[tuple[Any, ...]]) -> None:
    """One UPDATE for the batch. Unchanged columns of a changed row get their own value again."""
    connection = connections[using]
    quote = connection.ops.quote_name
    pk = place.model._meta.pk
    sets = ", ".join(
        f"{quote(column.column)} = fresh.c{number}{'' if column.context is not None else '::jsonb'}"
        for number, column in enumerate(place.columns)
    )
    arrays = ", ".join([f"%s::{pk.rel_db_type(connection)}[]", *("%s::text[]" for _ in place.columns)])
    names = ", ".join(["pk", *(f"c{number}" for number in range(len(place.columns)))])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(place.model._meta.db_table)} AS stale SET {sets} "  # noqa: S608
            f"FROM unnest({arrays}) AS fresh({names}) WHERE stale.{quote(str(pk.column))} = fresh.pk",
            [list(part) for part in zip(*fresh, strict=True)],
        )
