"""The sections of a record that a patient keeps: conditions, allergies, medicines, numbers, answers.

One table holds all sections, so that a page of the whole record reads them in one query and one
history tells their former values (docs/decisions/0130).
"""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedCharField, EncryptedJSONField
from records.changes import keeps_former_values
from records.people.models import Patient


class Section(models.TextChoices):
    """The closed list of sections, in the order in which a record shows them."""

    ALLERGIES = "allergies", _("Allergies")
    MEDICATIONS = "medications", _("Medicines")
    CONDITIONS = "conditions", _("Conditions")
    HISTORY = "history", _("Health history")
    PRIVATE = "private", _("Private answers")
    IDENTIFIERS = "identifiers", _("ID numbers")


# The row that speaks of a section as a whole: "there is nothing", and when that was last checked.
SHEET = "sheet"


@keeps_former_values(deleted=True)
class Entry(models.Model):
    """One thing in a section. ``value`` has the parts that ``kinds.PARTS`` names for the section.

    ``code`` is ``SHEET``, a topic of the health history or the private answers, or empty.
    ``updated_at`` is the version that a form sends back, so that no window overwrites another.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="entries")
    section = models.CharField(max_length=12, choices=Section.choices)
    code = models.CharField(max_length=20, blank=True)
    # What a guardian does not see (RULES 4.14, 1.45); all of the private answers.
    private = models.BooleanField(default=False)
    value = EncryptedJSONField(context="records.Entry.value")
    # The number of an identifier, whole. Lists never load it: ``vault.reveal_identifier`` does.
    number = EncryptedCharField(context="records.Entry.number", max_length=60, null=True, blank=True)
    form_key = models.UUIDField(unique=True, null=True, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(section__in=Section.values), name="entry_section_listed"),
            models.UniqueConstraint(
                fields=["patient", "section", "code"], condition=~models.Q(code=""), name="entry_once_per_code"
            ),
            models.CheckConstraint(
                condition=~models.Q(section=Section.PRIVATE) | models.Q(private=True), name="entry_private_is_private"
            ),
            models.CheckConstraint(
                condition=models.Q(section=Section.IDENTIFIERS) | models.Q(number__isnull=True),
                name="entry_number_is_an_identifier",
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.pk}"
