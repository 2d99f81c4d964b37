"""Incidents with their assessment, the people affected and the timeline (RULES 3, P52).

Once an incident is closed, the database refuses every change of it and of its parts: what follows is
a new incident that names the old one (RULES 3.13). Reports are in ``report_models``, notices in
``notice_models``.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedCharField, EncryptedTextField
from portal.permissions import Role
from privacy.incidents.state import OPEN_INCIDENTS, IncidentState


def sealed_with_its_incident(
    name: str = "append_only", operation: Any = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete
) -> pgtrigger.Trigger:
    """Parts of a closed incident take no change, no removal and nothing new."""
    return pgtrigger.Trigger(
        name=name, when=pgtrigger.Before, operation=operation, declare=[("whose", "uuid")],
        func="""
            IF TG_OP = 'INSERT' THEN whose := NEW.incident_id; ELSE whose := OLD.incident_id; END IF;
            IF EXISTS (SELECT 1 FROM privacy_incident WHERE id = whose AND closed_at IS NOT NULL) THEN
                RAISE EXCEPTION 'pgtrigger: the incident of this row is closed';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        """,
    )


class DataKind(models.TextChoices):
    """What kinds of health information were involved: the notice must name them (RULES 3.10)."""

    NAME = "name", _("Names")
    CONTACT = "contact", _("Addresses, phone numbers, email addresses")
    BIRTH = "birth", _("Birth dates")
    ANSWERS = "answers", _("Answers about health")
    PHOTOS = "photos", _("Photos")
    PLAN = "plan", _("Findings, plans and medicines")
    MESSAGES = "messages", _("Messages")
    PAYMENT = "payment", _("Payments, without card numbers")
    SSN = "ssn", _("Social Security numbers")
    LICENSE = "license", _("Driver’s license or state ID numbers")
    ACCOUNT = "account", _("Account or card numbers with a code that opens them")


IDENTIFYING = frozenset({DataKind.SSN.value, DataKind.LICENSE.value, DataKind.ACCOUNT.value})


class Incident(models.Model):
    """One suspected breach. ``number`` is how officers speak of it; it tells nothing about anybody."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=10, choices=IncidentState.choices, default=IncidentState.ASSESSING)
    summary = EncryptedTextField(context="privacy.Incident.summary")
    happened_on = models.DateField(null=True, blank=True)
    discovered_at = models.DateTimeField(help_text="First known, or to be known with reasonable diligence.")
    reported_at = models.DateTimeField(help_text="When the officer was told.")
    data_kinds = models.JSONField(default=list)
    bureaus_from = models.DateTimeField(null=True, blank=True, help_text="When more than 500 Minnesotans were counted.")
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="followers")
    opened_by = models.UUIDField()
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.UUIDField(null=True, blank=True)
    keep_until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=IncidentState.values), name="incident_state_listed"),
            models.CheckConstraint(
                condition=Q(discovered_at__lte=models.F("reported_at")), name="incident_discovered_before_report"
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False, closed_by__isnull=False, keep_until__isnull=False)
                | (~Q(state="closed") & Q(closed_at=None, closed_by=None)),
                name="incident_closed_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["discovered_at"], condition=Q(state__in=OPEN_INCIDENTS), name="incident_open"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="append_only", operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__closed_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"incident {self.number}"


class Level(models.TextChoices):
    """How much a factor speaks for harm."""

    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


class Outcome(models.TextChoices):
    """What the assessment came to. Only the first calls for notices."""

    BREACH = "breach", _("A breach: the people must be told")
    LOW_PROBABILITY = "low_probability", _("Not a breach: low probability that the information was compromised")
    EXCEPTION = "exception", _("Not a breach: one of the three exceptions of the law")
    SECURED = "secured", _("Not a breach: the information was encrypted, and the keys were not taken")


class ExceptionKind(models.TextChoices):
    """The law's three exceptions, a closed list (RULES 3.3)."""

    GOOD_FAITH = "good_faith", _("A slip of our own staff, in good faith and within their work, that went no further")
    INADVERTENT = "inadvertent", _("By mistake between two people who were both allowed to see such information")
    NOT_RETAINED = "not_retained", _("Whoever got it could not have kept it")


FACTORS = ("nature", "recipient", "acquired", "mitigation")


