"""Reports of a suspected violation, complaints and wishes for print, with or without a name (P48, P50 to P52)."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.agreements.models import PolicyVersion
from portal.crypto.fields import EncryptedCharField, EncryptedDateField, EncryptedEmailField, EncryptedTextField
from privacy.incidents.state import OPEN_REPORTS, ReportState


class Channel(models.TextChoices):
    """How a report reached the clinic."""

    PORTAL = "portal", _("The form on the website")
    MAIL = "mail", _("A letter")
    EMAIL = "email", _("An email")
    PHONE = "phone", _("A phone call")
    IN_PERSON = "in_person", _("In person")
    LOOK = "look", _("“This looks wrong” in the access log")


class ReportKind(models.TextChoices):
    """What a report is about."""

    CONCERN = "concern", _("Somebody saw or did something that they should not have")
    CHILD = "child", _("A child’s information reached you without a parent’s yes")
    COMPLAINT = "complaint", _("A complaint about how you handle my information")
    PRINTED = "printed", _("A printed copy of a policy or notice")


class IncidentReport(models.Model):
    """What somebody reported, with or without a name. What follows from it is in the incident, if any.

    ``code_hash`` is the keyed hash of the receipt code with which the state can be looked up.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=ReportKind.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.PORTAL)
    state = models.CharField(max_length=8, choices=ReportState.choices, default=ReportState.NEW)
    form_key = models.UUIDField(unique=True, default=uuid4)
    code_hash = models.CharField(max_length=64, unique=True)
    account_id = models.UUIDField(null=True, blank=True, db_index=True)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True, related_name="+")
    words = EncryptedTextField(context="privacy.IncidentReport.words", blank=True)
    reach = EncryptedTextField(context="privacy.IncidentReport.reach", blank=True)
    child_name = EncryptedCharField(context="privacy.IncidentReport.child_name", max_length=200, blank=True)
    child_born = EncryptedDateField(context="privacy.IncidentReport.child_born", null=True, blank=True)
    child_email = EncryptedEmailField(context="privacy.IncidentReport.child_email", blank=True)
    received_on = models.DateField()
    due_on = models.DateField()
    created_at = models.DateTimeField(auto_now_add=True)
    entered_by = models.UUIDField(null=True, blank=True)
    officer_id = models.UUIDField(null=True, blank=True)
    look_report_id = models.UUIDField(null=True, blank=True, unique=True)
    incident = models.ForeignKey("privacy.Incident", on_delete=models.PROTECT, null=True, related_name="reports")
    freeze_at = models.DateTimeField(null=True, blank=True, help_text="Waits for the portal to look for the child.")
    frozen_ids = models.JSONField(default=list, help_text="Records that were frozen for it.")
    outcome = EncryptedTextField(context="privacy.IncidentReport.outcome", blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    keep_until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ReportKind.values), name="incident_report_kind_listed"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="incident_report_channel_listed"),
            models.CheckConstraint(condition=Q(state__in=ReportState.values), name="incident_report_state_listed"),
            models.CheckConstraint(condition=Q(due_on__gte=models.F("received_on")), name="incident_report_due_later"),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False) | (~Q(state="ended") & Q(ended_at=None)),
                name="incident_report_ended_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_on"], condition=Q(state__in=OPEN_REPORTS), name="incident_report_open"),
            models.Index(fields=["freeze_at"], condition=Q(freeze_at__isnull=False), name="incident_report_freeze"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="append_only", operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__ended_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"incident report {self.pk}"
