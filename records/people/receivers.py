"""What is kept in line with a patient's row: the keyed hashes by which staff find the person."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from records.people.models import Patient
from records.people.search_tokens import tokens_write


@receiver(post_save, sender=Patient)
def hashes_follow_the_row(sender: type[Patient], instance: Patient, **kwargs: Any) -> None:
    """In the transaction of ``Patient.save``."""
    tokens_write(instance)
