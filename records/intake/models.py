"""What any upload has on its way from a person to the record: a state, a lease, a sealed original."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _


class UploadState(models.TextChoices):
    """Where a photo or a document is on its way."""

    RECEIVED = "received", _("Received")
    PROCESSING = "processing", _("Being prepared")
    READY = "ready", _("Ready")
    REFUSED = "refused", _("Could not be used")


class Upload(models.Model):
    """The part of the row that the worker needs. Until ready, only the sealed upload exists.

    The child brings ``quarantine_key`` (its pinned context names the column's own table), and
    ``upload_constraints`` in its Meta.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    state = models.CharField(max_length=10, choices=UploadState.choices, default=UploadState.RECEIVED)
    refusal_code = models.CharField(max_length=30, blank=True)
    form_key = models.UUIDField(unique=True, default=uuid4)
    uploaded_by = models.UUIDField()
    received_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    # Why it still waits, where that is not its own fault: "scanner" or "store".
    held_by = models.CharField(max_length=10, blank=True)
    quarantine_name = models.CharField(max_length=100, blank=True)

    # The child's encrypted key of the sealed upload.
    quarantine_key: Any

    class Meta:
        abstract = True


def upload_constraints(name: str) -> list[models.CheckConstraint]:
    """The upload as sent is kept only while the worker still needs it; a reason only when refused."""
    return [
        models.CheckConstraint(
            condition=~models.Q(state__in=["received", "processing"]) ^ ~models.Q(quarantine_name=""),
            name=f"{name}_upload_only_while_waiting",
        ),
        models.CheckConstraint(
            condition=models.Q(state="refused") ^ models.Q(refusal_code=""), name=f"{name}_reason_only_when_refused"
        ),
    ]
