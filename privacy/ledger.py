"""The erasure ledger: who was erased, by random ids only, kept outside the database (P39).

A restore of an older backup repeats what stands here. An entry is written before anything is
removed, so no erasure can be missing; one that was called off has a void entry beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings

from portal.dates import today, years_later
from portal.lockbox.store import AlreadyKept, lockbox
from portal.subjects import Subject

FOLDER = "erasures"


def erasure_put(request_id: UUID, subject: Subject) -> None:
    """Write down that this person is about to be erased. Writing it again changes nothing."""
    entry = {
        "format": "portal-erasure-1",
        "request_id": str(request_id),
        "subject_id": str(subject.subject_id),
        "account_ids": [str(account_id) for account_id in subject.account_ids],
        "former_ids": [str(former_id) for former_id in subject.former_ids],
    }
    _put(f"{_next(request_id)}.json", entry)


def erasure_void(request_id: UUID) -> None:
    """What was written down is not done after all: a restore must not repeat it."""
    name = _next(request_id)
    if _kept(f"{name}.json"):
        _put(f"{name}.void.json", {"format": "portal-erasure-1", "request_id": str(request_id)})


def _next(request_id: UUID) -> str:
    """The entry in force, without its ending: a deletion that was stopped and goes on gets a new one."""
    number, name = 1, _entry(request_id).removesuffix(".json")
    while _kept(f"{name}.void.json"):
        number += 1
        name = f"{FOLDER}/{request_id.hex}-{number}"
    return name


def _kept(name: str) -> bool:
    return any(found == name for found, _version in lockbox().names(name))


def _entry(request_id: UUID) -> str:
    return f"{FOLDER}/{request_id.hex}.json"


def _put(name: str, entry: Mapping[str, object]) -> None:
    """Kept as long as the archive, far longer than any backup."""
    keep = years_later(today(), settings.RETENTION_ADULT_YEARS)
    try:
        lockbox().put(name, json.dumps(entry, sort_keys=True).encode(), keep)
    except AlreadyKept:
        return
