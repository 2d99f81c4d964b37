"""Tasks of the privacy desk. Everything they do is also found by the sweep."""

from __future__ import annotations

from celery import shared_task

from privacy import archive, deidentified, exports


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
