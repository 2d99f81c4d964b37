"""What was asked, added and disputed about parts of a record (P33, P37, RULES 1.20-1.27).

One append-only table of papers: nothing in a record is ever overwritten, a correction is a paper
beside the part it speaks of. The papers of a request that was refused are its dispute packet.
"""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedCharField, EncryptedTextField
from records.people.models import Patient


class PartKind(models.TextChoices):
    """The parts of a record that somebody can ask to have corrected. A closed list."""

    ENTRY = "entry", _("Entry in a section")
    PLAN = "plan", _("Plan")
    ASSESSMENT = "assessment", _("What the clinician found")
    MESSAGE = "message", _("Message")
    ANSWER = "answer", _("Answer in a consult")
    PHOTO = "photo", _("Photo")
    DOCUMENT = "document", _("Document")


class PaperKind(models.TextChoices):
    """What a paper is. The first three words of a dispute and its end come from different people."""

    REQUEST = "request", _("Asked for")
    AMENDMENT = "amendment", _("Correction")
    DENIAL = "denial", _("Why it was refused")
    UPHELD = "upheld", _("The refusal was looked at again, and stands")
    OVERTURNED = "overturned", _("The refusal was looked at again, and is taken back")
    STATEMENT = "statement", _("The patient disagrees")
    REBUTTAL = "rebuttal", _("The clinic’s answer to that")


class AmendmentPaper(models.Model):
    """One paper about one part. Never changed; goes only with the person.

    ``words`` is what it says; of a request also ``reason``, why it is wrong, and ``told_by`` where
    another provider asked (RULES 1.27). ``private``: the part is kept from parents and guardians.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    request_id = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=10, choices=PaperKind.choices)
    part_kind = models.CharField(max_length=10, choices=PartKind.choices)
    part_id = models.UUIDField()
    private = models.BooleanField(default=False)
    words = EncryptedTextField(context="records.AmendmentPaper.words")
    reason = EncryptedTextField(context="records.AmendmentPaper.reason", blank=True, default="")
    told_by = EncryptedCharField(context="records.AmendmentPaper.told_by", max_length=200, blank=True, default="")
    author_id = models.UUIDField(null=True)
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["written_at", "pk"]
        indexes = [models.Index(fields=["patient", "written_at"], name="amendment_patient")]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=PaperKind.values), name="amendment_kind_listed"),
            models.CheckConstraint(condition=models.Q(part_kind__in=PartKind.values), name="amendment_part_listed"),
            models.UniqueConstraint(
                fields=["request_id", "kind"], condition=models.Q(kind__in=["request", "statement", "rebuttal"]),
                name="amendment_paper_once",
            ),
            models.UniqueConstraint(
                fields=["request_id", "part_id"], condition=models.Q(kind="amendment"), name="amendment_once_per_part"
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"amendment paper {self.pk}"


class Telling(models.Model):
    """Somebody who may rely on the old version, and whether the patient wants them told (RULES 1.23).

    ``agreed`` is None until the patient has said; ``told_at`` when the letter went out.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    request_id = models.UUIDField(db_index=True)
    name = EncryptedCharField(context="records.Telling.name", max_length=200)
    address = EncryptedTextField(context="records.Telling.address", blank=True, default="")
    named_by_patient = models.BooleanField(default=False)
    agreed = models.BooleanField(null=True)
    told_by = models.UUIDField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(told_at=None, told_by=None)
                | models.Q(told_at__isnull=False, told_by__isnull=False, agreed=True),
                name="telling_only_when_agreed",
            ),
        ]

    def __str__(self) -> str:
        return f"telling {self.pk}"
