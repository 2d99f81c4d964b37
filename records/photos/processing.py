"""The worker's side of photos: a received upload becomes the kept picture, or a reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from portal.crypto import sealed
from records.intake.processing import Worker, write_all
from records.photos import files, pipeline
from records.photos.models import Photo


@dataclass(frozen=True, slots=True)
class _Files:
    """The written picture and thumbnail."""

    picture: pipeline.Processed
    image: sealed.SealedRef
    thumb: sealed.SealedRef

    @property
    def names(self) -> list[str]:
        return [self.image.name, self.thumb.name]

    def put_on(self, row: Photo) -> None:
        row.image_name, row.image_key = self.image.name, self.image.key
        row.thumb_name, row.thumb_key = self.thumb.name, self.thumb.key
        row.image_bytes, row.image_sha256 = self.image.size, self.image.sha256
        row.width, row.height = self.picture.width, self.picture.height


def _make(_photo: Photo, upload: bytes) -> _Files:
    picture = pipeline.process(upload)
    image, thumb = write_all([picture.image, picture.thumb], folder=files.KEPT)
    return _Files(picture, image, thumb)


_worker = Worker(
    model=Photo, make=_make, seconds=lambda: settings.PHOTO_SECONDS, attempts=lambda: settings.PHOTO_MAX_ATTEMPTS
)


def photo_process(*, photo_id: UUID) -> None:
    """Do the work of one photo if it is there to be done. Safe to call at any time, any number of times."""
    _worker.process(photo_id)


def photos_sweep(*, seconds: float = 45) -> int:
    """Work through photos whose nudge was lost or whose worker died; returns how many."""
    return _worker.sweep(seconds=seconds)
