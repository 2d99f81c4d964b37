"""Tasks of the privacy desk. Everything they do is also found by the sweep."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from privacy import archive, deidentified, exports, replay
from privacy.backups.mails import backup_overdue
from privacy.backups.services import backup_make, backups_expire, overdue

BACKUP_SECONDS = settings.BACKUP_SECONDS


@shared_task(name="privacy.archive_nightly")
def archive_nightly() -> None:
    """Seal what has changed since its last copy (P40)."""
    archive.archive_nightly()


@shared_task(name="privacy.sweep")
def sweep() -> None:
    """Remove downloads whose time has passed, and files that a killed worker left."""
    exports.copies_expire()
    exports.orphans_remove()


@shared_task(name="privacy.deidentify")
def deidentify() -> None:
    """Make the reporting data anew (P10)."""
    deidentified.rebuild()


@shared_task(name="privacy.backup_nightly", soft_time_limit=BACKUP_SECONDS - 60, time_limit=BACKUP_SECONDS)
def backup_nightly() -> None:
    """Tonight's backup; then what is past its days goes (P20)."""
    backup_make()
    backups_expire()


@shared_task(name="privacy.backup_watch", soft_time_limit=BACKUP_SECONDS - 60, time_limit=BACKUP_SECONDS)
def backup_watch() -> None:
    """After a night in which none was made, make one now; raise the alarm where that fails (RULES 2.12)."""
    if not overdue():
        return
    try:
        backup_make()
    finally:
        if overdue():
            backup_overdue()


@shared_task(name="privacy.erased_check")
def erased_check() -> None:
    """Look whether the erased are still gone (P39)."""
    replay.erased_check()
