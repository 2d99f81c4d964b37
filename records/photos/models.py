"""Photos of the skin: one row a view, sealed files beside it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedBinaryField
from records.encounters.models import Encounter
from records.intake.models import Upload, UploadState, upload_constraints
from records.people.models import Patient


class PhotoView(models.TextChoices):
    """From where a photo is taken (RULES 8.21)."""

    FRONT = "front", _("Front")
    LEFT = "left", _("Left side")
    RIGHT = "right", _("Right side")
    LEFT45 = "left45", _("Half left")
    RIGHT45 = "right45", _("Half right")
    CLOSE_UP = "close_up", _("Close-up")
    CHEST = "chest", _("Chest")
    BACK = "back", _("Back")
    NECK = "neck", _("Neck and jaw")


REQUIRED_VIEWS = (PhotoView.FRONT, PhotoView.LEFT, PhotoView.RIGHT)


PhotoState = UploadState  # a photo's way is that of any upload


class Photo(Upload):
    """One photo. Until it is ready only the sealed upload exists, and only for the worker."""

    encounter = models.ForeignKey(Encounter, on_delete=models.CASCADE, related_name="photos")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    view = models.CharField(max_length=10, choices=PhotoView.choices)
    quarantine_key = EncryptedBinaryField(context="records.Photo.quarantine_key", null=True, blank=True)
    image_name = models.CharField(max_length=100, blank=True)
    image_key = EncryptedBinaryField(context="records.Photo.image_key", null=True, blank=True)
    image_bytes = models.PositiveIntegerField(default=0)
    image_sha256 = models.CharField(max_length=64, blank=True)
    thumb_name = models.CharField(max_length=100, blank=True)
    thumb_key = EncryptedBinaryField(context="records.Photo.thumb_key", null=True, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["received_at"]
        indexes = [
            models.Index(fields=["encounter", "view"], name="photo_encounter_view"),
            models.Index(
                fields=["received_at"], condition=models.Q(state__in=["received", "processing"]), name="photo_waiting"
            ),
        ]
        constraints = [
            *upload_constraints("photo"),
            models.CheckConstraint(
                condition=models.Q(state="ready") ^ models.Q(image_name="", thumb_name=""),
                name="photo_files_only_when_ready",
            ),
        ]

    def __str__(self) -> str:
        return f"photo {self.pk}"
