"""A patient's signed consent that something is released to somebody (RULES 4.1, 4.3)."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedTextField
from records.people.models import Patient


class ConsentKind(models.TextChoices):
    """To whom; it decides what the consent serves and whether it may last."""

    PROVIDER = "provider", _("Another clinic or doctor who cares for you")
    INSURER = "insurer", _("An insurance company")
    PERSON = "person", _("Somebody of your family or choice")
    NEW_OWNER = "new_owner", _("A new owner of this clinic")


# Without an end only these, and only where the patient says so (RULES 4.3).
MAY_LAST = frozenset({ConsentKind.PROVIDER, ConsentKind.INSURER})


class ReleaseConsent(models.Model):
    """One consent. ``expires_on`` is its last day; None: it lasts until it is taken back."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="release_consents")
    kind = models.CharField(max_length=10, choices=ConsentKind.choices)
    recipient = EncryptedTextField(context="records.ReleaseConsent.recipient")
    recipient_key = models.UUIDField(help_text="Keyed hash of the recipient's name, so that it is found.")
    what = EncryptedTextField(context="records.ReleaseConsent.what")
    signed_name = EncryptedTextField(context="records.ReleaseConsent.signed_name")
    signed_for = EncryptedTextField(context="records.ReleaseConsent.signed_for", blank=True)
    signed_on = models.DateField()
    expires_on = models.DateField(null=True, blank=True)
    on_paper = models.BooleanField(default=False)
    form_key = models.UUIDField(unique=True)
    recorded_by = models.UUIDField()
    recorded_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["patient", "recipient_key"], condition=models.Q(revoked_at=None), name="consent_in_force"
            )
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=ConsentKind.values), name="consent_kind_listed"),
            models.CheckConstraint(
                condition=models.Q(expires_on__gte=models.F("signed_on"))
                | models.Q(expires_on=None, kind__in=sorted(kind.value for kind in MAY_LAST)),
                name="consent_ends_or_may_last",
            ),
            models.CheckConstraint(
                condition=models.Q(revoked_at=None, revoked_by=None)
                | models.Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="consent_revoked_by_somebody",
            ),
        ]
        # What was signed stays as it was signed; only that it was taken back is added.
        triggers = [pgtrigger.ReadOnly(name="signed_once", exclude=["revoked_at", "revoked_by"])]

    def __str__(self) -> str:
        return f"consent to release {self.pk}"
