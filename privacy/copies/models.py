"""The copy of a record as it will be printed: made before its fee is named, since pages are counted, never guessed."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q

from portal.crypto.fields import EncryptedBinaryField


class PrintCopy(models.Model):
    """One sealed PDF for one request. It goes over to its letter when the copy is carried out.

    ``encounter_id`` narrows it to one consult; None is the whole record. ``made_at`` is empty while
    a job is at work on it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request_id = models.UUIDField(unique=True)
    subject_id = models.UUIDField(db_index=True)
    encounter_id = models.UUIDField(null=True, blank=True)
    asked_by = models.UUIDField(null=True, blank=True)
    job_id = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=100, blank=True)
    key = EncryptedBinaryField(context="privacy.PrintCopy.key", null=True, blank=True)
    pages = models.PositiveIntegerField(default=0)
    missing = models.PositiveSmallIntegerField(default=0, help_text="Files that could not be read.")
    created_at = models.DateTimeField(auto_now_add=True)
    made_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "print copies"
        constraints = [
            models.CheckConstraint(condition=Q(made_at=None) | ~Q(name=""), name="print_copy_made_has_its_file"),
        ]

    def __str__(self) -> str:
        return f"print copy {self.pk}"
