"""Consents to release: which are in force, for whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from portal.dates import start_of_day, today, years_later
from records.disclosures.recipients import recipient_keys
from records.people.selectors import birth_dates
from records.releases.models import ReleaseConsent


def consents_of(subject_id: UUID) -> QuerySet[ReleaseConsent]:
    """All consents of a person, newest first."""
    return ReleaseConsent.objects.filter(patient_id=subject_id).order_by("-signed_on", "-recorded_at")


def in_force(day: dt.date | None = None) -> Q:
    """What its row says of a consent that counts on a day of the clinic (today); see ``last_day`` as well."""
    on = day or today()
    return Q(signed_on__lte=on) & (Q(expires_on=None) | Q(expires_on__gte=on)) & (
        Q(revoked_at=None) | Q(revoked_at__gte=start_of_day(on + dt.timedelta(days=1)))
    )


def last_day(signed_on: dt.date, expires_on: dt.date | None, born: dt.date | None) -> dt.date | None:
    """The last day on which a consent counts; None: until it is taken back.

    What was signed for a minor counts for a minor: from the 18th birthday on one signs for oneself
    (FIELD_FAULTS 7). The birth date is asked at each use, so a corrected one counts at once; where it
    cannot be read (``born`` is None), the consent counts as it was signed.
    """
    if born is None:
        return expires_on
    of_age = years_later(born, settings.ADULT_AGE)
    if signed_on >= of_age:
        return expires_on
    before = of_age - dt.timedelta(days=1)
    return before if expires_on is None else min(expires_on, before)


def consents_for(
    subject_ids: Collection[UUID], *, recipient: str, kinds: Collection[str], day: dt.date | None = None
) -> dict[UUID, UUID]:
    """By person the consent in force for this recipient; who is missing gave none. Two queries."""
    on = day or today()
    rows = ReleaseConsent.objects.filter(
        in_force(on), patient_id__in=subject_ids, recipient_key__in=recipient_keys(recipient), kind__in=kinds
    )
    found = list(rows.order_by("signed_on").values_list("patient_id", "pk", "signed_on", "expires_on"))
    born = birth_dates({patient_id for patient_id, *_rest in found})
    return {
        patient_id: pk for patient_id, pk, signed_on, expires_on in found
        if (last := last_day(signed_on, expires_on, born.get(patient_id))) is None or last >= on
    }
