"""Tasks of the privacy desk. Everything they do is also found by the sweep."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from privacy import archive, deidentified, exports, merging, replay
from privacy.backups.mails import backup_overdue
from privacy.backups.services import backup_make, backups_expire, overdue
from privacy.copies.preparing import known_files
from privacy.disclosing.assignments import patients_told
from privacy.disclosing.papers import papers_sweep
from privacy.disclosing.proof import register_prove
from privacy.disclosing.services import notices_send
from privacy.fees.services import fees_sweep
from privacy.incidents import tasks as incident_tasks  # noqa: F401 - Celery looks for them here
from privacy.keeping import destruction, inventory
from privacy.letters.housekeeping import letters_tidy, mail_fails_to_paper
from privacy.limits.services import post_instead
from privacy.requests import tasks as request_tasks  # noqa: F401 - Celery looks for them here
from privacy.safeguards import tasks as safeguard_tasks  # noqa: F401 - Celery looks for them here
from privacy.visitors import tasks as visitor_tasks  # noqa: F401 - Celery looks for them here

BACKUP_SECONDS = settings.BACKUP_SECONDS


@shared_task(name="privacy.archive_nightly")
def archive_nightly() -> None:
    """Seal what has changed since its last copy (P40)."""
    archive.archive_nightly()


@shared_task(name="privacy.archive_destroy")
def archive_destroy() -> None:
    """Destroy copies whose time has passed and on which no hold stands (P40)."""
    destruction.destroy_due()


@shared_task(name="privacy.archive_sample")
def archive_sample() -> None:
    """Read some copies back (P40)."""
    inventory.archive_sample()


@shared_task(name="privacy.archive_inventory")
def archive_inventory() -> None:
    """Count the store against the rows (P40)."""
    inventory.archive_inventory()


@shared_task(name="privacy.lockbox_prove")
def lockbox_prove() -> None:
    """Try to delete, shorten and overwrite something locked (P40)."""
    inventory.archive_prove()


@shared_task(name="privacy.sweep")
def sweep() -> None:
    """Remove downloads whose time has passed, and files that a killed worker left; end merges."""
    exports.copies_expire()
    exports.orphans_remove()
    merging.late_rows_move()
    mail_fails_to_paper()
    post_instead()
    fees_sweep()


@shared_task(name="privacy.letters_tidy")
def letters_night() -> None:
    """Remove what was enclosed in letters long posted, and files that a killed worker left."""
    letters_tidy(known_files)


@shared_task(name="privacy.register_prove")
def register_night() -> None:
    """Prove that the register of disclosures takes no change (P14)."""
    register_prove()


@shared_task(name="privacy.notices")
def notices() -> None:
    """Tell patients of legal papers whose bar has ended, and of a new owner; remove stray papers (P13, P16)."""
    notices_send()
    patients_told()
    papers_sweep()


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
