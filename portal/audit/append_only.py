"""The one way past the triggers that keep append-only tables as they are.

Four deeds need it, and no other: erasing a person, re-encrypting under a new key, merging two
records of one person, and destroying what is past its retention. History tables of
django-pghistory carry a trigger of the same name and open the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import pgtrigger
from django.db import models, transaction

log = logging.getLogger(__name__)
TRIGGER, SIGNED = "append_only", "signed"


class RewriteReason(StrEnum):
    """Why an append-only row may be changed or removed."""

    ERASURE = "erasure"
    KEY_ROTATION = "key_rotation"
    MERGE = "merge"
    RETENTION = "retention"


@contextmanager
def rewrite_allowed(*tables: type[models.Model], reason: RewriteReason) -> Iterator[None]:
    """Let this thread change rows of ``tables`` inside the block, in one transaction.

    Other tables stay closed. Raises ``ValueError`` for no table, for a reason off the list, or
    for a table that has no such trigger.
    """
    if not tables:
        raise ValueError("name the tables")
    why = RewriteReason(reason)
    uris = [uri for table in tables for uri in _triggers_of(table)]
    log.info("append-only tables opened for %s: %s", why.value, ", ".join(uris))
    with transaction.atomic(), pgtrigger.ignore(*uris):
        yield


def _triggers_of(table: type[models.Model]) -> list[str]:
    """The trigger that every such table has, and where rows are signed the one that guards those."""
    registered = {f"{model._meta.label}:{trigger.name}" for model, trigger in pgtrigger.registered()}
    if f"{table._meta.label}:{TRIGGER}" not in registered:
        raise ValueError(f"{table._meta.label} is not append-only")
    return [uri for name in (TRIGGER, SIGNED) if (uri := f"{table._meta.label}:{name}") in registered]
