"""The export for an assignment of the practice: what was made for whom, part by part (P16).

Ids, codes, counts and hashes only. The parts themselves are sealed to the new owner's public key.
"""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from privacy.disclosing.models import Assignment


class SkipReason(models.TextChoices):
    """Why somebody's record stays with the clinic. For the officer's list; the new owner is not told."""

    NO_CONSENT = "no_consent", _("No signed consent to the new owner, and no law in its place")
    RESTRICTION = "restriction", _("Asked us not to share it, and we agreed")
    DELETION = "deletion", _("Asked us to delete the record")
    STOPPED = "stopped", _("The use of the record is stopped")
    UNREADABLE = "unreadable", _("Something in the record cannot be read")


class Handover(models.Model):
    """One assignment's export. ``recipient_key`` is the new owner's age public key; it opens nothing here.

    ``passed_at``: the parts were handed over and are gone from here.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="handover")
    recipient_key = models.CharField(max_length=100)
    started_by = models.UUIDField()
    started_at = models.DateTimeField()
    job_id = models.UUIDField(null=True, blank=True)
    runs = models.PositiveIntegerField(default=1, help_text="How often the work was begun.")
    finished_at = models.DateTimeField(null=True, blank=True)
    passed_at = models.DateTimeField(null=True, blank=True)
    passed_by = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(passed_at=None) | Q(finished_at__isnull=False, passed_by__isnull=False),
                name="handover_passed_when_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"handover {self.pk}"


class HandoverPart(models.Model):
    """One sealed file in the folder of the export. ``counts`` are FHIR resources by type."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    handover = models.ForeignKey(Handover, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    patients = models.PositiveIntegerField()
    counts = models.JSONField(default=dict)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["handover", "number"], name="handover_part_once")]

    def __str__(self) -> str:
        return f"part {self.number} of handover {self.handover_id}"


class HandoverPerson(models.Model):
    """How far the export is: one row a person. In a part, or left out for a reason."""

    id = models.BigAutoField(primary_key=True)
    handover = models.ForeignKey(Handover, on_delete=models.CASCADE, related_name="people")
    subject_id = models.UUIDField(db_index=True)
    part = models.ForeignKey(HandoverPart, on_delete=models.CASCADE, null=True, related_name="people")
    skipped = models.CharField(max_length=12, choices=SkipReason.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["handover", "subject_id"], name="handover_person_once"),
            models.CheckConstraint(
                condition=Q(part__isnull=False, skipped="") | Q(part=None, skipped__in=SkipReason.values),
                name="handover_given_or_skipped",
            ),
        ]

    def __str__(self) -> str:
        return f"person of handover {self.handover_id}"
