"""Who outside the clinic received something of a record: an append-only register (P14, RULES 1.28-1.35)."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedTextField
from portal.permissions import Purpose
from records.people.models import Patient
from records.releases.models import ReleaseConsent

ORAL_DAYS_MOST = 30  # 45 CFR 164.528(a)(2)(ii); the setting may be lower


class DisclosureBasis(models.TextChoices):
    """The closed list of rights by which something may be given to somebody outside."""

    REQUEST = "request", _("You asked for it")
    AUTHORIZATION = "authorization", _("You authorized it in writing")
    TREATMENT = "treatment", _("Your care by another clinic or doctor")
    PAYMENT = "payment", _("Payment of your care")
    OPERATIONS = "operations", _("Running the clinic")
    PROVIDER_HOLDS = "provider_holds", _("Another clinic said that it holds your consent")
    FAMILY = "family", _("Somebody who helps in your care")
    EMERGENCY = "emergency", _("A medical emergency")
    BUSINESS_ASSOCIATE = "business_associate", _("A company that works for the clinic under contract")
    LAW = "law", _("A law requires it")
    PUBLIC_HEALTH = "public_health", _("Public health")
    ABUSE_REPORT = "abuse_report", _("A report of abuse or neglect")
    OVERSIGHT = "oversight", _("Oversight of health care")
    LEGAL_PROCESS = "legal_process", _("A court order, subpoena or warrant")
    LAW_ENFORCEMENT = "law_enforcement", _("Law enforcement")
    SAFETY = "safety", _("A serious threat to somebody’s safety")
    CORONER = "coroner", _("A coroner or medical examiner")
    WORKERS_COMP = "workers_comp", _("Workers’ compensation")
    NATIONAL_SECURITY = "national_security", _("National security")
    CUSTODY = "custody", _("A prison or other custody")
    LIMITED_DATA = "limited_data", _("A limited data set under agreement")
    ASSIGNMENT = "assignment", _("The clinic passed to a new owner")
    MISTAKE = "mistake", _("By mistake")


B = DisclosureBasis
# What the law makes an accounting count (RULES 1.29); the others are listed all the same (P34).
COUNTED = frozenset(
    {
        B.LAW, B.PUBLIC_HEALTH, B.ABUSE_REPORT, B.OVERSIGHT, B.LEGAL_PROCESS, B.LAW_ENFORCEMENT, B.SAFETY, B.CORONER,
        B.WORKERS_COMP, B.MISTAKE,
    }
)
# The signed paper is itself Minnesota's consent (RULES 4.1) …
SIGNED = frozenset({B.REQUEST, B.AUTHORIZATION})
# … these need one that is in force …
NEEDS_CONSENT = frozenset({B.TREATMENT, B.PAYMENT, B.OPERATIONS, B.FAMILY, B.LIMITED_DATA, B.ASSIGNMENT})
# … and the others stand on a law, a contract or an exception (RULES 4.1, 4.2): noted, and told (RULES 4.4).
# A purpose of P11's list that only one basis can have, and a basis that has only these purposes.
PURPOSES_OF: dict[DisclosureBasis, frozenset[Purpose]] = {
    B.ASSIGNMENT: frozenset({Purpose.MERGER}),
    B.LEGAL_PROCESS: frozenset({Purpose.LEGAL_PROCESS}),
}
BASES_OF: dict[Purpose, frozenset[DisclosureBasis]] = {
    Purpose.MERGER: frozenset({B.ASSIGNMENT}),
    Purpose.MARKETING: frozenset({B.AUTHORIZATION}),
}


class Disclosure(models.Model):
    """One release to one recipient on one day. Never changed; erased with its person only.

    ``reference`` is what it was done for: a request, a legal process, a letter, an import.
    ``same_key`` is a keyed hash of recipient and address, by which repeats are grouped (RULES 1.31).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="disclosures")
    on = models.DateField()
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    basis = models.CharField(max_length=20, choices=DisclosureBasis.choices)
    recipient = EncryptedTextField(context="records.Disclosure.recipient")
    recipient_address = EncryptedTextField(context="records.Disclosure.recipient_address", blank=True)
    what = EncryptedTextField(context="records.Disclosure.what")
    same_key = models.UUIDField()
    reference = models.UUIDField(null=True)
    consent = models.ForeignKey(ReleaseConsent, on_delete=models.CASCADE, null=True, related_name="+")
    recorded_by = models.UUIDField(null=True, help_text="None: the portal itself.")
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["patient", "same_key", "purpose", "basis", "on"], name="disclosure_of_patient"),
            models.Index(fields=["reference"], condition=Q(reference__isnull=False), name="disclosure_reference"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="disclosure_purpose_listed"),
            models.CheckConstraint(condition=Q(basis__in=DisclosureBasis.values), name="disclosure_basis_listed"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"disclosure {self.pk}"

    @property
    def accountable(self) -> bool:
        """True when the law makes an accounting count it (RULES 1.29)."""
        return self.basis in COUNTED

    @property
    def without_consent(self) -> bool:
        """True when no signed paper of the patient stands behind it: noted in the record (RULES 4.4)."""
        return self.consent_id is None and self.basis not in SIGNED


class StatementKind(models.TextChoices):
    """How an authority asked that the patient is not told (RULES 1.34)."""

    WRITTEN = "written", _("In writing")
    ORAL = "oral", _("By word of mouth")


class Suspension(models.Model):
    """An authority asked that these entries are left out of what the patient is told, until a day.

    It hides one disclosure, or all with one ``reference``, and nothing else; after ``ends_on`` it hides
    nothing, without anybody's doing.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="suspensions")
    disclosure = models.ForeignKey(Disclosure, on_delete=models.CASCADE, null=True, related_name="suspensions")
    reference = models.UUIDField(null=True)
    kind = models.CharField(max_length=8, choices=StatementKind.choices)
    agency = EncryptedTextField(context="records.Suspension.agency")
    official = EncryptedTextField(context="records.Suspension.official")
    statement = EncryptedTextField(context="records.Suspension.statement")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="The last day on which the entries are left out.")
    form_key = models.UUIDField(unique=True)
    recorded_by = models.UUIDField()
    recorded_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["patient", "ends_on"], name="suspension_of_patient")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=StatementKind.values), name="suspension_kind_listed"),
            models.CheckConstraint(
                condition=Q(disclosure__isnull=True, reference__isnull=False)
                | Q(disclosure__isnull=False, reference__isnull=True),
                name="suspension_of_one_thing",
            ),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="suspension_ends_after_start"),
            models.CheckConstraint(
                condition=~Q(kind="oral") | Q(ends_on__lte=F("starts_on") + dt.timedelta(days=ORAL_DAYS_MOST)),
                name="suspension_oral_is_short",
            ),
        ]
        # What an authority stated stays; only that it ended early is added.
        triggers = [pgtrigger.ReadOnly(name="stated_once", exclude=["lifted_at", "lifted_by"])]

    def __str__(self) -> str:
        return f"suspension {self.pk}"
