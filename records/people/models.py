"""The patient, and who may open the patient's record."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedCharField, EncryptedDateField, EncryptedJSONField
from records.changes import keeps_former_values
from records.people.public_id import public_id_new


class Gender(models.TextChoices):
    """As the person says it; the codes are FHIR's administrative gender. Empty: not asked yet."""

    FEMALE = "female", _("Female")
    MALE = "male", _("Male")
    OTHER = "other", _("Another gender")
    UNKNOWN = "unknown", _("I prefer not to say")


@keeps_former_values()
class Patient(models.Model):
    """A person who is cared for. ``id`` is the subject id that every app carries.

    No link to an account stands here: "self" is a grant like "guardian". Either name may be
    empty, not both: many people have one name.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    # In clear: it must be unique and be found, it is random, and it says nothing about the person.
    public_id = models.CharField(max_length=8, unique=True, default=public_id_new, editable=False)
    given_name = EncryptedCharField(context="records.Patient.given_name", max_length=200, blank=True)
    family_name = EncryptedCharField(context="records.Patient.family_name", max_length=200, blank=True)
    birth_date = EncryptedDateField(context="records.Patient.birth_date")
    gender = EncryptedCharField(
        context="records.Patient.gender", max_length=10, blank=True, default="", choices=Gender.choices
    )
    phone = EncryptedCharField(context="records.Patient.phone", max_length=40, blank=True)
    # Parts that are known, all text: street, city, state (MN), postal_code.
    address = EncryptedJSONField(context="records.Patient.address", default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(public_id__regex=r"^[2-9A-HJKMNP-Z]{8}$"), name="patient_public_id_form"
            ),
        ]

    def __str__(self) -> str:
        return f"patient {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The row and what its receivers keep beside it (the hashes by which staff find it), or neither."""
        with transaction.atomic():
            super().save(*args, **kwargs)

    @property
    def full_name(self) -> str:
        return " ".join(part for part in (self.given_name, self.family_name) if part)


class GrantKind(models.TextChoices):
    """Why somebody may open a record."""

    SELF = "self", _("It is their own record")
    GUARDIAN = "guardian", _("Parent or guardian")
    QUEUE = "queue", _("Waiting for a clinician")
    CARE_TEAM = "care_team", _("Cares for the patient")
    REQUEST = "request", _("Works on the patient's request")
    REVIEW = "review", _("Looks again at a refused request")
    BREAK_GLASS = "break_glass", _("Emergency")
    PORTAL = "portal", _("The portal's own work")  # never a row: tasks, with a purpose, audited
    SEARCH = "search", _("Looked for a patient")  # never a row: a hit's name and birth date, audited


GRANTED_KINDS = [kind.value for kind in GrantKind if kind not in {GrantKind.PORTAL, GrantKind.SEARCH}]


class GrantScope(models.TextChoices):
    """What a grant lets its holder do. A guardian never sees private answers, in either (RULES 4.14)."""

    ACT = "act", _("See and act")
    VIEW = "view", _("See only")


class AccessGrant(models.Model):
    """Opens one patient to one account, or (queue) to one role, from then until then."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="grants")
    kind = models.CharField(max_length=12, choices=GrantKind.choices)
    scope = models.CharField(max_length=4, choices=GrantScope.choices, default=GrantScope.ACT)
    account_id = models.UUIDField(null=True, blank=True)
    role = models.CharField(max_length=12, blank=True)
    reference = models.UUIDField(null=True, blank=True, help_text="The consult or request it serves.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    opened_by = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=GRANTED_KINDS), name="grant_kind_can_be_given"
            ),
            models.CheckConstraint(
                condition=models.Q(scope=GrantScope.ACT) | models.Q(scope=GrantScope.VIEW, kind=GrantKind.GUARDIAN),
                name="grant_scope_listed",
            ),
            models.CheckConstraint(
                condition=models.Q(account_id__isnull=False) | ~models.Q(role=""), name="grant_names_somebody"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True) | models.Q(ends_at__gte=models.F("starts_at")),
                name="grant_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["patient", "kind", "account_id", "role", "reference"],
                condition=models.Q(ends_at__isnull=True), nulls_distinct=False, name="grant_open_once",
            ),
        ]
        indexes = [
            models.Index(fields=["account_id", "kind"], name="grant_account"),
            models.Index(fields=["patient", "account_id"], name="grant_patient_account"),
        ]

    def __str__(self) -> str:
        return f"grant {self.pk}"
