"""One freeze of one record: why, because of what, from when until when."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedTextField
from records.people.models import Patient


class FreezeReason(models.TextChoices):
    """Why a record may not be used."""

    STOP_USING = "stop_using", _("A parent or guardian told us to stop using it")
    CHILD_REPORT = "child_report", _("A parent or guardian says that a child sent it without a yes")


class Freeze(models.Model):
    """``reference`` is the request or report it comes from. A record is frozen while any of its freezes runs."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=12, choices=FreezeReason.choices)
    reference = models.UUIDField()
    placed_at = models.DateTimeField()
    placed_by = models.UUIDField(null=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.UUIDField(null=True)
    lift_note = EncryptedTextField(context="records.Freeze.lift_note", blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["patient"], condition=models.Q(lifted_at=None), name="freeze_running"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["patient", "reference"], name="freeze_once_for_each_cause"),
            models.CheckConstraint(condition=models.Q(reason__in=FreezeReason.values), name="freeze_reason_listed"),
            models.CheckConstraint(
                condition=models.Q(lifted_at=None, lifted_by=None)
                | models.Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="freeze_lifted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"freeze {self.pk}"
