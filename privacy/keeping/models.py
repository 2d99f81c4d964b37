"""What stops the end of a record or of its copies, and the proof that a copy was destroyed."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q

from portal.crypto.fields import EncryptedTextField


class LegalHold(models.Model):
    """Nothing of this person may be deleted or destroyed while it stands. It ends by hand only.

    ``review_on`` is the day on which somebody has to look whether it is still needed: a hold that
    ran out by itself could let evidence go that a court still waits for.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    subject_id = models.UUIDField(db_index=True)
    reason = EncryptedTextField(context="privacy.LegalHold.reason")
    placed_by = models.UUIDField()
    placed_at = models.DateTimeField()
    review_on = models.DateField()
    released_by = models.UUIDField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    release_reason = EncryptedTextField(context="privacy.LegalHold.release_reason", blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_id"], condition=Q(released_at__isnull=True), name="hold_standing"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(released_at__isnull=True, released_by__isnull=True)
                | Q(released_at__isnull=False, released_by__isnull=False),
                name="hold_released_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"legal hold {self.pk}"


class Destruction(models.Model):
    """The certificate that one copy of the archive is gone: ids, hash, dates and how. Never changed.

    The same words lie as a file in the lockbox (``filed_name``), where no backup of this database
    can lose them.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    copy_id = models.UUIDField(unique=True)
    subject_id = models.UUIDField(db_index=True)
    encounter_id = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    sealed_at = models.DateTimeField()
    retain_until = models.DateField()
    destroyed_at = models.DateTimeField()
    method = models.CharField(max_length=40)
    filed_name = models.CharField(max_length=200)
    filed_version = models.CharField(max_length=100)
    filed_sha256 = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["-destroyed_at"], name="destruction_newest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(destroyed_at__date__gt=models.F("retain_until")), name="destruction_was_due"
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"destruction of archive copy {self.copy_id}"
