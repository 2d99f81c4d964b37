"""What pages ask of the sections without opening them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from portal.errors import NotVisible
from records.history.models import SHEET, Entry, Section
from records.people.models import AccessGrant, GrantKind


def place_of(entry_id: UUID) -> tuple[UUID, Section]:
    """Whose entry it is and in which section it stands. Raises ``NotVisible``."""
    row = Entry.objects.filter(pk=entry_id).exclude(code=SHEET).values_list("patient_id", "section").first()
    if row is None:
        raise NotVisible
    return row[0], Section(row[1])


def has_guardian(patient_id: UUID) -> bool:
    """Whether somebody else uses the portal for this patient, from whom something can be kept private."""
    now = timezone.now()
    grants = AccessGrant.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), starts_at__lte=now)
    return grants.filter(patient_id=patient_id, kind=GrantKind.GUARDIAN).exists()
