"""What rules ask about people, without opening more of them than they need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from contextlib import suppress
from uuid import UUID

from portal.crypto.fields import DecryptionError
from records.people.models import Patient


def birth_dates(patient_ids: Collection[UUID]) -> dict[UUID, dt.date]:
    """Birth dates by patient, for rules about age; who has none that can be read is missing. One query.

    Nothing of it is shown to anybody, so no look is noted.
    """
    found: dict[UUID, dt.date] = {}
    for patient in Patient.objects.filter(pk__in=patient_ids).only("pk", "birth_date"):
        with suppress(DecryptionError):
            found[patient.pk] = patient.birth_date
    return found
