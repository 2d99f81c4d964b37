"""Whose record may pass to the new owner, and who stays, with the reason (RULES 1.36, 4.1, P16, P47)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from portal.permissions import Purpose
from privacy.disclosing.assignments import releasable
from privacy.disclosing.models import Assignment
from privacy.handover.models import SkipReason
from privacy.requests.deletion import deletion_wanted
from records.freezing.selectors import frozen_of
from records.restrictions.models import RecipientKind, Restriction
from records.restrictions.selectors import running

# What a new owner can be in the words of a limit; an insurer, an employer or family is somebody else.
NEW_OWNERS = (RecipientKind.PROVIDER.value, RecipientKind.OTHER.value)


def left_out(assignment: Assignment, subject_ids: Collection[UUID]) -> dict[UUID, SkipReason]:
    """Of these people those who stay, and why. A few queries, however many they are.

    Without a law that the assignment names, each needs a signed consent to this new owner. A limit that the
    patient asked for, a wish to be deleted, and a stop to all use hold with and without one. Raises ``DomainError``
    as ``releasable`` does.
    """
    _goes, stays = releasable(assignment=assignment, subject_ids=subject_ids)
    found = dict.fromkeys(stays, SkipReason.NO_CONSENT)
    found |= dict.fromkeys(_limited(subject_ids), SkipReason.RESTRICTION)
    found |= dict.fromkeys(deletion_wanted(subject_ids), SkipReason.DELETION)
    return found | dict.fromkeys(frozen_of(subject_ids), SkipReason.STOPPED)


def _limited(subject_ids: Collection[UUID]) -> set[UUID]:
    """People with a limit in force that could cover it: on doctors and clinics or on anybody, for this or any purpose.

    Whom it names is in words, so that is not weighed.
    """
    rows = Restriction.objects.filter(running(), patient_id__in=subject_ids, recipient_kind__in=NEW_OWNERS)
    return set(rows.filter(Q(purpose="") | Q(purpose=Purpose.MERGER.value)).values_list("patient_id", flat=True))
