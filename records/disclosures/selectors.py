"""Which disclosures there are, without their words; those that an authority wants left out are left out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.dates import today
from records.disclosures.models import Disclosure, Suspension


def disclosures_of(
    subject_id: UUID, *, since: dt.date | None = None, until: dt.date | None = None, suspended: bool = False
) -> QuerySet[Disclosure]:
    """A person's disclosures, newest first; both days count.

    For everything that the person reads. ``suspended`` adds what an authority wants left out for now
    (RULES 1.34): for the officer and the archive only.
    """
    rows = Disclosure.objects.filter(patient_id=subject_id)
    if since is not None:
        rows = rows.filter(on__gte=since)
    if until is not None:
        rows = rows.filter(on__lte=until)
    if not suspended:
        rows = rows.exclude(_hidden())
    return rows.order_by("-on", "-recorded_at", "pk")


def recipients_since(subject_id: UUID, *, since: dt.date | None = None) -> list[Disclosure]:
    """The newest disclosure to each recipient: whom to tell that something was set right (RULES 1.22).

    The patient chooses among them, so that what an authority wants left out is left out here, too (RULES 1.34).
    """
    rows = Disclosure.objects.filter(patient_id=subject_id).exclude(_hidden())
    if since is not None:
        rows = rows.filter(on__gte=since)
    return list(rows.order_by("same_key", "-on", "pk").distinct("same_key"))


def suspensions_now(subject_id: UUID | None = None) -> QuerySet[Suspension]:
    """Suspensions that hide something today, the one that ends first on top."""
    rows = Suspension.objects.filter(_running())
    if subject_id is not None:
        rows = rows.filter(patient_id=subject_id)
    return rows.order_by("ends_on", "pk")


def hidden_objects(subject_ids: Collection[UUID]) -> set[UUID]:
    """Ids by which the access log would tell of what is suspended: entries, and what they were done for."""
    running = list(
        Suspension.objects.filter(_running(), patient_id__in=subject_ids).values_list("disclosure_id", "reference")
    )
    references = {reference for _entry, reference in running if reference is not None}
    entries = {entry for entry, _reference in running if entry is not None}
    if references:
        rows = Disclosure.objects.filter(patient_id__in=subject_ids, reference__in=references)
        entries.update(rows.values_list("pk", flat=True))
    return entries | references


def _running() -> Q:
    day = today()
    return Q(lifted_at=None, starts_on__lte=day, ends_on__gte=day)


def _hidden() -> Exists:
    about = Q(disclosure_id=OuterRef("pk")) | Q(reference=OuterRef("reference"))
    return Exists(Suspension.objects.filter(_running(), about, patient_id=OuterRef("patient_id")))
