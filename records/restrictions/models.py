"""What a patient does not want given out, and to whom (RULES 1.36, 1.37)."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedCharField, EncryptedTextField
from portal.permissions import Purpose
from records.encounters.models import Encounter
from records.people.models import Patient


class RecipientKind(models.TextChoices):
    """To whom something would go."""

    HEALTH_PLAN = "health_plan", _("A health plan or insurer")
    PROVIDER = "provider", _("Another doctor or clinic")
    FAMILY = "family", _("Family or friends")
    EMPLOYER = "employer", _("An employer")
    OTHER = "other", _("Somebody else")


class RestrictionBasis(models.TextChoices):
    """Why the clinic is bound."""

    PAID_IN_FULL = "paid_in_full", _("You paid for it yourself, so the law lets you decide")
    AGREED = "agreed", _("We agreed to it")


class EndReason(models.TextChoices):
    """How a restriction ended. One that the law demands is never ended by the clinic (RULES 1.37)."""

    PATIENT = "patient", _("The patient ended it")
    BOTH = "both", _("The patient agreed to end it")
    CLINIC = "clinic", _("The clinic ended it, for what comes in from then on")


class Restriction(models.Model):
    """One limit. Asked for until ``starts_at``; over from ``ends_at``, but see ``EndReason.CLINIC``.

    ``purpose`` empty: for any purpose. ``encounter`` is the consult that was paid for in full.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    request_id = models.UUIDField(unique=True)
    basis = models.CharField(max_length=12, choices=RestrictionBasis.choices)
    recipient_kind = models.CharField(max_length=12, choices=RecipientKind.choices)
    purpose = models.CharField(max_length=16, choices=Purpose.choices, blank=True)
    encounter = models.ForeignKey(Encounter, on_delete=models.CASCADE, null=True, related_name="+")
    recipient = EncryptedCharField(context="records.Restriction.recipient", max_length=200, blank=True, default="")
    what = EncryptedTextField(context="records.Restriction.what")
    asked_at = models.DateTimeField(auto_now_add=True)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=8, choices=EndReason.choices, blank=True)
    ended_by = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["patient", "recipient_kind"], condition=models.Q(starts_at__isnull=False),
                name="restriction_in_force",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(basis__in=RestrictionBasis.values, recipient_kind__in=RecipientKind.values),
                name="restriction_codes_listed",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at=None, end_reason="")
                | models.Q(ends_at__isnull=False, starts_at__isnull=False, end_reason__in=EndReason.values),
                name="restriction_ends_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(basis="paid_in_full") | ~models.Q(end_reason="clinic"),
                name="restriction_of_the_law_stays",
            ),
            models.CheckConstraint(
                condition=~models.Q(basis="paid_in_full")
                | models.Q(recipient_kind="health_plan", encounter__isnull=False),
                name="restriction_paid_names_the_visit",
            ),
        ]

    def __str__(self) -> str:
        return f"restriction {self.pk}"


class RestrictionOverride(models.Model):
    """Something went out against a restriction because somebody's life was at stake. Append-only.

    Whoever got it has been asked to use it for the emergency alone (RULES 1.37).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    restriction = models.ForeignKey(Restriction, on_delete=models.CASCADE, related_name="overrides")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    form_key = models.UUIDField(unique=True)
    recipient = EncryptedCharField(context="records.RestrictionOverride.recipient", max_length=200)
    reason = EncryptedTextField(context="records.RestrictionOverride.reason")
    asked_not_to_reuse = models.BooleanField()
    overridden_by = models.UUIDField()
    overridden_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(asked_not_to_reuse=True), name="override_asked_not_to_reuse"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"restriction override {self.pk}"
