"""Whatever removes a photo's row, its files go too: a retake, an erasure, an expired draft."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from records.intake.files import drop_on_commit
from records.photos import files
from records.photos.models import Photo


@receiver(post_delete, sender=Photo, dispatch_uid="records.photos.files")
def drop_files(instance: Photo, **_: Any) -> None:
    drop_on_commit(files.names_of(instance))
