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
    }
    _put(_entry(request_id), entry)


def erasure_void(request_id: UUID) -> None:
    """The request ended without an erasure: a restore must not repeat what was never done."""
    if any(name == _entry(request_id) for name, _version in lockbox().names(_entry(request_id))):
        _put(f"{FOLDER}/{request_id.hex}.void.json", {"format": "portal-erasure-1", "request_id": str(request_id)})


def _entry(request_id: UUID) -> str:
    return f"{FOLDER}/{request_id.hex}.json"


def _put(name: str, entry: Mapping[str, object]) -> None:
    """Kept as long as the archive, far longer than any backup."""
    keep = years_later(today(), settings.RETENTION_ADULT_YEARS)
    try:
        lockbox().put(name, json.dumps(entry, sort_keys=True).encode(), keep)
    except AlreadyKept:
        return
