"""The worker's side: a received upload becomes the kept picture, or a reason why not.

Each photo is claimed with a lease and a count, so it is never lost with a worker and never
tried for ever. In both end states the sealed upload is gone (originals are not kept).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.crypto import sealed
from portal.crypto.tokens import DecryptionError
from records.photos import files, pipeline
from records.photos.models import Photo
from records.photos.sandbox import SandboxLost
from records.photos.state import WAITING, PhotoDeed, after

log = logging.getLogger(__name__)

LEASE_MARGIN = timedelta(seconds=40)  # reading, sealing and writing, beyond the decoding itself
RETRY_AFTER = timedelta(seconds=15)
STORE_RETRY_AFTER = timedelta(seconds=60)


class StoreFailed(Exception):
    """The file store did not answer. Says nothing about the photo."""


@dataclass(frozen=True, slots=True)
class _Files:
    picture: pipeline.Processed
    image: sealed.SealedRef
    thumb: sealed.SealedRef


def photo_process(*, photo_id: UUID) -> None:
    """Do the work of one photo if it is there to be done. Safe to call at any time, any number of times."""
    photo = _claim(photo_id)
    if photo is None:
        return
    try:
        made = _make(photo)
    except pipeline.PhotoRefused as refused:
        _refuse(photo, refused.code)
    except SandboxLost:
        _put_back(photo, after_=RETRY_AFTER * photo.attempts, counted=True)
    except StoreFailed as failed:
        log.warning("photo store failed: %s", failed)
        _put_back(photo, after_=STORE_RETRY_AFTER, counted=False)
    else:
        _finish(photo, made)


def photos_sweep(*, seconds: float = 45) -> int:
    """Work through photos whose nudge was lost or whose worker died; returns how many."""
    done, deadline = 0, time.monotonic() + seconds
    for photo_id in list(_due().values_list("pk", flat=True)[:200]):
        if time.monotonic() > deadline:
            break
        photo_process(photo_id=photo_id)
        done += 1
    return done


def _due() -> QuerySet[Photo]:
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=timezone.now())
    return Photo.objects.filter(free, state__in=WAITING).order_by("received_at")


def _claim(photo_id: UUID) -> Photo | None:
    with transaction.atomic():
        photo = _due().select_for_update(skip_locked=True, of=("self",)).filter(pk=photo_id).first()
        if photo is None:
            return None
        if photo.attempts >= settings.PHOTO_MAX_ATTEMPTS:
            _set_refused(photo, "failed")
            return None
        photo.state = after(photo.state, PhotoDeed.CLAIM)
        photo.attempts += 1
        photo.leased_until = timezone.now() + timedelta(seconds=settings.PHOTO_SECONDS) + LEASE_MARGIN
        photo.save(update_fields=["state", "attempts", "leased_until"])
        return photo


def _make(photo: Photo) -> _Files:
    """The kept files, written. Raises ``PhotoRefused``, ``SandboxLost`` or ``StoreFailed``."""
    try:
        upload = sealed.read(photo.quarantine_name, photo.quarantine_key)
    except (DecryptionError, FileNotFoundError):
        raise pipeline.PhotoRefused("failed") from None
    except Exception as error:  # a store may raise anything
        raise StoreFailed(type(error).__name__) from None
    picture = pipeline.process(upload)
    image = None
    try:
        image = sealed.write(picture.image, folder=files.KEPT)
        thumb = sealed.write(picture.thumb, folder=files.KEPT)
    except Exception as error:
        files.drop([image.name] if image else [])
        raise StoreFailed(type(error).__name__) from None
    return _Files(picture, image, thumb)


def _still_mine(photo: Photo) -> Photo | None:
    """The row, locked, unless it was removed, or given to another worker after a lost lease."""
    return (
        Photo.objects.select_for_update()
        .filter(pk=photo.pk, attempts=photo.attempts, state=photo.state, quarantine_name=photo.quarantine_name)
        .first()
    )


def _finish(photo: Photo, made: _Files) -> None:
    with transaction.atomic():
        row = _still_mine(photo)
        if row is not None:
            row.image_name, row.image_key = made.image.name, made.image.key
            row.thumb_name, row.thumb_key = made.thumb.name, made.thumb.key
            row.image_bytes, row.image_sha256 = made.image.size, made.image.sha256
            row.width, row.height = made.picture.width, made.picture.height
            row.state, row.ready_at = after(row.state, PhotoDeed.FINISH), timezone.now()
            _give_up_upload(row)
            row.save()
    if row is None:
        files.drop([made.image.name, made.thumb.name])


def _refuse(photo: Photo, code: str) -> None:
    with transaction.atomic():
        row = _still_mine(photo)
        if row is not None:
            _set_refused(row, code)


def _set_refused(row: Photo, code: str) -> None:
    row.state, row.refusal_code = after(row.state, PhotoDeed.REFUSE), code
    _give_up_upload(row)
    row.save()


def _give_up_upload(row: Photo) -> None:
    files.drop_on_commit([row.quarantine_name])
    row.quarantine_name, row.quarantine_key, row.leased_until = "", None, None


def _put_back(photo: Photo, *, after_: timedelta, counted: bool) -> None:
    """Free the row for a later try; a failing store doesn't use up the photo's tries."""
    with transaction.atomic():
        row = _still_mine(photo)
        if row is not None:
            row.state = after(row.state, PhotoDeed.PUT_BACK)
            row.leased_until = timezone.now() + after_
            row.attempts -= 0 if counted else 1
            row.save(update_fields=["state", "leased_until", "attempts"])
