"""The workflow of a case. Everything clinical hangs on its encounter, not here."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from consults.state import ConsultState
from records.models import Encounter, Patient


class NoticeReceipt(models.TextChoices):
    """What became of the notice of privacy practices at the first consult (P53, RULES 1.40)."""

    RECEIVED = "received", _("The patient said that they received it")
    NOT_SAID = "not_said", _("It was shown and mailed; the patient chose not to say that they received it")
    EARLIER = "earlier", _("Received with an earlier consult")


class Consult(models.Model):
    """One consult, one to one with its encounter. Holds state and times, no health information."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    encounter = models.OneToOneField(Encounter, on_delete=models.CASCADE, related_name="consult")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="consults")
    account_id = models.UUIDField(db_index=True, help_text="Who filled it in and pays.")
    questionnaire = models.CharField(max_length=30, help_text="Name and version, for example acne-1.")
    state = models.CharField(max_length=20, choices=ConsultState.choices, default=ConsultState.DRAFT)
    form_key = models.UUIDField(unique=True, default=uuid4)
    order_id = models.UUIDField(null=True, blank=True, unique=True)
    assigned_to = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True, help_text="Sent by the patient.")
    # P08: consent to this very consult, and which wording of it; P53: the notice, apart from any agreement.
    consented_at = models.DateTimeField(null=True, blank=True)
    consent_version = models.CharField(max_length=20, blank=True)
    notice_version = models.CharField(max_length=20, blank=True)
    notice_receipt = models.CharField(max_length=10, choices=NoticeReceipt.choices, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="The answer was promised by then.")
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=ConsultState.values), name="consult_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="in_review") | models.Q(assigned_to__isnull=False),
                name="consult_in_review_has_clinician",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "withdrawn", "expired"]) | models.Q(consented_at__isnull=False),
                name="consult_sent_with_consent",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["submitted", "in_review", "needs_information", "answered", "closed"])
                | models.Q(paid_at__isnull=False, due_at__isnull=False),
                name="consult_work_is_paid",
            ),
            models.CheckConstraint(
                condition=models.Q(notice_receipt__in=["", *NoticeReceipt.values]), name="consult_notice_listed"
            ),
            models.UniqueConstraint(
                fields=["patient"], condition=models.Q(state="draft"), name="consult_one_draft_per_patient"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=models.Q(state="submitted"), name="consult_queue"),
            models.Index(
                fields=["assigned_to", "due_at"],
                condition=models.Q(state__in=["in_review", "needs_information"]), name="consult_mine",
            ),
            models.Index(
                fields=["changed_at"], condition=models.Q(state="answered"), name="consult_to_close"
            ),
            models.Index(
                fields=["assigned_to", "-answered_at"], condition=models.Q(state="answered"), name="consult_lately"
            ),
            models.Index(fields=["patient", "-created_at"], name="consult_patient"),
            models.Index(
                fields=["changed_at"], condition=models.Q(state__in=["draft", "awaiting_payment"]),
                name="consult_unsent",
            ),
        ]

    def __str__(self) -> str:
        return f"consult {self.pk}"
