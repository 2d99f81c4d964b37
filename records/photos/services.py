"""What a person does with photos: send one, take it again, remove it.

The request only looks at the first bytes and the size, seals the upload and answers
"received". The worker does the rest (``processing.py``). Nothing of the file's name or
declared type is read or kept.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.crypto import sealed
from portal.errors import DomainError
from portal.guards import claim_form_key
from portal.permissions import Permission, Purpose, require
from portal.poke import poke
from records import access
from records.encounters.models import Encounter
from records.intake.files import drop
from records.intake.receiving import seal, whole
from records.photos import files, pipeline
from records.photos.models import Photo, PhotoView


def photo_receive(*, by: Actor, encounter: Encounter, view: str, upload: File[bytes], form_key: UUID) -> Photo:
    """Take one upload for one view; a photo sent before for that view is replaced.

    The same ``form_key`` again returns the photo that is there: five presses, one photo. Raises
    ``NotVisible``; ``pipeline.PhotoRefused`` (a ``DomainError``) for a file that shows at once
    that it is no good; ``DomainError`` when the store fails, the consult is over, or there are
    too many photos. In each of these cases nothing new is stored and the former photo stays.
    """
    require(by, Permission.RECORD_OWN)
    access.require_open(by=by, patient_id=encounter.patient_id, purpose=Purpose.CARE)
    if view not in PhotoView.values:
        raise DomainError("photo_view_unknown", _("Please choose which side the photo shows."), field="view")
    known = Photo.objects.filter(form_key=form_key, encounter=encounter).first()
    if known is not None:
        return known
    upload_ref = seal(whole(upload, check=pipeline.check), folder=files.QUARANTINE, or_else=_store_down())
    try:
        with transaction.atomic():
            photo = _put(by=by, encounter=encounter, view=view, upload=upload_ref, form_key=form_key)
    except IntegrityError:  # the key stands in a row of another encounter: it was not made by this page
        drop([upload_ref.name])
        raise _already_sent() from None
    except BaseException:
        drop([upload_ref.name])
        raise
    if photo.quarantine_name != upload_ref.name:
        drop([upload_ref.name])
    return photo


def photo_remove(*, by: Actor, photo: Photo) -> None:
    """Remove a photo that has not been handed in yet: its row and its files.

    Raises ``NotVisible``, and ``DomainError`` once a clinician may have used the photo.
    """
    require(by, Permission.RECORD_OWN)
    access.require_open(by=by, patient_id=photo.patient_id, purpose=Purpose.CARE)
    with transaction.atomic():
        encounter = _lock_open(photo.encounter_id)
        found = _replaceable(encounter).filter(pk=photo.pk).first()
        if found is None:
            if not Photo.objects.filter(pk=photo.pk).exists():
                return  # a second press
            raise DomainError(
                "photo_handed_in", _("This photo is part of your record now. You can send a newer one beside it.")
            )
        _remove(by=by, photo=found)


def _store_down() -> DomainError:
    return DomainError(
        "photo_store_down",
        _("We could not save that photo just now. It is still on your phone. Please try again in a few minutes."),
        field="photo",
    )


def _already_sent() -> DomainError:
    return DomainError(
        "photo_already_sent",
        _("This photo was sent before. Please load the page again to see what we have."),
        field="photo",
    )


def _lock_open(encounter_id: UUID) -> Encounter:
    """The encounter, locked so that one upload at a time changes its photos."""
    encounter = Encounter.objects.select_for_update(no_key=True).get(pk=encounter_id)
    if encounter.closed_at is not None:
        raise DomainError("encounter_closed", _("This consult is closed, so its photos cannot be changed."))
    return encounter


def _replaceable(encounter: Encounter) -> QuerySet[Photo]:
    """Photos sent since the consult was last handed in: a clinician has not seen them."""
    photos = Photo.objects.filter(encounter=encounter)
    return photos if encounter.submitted_at is None else photos.filter(received_at__gt=encounter.submitted_at)


def _put(*, by: Actor, encounter: Encounter, view: str, upload: sealed.SealedRef, form_key: UUID) -> Photo:
    """The row for a sealed upload, in the caller's transaction; or the row of an earlier press."""
    locked = _lock_open(encounter.pk)
    known = Photo.objects.filter(form_key=form_key, encounter=locked).first()
    if known is not None:
        return known
    # A late press for a photo that was replaced or removed since must not bring it back.
    if not claim_form_key(form_key):
        raise _already_sent()
    for former in _replaceable(locked).filter(view=view):
        _remove(by=by, photo=former)
    if Photo.objects.filter(encounter=locked).count() >= settings.PHOTOS_PER_ENCOUNTER:
        raise DomainError(
            "photo_too_many", _("There are enough photos now. Remove one before you add another."), field="photo"
        )
    photo = Photo.objects.create(
        encounter=locked, patient_id=locked.patient_id, view=view, form_key=form_key,
        uploaded_by=by.account_id or locked.patient_id,
        quarantine_name=upload.name, quarantine_key=upload.key,
    )
    _record(by=by, action=Action.CREATE, photo=photo)
    poke("records.photos.process", photo.pk)
    return photo


def _remove(*, by: Actor, photo: Photo) -> None:
    """Delete the row; ``receivers.py`` drops its files once that is committed."""
    _record(by=by, action=Action.DELETE, photo=photo)
    photo.delete()


def _record(*, by: Actor, action: Action, photo: Photo) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.CARE, subject_id=photo.patient_id,
        object_kind="records.photo", object_id=photo.pk,
    )
