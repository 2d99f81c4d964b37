"""Consents to release: which are in force, for whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet

from portal.dates import today
from records.disclosures.recipients import recipient_keys
from records.releases.models import ReleaseConsent


def consents_of(subject_id: UUID) -> QuerySet[ReleaseConsent]:
    """All consents of a person, newest first."""
    return ReleaseConsent.objects.filter(patient_id=subject_id).order_by("-signed_on", "-recorded_at")


def in_force(day: dt.date | None = None) -> Q:
    """The condition under which a consent counts on a day (today)."""
    on = day or today()
    return Q(signed_on__lte=on) & (Q(expires_on=None) | Q(expires_on__gte=on)) & (
        Q(revoked_at=None) | Q(revoked_at__date__gt=on)
    )


def consents_for(
    subject_ids: Collection[UUID], *, recipient: str, kinds: Collection[str], day: dt.date | None = None
) -> dict[UUID, UUID]:
    """By person the consent in force for this recipient; who is missing gave none. One query."""
    rows = ReleaseConsent.objects.filter(
        in_force(day), patient_id__in=subject_ids, recipient_key__in=recipient_keys(recipient), kind__in=kinds
    )
    return dict(rows.order_by("signed_on").values_list("patient_id", "pk"))
