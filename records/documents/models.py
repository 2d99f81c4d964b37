"""Lab results and outside records: one row a document, its cleaned file and page pictures sealed beside it."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedBinaryField, EncryptedCharField, EncryptedDateField
from records.changes import keeps_former_values
from records.encounters.models import Encounter
from records.intake.models import Upload, upload_constraints
from records.people.models import Patient


class DocumentKind(models.TextChoices):
    """What a document is, in the words of the policy (P07)."""

    LAB_RESULT = "lab_result", _("Lab result")
    OUTSIDE_RECORD = "outside_record", _("Record from another clinic")
    OTHER = "other", _("Something else")


# What a person may set right later; each former value is kept with who changed it (P38).
EDITABLE = ("kind", "title", "dated")


@keeps_former_values(deleted=True, of=EDITABLE, beside=("patient",))
class Document(Upload):
    """One document. ``dated`` is the day written on it; ``seen_at`` when staff of the clinic first opened it.

    The file as sent goes when the cleaned one is there. ``file_*`` is a PDF or a JPEG by ``content_type``.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    encounter = models.ForeignKey(Encounter, on_delete=models.SET_NULL, null=True, blank=True, related_name="documents")
    kind = models.CharField(max_length=15, choices=DocumentKind.choices)
    title = EncryptedCharField(context="records.Document.title", max_length=120, blank=True)
    dated = EncryptedDateField(context="records.Document.dated", null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    quarantine_key = EncryptedBinaryField(context="records.Document.quarantine_key", null=True, blank=True)
    content_type = models.CharField(max_length=20, blank=True)
    pages = models.PositiveSmallIntegerField(default=0)
    file_name = models.CharField(max_length=100, blank=True)
    file_key = EncryptedBinaryField(context="records.Document.file_key", null=True, blank=True)
    file_bytes = models.PositiveIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    thumb_name = models.CharField(max_length=100, blank=True)
    thumb_key = EncryptedBinaryField(context="records.Document.thumb_key", null=True, blank=True)

    class Meta:
        ordering = ["-received_at"]
        indexes = [
            models.Index(fields=["patient", "received_at"], name="document_patient"),
            models.Index(
                fields=["received_at"], condition=models.Q(state__in=["received", "processing"]),
                name="document_waiting",
            ),
        ]
        constraints = [
            *upload_constraints("document"),
            models.CheckConstraint(
                condition=models.Q(state="ready") ^ models.Q(file_name="", thumb_name=""),
                name="document_files_only_when_ready",
            ),
        ]

    def __str__(self) -> str:
        return f"document {self.pk}"


class DocumentPage(models.Model):
    """The picture of one page of a PDF, for looking at it without opening the PDF. Numbers start at 1."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="page_pictures")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveSmallIntegerField()
    image_name = models.CharField(max_length=100)
    image_key = EncryptedBinaryField(context="records.DocumentPage.image_key")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="document_page_once")]

    def __str__(self) -> str:
        return f"page {self.pk}"
