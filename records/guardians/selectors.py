"""Whom somebody looks after, and whether they may act for them."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from portal.dates import age_on, today
from records.people.models import AccessGrant, GrantKind, GrantScope
from records.people.selectors import birth_dates


def of_age(patient_id: UUID) -> bool:
    """True from the moment at which the patient's 18th birthday begins at the clinic.

    False where there is no such patient, or the birth date cannot be read: nothing follows from that.
    """
    born = birth_dates([patient_id]).get(patient_id)
    return born is not None and age_on(born, today()) >= settings.ADULT_AGE


def looked_after(account_id: UUID) -> dict[UUID, bool]:
    """Patients that this account is a guardian of now, oldest grant first; True where it may act and not only see."""
    now = timezone.now()
    grants = AccessGrant.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=now), account_id=account_id, kind=GrantKind.GUARDIAN, starts_at__lte=now
    ).order_by("starts_at", "pk")
    found: dict[UUID, bool] = {}
    for patient_id, scope in grants.values_list("patient_id", "scope"):
        found[patient_id] = found.get(patient_id, False) or scope == GrantScope.ACT
    return found
