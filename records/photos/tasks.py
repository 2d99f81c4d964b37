"""The worker's tasks for photos. Messages carry an id; the rows say what is to be done."""

from __future__ import annotations

import time
from uuid import UUID

from celery import shared_task

from records.photos import files, processing


@shared_task(name="records.photos.process")
def process(photo_id: str) -> None:
    processing.photo_process(photo_id=UUID(photo_id))


@shared_task(name="records.photos.sweep")
def sweep() -> None:
    """Each minute: photos left over, and one part of the store searched for files without a row."""
    processing.photos_sweep()
    files.sweep(part=int(time.time()) // 60)
