"""One row per proof that a promise was kept, or was not. Rows are never changed."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import F, Q


class Evidence(models.Model):
    """A drill, a check or a count, with the time until which it may be shown as proof."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=60)
    passed = models.BooleanField()
    # Counts, durations, ids and codes only; nothing about a person.
    facts = models.JSONField(default=dict)
    recorded_at = models.DateTimeField()
    good_until = models.DateTimeField()

    class Meta:
        ordering = ("-recorded_at",)
        verbose_name_plural = "evidence"
        indexes = [models.Index(fields=["kind", "-recorded_at"], name="evidence_latest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__regex=r"^[a-z][a-z0-9_.]*$"), name="evidence_kind_is_a_code"
            ),
            models.CheckConstraint(
                condition=Q(good_until__gte=F("recorded_at")), name="evidence_age_is_positive"
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.kind} {'passed' if self.passed else 'failed'}"