class Assessment(models.Model):
    """The four factors with the conclusion and its signer (RULES 3.2). Unsigned it is a draft."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, primary_key=True, related_name="assessment")
    nature = EncryptedTextField(context="privacy.Assessment.nature", blank=True)
    nature_level = models.CharField(max_length=6, choices=Level.choices, blank=True)
    recipient = EncryptedTextField(context="privacy.Assessment.recipient", blank=True)
    recipient_level = models.CharField(max_length=6, choices=Level.choices, blank=True)
    acquired = EncryptedTextField(context="privacy.Assessment.acquired", blank=True)
    acquired_level = models.CharField(max_length=6, choices=Level.choices, blank=True)
    mitigation = EncryptedTextField(context="privacy.Assessment.mitigation", blank=True)
    mitigation_level = models.CharField(max_length=6, choices=Level.choices, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    exception = models.CharField(max_length=12, choices=ExceptionKind.choices, blank=True)
    conclusion = EncryptedTextField(context="privacy.Assessment.conclusion", blank=True)
    signed_by = models.UUIDField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None)
                | (
                    Q(signed_at__isnull=False, signed_by__isnull=False, outcome__in=Outcome.values)
                    & ~Q(nature_level="") & ~Q(recipient_level="") & ~Q(acquired_level="") & ~Q(mitigation_level="")
                ),
                name="assessment_signed_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(outcome="exception", exception__in=ExceptionKind.values) | ~Q(outcome="exception"),
                name="assessment_exception_listed",
            ),
        ]
        triggers = [
            sealed_with_its_incident(),
            pgtrigger.Protect(
                name="signed", operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__signed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"assessment of incident {self.incident_id}"


class Affected(models.Model):
    """One person whose information was involved, or a number of people of one state who are not known yet.

    ``name`` and ``address`` are of somebody without a record here.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="affected")
    subject_id = models.UUIDField(null=True, blank=True, db_index=True)
    count = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=2, blank=True)
    name = EncryptedCharField(context="privacy.Affected.name", max_length=200, blank=True)
    address = EncryptedTextField(context="privacy.Affected.address", blank=True)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "affected people"
        constraints = [
            models.UniqueConstraint(fields=["incident", "subject_id"], name="affected_once"),
            models.CheckConstraint(condition=Q(count__gte=1), name="affected_counts"),
            models.CheckConstraint(condition=Q(subject_id=None) | Q(count=1), name="affected_person_is_one"),
        ]
        triggers = [sealed_with_its_incident()]

    def __str__(self) -> str:
        return f"affected {self.pk}"


class DelayKind(models.TextChoices):
    """How law enforcement asked for a delay (RULES 3.11)."""

    WRITTEN = "written", _("In writing, with a day until which to wait")
    ORAL = "oral", _("By word of mouth: 30 days at most")


class LawDelay(models.Model):
    """Nobody may be told until the end of ``until``, since it would hinder an investigation."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="delays")
    kind = models.CharField(max_length=8, choices=DelayKind.choices)
    agency = EncryptedTextField(context="privacy.LawDelay.agency")
    starts_on = models.DateField()
    until = models.DateField()
    recorded_by = models.UUIDField()
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=models.F("starts_on")), name="delay_ends_later"),
            models.CheckConstraint(condition=Q(kind__in=DelayKind.values), name="delay_kind_listed"),
        ]
        triggers = [sealed_with_its_incident()]

    def __str__(self) -> str:
        return f"delay {self.pk}"


class Step(models.TextChoices):
    """What the timeline tells."""

    OPENED = "opened", _("Opened; a breach is presumed")
    REPORT = "report", _("A report belongs to it")
    DISCOVERY = "discovery", _("Day of discovery changed")
    FACTS = "facts", _("What happened was written down")
    PEOPLE = "people", _("People affected changed")
    DELAY = "delay", _("Law enforcement asked for a delay")
    ASSESSED = "assessed", _("Assessment changed")
    SIGNED = "signed", _("Assessment signed")
    NOTICE = "notice", _("Words of the notice changed")
    SENT = "sent", _("Notices sent")
    RETURNED = "returned", _("A notice came back")
    REACHED = "reached", _("Somebody was reached in another way")
    POSTED = "posted", _("Public notice put up")
    DUTY = "duty", _("Told")
    FROZEN = "frozen", _("A record was frozen")
    NOTE = "note", _("Note")
    CLOSED = "closed", _("Closed")


class IncidentEvent(models.Model):
    """One line of the timeline. Never changed."""

    number = models.BigAutoField(primary_key=True)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="timeline")
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    actor_role = models.CharField(max_length=16, choices=Role.choices)
    step = models.CharField(max_length=10, choices=Step.choices)
    note = EncryptedTextField(context="privacy.IncidentEvent.note", blank=True)

    class Meta:
        ordering = ("number",)
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            sealed_with_its_incident("sealed", pgtrigger.Insert),
        ]

    def __str__(self) -> str:
        return f"{self.step} of incident {self.incident_id}"
