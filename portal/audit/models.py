"""The access log: who did what to whose data, when and why. Ids and codes only.

Rows are appended and never changed. ``number`` rises with each row and ``transaction_id`` is
the database's own transaction: with both, a digest can be chained over the rows that are older
than every open transaction, and no later row can slip in between.
"""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.expressions import Func
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedTextField
from portal.permissions import Purpose, Role

HEX = r"^[0-9a-f]{64}$"
CODE = r"^[a-z][a-z0-9_.]*$"
BASIS = r"^[A-Za-z0-9_.:#/-]*$"


class Action(models.TextChoices):
    """The closed list of deeds that the access log knows."""

    VIEW = "view", _("Viewed")
    LIST = "list", _("Listed")
    SEARCH = "search", _("Searched")
    REVEAL = "reveal", _("Revealed a hidden number")
    CREATE = "create", _("Added")
    CHANGE = "change", _("Changed")
    DELETE = "delete", _("Deleted")
    EXPORT = "export", _("Made a copy")
    DOWNLOAD = "download", _("Downloaded")
    PRINT = "print", _("Printed")
    SEND = "send", _("Sent")
    DISCLOSE = "disclose", _("Gave to someone else")
    SUBMIT = "submit", _("Handed in")
    ASSIGN = "assign", _("Took or gave a case")
    SIGN = "sign", _("Signed")
    AGREE = "agree", _("Agreed")
    WITHDRAW = "withdraw", _("Took back")
    PAY = "pay", _("Paid")
    REFUND = "refund", _("Gave money back")
    SIGN_IN = "sign_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("Could not sign in")
    SIGN_OUT = "sign_out", _("Signed out")
    DENIED = "denied", _("Was refused")
    GRANT = "grant", _("Gave access")
    REVOKE = "revoke", _("Ended access")
    BREAK_GLASS = "break_glass", _("Opened in an emergency")
    ARCHIVE = "archive", _("Archived")
    ERASE = "erase", _("Erased")
    RESTORE = "restore", _("Restored")
    MERGE = "merge", _("Merged")
    ROTATE = "rotate", _("Changed keys")


# Deeds in which somebody saw data: what "who looked at my record" shows.
LOOKS = frozenset(
    {
        Action.VIEW, Action.LIST, Action.SEARCH, Action.REVEAL, Action.EXPORT, Action.DOWNLOAD,
        Action.PRINT, Action.SEND, Action.DISCLOSE, Action.BREAK_GLASS,
    }
)


def _current_transaction() -> Cast:
    """PostgreSQL's 64-bit transaction id as a column default; it never wraps."""
    return Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())


class AccessEvent(models.Model):
    """One deed. ``mac`` authenticates all columns but the two that the database gives."""

    number = models.BigAutoField(primary_key=True)
    transaction_id = models.BigIntegerField(db_default=_current_transaction(), editable=False)
    event_id = models.UUIDField(unique=True, default=uuid4, editable=False)
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    actor_role = models.CharField(max_length=16, choices=Role.choices)
    subject_id = models.UUIDField(null=True)
    action = models.CharField(max_length=16, choices=Action.choices)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    object_kind = models.CharField(max_length=60)
    object_id = models.UUIDField(null=True)
    basis = models.CharField(max_length=120, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)
        indexes = [
            models.Index(fields=["subject_id", "-at"], name="audit_subject"),
            models.Index(fields=["actor_id", "-at"], name="audit_actor"),
            models.Index(fields=["-at"], name="audit_at"),
            models.Index(fields=["transaction_id", "number"], name="audit_in_order"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(action__in=Action.values), name="audit_action_listed"),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="audit_purpose_listed"),
            models.CheckConstraint(condition=Q(actor_role__in=Role.values), name="audit_role_listed"),
            models.CheckConstraint(condition=Q(object_kind__regex=CODE), name="audit_kind_is_a_code"),
            models.CheckConstraint(condition=Q(basis__regex=BASIS), name="audit_basis_is_codes"),
            models.CheckConstraint(condition=Q(request_id__regex=BASIS), name="audit_request_is_a_code"),
            models.CheckConstraint(condition=Q(mac__regex=HEX), name="audit_mac_is_there"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.number} {self.action} {self.object_kind}"


class AuditDigest(models.Model):
    """Proof of a stretch of the log: its twin lies in the lockbox under ``name``.

    It covers the rows with ``number > after_number`` whose transaction is one of
    ``from_transaction`` up to, not including, ``until_transaction``. The stretches follow each
    other without a gap. ``after_number`` rises only where the database moved to a server whose
    transactions are counted anew.
    """

    number = models.PositiveBigIntegerField(primary_key=True)  # 1, 2, 3 …; not from a sequence, which has gaps
    after_number = models.BigIntegerField()
    from_transaction = models.BigIntegerField()
    until_transaction = models.BigIntegerField()
    first_number = models.BigIntegerField()
    last_number = models.BigIntegerField()
    count = models.PositiveIntegerField()
    rows_sha256 = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)
    at = models.DateTimeField()
    name = models.CharField(max_length=200, unique=True)
    version = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    retain_until = models.DateField()

    class Meta:
        ordering = ("-number",)
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0), name="audit_digest_of_something"),
            models.CheckConstraint(
                condition=Q(from_transaction__lt=models.F("until_transaction")), name="audit_digest_has_a_stretch"
            ),
            models.CheckConstraint(
                condition=Q(mac__regex=HEX, previous__regex=HEX, sha256__regex=HEX, rows_sha256__regex=HEX),
                name="audit_digest_has_its_codes",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"digest {self.number}"


class LogReview(models.Model):
    """Somebody has gone through the log of a month, and signed what was found (RULES 2.7). Never changed.

    ``month`` is its first day. ``counts`` are what the page showed when it was signed.
    """

    class Finding(models.TextChoices):
        NOTHING = "nothing", _("Nothing out of the ordinary")
        FOLLOWED_UP = "followed_up", _("Something is being followed up")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    month = models.DateField(unique=True)
    finding = models.CharField(max_length=16, choices=Finding.choices)
    words = EncryptedTextField(context="audit.LogReview.words")
    counts = models.JSONField(default=dict)
    reviewed_by = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("-month",)
        constraints = [
            models.CheckConstraint(condition=Q(month__day=1), name="audit_review_of_a_month"),
            models.CheckConstraint(condition=Q(finding__in=["nothing", "followed_up"]), name="audit_review_finding"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"review of {self.month:%Y-%m}"
