"""Orders, the ways tried to pay them, payments, refunds, and Square's events. Knows no medicine.

Money is whole cents. A subject and an account are opaque ids without a foreign key, so that a
payment row can stay for the books when its person is gone. No card data exists here: cards are
typed at Square, and of Square's answers only ids, amounts, states and times are kept (P15).
"""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.state import AttemptState, OrderState, PaymentProblem, PaymentState, RefundState


class Order(models.Model):
    """Something to be paid once: (kind, reference) names the thing in the app above."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    subject_id = models.UUIDField(db_index=True)
    account_id = models.UUIDField(null=True, db_index=True, help_text=_("Who pays. Empty after an erasure."))
    kind = models.CharField(max_length=30)
    reference = models.UUIDField()
    product_code = models.CharField(max_length=40)
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=15, choices=OrderState.choices, default=OrderState.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["-created_at"], name="order_newest")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference"], name="order_once"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="order_costs_something"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="order_currency_code"),
            models.CheckConstraint(condition=Q(state__in=OrderState.values), name="order_state_listed"),
        ]

    def __str__(self) -> str:
        return f"order {self.pk}"


class CheckoutAttempt(models.Model):
    """One hosted page at Square. Its key follows from order and number, never from a click."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    idempotency_key = models.CharField(max_length=45, unique=True)
    square_order_id = models.CharField(max_length=192, unique=True)
    link_id = models.CharField(max_length=192, blank=True)
    url = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=AttemptState.choices, default=AttemptState.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["order", "number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="attempt_number_once"),
            models.UniqueConstraint(fields=["order"], condition=Q(state=AttemptState.OPEN), name="attempt_one_open"),
            models.CheckConstraint(condition=Q(state__in=AttemptState.values), name="attempt_state_listed"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of order {self.order_id}"


class Payment(models.Model):
    """A payment as Square last told it. ``refund_cents`` is given back or on its way back."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    square_payment_id = models.CharField(max_length=192, unique=True)
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=PaymentState.choices)
    problem = models.CharField(max_length=10, choices=PaymentProblem.choices, blank=True, default="")
    refund_cents = models.PositiveIntegerField(default=0)
    receipt_number = models.PositiveIntegerField(null=True, unique=True)
    paid_at = models.DateTimeField(null=True)
    source_updated_at = models.DateTimeField(help_text=_("Square's own time of change; older news is ignored."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["-created_at"], name="payment_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state=PaymentState.COMPLETED, problem=""),
                name="payment_one_sound_an_order",
            ),
            models.CheckConstraint(condition=Q(refund_cents__lte=F("amount_cents")), name="payment_refund_within"),
            models.CheckConstraint(condition=Q(state__in=PaymentState.values), name="payment_state_listed"),
            models.CheckConstraint(condition=Q(problem__in=PaymentProblem.values), name="payment_problem_listed"),
            models.CheckConstraint(
                condition=~Q(state=PaymentState.COMPLETED) | Q(paid_at__isnull=False), name="payment_has_its_time"
            ),
            models.CheckConstraint(
                condition=Q(receipt_number__isnull=True) | Q(state=PaymentState.COMPLETED, problem=""),
                name="payment_receipt_if_sound",
            ),
        ]

    def __str__(self) -> str:
        return f"payment {self.pk}"


class Refund(models.Model):
    """Money on its way back, in part or whole. ``origin`` square: made in Square's own dashboard."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_cents = models.PositiveIntegerField()
    idempotency_key = models.CharField(max_length=45, unique=True)
    state = models.CharField(max_length=10, choices=RefundState.choices, default=RefundState.WAITING)
    square_refund_id = models.CharField(max_length=255, null=True, unique=True)
    reason_code = models.CharField(max_length=40)
    error_code = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="refund_gives_something"),
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="refund_state_listed"),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="refund_newest"),
            models.Index(
                fields=["next_try_at"],
                condition=Q(state__in=[RefundState.WAITING, RefundState.PENDING]),
                name="refund_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"


class EffectKind(models.TextChoices):
    """What the apps above are told, once."""

    CHARGE_PAID = "charge_paid", _("The order is paid")
    CHARGE_REFUNDED = "charge_refunded", _("Money was given back")


class Effect(models.Model):
    """A signal that is due. Sent and marked done in one transaction, so receivers' work happens once."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="effects")
    kind = models.CharField(max_length=20, choices=EffectKind.choices)
    once_key = models.CharField(max_length=80, unique=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], condition=Q(done_at=None), name="effect_due")]

    def __str__(self) -> str:
        return f"{self.kind} of order {self.order_id}"


class WebhookEvent(models.Model):
    """One event of Square, known by its ``event_id``: what it is about, never its payload.

    A payload can hold the brand and last digits of a card and an address; none of it is needed,
    since the truth is fetched by id. ``body_sha256`` tells whether a repeat was the same event.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    event_id = models.CharField(max_length=100, unique=True)
    type = models.CharField(max_length=60)
    object_kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=255)
    body_sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["-received_at"]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(processed_at=None), name="webhook_unprocessed"),
            models.Index(fields=["-received_at"], name="webhook_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Counter(models.Model):
    """Hands out numbers without gaps: the row is locked until its taker commits."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=30, unique=True)
    value = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
