"""The clinical episode and the answers given in it."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedCharField, EncryptedJSONField
from records.changes import keeps_former_values
from records.people.models import Patient


class Concern(models.TextChoices):
    """What a consult is about."""

    ACNE = "acne", _("Acne")
    AGING = "aging", _("Skin aging")


class Encounter(models.Model):
    """One episode of care. Answers, photos, messages, assessment and plan hang on it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="encounters")
    concern = EncryptedCharField(context="records.Encounter.concern", max_length=10, choices=Concern.choices)
    opened_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["patient", "-opened_at"], name="encounter_patient_opened")]

    def __str__(self) -> str:
        return f"encounter {self.pk}"


@keeps_former_values(deleted=True)
class Answer(models.Model):
    """One answer, with the question's text as it was asked. ``value`` is text, a list or a number."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    encounter = models.ForeignKey(Encounter, on_delete=models.CASCADE, related_name="answers")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    question_id = models.CharField(max_length=60)
    question_text = models.CharField(max_length=400)
    position = models.PositiveSmallIntegerField(default=0)
    # A teen's answer that a guardian does not see (RULES 4.14): pregnancy and the like.
    private = models.BooleanField(default=False)
    # The person's own words (text), a number with its unit, or chosen codes with the labels
    # as they were shown; see ``services.checked_value``.
    value = EncryptedJSONField(context="records.Answer.value")
    answered_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["encounter", "question_id"], name="answer_once_per_question")]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"answer {self.pk}"
