"""Bringing all search tokens in line with the patients: after a change of keys, and each night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.evidence.services import evidence_record
from records.people.models import Patient
from records.people.search_models import SearchToken
from records.people.search_tokens import tokens_wanted, tokens_write

KIND = "records.search"
BATCH = 500
SHARES = 16  # the first figure of a patient's id: each night another sixteenth is checked
NIGHT_MOST = 100_000
_COLUMNS = ("id", "given_name", "family_name", "birth_date", "phone", "address")


@dataclass
class Outcome:
    """Counts of patients. ``unreadable`` have a value that no key opens: their old tokens stay."""

    right: int = 0
    mended: int = 0  # in a dry run: to be mended
    unreadable: int = 0
    last: UUID | None = None
    problems: list[UUID] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return self.right + self.mended


def rebuild(
    rows: QuerySet[Patient], *, batch: int = BATCH, dry_run: bool = False, after: UUID | None = None,
    most: int | None = None, progress: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Write what is missing and remove what is stale. Each batch is committed before the next.

    Stopped anywhere, it goes on after ``outcome.last``; done twice, the second time changes nothing.
    """
    outcome = Outcome(last=after)
    while (most is None or outcome.seen < most) and _batch(rows, outcome, batch=batch, dry_run=dry_run):
        if progress is not None:
            progress(outcome)
    return outcome


def _batch(rows: QuerySet[Patient], outcome: Outcome, *, batch: int, dry_run: bool) -> bool:
    wanted = rows.order_by("pk").only(*_COLUMNS)
    if outcome.last is not None:
        wanted = wanted.filter(pk__gt=outcome.last)
    with transaction.atomic():
        # Held, so that nobody's change is overwritten by tokens of what stood there before.
        taken = list((wanted if dry_run else wanted.select_for_update(no_key=True))[:batch])
        for patient in taken:
            changed = _differs(patient) if dry_run else tokens_write(patient)
            outcome.mended += bool(changed)
            outcome.right += not changed
            if tokens_wanted(patient)[1]:
                outcome.unreadable += 1
                outcome.problems.append(patient.pk)
    if taken:
        outcome.last = taken[-1].pk
    return len(taken) == batch


def _differs(patient: Patient) -> bool:
    wanted, unknown = tokens_wanted(patient)
    there = set(SearchToken.objects.filter(patient_id=patient.pk).values_list("token", "kind"))
    return wanted != {row for row in there if row[1] not in unknown} | (wanted & there)


def check_share(day: date) -> Outcome:
    """One night's part: every patient is looked at in sixteen nights, and what is wrong is mended.

    The evidence says how many were. A service that forgot the tokens would show here.
    """
    figure = day.toordinal() % SHARES
    first = UUID(int=figure << 124)
    rows = Patient.objects.filter(pk__gte=first, pk__lte=UUID(int=((figure + 1) << 124) - 1))
    began = timezone.now()
    outcome = rebuild(rows, most=NIGHT_MOST)
    evidence_record(
        kind=KIND, passed=outcome.mended == 0,
        facts={
            "patients": outcome.seen, "mended": outcome.mended, "unreadable": outcome.unreadable,
            "took_seconds": round((timezone.now() - began).total_seconds(), 1),
        },
        valid_for=timedelta(days=2),
    )
    return outcome
