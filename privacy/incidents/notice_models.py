"""The notice of a breach: its words, who got it how, whom else was told, and the public posting (RULES 3.6 to 3.10)."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedTextField
from privacy.incidents.clocks import DutyKind
from privacy.incidents.models import Affected, Incident, sealed_with_its_incident

PARTS = ("happened", "data", "protect", "doing", "contact")


class NoticeText(models.Model):
    """The five parts that the law asks for, in plain words (RULES 3.10)."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, primary_key=True, related_name="notice_text")
    happened = EncryptedTextField(context="privacy.NoticeText.happened", blank=True)
    data = EncryptedTextField(context="privacy.NoticeText.data", blank=True)
    protect = EncryptedTextField(context="privacy.NoticeText.protect", blank=True)
    doing = EncryptedTextField(context="privacy.NoticeText.doing", blank=True)
    contact = EncryptedTextField(context="privacy.NoticeText.contact", blank=True)
    send_from = models.DateTimeField(null=True, blank=True, help_text="From then on a task writes the notices.")
    sent_by = models.UUIDField(null=True, blank=True)

    class Meta:
        triggers = [sealed_with_its_incident()]

    def __str__(self) -> str:
        return f"words of the notice of incident {self.incident_id}"


class Way(models.TextChoices):
    """How a notice goes out. A message in the portal never counts (RULES 3.6)."""

    LETTER = "letter", _("First-class mail")
    EMAIL = "email", _("Email, since the person agreed to it")


class BreachNotice(models.Model):
    """One notice to one person. ``returned_at``: it came back; ``reached_at``: reached in another way since.

    With neither letter nor mail there was no address to write to, and the person was told otherwise.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="notices")
    affected = models.OneToOneField(Affected, on_delete=models.PROTECT, related_name="notice")
    way = models.CharField(max_length=8, choices=Way.choices)
    letter_id = models.UUIDField(null=True, blank=True)
    mail_id = models.UUIDField(null=True, blank=True)
    made_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True, blank=True)
    reached_at = models.DateTimeField(null=True, blank=True)
    reached_how = EncryptedTextField(context="privacy.BreachNotice.reached_how", blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(way__in=Way.values), name="breach_notice_way_listed")]
        indexes = [models.Index(fields=["mail_id"], condition=Q(mail_id__isnull=False), name="breach_notice_mail")]
        triggers = [sealed_with_its_incident()]

    def __str__(self) -> str:
        return f"breach notice {self.pk}"

    @property
    def way_words(self) -> str:
        """How it went out, for a page."""
        return str(Way(self.way).label) if self.letter_id or self.mail_id else _now("No address to write to")


class DutyDone(models.Model):
    """HHS, a state's media or the credit bureaus were told: when, by whom, and the proof in words."""

    KINDS = ((DutyKind.INDIVIDUALS.value, _("The people themselves")), (DutyKind.HHS.value, _("HHS")),
             (DutyKind.MEDIA.value, _("The media")), (DutyKind.BUREAUS.value, _("The credit bureaus")))

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="duties_done")
    kind = models.CharField(max_length=12, choices=KINDS)
    done_on = models.DateField()
    proof = EncryptedTextField(context="privacy.DutyDone.proof")
    done_by = models.UUIDField()
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "duties done"
        constraints = [
            models.UniqueConstraint(fields=["incident", "kind"], name="duty_once"),
            models.CheckConstraint(condition=Q(kind__in=[kind.value for kind in DutyKind]), name="duty_kind_listed"),
        ]
        triggers = [sealed_with_its_incident()]

    def __str__(self) -> str:
        return f"{self.kind} of incident {self.incident_id}"


class PublicNotice(models.Model):
    """The substitute notice: on the home page and on a page of its own for 90 days, with a free number (RULES 3.7)."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="public_notice")
    toll_free = models.CharField(max_length=40)
    starts_on = models.DateField()
    ends_on = models.DateField()
    put_up_by = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["ends_on"], name="public_notice_ends")]
        constraints = [models.CheckConstraint(condition=Q(ends_on__gt=models.F("starts_on")), name="posting_ends")]
        triggers = [sealed_with_its_incident()]

    def __str__(self) -> str:
        return f"public notice {self.pk}"
