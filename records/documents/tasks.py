"""The worker's tasks for documents. Messages carry an id; the rows say what is to be done."""

from __future__ import annotations

import time
from uuid import UUID

from celery import shared_task

from records.documents import files, processing


@shared_task(name="records.documents.process")
def process(document_id: str) -> None:
    processing.document_process(document_id=UUID(document_id))


@shared_task(name="records.documents.sweep")
def sweep() -> None:
    """Each minute: documents left over, and one part of the store searched for files without a row."""
    processing.documents_sweep()
    files.sweep(part=int(time.time()) // 60)
