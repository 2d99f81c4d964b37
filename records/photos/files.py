"""The sealed files of photos: their two folders, and which of them a row names."""

from __future__ import annotations

from django.db import models

from records.intake import files
from records.photos.models import Photo

QUARANTINE = "photo-uploads"
KEPT = "photos"


def names_of(photo: Photo) -> list[str]:
    """All files of a photo, in whatever state it is."""
    return [name for name in (photo.quarantine_name, photo.image_name, photo.thumb_name) if name]


def sweep(*, part: int) -> int:
    """Delete files of one sub-folder (0 to 255) that no photo names; returns how many."""
    return files.sweep(folders=(QUARANTINE, KEPT), known=_known, part=part)


def _known(names: list[str]) -> set[str]:
    asked = models.Q(quarantine_name__in=names) | models.Q(image_name__in=names) | models.Q(thumb_name__in=names)
    rows = Photo.objects.filter(asked).values_list("quarantine_name", "image_name", "thumb_name")
    return {name for row in rows for name in row if name}
