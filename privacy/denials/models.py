"""Why a request was refused, who judged it, and who looked at it again (P37, RULES 1.14-1.17, 1.22-1.25)."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedCharField, EncryptedJSONField, EncryptedTextField
from privacy.requests.models import RightsRequest


class ReviewDecision(models.TextChoices):
    """What the second look found. It binds the clinic."""

    UPHELD = "upheld", _("Our answer stands")
    OVERTURNED = "overturned", _("Our answer was wrong, and the request is worked on anew")


class Denial(models.Model):
    """One "no", whole or in part, with its review. The letter itself is ``privacy.letters``' row.

    ``judged_by`` is the licensed clinician whose judgment it rests on (RULES 1.15). The reviewer is
    neither of the two who took part: the database refuses anybody else (RULES 1.17).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request = models.ForeignKey(RightsRequest, on_delete=models.CASCADE, related_name="denials")
    subject_id = models.UUIDField(null=True, db_index=True)
    ground = models.CharField(max_length=40)
    in_part = models.BooleanField(default=False)
    explain = EncryptedTextField(context="privacy.Denial.explain")
    withheld = EncryptedTextField(context="privacy.Denial.withheld", blank=True, default="")
    # Ids of the parts of the record that a copy leaves out.
    withheld_parts = EncryptedJSONField(context="privacy.Denial.withheld_parts", default=list)
    where_else = EncryptedTextField(context="privacy.Denial.where_else", blank=True, default="")
    decided_by = models.UUIDField()
    decided_at = models.DateTimeField(auto_now_add=True)
    judged_by = models.UUIDField(null=True)
    judged_license = EncryptedCharField(
        context="privacy.Denial.judged_license", max_length=60, blank=True, default=""
    )
    letter_id = models.UUIDField(null=True)
    review_asked_at = models.DateTimeField(null=True)
    review_words = EncryptedTextField(context="privacy.Denial.review_words", blank=True, default="")
    reviewer_id = models.UUIDField(null=True)
    reviewer_license = EncryptedCharField(
        context="privacy.Denial.reviewer_license", max_length=60, blank=True, default=""
    )
    review_taken_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=10, choices=ReviewDecision.choices, blank=True)
    review_reason = EncryptedTextField(context="privacy.Denial.review_reason", blank=True, default="")
    reviewed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["decided_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reviewer_id=None)
                | (~Q(reviewer_id=F("decided_by")) & (Q(judged_by=None) | ~Q(reviewer_id=F("judged_by")))),
                name="denial_reviewed_by_somebody_else",
            ),
            models.CheckConstraint(
                condition=Q(decision="", reviewed_at=None)
                | Q(decision__in=ReviewDecision.values, reviewed_at__isnull=False, reviewer_id__isnull=False),
                name="denial_review_has_its_reviewer",
            ),
            models.CheckConstraint(
                condition=Q(reviewer_id=None, review_taken_at=None)
                | Q(reviewer_id__isnull=False, review_taken_at__isnull=False, review_asked_at__isnull=False),
                name="denial_review_was_asked_for",
            ),
        ]
        indexes = [
            models.Index(
                fields=["review_asked_at"], condition=Q(review_asked_at__isnull=False, reviewed_at=None),
                name="denial_to_review",
            )
        ]

    def __str__(self) -> str:
        return f"denial {self.pk}"
