"""A record opened in an emergency: who, why, until when, and what the officer found (RULES 2.2)."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedTextField
from records.people.models import Patient


class EmergencyReason(models.TextChoices):
    """The closed list of reasons; the patient reads the class, never the words beside it."""

    DANGER = "danger", _("The patient’s health was in danger")
    UNREACHABLE = "unreachable", _("The patient needed care and their clinician could not be reached")
    CALLED = "called", _("The patient, or somebody for them, called for help")
    OTHERS = "others", _("Somebody else’s safety was at stake")


class ReviewDecision(models.TextChoices):
    """What the officer found afterwards."""

    JUSTIFIED = "justified", _("There was good reason")
    NOT_JUSTIFIED = "not_justified", _("There was no good reason")


class Emergency(models.Model):
    """One opening, and the task to look into it that comes with it. Its ``id`` is the grant's reference."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="emergencies")
    account_id = models.UUIDField()
    reason = models.CharField(max_length=12, choices=EmergencyReason.choices)
    words = EncryptedTextField(context="records.Emergency.words")
    form_key = models.UUIDField(unique=True)
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="Earlier than planned when the clinician closed it.")
    review_due_on = models.DateField()
    decision = models.CharField(max_length=14, choices=ReviewDecision.choices, blank=True)
    review_note = EncryptedTextField(context="records.Emergency.review_note", blank=True, default="")
    reviewed_by = models.UUIDField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "emergencies"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reason__in=EmergencyReason.values), name="emergency_reason_listed"
            ),
            models.CheckConstraint(
                condition=models.Q(decision__in=["", *ReviewDecision.values]), name="emergency_decision_listed"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__gte=models.F("opened_at")), name="emergency_ends_after_start"
            ),
            models.CheckConstraint(
                condition=models.Q(decision="", reviewed_by=None, reviewed_at=None)
                | (~models.Q(decision="") & models.Q(reviewed_by__isnull=False, reviewed_at__isnull=False)),
                name="emergency_decided_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["review_due_on"], condition=models.Q(decision=""), name="emergency_to_review"),
            models.Index(fields=["account_id", "-ends_at"], name="emergency_of_account"),
        ]

    def __str__(self) -> str:
        return f"emergency {self.pk}"
