"""Mail on its way out: what, to whom and how far it got, without its words.

A row is written in the transaction of its cause. The words are made when it is sent, from ids
(``refs``); what cannot be made anew, such as a sign-in code, waits encrypted in ``secret``
and is wiped once the mail is gone.
"""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedEmailField, EncryptedJSONField


class Category(models.TextChoices):
    """What a mail is for; decides what it must carry and who can stop it (P26, P27)."""

    OPERATIONAL = "operational", _("About your care or your account")
    SECURITY = "security", _("About your sign-in")
    MARKETING = "marketing", _("News and offers")


class MailState(models.TextChoices):
    """How far a mail got. ``sending`` is held under a lease by one worker."""

    WAITING = "waiting", _("Waiting")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    DEAD = "dead", _("Stuck")
    REFUSED = "refused", _("Not sent, on purpose")


OPEN_STATES = (MailState.WAITING, MailState.SENDING)


class LeftAddress(models.Model):
    """An address that is never written to again: its keyed hash, and since when (P28)."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    address_hash = models.CharField(max_length=64, unique=True)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"left address {self.pk}"


class OutgoingMail(models.Model):
    """One mail to one person."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=80)
    category = models.CharField(max_length=12, choices=Category.choices)
    # The deed that this mail tells of; the same deed never queues it twice. Ids and codes only.
    once_key = models.CharField(max_length=200)
    account_id = models.UUIDField(null=True, db_index=True)
    subject_id = models.UUIDField(null=True)
    address = EncryptedEmailField(context="outbox.OutgoingMail.address", null=True, blank=True)
    refs = models.JSONField(default=dict)
    secret = EncryptedJSONField(context="outbox.OutgoingMail.secret", null=True, blank=True)
    has_secret = models.BooleanField(default=False)
    priority = models.PositiveSmallIntegerField(default=50)  # smaller goes first
    state = models.CharField(max_length=8, choices=MailState.choices, default=MailState.WAITING)
    message_id = models.CharField(max_length=200)  # made of the id, so it is as unique
    queued_at = models.DateTimeField()
    send_after = models.DateTimeField()
    send_before = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    # Set, and committed, before the mail server is spoken to: with it a killed worker's mail
    # can be told from one that only stood in the same batch.
    begun_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    repeats = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=80, blank=True)
    gate_passed = models.BooleanField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-queued_at",)
        # Every index is written three times a mail (claimed, begun, sent), so most are partial, and
        # unique text has a constraint instead of ``unique=True``, which would add a second index.
        indexes = [
            models.Index(
                fields=["priority", "send_after"], condition=Q(state="waiting"), name="outbox_waiting"
            ),
            models.Index(fields=["leased_until"], condition=Q(state="sending"), name="outbox_leased"),
            models.Index(fields=["-queued_at"], condition=Q(state="dead"), name="outbox_stuck"),
            models.Index(fields=["-queued_at"], name="outbox_newest"),
            models.Index(fields=["subject_id"], condition=Q(subject_id__isnull=False), name="outbox_subject"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["once_key"], name="outbox_one_mail_per_deed"),
            models.CheckConstraint(condition=Q(state__in=MailState.values), name="outbox_state_listed"),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="outbox_category_listed"),
            models.CheckConstraint(condition=Q(kind__regex=r"^[a-z][a-z0-9_.]*$"), name="outbox_kind_is_a_code"),
            models.CheckConstraint(
                condition=Q(once_key__regex=r"^[A-Za-z0-9_.:/#-]+$"), name="outbox_once_key_is_codes"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "refused"]) | Q(secret__isnull=True), name="outbox_secret_is_wiped"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["waiting", "sending"]) | Q(account_id__isnull=False) | Q(address__isnull=False),
                name="outbox_has_a_recipient",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="outbox_sent_has_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(lease__isnull=False, leased_until__isnull=False),
                name="outbox_sending_has_a_lease",
            ),
            # P12: no marketing leaves without its authorization having been asked and given. NULL
            # has to be named: a condition that is neither true nor false would pass.
            models.CheckConstraint(
                condition=~Q(category="marketing", state="sent") | Q(gate_passed__isnull=False, gate_passed=True),
                name="outbox_marketing_was_authorized",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
