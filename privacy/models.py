"""Requests of patients with their legal clocks, and the copies in the archive."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedBinaryField
from privacy.backups.models import ErasureDone, LedgerCheck, MirroredFile
from privacy.copies.models import PrintCopy
from privacy.denials.models import Denial
from privacy.disclosing.models import (
    AccountingStatement,
    Assignment,
    LegalProcess,
    ProcessKind,
    ProcessOutcome,
    WithholdingGround,
)
from privacy.fees.models import FeeQuote
from privacy.handover.models import Handover, HandoverPart, HandoverPerson
from privacy.incidents.models import Affected, Assessment, Incident, IncidentEvent, LawDelay
from privacy.incidents.notice_models import BreachNotice, DutyDone, NoticeText, PublicNotice
from privacy.incidents.report_models import IncidentReport
from privacy.keeping.models import Destruction, LegalHold
from privacy.letters.models import Letter
from privacy.looks.models import LookReport, ReportState
from privacy.requests.models import DenialGround, RequestKind, RequestStep, RightsRequest
from privacy.requests.state import RequestState
from privacy.safeguards.models import Binder, Decision, Risk, RiskAnalysis, RiskStep, Sanction
from privacy.vendors.models import Vendor, VendorImport
from privacy.visitors.models import VisitCount

__all__ = [
    "AccountingStatement",
    "Affected",
    "ArchiveCopy",
    "ArchiveReason",
    "Assessment",
    "Assignment",
    "Binder",
    "BreachNotice",
    "Decision",
    "DeidentifiedCase",
    "Denial",
    "DenialGround",
    "Destruction",
    "DutyDone",
    "ErasureDone",
    "FeeQuote",
    "Handover",
    "HandoverPart",
    "HandoverPerson",
    "Incident",
    "IncidentEvent",
    "IncidentReport",
    "LawDelay",
    "LedgerCheck",
    "LegalHold",
    "LegalProcess",
    "Letter",
    "LookReport",
    "MirroredFile",
    "NoticeText",
    "PrintCopy",
    "ProcessKind",
    "ProcessOutcome",
    "PublicNotice",
    "RecordCopy",
    "ReportState",
    "RequestKind",
    "RequestState",
    "RequestStep",
    "RightsRequest",
    "Risk",
    "RiskAnalysis",
    "RiskStep",
    "Sanction",
    "Vendor",
    "VendorImport",
    "VisitCount",
    "WithholdingGround",
]


class ArchiveReason(models.TextChoices):
    """Why a copy was made."""

    NIGHTLY = "nightly", _("Nightly copy of a finished consult")
    ERASURE = "erasure", _("Last copy before deletion")


class ArchiveCopy(models.Model):
    """One sealed bundle in the lockbox. Kept after an erasure: ids, dates and hashes only (P40)."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    subject_id = models.UUIDField(db_index=True)
    encounter_id = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=10, choices=ArchiveReason.choices)
    name = models.CharField(max_length=200, unique=True)
    version = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    content_sha256 = models.CharField(max_length=64, help_text="Of the manifest; tells whether the record changed.")
    size = models.BigIntegerField()
    retain_until = models.DateField()
    read_at = models.DateTimeField(help_text="The record was read from then on; what changed later is not in it.")
    sealed_at = models.DateTimeField(auto_now_add=True)
    verified_at = models.DateTimeField(help_text="Last read back and compared.")
    key_ids = models.CharField(max_length=200, blank=True, help_text="Short hashes of the public keys it is sealed to.")
    damaged_at = models.DateTimeField(null=True, blank=True, help_text="Found unreadable; does not count as a copy.")
    destroying_at = models.DateTimeField(null=True, blank=True, help_text="Its end was decided; it may be gone.")
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "archive copies"
        indexes = [
            models.Index(
                fields=["encounter_id", "-read_at"], condition=models.Q(damaged_at__isnull=True), name="archive_newest"
            ),
            models.Index(
                fields=["retain_until"], condition=models.Q(destroyed_at__isnull=True), name="archive_ends_next"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reason__in=ArchiveReason.values), name="archive_reason_listed"
            )
        ]

    def __str__(self) -> str:
        return f"archive copy {self.pk}"


class RecordCopy(models.Model):
    """A copy of the record, made for the patient to download. A sealed file; it expires."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request = models.OneToOneField(RightsRequest, on_delete=models.CASCADE, related_name="copy")
    subject_id = models.UUIDField(db_index=True)
    account_id = models.UUIDField()
    name = models.CharField(max_length=100)
    key = EncryptedBinaryField(context="privacy.RecordCopy.key")
    size = models.PositiveBigIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    downloaded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "record copies"
        indexes = [models.Index(fields=["expires_at"], name="copy_expiring")]

    def __str__(self) -> str:
        return f"record copy {self.pk}"


class DeidentifiedCase(models.Model):
    """One ended consult without its person (P10). Nothing in it, and nothing elsewhere, leads back."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    generation = models.UUIDField(db_index=True, help_text="The rebuild that made it; one is shown at a time.")
    kept = models.BooleanField(default=False, help_text="Its person has been erased.")
    year = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=2, blank=True)
    zip3 = models.CharField(max_length=3, blank=True, help_text="000 where few people live (RULES 1.55).")
    age = models.CharField(max_length=4, blank=True, help_text="Years at the time; one class from the top age on.")
    gender = models.CharField(max_length=10, blank=True)
    concern = models.CharField(max_length=40, blank=True)
    outcome = models.CharField(max_length=10)
    diagnosis_code = models.CharField(max_length=8, blank=True)
    prescription = models.BooleanField(null=True)
    codes = models.JSONField(default=dict, help_text="Chosen codes of listed questions.")

    def __str__(self) -> str:
        return f"de-identified case {self.pk}"
