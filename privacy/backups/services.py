"""Daily backups: made, watched, run out (P20, RULES 2.9, 2.12).

A backup is a folder of objects in the lockbox, sealed to the backup's own public keys: the dump in
pieces, and last the manifest, which makes it whole. Field keys are not in it; ``backup_keys`` keeps
them apart, since a backup with its keys would be the record in clear.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from portal.dates import today
from portal.errors import StorageUnavailable
from portal.evidence.selectors import latest_passed
from portal.evidence.services import evidence_record
from portal.lockbox import age
from portal.lockbox.store import LockboxError, Receipt, lockbox
from portal.locks import alone
from privacy.backups.dump import WITHOUT_DATA, pieces, sealed_dump, server_release
from privacy.backups.mirror import mirror_run

_log = logging.getLogger(__name__)
FOLDER = "backups"
EVIDENCE, EXPIRY = "backup.nightly", "backup.expiry"
MANIFEST = "manifest.json.age"
FORMAT = "portal-backup-1"


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup in the lockbox. ``made_at`` stands in its name."""

    name: str
    version: str
    made_at: dt.datetime


def backup_make() -> dict[str, Any]:
    """Dump, seal, keep, mirror the sealed files, and leave evidence. Returns the counts.

    Raises what stopped it: then there is no manifest, and the pieces run out like any other. While
    another backup runs this one does nothing and returns ``{}``.
    """
    with alone(EVIDENCE) as mine:
        return _make() if mine else {}


def _make() -> dict[str, Any]:
    begun = time.monotonic()
    made_at = timezone.now()
    folder = f"{FOLDER}/{made_at.astimezone(dt.UTC):%Y%m%dt%H%M%S}-{uuid4().hex[:8]}"
    until = today() + dt.timedelta(days=settings.BACKUP_DAYS)
    # Before the dump, so that a file removed since is in the mirror all the same …
    files = mirror_run()
    with _snapshot() as (snapshot, rows), sealed_dump(snapshot=snapshot, recipients=settings.BACKUP_RECIPIENTS) as dump:
        receipts = [
            lockbox().put(f"{folder}/database.{number:03}.age", cast(Any, piece), until)
            for number, piece in enumerate(pieces(dump), start=1)
        ]
    # … and after it, since the dump may name a file that came while the first round was under way.
    files = {name: count + files[name] for name, count in mirror_run().items()}
    manifest = _manifest(made_at, rows, receipts)
    sealed = age.seal(json.dumps(manifest, indent=1).encode(), settings.BACKUP_RECIPIENTS)
    lockbox().put(f"{folder}/{MANIFEST}", sealed, until)
    facts: dict[str, Any] = {
        "backup": folder, "bytes": sum(receipt.size for receipt in receipts), "pieces": len(receipts),
        "kept_until": until.isoformat(), "rows": sum(rows.values()),
        **{f"files_{name}": count for name, count in files.items()},
        "took_seconds": round(time.monotonic() - begun, 1),
    }
    evidence_record(
        kind=EVIDENCE, passed=True, facts=facts, valid_for=dt.timedelta(hours=settings.BACKUP_MAX_AGE_HOURS)
    )
    return facts


def backups() -> list[Backup]:
    """Whole backups, oldest first. One without a manifest was cut off and does not count."""
    found = []
    for name, version in lockbox().names(f"{FOLDER}/"):
        if name.endswith(f"/{MANIFEST}"):
            stamp = name.split("/")[1].split("-")[0]
            made_at = dt.datetime.strptime(stamp, "%Y%m%dt%H%M%S").replace(tzinfo=dt.UTC)
            found.append(Backup(name.removesuffix(f"/{MANIFEST}"), version, made_at))
    return sorted(found, key=lambda backup: backup.made_at)


def backups_expire() -> int:
    """Destroy what is past its 35 days, cut-off ones too; returns how many objects.

    One that the store does not give up stops no other: who was deleted is told when backups run out. It
    leaves evidence, and is tried again each night.
    """
    count, failed, store = 0, 0, lockbox()
    for name, version in list(store.names(f"{FOLDER}/")):
        try:
            if store.receipt(name, version).retain_until < today():
                store.destroy(name, version)
                count += 1
        except (LockboxError, StorageUnavailable, OSError):
            _log.exception("%s could not be destroyed", name)
            failed += 1
    evidence_record(
        kind=EXPIRY, passed=not failed, facts={"destroyed": count, "failed": failed}, valid_for=dt.timedelta(hours=36)
    )
    return count


def overdue(*, now: dt.datetime | None = None) -> bool:
    """True when the newest good backup is older than ``BACKUP_MAX_AGE_HOURS`` (RULES 2.12: 24, at most 48)."""
    last = latest_passed(EVIDENCE)
    limit = (now or timezone.now()) - dt.timedelta(hours=settings.BACKUP_MAX_AGE_HOURS)
    return last is None or last.recorded_at < limit


def _manifest(made_at: dt.datetime, rows: dict[str, int], receipts: list[Receipt]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_at": made_at.isoformat(timespec="seconds"),
        "release": settings.RELEASE_ID,
        "postgresql": server_release(),
        "migrations": sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()),
        "rows": rows,
        "without_data": list(WITHOUT_DATA),
        "settings": plain_settings(),
        "pieces": [
            {"name": one.name, "version": one.version, "sha256": one.sha256, "size": one.size} for one in receipts
        ],
    }


_SECRET_WORDS = ("KEY", "SECRET", "PASSWORD", "TOKEN", "DATABASE", "REDIS", "BROKER", "CACHES", "IDENTITY")


def plain_settings() -> dict[str, Any]:
    """The clinic's own settings that are no secret: what a new machine must be told besides the keys."""
    own = (
        "CLINIC_", "RETENTION_", "BACKUP_DAYS", "BACKUP_MAX", "DEID_", "SESSION_PATIENT", "SESSION_STAFF", "ACCESS_DUE",
        "DELETION_DUE", "CONSULT_", "PHOTO_", "DOCUMENT_", "MINIMUM_AGE", "ADULT_AGE", "SITE_URL", "CURRENCY",
    )
    return {
        name: getattr(settings, name)
        for name in dir(settings)
        if name.startswith(own)
        and not any(word in name for word in _SECRET_WORDS)
        and isinstance(getattr(settings, name), str | int | float | bool | list)
    }


@contextmanager
def _snapshot() -> Iterator[tuple[str, dict[str, int]]]:
    """One view of the database for the dump and the counts: (its name for pg_dump, rows by table)."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        [name] = cursor.fetchone()
        yield name, row_counts(cursor)


def row_counts(cursor: Any) -> dict[str, int]:
    """Rows of each table of the schema, those without data in a backup left out."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    tables = [name for (name,) in cursor.fetchall() if name not in WITHOUT_DATA]
    counts = {}
    for table in tables:
        cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - names from the catalogue
        counts[table] = int(cursor.fetchone()[0])
    return counts
