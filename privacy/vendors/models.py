"""Companies that work for the clinic and see health information: who, what, and on which agreement (RULES 1.62)."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from portal.crypto.fields import EncryptedTextField

NOTICE_DAYS_MOST = 60  # RULES 3.12


class Vendor(models.Model):
    """One business associate. ``code`` is what the portal's own programs ask for with ``vendor_allowed``.

    ``agreed_on`` is the day on which the agreement was signed, ``ends_on`` its last day (None: no end).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    gets = models.TextField(help_text="Which health information it sees, and what for.")
    sees_records = models.BooleanField(default=True, help_text="False: it gets no health information at all.")
    contact = EncryptedTextField(context="privacy.Vendor.contact", blank=True)
    agreed_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    notice_days = models.PositiveSmallIntegerField(default=NOTICE_DAYS_MOST)
    reviewed_on = models.DateField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                condition=Q(notice_days__gte=1, notice_days__lte=NOTICE_DAYS_MOST), name="vendor_tells_in_time"
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(agreed_on__isnull=False, ends_on__gte=F("agreed_on")),
                name="vendor_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class VendorImport(models.Model):
    """One file of disclosures that a business associate sent; its id is the reference of its entries."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="imports")
    sha256 = models.CharField(max_length=64, unique=True)
    entries = models.PositiveIntegerField()
    imported_by = models.UUIDField()
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-imported_at",)

    def __str__(self) -> str:
        return f"vendor import {self.pk}"
