"""Fees that were quoted: the lines, the answer, and how it was paid."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q

from portal.crypto.fields import EncryptedTextField
from privacy.fees.state import FeeState

__all__ = ["FeeQuote", "FeeState"]


class FeeQuote(models.Model):
    """One quote for one request. ``lines`` are [code, words, cents]; they add up to ``cents``."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request_id = models.UUIDField(db_index=True)
    subject_id = models.UUIDField(db_index=True)
    account_id = models.UUIDField(null=True, blank=True)
    form = models.CharField(max_length=10)
    method = models.CharField(max_length=6)
    pages = models.PositiveIntegerField()
    minutes = models.PositiveIntegerField(default=0)
    lines = models.JSONField(default=list)
    cents = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=FeeState.choices, default=FeeState.QUOTED)
    order_id = models.UUIDField(null=True, blank=True)
    wish = EncryptedTextField(
        context="privacy.FeeQuote.wish", blank=True, help_text="What would be enough, of who said no to the price."
    )
    paid_how = models.CharField(max_length=10, blank=True, help_text="square, or by_post for a check.")
    quoted_at = models.DateTimeField(auto_now_add=True)
    quoted_by = models.UUIDField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-quoted_at",)
        constraints = [
            models.CheckConstraint(condition=Q(state__in=FeeState.values), name="fee_state_listed"),
            models.CheckConstraint(condition=~Q(state="waived") | Q(cents=0), name="fee_waived_is_nothing"),
            models.CheckConstraint(condition=~Q(state="quoted") | Q(cents__gt=0), name="fee_quoted_is_something"),
            models.UniqueConstraint(
                fields=["request_id"], condition=Q(state__in=["quoted", "accepted", "paid", "waived"]),
                name="fee_one_live_a_request",
            ),
        ]
        indexes = [
            models.Index(fields=["order_id"], condition=Q(order_id__isnull=False), name="fee_order"),
            models.Index(fields=["quoted_at"], condition=Q(state="accepted"), name="fee_awaited"),
        ]

    def __str__(self) -> str:
        return f"fee quote {self.pk}"
