"""What the clinician found (assessment) and what the patient shall do (plan)."""

from __future__ import annotations

from uuid import uuid4

from django.db import models

from portal.crypto.fields import EncryptedCharField, EncryptedIntegerField, EncryptedJSONField, EncryptedTextField
from records.changes import keeps_former_values
from records.encounters.models import Encounter
from records.people.models import Patient


@keeps_former_values(deleted=True)
class Assessment(models.Model):
    """The clinician's finding of an encounter. A draft until ``signed_at``."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    encounter = models.OneToOneField(Encounter, on_delete=models.CASCADE, related_name="assessment")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    diagnosis_code = EncryptedCharField(context="records.Assessment.diagnosis_code", max_length=20, blank=True)
    diagnosis_text = EncryptedCharField(context="records.Assessment.diagnosis_text", max_length=300, blank=True)
    note = EncryptedTextField(context="records.Assessment.note", blank=True)
    author_id = models.UUIDField()
    signed_by = models.UUIDField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(signed_at__isnull=True, signed_by__isnull=True)
                | models.Q(signed_at__isnull=False, signed_by__isnull=False),
                name="assessment_signed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"assessment {self.pk}"


@keeps_former_values(deleted=True)
class Plan(models.Model):
    """A treatment plan: steps for morning and evening, and a letter. A draft until ``signed_at``.

    ``morning`` and ``evening`` are lists of ``{"what": str, "how": str, "prescription": bool}``.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    encounter = models.OneToOneField(Encounter, on_delete=models.CASCADE, related_name="plan")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    letter = EncryptedTextField(context="records.Plan.letter", blank=True)
    morning = EncryptedJSONField(context="records.Plan.morning", default=list, blank=True)
    evening = EncryptedJSONField(context="records.Plan.evening", default=list, blank=True)
    warnings = EncryptedTextField(context="records.Plan.warnings", blank=True)
    weeks = EncryptedIntegerField(
        context="records.Plan.weeks", default=8, help_text="Weeks until the skin is looked at again."
    )
    author_id = models.UUIDField()
    signed_by = models.UUIDField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(signed_at__isnull=True, signed_by__isnull=True)
                | models.Q(signed_at__isnull=False, signed_by__isnull=False),
                name="plan_signed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"plan {self.pk}"
