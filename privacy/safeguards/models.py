"""Managerial safeguards (P55): risk analyses, decisions on addressable items, sanctions, and the binder.

What was signed or written down here is evidence of six years (RULES 1.58): the database refuses to change it.
"""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedBinaryField, EncryptedCharField, EncryptedTextField
from portal.permissions import Role

_NEVER_CHANGED = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)


class RiskAnalysis(models.Model):
    """One look at everything that could happen to health information (RULES 2.8). Signed, it is closed.

    ``keep_until``: six years after the signature at least. One unsigned analysis at a time.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    scope = EncryptedTextField(context="privacy.RiskAnalysis.scope")
    made_on = models.DateField()
    made_by = models.UUIDField()
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="followers")
    signed_by = models.UUIDField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    keep_until = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "risk analyses"
        constraints = [
            models.UniqueConstraint(fields=["signed_at"], nulls_distinct=False, name="analysis_one_unsigned"),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, keep_until=None)
                | Q(signed_at__isnull=False, signed_by__isnull=False, keep_until__isnull=False),
                name="analysis_signed_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="append_only", operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__signed_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"risk analysis {self.pk}"


class RiskState(models.TextChoices):
    """Where a risk stands: the newest of its steps says it."""

    OPEN = "open", _("Open")
    MITIGATED = "mitigated", _("Made small enough")
    ACCEPTED = "accepted", _("Accepted, with a reason")


class Risk(models.Model):
    """One risk of one analysis, with the measure, who sees to it and by when. Sealed with its analysis.

    ``likelihood`` and ``impact`` go from 1 (low) to 3 (high). What became of it is in ``steps``.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    form_key = models.UUIDField(unique=True, default=uuid4)
    analysis = models.ForeignKey(RiskAnalysis, on_delete=models.PROTECT, related_name="risks")
    title = EncryptedCharField(context="privacy.Risk.title", max_length=150)
    what = EncryptedTextField(context="privacy.Risk.what")
    likelihood = models.PositiveSmallIntegerField()
    impact = models.PositiveSmallIntegerField()
    measure = EncryptedTextField(context="privacy.Risk.measure")
    owner_id = models.UUIDField()
    due_on = models.DateField()
    carried_from = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="carried_to"
    )
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(likelihood__gte=1, likelihood__lte=3, impact__gte=1, impact__lte=3),
                name="risk_one_to_three",
            ),
        ]
        indexes = [models.Index(fields=["due_on"], name="risk_due")]
        triggers = [
            pgtrigger.Trigger(
                name="append_only", when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete, declare=[("whose", "uuid")],
                func="""
                    IF TG_OP = 'INSERT' THEN whose := NEW.analysis_id; ELSE whose := OLD.analysis_id; END IF;
                    IF EXISTS (SELECT 1 FROM privacy_riskanalysis WHERE id = whose AND signed_at IS NOT NULL) THEN
                        RAISE EXCEPTION 'pgtrigger: the analysis of this risk is signed';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"risk {self.pk}"

    @property
    def weight(self) -> int:
        """1 to 9: likelihood times impact."""
        return self.likelihood * self.impact


class RiskStep(models.Model):
    """What became of a risk, when, by whom and why. Never changed; goes on after the signature."""

    number = models.BigAutoField(primary_key=True)
    risk = models.ForeignKey(Risk, on_delete=models.PROTECT, related_name="steps")
    state = models.CharField(max_length=10, choices=RiskState.choices)
    words = EncryptedTextField(context="privacy.RiskStep.words", blank=True)
    by_id = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("number",)
        constraints = [models.CheckConstraint(condition=Q(state__in=RiskState.values), name="risk_state_listed")]
        triggers = [_NEVER_CHANGED]

    def __str__(self) -> str:
        return f"step of risk {self.risk_id}"


class Choice(models.TextChoices):
    """The closed list of answers to an addressable item (RULES 2.10): it is never "optional"."""

    DONE = "done", _("We do it")
    EQUIVALENT = "equivalent", _("We do something equal instead")
    NOT_NEEDED = "not_needed", _("We do not, and it is not reasonable here")


class Decision(models.Model):
    """What the clinic decided on one addressable item, and why. Never changed: the newest counts."""

    number = models.BigAutoField(primary_key=True)
    form_key = models.UUIDField(unique=True, default=uuid4)
    item = models.CharField(max_length=30, help_text="A code of privacy.safeguards.addressable.")
    choice = models.CharField(max_length=10, choices=Choice.choices)
    reason = EncryptedTextField(context="privacy.Decision.reason")
    decided_by = models.UUIDField()
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)
        constraints = [models.CheckConstraint(condition=Q(choice__in=Choice.values), name="decision_choice_listed")]
        indexes = [models.Index(fields=["item", "-number"], name="decision_newest")]
        triggers = [_NEVER_CHANGED]

    def __str__(self) -> str:
        return f"decision {self.number}"


class Measure(models.TextChoices):
    """The closed list of sanctions (RULES 1.61), from light to heavy."""

    TALK = "talk", _("A talk")
    TRAINING = "training", _("Training again")
    WARNING = "warning", _("A written warning")
    LIMITED = "limited", _("Access limited")
    SUSPENDED = "suspended", _("Suspended from work")
    ENDED = "ended", _("Employment ended")


class Sanction(models.Model):
    """One sanction of one member of the staff. Never changed; seen by officer and owner only."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    form_key = models.UUIDField(unique=True, default=uuid4)
    account_id = models.UUIDField(db_index=True)
    role = models.CharField(max_length=12, choices=Role.choices, help_text="What the person was at the time.")
    on = models.DateField()
    what = EncryptedTextField(context="privacy.Sanction.what")
    measure = models.CharField(max_length=10, choices=Measure.choices)
    decided_by = models.UUIDField()
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-on", "-recorded_at")
        constraints = [
            models.CheckConstraint(condition=Q(measure__in=Measure.values), name="sanction_measure_listed"),
            models.CheckConstraint(condition=~Q(account_id=models.F("decided_by")), name="sanction_not_of_oneself"),
        ]
        triggers = [_NEVER_CHANGED]

    def __str__(self) -> str:
        return f"sanction {self.pk}"


class Binder(models.Model):
    """One binder: a request's or a year's evidence as a sealed PDF. It expires; it can be made again.

    Exactly one of ``request_id`` and ``year`` is there. ``made_at`` None: the job is still at it.
    ``sha256`` is of the PDF itself, so that a printed or mailed copy can be compared.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    form_key = models.UUIDField(unique=True, default=uuid4)
    request_id = models.UUIDField(null=True, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField(auto_now_add=True)
    job_id = models.UUIDField(null=True, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)
    name = models.CharField(max_length=100, blank=True)
    key = EncryptedBinaryField(context="privacy.Binder.key", null=True, blank=True)
    size = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("-asked_at",)
        constraints = [
            models.CheckConstraint(
                condition=Q(request_id=None, year__isnull=False) | Q(request_id__isnull=False, year=None),
                name="binder_of_one_thing",
            ),
            models.CheckConstraint(condition=Q(made_at=None) | ~Q(name=""), name="binder_made_has_its_file"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="binder_expiring")]

    def __str__(self) -> str:
        return f"binder {self.pk}"
