"""Papers of courts and authorities, statements of who received what, and a practice that changes hands."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedBinaryField, EncryptedTextField


class ProcessKind(models.TextChoices):
    """What kind of paper it is."""

    COURT_ORDER = "court_order", _("Court order")
    WARRANT = "warrant", _("Warrant signed by a judge")
    GRAND_JURY = "grand_jury", _("Grand jury subpoena")
    SUBPOENA = "subpoena", _("Subpoena or discovery request")
    ADMINISTRATIVE = "administrative", _("Request of an agency with the force of law")
    OTHER = "other", _("Another legal paper")


class ProcessOutcome(models.TextChoices):
    """What was decided. Empty while it waits."""

    GIVEN = "given", _("Given")
    REFUSED = "refused", _("Not given")


class WithholdingGround(models.TextChoices):
    """The closed list of grounds on which the patient is not told (P13)."""

    STATUTE = "statute", _("A law forbids it")
    COURT_ORDER = "court_order", _("A court order forbids it")
    OTHER_BAR = "other_bar", _("Another legal bar")


class LegalProcess(models.Model):
    """One paper that makes, or wants to make, the clinic give something of a record.

    The database itself lets none be given without the patient having been told or a ground why not (P13).
    ``withheld_until`` is the last day on which the patient is not told; None: nothing ends it by itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    subject_id = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=16, choices=ProcessKind.choices)
    received_on = models.DateField()
    answer_by = models.DateField(null=True, blank=True)
    authority = EncryptedTextField(context="privacy.LegalProcess.authority")
    authority_address = EncryptedTextField(context="privacy.LegalProcess.authority_address", blank=True)
    case_number = EncryptedTextField(context="privacy.LegalProcess.case_number", blank=True)
    asked = EncryptedTextField(context="privacy.LegalProcess.asked")
    paper_name = models.CharField(max_length=100, blank=True)
    paper_key = EncryptedBinaryField(context="privacy.LegalProcess.paper_key", null=True, blank=True)
    paper_type = models.CharField(max_length=20, blank=True)
    form_key = models.UUIDField(unique=True)
    entered_by = models.UUIDField()
    created_at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(max_length=8, choices=ProcessOutcome.choices, blank=True)
    reason = EncryptedTextField(context="privacy.LegalProcess.reason", blank=True)
    given = EncryptedTextField(context="privacy.LegalProcess.given", blank=True)
    disclosure_id = models.UUIDField(null=True, blank=True)
    decided_by = models.UUIDField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    withheld = models.CharField(max_length=12, choices=WithholdingGround.choices, blank=True)
    withheld_words = EncryptedTextField(context="privacy.LegalProcess.withheld_words", blank=True)
    withheld_until = models.DateField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    letter_id = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "legal processes"
        indexes = [
            models.Index(fields=["received_on"], condition=Q(outcome=""), name="process_waiting"),
            models.Index(
                fields=["withheld_until"], condition=Q(outcome="given", told_at__isnull=True), name="process_notice_due"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ProcessKind.values), name="process_kind_listed"),
            models.CheckConstraint(
                condition=Q(outcome__in=["", *ProcessOutcome.values]), name="process_outcome_listed"
            ),
            models.CheckConstraint(
                condition=Q(withheld__in=["", *WithholdingGround.values]), name="process_ground_listed"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="given") | Q(told_at__isnull=False) | ~Q(withheld=""),
                name="process_tells_or_says_why_not",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="given") | Q(disclosure_id__isnull=False), name="process_given_is_registered"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", decided_at=None) | (~Q(outcome="") & Q(decided_at__isnull=False)),
                name="process_decided_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"legal process {self.pk}"


class AccountingStatement(models.Model):
    """One statement of who received what, as it was given to the patient (RULES 1.35). Its letter is the copy.

    ``since`` and ``until`` are days and both count; ``lines`` is how many there were.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    subject_id = models.UUIDField(db_index=True)
    request_id = models.UUIDField(unique=True)
    letter_id = models.UUIDField()
    since = models.DateField()
    until = models.DateField()
    lines = models.PositiveIntegerField()
    counted = models.PositiveIntegerField()
    fee_cents = models.PositiveIntegerField(default=0)
    given_on = models.DateField()
    given_by = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(since__lte=F("until")), name="statement_of_days"),
            models.CheckConstraint(condition=Q(counted__lte=F("lines")), name="statement_counts_lines"),
        ]

    def __str__(self) -> str:
        return f"accounting statement {self.pk}"


class Assignment(models.Model):
    """The practice passes to a new owner (P16). Nothing goes before the undertaking is there, and patients are told.

    ``statute`` names the law that lets records pass without each patient's consent, if there is one: without it
    only those go who consented (RULES 4.1).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    acquirer = EncryptedTextField(context="privacy.Assignment.acquirer")
    acquirer_address = EncryptedTextField(context="privacy.Assignment.acquirer_address")
    passes_on = models.DateField()
    statute = models.CharField(max_length=200, blank=True)
    undertaking_on = models.DateField(null=True, blank=True)
    undertaking_by = EncryptedTextField(context="privacy.Assignment.undertaking_by", blank=True)
    paper_name = models.CharField(max_length=100, blank=True)
    paper_key = EncryptedBinaryField(context="privacy.Assignment.paper_key", null=True, blank=True)
    paper_type = models.CharField(max_length=20, blank=True)
    form_key = models.UUIDField(unique=True)
    entered_by = models.UUIDField()
    created_at = models.DateTimeField(auto_now_add=True)
    telling_at = models.DateTimeField(null=True, blank=True, help_text="Since then patients are being told.")
    told_at = models.DateTimeField(null=True, blank=True, help_text="All patients of that day were told.")
    told_until = models.UUIDField(null=True, blank=True, help_text="The last patient who was told.")
    called_off_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(telling_at__isnull=True) | (Q(undertaking_on__isnull=False) & ~Q(paper_name="")),
                name="assignment_undertaken_first",
            ),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"
