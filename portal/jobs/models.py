"""Long work that a person waits for: how far it is, what came of it. Ids and codes only."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """``running`` is held under a lease by one worker; ``expired`` has lost its result."""

    WAITING = "waiting", _("Waiting to start")
    RUNNING = "running", _("In the works")
    DONE = "done", _("Ready")
    FAILED = "failed", _("Did not work")
    EXPIRED = "expired", _("No longer kept")


class Job(models.Model):
    """One piece of long work. The owner is the account that asked for it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=80)
    once_key = models.CharField(max_length=200, unique=True)
    owner_id = models.UUIDField(null=True, db_index=True)
    owner_role = models.CharField(max_length=16)
    subject_id = models.UUIDField(null=True, db_index=True)
    ref = models.UUIDField(null=True)
    state = models.CharField(max_length=8, choices=JobState.choices, default=JobState.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=60, blank=True)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=80, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    run_after = models.DateTimeField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["run_after"], condition=Q(state="waiting"), name="jobs_waiting"),
            models.Index(fields=["leased_until"], condition=Q(state="running"), name="jobs_leased"),
            models.Index(fields=["expires_at"], condition=Q(state="done"), name="jobs_expiring"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="jobs_state_listed"),
            models.CheckConstraint(condition=Q(kind__regex=r"^[a-z][a-z0-9_.]*$"), name="jobs_kind_is_a_code"),
            models.CheckConstraint(
                condition=Q(once_key__regex=r"^[A-Za-z0-9_.:/#-]+$"), name="jobs_once_key_is_codes"
            ),
            models.CheckConstraint(condition=Q(done__lte=F("total")), name="jobs_progress_in_range"),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease__isnull=False, leased_until__isnull=False),
                name="jobs_running_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "failed", "expired"]) | Q(finished_at__isnull=False),
                name="jobs_end_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100; 100 only when it is done."""
        if self.state == JobState.DONE:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0
