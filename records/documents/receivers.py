"""Whatever removes a document's row or a page's, its files go too."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from records.documents import files
from records.documents.models import Document, DocumentPage
from records.intake.files import drop_on_commit


@receiver(post_delete, sender=Document, dispatch_uid="records.documents.files")
def drop_files(instance: Document, **_: Any) -> None:
    drop_on_commit(files.names_of(instance))


@receiver(post_delete, sender=DocumentPage, dispatch_uid="records.documents.pages")
def drop_page(instance: DocumentPage, **_: Any) -> None:
    drop_on_commit([instance.image_name])
