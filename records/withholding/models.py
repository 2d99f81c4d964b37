"""Parts of a record that the family is not shown, since the law let the clinic refuse them (RULES 1.14-1.16)."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from records.people.models import Patient


class Withheld(models.Model):
    """One part, kept back by the answer to one request until ``ended_at``.

    ``guardians_only``: the patient sees it all the same. ``asked_by`` is the account whose request was
    answered: it holds the letter that says why, and can have it looked at again.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    request_id = models.UUIDField(db_index=True)
    part_id = models.UUIDField()
    guardians_only = models.BooleanField(default=False)
    asked_by = models.UUIDField(null=True)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "withheld parts"
        constraints = [
            models.UniqueConstraint(
                fields=["request_id", "part_id"], condition=Q(ended_at=None), name="withheld_once_a_request"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="withheld_ends_after_it_began"
            ),
        ]
        indexes = [
            models.Index(fields=["part_id"], condition=Q(ended_at=None), name="withheld_now"),
            models.Index(fields=["patient"], condition=Q(ended_at=None), name="withheld_of_a_patient"),
        ]

    def __str__(self) -> str:
        return f"withheld part {self.pk}"
