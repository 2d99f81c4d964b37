"""What searching and merging keep: hashes to find by, pairs told apart, and records made one."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedTextField
from records.people.models import Patient


class TokenKind(models.IntegerChoices):
    """What a token was made from. The number is part of what is hashed and in every row: never reuse one."""

    NAME = 1, _("Word of the name, or its beginning")
    BIRTH_DATE = 2, _("Date of birth")
    PHONE = 3, _("Phone number")
    ADDRESS = 4, _("Word of the address")
    NAME_PAIR = 5, _("Two words of the name")
    SAME_PERSON = 6, _("Name and birth date, or birth date and phone")


class SearchToken(models.Model):
    """One word of one patient as a keyed hash: the word itself stands nowhere.

    The unique index is the one that every search walks. 128 bits of HMAC-SHA256 fit a UUID
    column, which is half as wide as the whole hash; a chance match is not to be expected.
    """

    token = models.UUIDField()
    # The foreign key's own index would hold no kind: the one below serves for both.
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="tokens", db_index=False)
    kind = models.PositiveSmallIntegerField(choices=TokenKind.choices)

    class Meta:
        indexes = [models.Index(fields=["patient", "kind"], name="search_patient")]
        constraints = [
            models.UniqueConstraint(fields=["token", "patient"], name="search_token_once"),
            models.CheckConstraint(condition=Q(kind__in=TokenKind.values), name="search_kind_listed"),
        ]

    def __str__(self) -> str:
        return f"search token of {self.patient_id}"


class ToldApart(models.Model):
    """Two patients who look like one and are not: somebody of the staff said so, once."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    first = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    said_by = models.UUIDField()
    said_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="apart_in_order"),
            models.UniqueConstraint(fields=["first", "second"], name="apart_once"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} is not {self.second_id}"


class Merge(models.Model):
    """One record went into another. The old id lives on here: the access log is never rewritten.

    ``counts`` holds what stood in every app before, by model: numbers only.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    old_id = models.UUIDField(unique=True)
    new_id = models.UUIDField(db_index=True)
    old_public_id = models.CharField(max_length=8, unique=True)
    merged_by = models.UUIDField()
    merged_at = models.DateTimeField(auto_now_add=True)
    reason = EncryptedTextField(context="records.Merge.reason")
    counts = models.JSONField(default=dict)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(old_id=F("new_id")), name="merge_of_two")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"merge {self.pk}"
