"""Accounts: people who can sign in. An account is not a patient; ``records`` links the two."""

from __future__ import annotations

import unicodedata
from typing import Any, ClassVar
from uuid import uuid4

import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from portal.crypto.fields import EncryptedCharField, EncryptedTextField
from portal.permissions import ACCOUNT_ROLES, STAFF_ROLES, Role

# The address of an account whose person left (P28): no mail can be sent there, and nobody signs in with it.
LEFT_DOMAIN = "left.invalid"


class UserManager(BaseUserManager["User"]):
    """Makes accounts. Addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make an account; without a password nobody can sign in to it by password."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """Somebody who can sign in, by email address.

    The address is the one identifier kept in clear: sign-in and reset must look it up (P05).
    There is no superuser: no flag opens what the role table does not.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(_("email address"), max_length=254, unique=True)
    role = models.CharField(
        max_length=12, default=Role.PATIENT, choices=[(r.value, r.label) for r in Role if r in ACCOUNT_ROLES]
    )
    display_name = EncryptedCharField(context="accounts.User.display_name", max_length=150, blank=True)
    time_zone = models.CharField(max_length=50, blank=True)
    is_active = models.BooleanField(default=True)  # type: ignore[misc]
    date_joined = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="account_email_lower"),
            models.CheckConstraint(
                condition=models.Q(role__in=sorted(r.value for r in ACCOUNT_ROLES)), name="account_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.pk}"

    def set_password(self, raw_password: str | None) -> None:
        """Keep the hash of the whole password, in one Unicode form (RULES 7.1)."""
        super().set_password(None if raw_password is None else _one_form(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """The same letters match, however a keyboard composes their accents."""
        return super().check_password(None if raw_password is None else _one_form(raw_password))

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    @property
    def has_left(self) -> bool:
        """Closed for good: the person asked never to be written to again (P28)."""
        return self.email.endswith(f"@{LEFT_DOMAIN}")

    @property
    def actor(self) -> Actor:
        return Actor(self.pk, Role(self.role))

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """Django's own permissions are not used: ``portal.permissions`` is."""
        return False

    def has_perms(self, perm_list: Any, obj: object | None = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


class SuspensionReason(models.TextChoices):
    """Why a sign-in is stopped: the closed list of P56."""

    TAKEN_OVER = "taken_over", _("Somebody else seems to use it")
    THREATS = "threats", _("Threats or harassment")
    SNOOPING = "snooping", _("Looked at records without need")
    FRAUD = "fraud", _("False identity, or fraud with payments")
    ATTACK = "attack", _("Attacks on the portal, or automated use")


class Suspension(models.Model):
    """One stop of an account, or of one device of it, until it is lifted. Who, why and when stay.

    ``device`` is a keyed hash of browser and network; empty: the whole account. Rights do not end with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account_id = models.UUIDField()
    device = models.CharField(max_length=64, blank=True)
    device_words = EncryptedCharField(context="accounts.Suspension.device_words", max_length=300, blank=True)
    reason = models.CharField(max_length=12, choices=SuspensionReason.choices)
    note = EncryptedTextField(context="accounts.Suspension.note")
    placed_by = models.UUIDField()
    placed_at = models.DateTimeField()
    lifted_by = models.UUIDField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lift_note = EncryptedTextField(context="accounts.Suspension.lift_note", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "device"], condition=models.Q(lifted_at=None), name="suspended_once"
            ),
            models.CheckConstraint(
                condition=models.Q(reason__in=SuspensionReason.values), name="suspension_reason_listed"
            ),
            models.CheckConstraint(
                condition=models.Q(lifted_at=None, lifted_by=None)
                | models.Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="suspension_lifted_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["-placed_at"], name="suspension_newest")]

    def __str__(self) -> str:
        return f"suspension {self.pk}"


class Course(models.TextChoices):
    """The closed list of what staff are trained in (RULES 1.61)."""

    BASICS = "hipaa_basics", _("HIPAA basics")
    POLICIES = "policies", _("Our own policies")
    SECURITY = "security", _("Security")


class TrainingRecord(models.Model):
    """One course that one member of the staff has done (P22). Only "entered by mistake" can be added to it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account_id = models.UUIDField()
    course = models.CharField(max_length=12, choices=Course.choices)
    done_on = models.DateField()
    valid_until = models.DateField()
    recorded_by = models.UUIDField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    withdrawn_by = models.UUIDField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(course__in=Course.values), name="training_course_listed"),
            models.CheckConstraint(
                condition=models.Q(valid_until__gte=models.F("done_on")), name="training_ends_later"
            ),
            models.UniqueConstraint(
                fields=["account_id", "course", "done_on"], condition=models.Q(withdrawn_at=None), name="training_once"
            ),
        ]
        indexes = [
            models.Index(fields=["account_id", "course", "-valid_until"], name="training_of_account"),
            models.Index(fields=["valid_until"], name="training_ends"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="as_recorded",
                fields=["id", "account_id", "course", "done_on", "valid_until", "recorded_by", "recorded_at"],
            ),
        ]

    def __str__(self) -> str:
        return f"training {self.pk}"


def _one_form(password: str) -> str:
    return unicodedata.normalize("NFC", password)
