"""Sealed files beside the dump: copied once as they are, and kept 35 days longer than they lived.

A file is immutable ciphertext under a random name, so the mirror needs no key. A young backup may
name a file that was removed yesterday: it is still here. Copies made for downloads are left out,
since they can be made again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.utils import timezone

from privacy.backups.models import MirroredFile

NOT_MIRRORED = frozenset({"copies"})
HALF = ".part"  # as ``SealedFolder`` names what it is still writing
_HALF_AGE = dt.timedelta(days=1)
_BATCH = 500


def mirror_storage() -> Storage:
    return storages["mirror"]


def mirror_run() -> dict[str, int]:
    """Copy what is new, note what has left, remove what left long ago. Safe to repeat and to kill."""
    counts = {"mirrored": 0, "left": 0, "removed": 0, "halves": 0}
    there: set[str] = set()
    names: list[str] = []
    for name in walk(storages["sealed"]):
        there.add(name)
        names.append(name)
        if len(names) == _BATCH:
            counts["mirrored"] += _copy_new(names)
            names = []
    counts["mirrored"] += _copy_new(names)
    counts["left"] = _note_left(there)
    counts["removed"] = _remove_old()
    counts["halves"] = _remove_halves()
    return counts


def walk(storage: Storage, folder: str = "", *, half: bool = False) -> Iterator[str]:
    """Names of all whole files of a storage, folder by folder; with ``half`` those that were never finished."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for file in files:
        if file.endswith(HALF) == half:
            yield f"{folder}/{file}" if folder else file
    for inner in sorted(folders):
        if folder or inner not in NOT_MIRRORED:
            yield from walk(storage, f"{folder}/{inner}" if folder else inner, half=half)


def _copy_new(names: list[str]) -> int:
    known = set(MirroredFile.objects.filter(name__in=names, left_at=None).values_list("name", flat=True))
    copied = 0
    for name in names:
        if name in known:
            continue
        with suppress(FileNotFoundError):  # removed since it was listed
            data = _read(storages["sealed"], name)
            _keep(name, data)
            copied += 1
    return copied


def _read(storage: Storage, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())


def _keep(name: str, data: bytes) -> None:
    """The file first, then its row: a crash between them copies once more."""
    mirror = mirror_storage()
    digest = hashlib.sha256(data).hexdigest()
    if mirror.exists(name) and hashlib.sha256(_read(mirror, name)).hexdigest() != digest:
        mirror.delete(name)
    if not mirror.exists(name):
        mirror.save(name, ContentFile(data))
    row: dict[str, Any] = {"size": len(data), "sha256": digest, "mirrored_at": timezone.now(), "left_at": None}
    MirroredFile.objects.update_or_create(name=name, defaults=row)


def _note_left(there: set[str]) -> int:
    """Files that the store has no longer start their last 35 days."""
    known = MirroredFile.objects.filter(left_at=None).values_list("name", flat=True).iterator(chunk_size=2000)
    gone = [name for name in known if name not in there]
    for start in range(0, len(gone), _BATCH):
        MirroredFile.objects.filter(name__in=gone[start : start + _BATCH]).update(left_at=timezone.now())
    return len(gone)


def _remove_old() -> int:
    limit = timezone.now() - dt.timedelta(days=settings.BACKUP_DAYS)
    old = list(MirroredFile.objects.filter(left_at__lt=limit).values_list("name", flat=True))
    mirror = mirror_storage()
    for name in old:
        mirror.delete(name)  # the file first: a crash leaves a row that is found again
        MirroredFile.objects.filter(name=name).delete()
    return len(old)


def _remove_halves() -> int:
    """What a killed run was still writing; older than any run that could be alive."""
    mirror = mirror_storage()
    halves = [name for name in walk(mirror, half=True)
              if mirror.get_modified_time(name) < timezone.now() - _HALF_AGE]
    for name in halves:
        mirror.delete(name)
    return len(halves)
