"""Messages between the patient and the clinic, a thread per encounter (S3)."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models

from portal.crypto.fields import EncryptedTextField
from records.encounters.models import Encounter
from records.people.models import Patient


class Message(models.Model):
    """One message. Never changed once sent; ``read_at`` is when the other side opened it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    encounter = models.ForeignKey(Encounter, on_delete=models.CASCADE, related_name="messages")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    author_id = models.UUIDField()
    from_staff = models.BooleanField()
    body = EncryptedTextField(context="records.Message.body")
    form_key = models.UUIDField(unique=True, default=uuid4)
    sent_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["sent_at"]
        indexes = [
            models.Index(fields=["encounter", "sent_at"], name="message_thread"),
            models.Index(
                fields=["patient", "from_staff"], condition=models.Q(read_at__isnull=True), name="message_unread"
            ),
        ]
        # What was said stays said; only that it was read is added.
        triggers = [pgtrigger.ReadOnly(name="sent_once", exclude=["read_at"])]

    def __str__(self) -> str:
        return f"message {self.pk}"
