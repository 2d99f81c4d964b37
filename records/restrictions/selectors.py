"""What limits a release: asked by every disclosure before anything leaves (RULES 1.36, 1.37)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.permissions import Purpose
from records.restrictions.models import EndReason, RecipientKind, Restriction, RestrictionBasis
from records.vault.content import opened


@dataclass(frozen=True, slots=True)
class Limit:
    """One restriction that binds the clinic now.

    ``before``: it covers only what came in before this moment, since the clinic ended it then;
    None: everything. ``encounter_id`` is the one consult it speaks of; None: the whole record.
    """

    id: UUID
    must: bool
    recipient_kind: str
    purpose: str
    recipient: str
    what: str
    encounter_id: UUID | None
    since: dt.datetime
    before: dt.datetime | None

    @property
    def basis(self) -> str:
        return str(RestrictionBasis(RestrictionBasis.PAID_IN_FULL if self.must else RestrictionBasis.AGREED).label)

    @property
    def to_whom(self) -> str:
        """The recipient by name where one was named, else by kind."""
        return self.recipient or str(RecipientKind(self.recipient_kind).label)


def limited_of(
    subject_ids: Iterable[UUID], recipient_kind: RecipientKind | str, purpose: Purpose | str
) -> set[UUID]:
    """Of these people those with a limit on giving to such a recipient for this purpose. One query.

    A limit without a purpose covers all. For treatment in an emergency there is ``restriction_override``.
    """
    kind, why = RecipientKind(recipient_kind), Purpose(purpose)
    rows = Restriction.objects.filter(running(), patient_id__in=list(subject_ids), recipient_kind=kind.value)
    return set(rows.filter(Q(purpose="") | Q(purpose=why.value)).values_list("patient_id", flat=True))


def limits_of(subject_id: UUID) -> tuple[Limit, ...]:
    """Every limit that binds now, for the record's pages and for disclosures."""
    return tuple(limit_of(row) for row in in_force(subject_id))


def in_force(subject_id: UUID) -> QuerySet[Restriction]:
    """Begun and not ended; one that the clinic ended still covers what came in before (RULES 1.37)."""
    return Restriction.objects.filter(running(), patient_id=subject_id).order_by("starts_at", "pk")


def running() -> Q:
    """The condition under which a row binds the clinic now, for lists over many people."""
    now = timezone.now()
    return Q(starts_at__lte=now) & (Q(ends_at=None) | Q(ends_at__gt=now) | Q(end_reason=EndReason.CLINIC))


def limit_of(row: Restriction) -> Limit:
    """A row, opened."""
    assert row.starts_at is not None
    return Limit(
        id=row.pk, must=row.basis == RestrictionBasis.PAID_IN_FULL, recipient_kind=row.recipient_kind,
        purpose=row.purpose, recipient=str(opened(row, "recipient")), what=str(opened(row, "what")),
        encounter_id=row.encounter_id, since=row.starts_at,
        before=row.ends_at if row.end_reason == EndReason.CLINIC else None,
    )


def restriction_of(request_id: UUID) -> Restriction | None:
    """What one request asks for."""
    return Restriction.objects.filter(request_id=request_id).first()
