"""Giving a parent or guardian access, and ending it when the patient comes of age (RULES 1.44-1.47)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.context import Actor
from portal.crypto.fields import DecryptionError
from portal.dates import start_of_day, years_later
from portal.errors import DomainError, NotVisible
from records.access import grant_close, grant_open
from records.people.models import AccessGrant, GrantKind, GrantScope, Patient


def guardian_grant(
    *, by: Actor, patient_id: UUID, account_id: UUID, scope: GrantScope = GrantScope.ACT,
    starts_at: dt.datetime | None = None, ends_at: dt.datetime | None = None,
) -> AccessGrant:
    """Open a minor's record to a guardian, with a scope and until a day; their 18th birthday at the latest.

    Whoever calls has made sure of who the guardian is. Raises ``NotVisible`` for no such patient,
    and ``DomainError``: ``of_age``, or ``birth_date_unreadable`` (then nobody knows until when).
    """
    with transaction.atomic():
        patient = Patient.objects.select_for_update(no_key=True).filter(pk=patient_id).first()
        if patient is None:
            raise NotVisible
        latest = majority(patient)
        if latest <= (starts_at or timezone.now()):
            raise DomainError("of_age", _("This patient is of age: only they can open their record to somebody."))
        return grant_open(
            by=by, patient_id=patient_id, kind=GrantKind.GUARDIAN, account_id=account_id, scope=scope,
            starts_at=starts_at, ends_at=min(ends_at or latest, latest),
        )


def guardians_follow_birth_date(*, by: Actor, patient: Patient) -> int:
    """After a corrected birth date: no guardian's access lasts beyond the new 18th birthday.

    Returns how many ended earlier than they would have. A later birthday gives nobody more: that
    is asked for anew.
    """
    return grant_close(by=by, patient_id=patient.pk, kind=GrantKind.GUARDIAN, at=majority(patient))


def majority(patient: Patient) -> dt.datetime:
    """The moment at which the patient's 18th birthday begins at the clinic; 1 March for a 29 February."""
    try:
        born = patient.birth_date
    except DecryptionError:
        raise DomainError(
            "birth_date_unreadable", _("The date of birth cannot be read, so nobody knows until when this may last.")
        ) from None
    return start_of_day(years_later(born, settings.ADULT_AGE))
