"""How a patient wants to be reached instead of the usual ways (RULES 1.38, P54). Nobody asks why."""

from __future__ import annotations

from uuid import uuid4

from django.db import models

from portal.crypto.fields import EncryptedCharField, EncryptedJSONField, EncryptedTextField
from records.people.models import Patient


class ContactChoice(models.Model):
    """One set of choices. Asked for until ``since``; a later one takes its place (``until``).

    ``address`` has the parts of ``Patient.address``; empty: the usual one. ``payment`` says how
    bills reach the person, where that matters. There is no field for a reason, on purpose.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    request_id = models.UUIDField(unique=True)
    post_only = models.BooleanField(default=False)
    no_phone = models.BooleanField(default=False)
    no_voicemail = models.BooleanField(default=False)
    phone = EncryptedCharField(context="records.ContactChoice.phone", max_length=40, blank=True, default="")
    address = EncryptedJSONField(context="records.ContactChoice.address", default=dict, blank=True)
    payment = EncryptedTextField(context="records.ContactChoice.payment", blank=True, default="")
    asked_at = models.DateTimeField(auto_now_add=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=models.Q(since__isnull=False, until=None), name="contact_one_in_force"
            ),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(since__isnull=False), name="contact_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"contact choice {self.pk}"
