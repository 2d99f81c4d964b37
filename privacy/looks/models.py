"""A patient's report that a look at their record seems wrong, and what the officer answered."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedTextField


class ReportState(models.TextChoices):
    """Where a report stands; in the patient's words."""

    NEW = "new", _("We have your report")
    LOOKING = "looking", _("We are looking into it")
    ANSWERED = "answered", _("Answered")


OPEN_REPORTS = (ReportState.NEW.value, ReportState.LOOKING.value)


class LookReport(models.Model):
    """One report about what one person did on one day. ``events`` are ids of rows of the access log.

    ``about`` names the line that was reported, by codes and ids: a second report about the same
    line joins the open one.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    subject_id = models.UUIDField(db_index=True)
    account_id = models.UUIDField()
    about = models.CharField(max_length=200)
    events = models.JSONField(default=list)
    actor_id = models.UUIDField(null=True, blank=True)
    actor_role = models.CharField(max_length=16)
    action = models.CharField(max_length=16)
    object_kind = models.CharField(max_length=60)
    looked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=ReportState.choices, default=ReportState.NEW)
    form_key = models.UUIDField(unique=True, default=uuid4)
    words = EncryptedTextField(context="privacy.LookReport.words", blank=True)
    answer = EncryptedTextField(context="privacy.LookReport.answer", blank=True)
    received_on = models.DateField()
    due_on = models.DateField()
    officer_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=ReportState.values), name="report_state_listed"),
            models.CheckConstraint(condition=models.Q(due_on__gte=models.F("received_on")), name="report_due_later"),
            models.CheckConstraint(
                condition=models.Q(state="answered", answered_at__isnull=False)
                | (~models.Q(state="answered") & models.Q(answered_at=None)),
                name="report_answered_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["account_id", "about"], condition=models.Q(state__in=OPEN_REPORTS), name="report_joins_open_one"
            ),
        ]
        indexes = [
            models.Index(fields=["due_on"], condition=models.Q(state__in=OPEN_REPORTS), name="report_open_due")
        ]

    def __str__(self) -> str:
        return f"look report {self.pk}"
