"""Sealed files of uploads: how they leave the store, and how those that no row names are found.

A file is written before its row and removed after it, so a crash can only leave a file without
a row, never a row without its file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from portal.crypto import sealed

log = logging.getLogger(__name__)

SLICES = 256  # sealed files lie in 256 numbered sub-folders
# Older than any request or worker that may still be about to write the row.
ORPHAN_AGE = timedelta(hours=1)


def drop(names: Iterable[str]) -> None:
    """Delete files now. What the store refuses today is found by ``sweep``."""
    for name in filter(None, names):
        try:
            sealed.delete(name)
        except Exception as error:  # a store may raise anything
            log.warning("a sealed upload could not be deleted: %s", type(error).__name__)


def drop_on_commit(names: Iterable[str]) -> None:
    """Delete files once the transaction that gave them up is committed."""
    kept = [name for name in names if name]
    if kept:
        transaction.on_commit(lambda: drop(kept), robust=True)


def sweep(*, folders: Iterable[str], known: Callable[[list[str]], set[str]], part: int) -> int:
    """Delete files of one sub-folder (0 to 255) that no row names; returns how many.

    ``known`` says which of some names stand in a row. One part a minute goes through the whole
    store in about four hours at a small, even cost.
    """
    gone = 0
    for folder in folders:
        inside = _listing(f"{folder}/{part % SLICES:02x}")
        orphans = [name for name in set(inside) - (known(inside) if inside else set()) if _old(name)]
        drop(orphans)
        gone += len(orphans)
    return gone


def _listing(folder: str) -> list[str]:
    try:
        _folders, names = storages["sealed"].listdir(folder)
    except FileNotFoundError:
        return []
    return [f"{folder}/{name}" for name in names]


def _old(name: str) -> bool:
    try:
        return storages["sealed"].get_modified_time(name) < timezone.now() - ORPHAN_AGE
    except FileNotFoundError:
        return False
