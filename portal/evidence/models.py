"""What the running site shows about itself: proofs of promises, and values that cannot be read."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Evidence(models.Model):
    """A drill, a check or a count, with the time until which it may be shown as proof. Never changed."""

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


class UnreadableValue(models.Model):
    """A stored value that no key opens, for staff to mend: where it stands, and nothing of it.

    One row a value, however often it is looked at. ``resolved_at`` is set when it opens again.
    """

    class Reason(models.TextChoices):
        KEY = "key", _("No key opens it: damaged, or a key is missing")
        CONTEXT = "context", _("It belongs to another place")
        FORMAT = "format", _("It opens, but is not of its kind")

    table = models.CharField(max_length=100)  # "records.Patient"
    column = models.CharField(max_length=100)
    row_key = models.CharField(max_length=64)
    reason = models.CharField(max_length=16, choices=Reason.choices)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-last_seen", "pk")
        indexes = [models.Index(fields=["resolved_at", "-last_seen"], name="evidence_unreadable_open")]
        constraints = [
            models.UniqueConstraint(fields=["table", "column", "row_key"], name="evidence_unreadable_once"),
            models.CheckConstraint(
                condition=Q(reason__in=["key", "context", "format"]), name="evidence_unreadable_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"
