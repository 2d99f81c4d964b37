"""What the privacy desk reads of records: copies, what has changed since, who looked, numbers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.db.models import (
    Count,
    DateTimeField,
    Exists,
    F,
    Func,
    Max,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
)
from django.db.models.functions import Greatest
from django.utils import timezone

from consults.models import Consult
from consults.state import ENDED as ENDED_CONSULTS
from consults.state import UNSENT
from portal.agreements.models import Agreement, Withdrawal
from portal.audit.models import LOOKS, AccessEvent, Action
from portal.dates import clinic_zone, today
from privacy.deidentified import shown
from privacy.fees.models import FeeQuote
from privacy.incidents.notice_models import BreachNotice
from privacy.incidents.report_models import IncidentReport
from privacy.letters.models import Letter
from privacy.models import ArchiveCopy, DeidentifiedCase, LegalProcess, RecordCopy, RightsRequest
from privacy.smallcells import Line, age_band
from records.models import (
    AccessGrant,
    Answer,
    Assessment,
    Disclosure,
    Document,
    Encounter,
    Entry,
    Message,
    Photo,
    Plan,
    ReleaseConsent,
)

# A change whose transaction was still open while the record was read bears an earlier time: what
# changed that shortly before the reading is looked at once more in the next night.
STRADDLE = dt.timedelta(minutes=10)


def archive_copies(subject_id: UUID) -> QuerySet[ArchiveCopy]:
    """Sealed copies of a person, newest first."""
    return ArchiveCopy.objects.filter(subject_id=subject_id).order_by("-sealed_at")


def sent_encounters(patient_id: UUID) -> list[Encounter]:
    """Consults that were handed in and paid, oldest first, with their patient."""
    sent = Encounter.objects.filter(patient_id=patient_id, submitted_at__isnull=False)
    return list(sent.select_related("patient").order_by("opened_at", "pk"))


def last_service(patient_id: UUID) -> dt.date:
    """The clinic's day on which patient and clinic last dealt with each other: handed in, wrote, signed.

    Today for somebody who never sent anything.
    """
    found = [
        Encounter.objects.filter(patient_id=patient_id).aggregate(at=Max("submitted_at"))["at"],
        Message.objects.filter(patient_id=patient_id).aggregate(at=Max("sent_at"))["at"],
        Plan.objects.filter(patient_id=patient_id).aggregate(at=Max("signed_at"))["at"],
    ]
    moments = [moment for moment in found if moment is not None]
    return max(moments).astimezone(clinic_zone()).date() if moments else today()


def _newest(model: type[Model], field: str, *, by: str = "encounter", outer: str = "pk") -> Subquery:
    rows = model._default_manager.filter(**{by: OuterRef(outer)}).order_by().values(by)
    return Subquery(rows.annotate(newest=Max(field)).values("newest"), output_field=DateTimeField())


def _former(model: type[Model]) -> type[Model]:
    """The model of its former values, which nothing imports by name."""
    return cast("type[Model]", model.pgh_event_model)  # type: ignore[attr-defined]


# Deeds on the access log after which a record holds what it held before. Any other one of a person makes
# their copies be looked at: what stands beside a record (corrections, limits, letters, who may open it)
# has no time of its last change, but nobody changes it without a line.
CHANGES_NOTHING = (
    *sorted(LOOKS - {Action.SEND, Action.DISCLOSE, Action.BREAK_GLASS}), Action.ARCHIVE, Action.DENIED,
    Action.SIGN_IN, Action.SIGN_IN_FAILED, Action.SIGN_OUT, Action.ROTATE,
)


def _logged() -> Subquery:
    """When somebody last did something to this person's record that was more than looking."""
    rows = AccessEvent.objects.filter(subject_id=OuterRef("patient")).exclude(action__in=CHANGES_NOTHING)
    rows = rows.exclude(object_kind="privacy.archive")  # the end of a copy changes no record
    return Subquery(rows.order_by("-at").values("at")[:1])


def _of_accounts(model: type[Model], field: str, account: str = "account_id") -> Subquery:
    """When something last came of an account that uses the portal for this patient."""
    theirs = AccessGrant.objects.filter(patient=OuterRef(OuterRef("patient")), account_id__isnull=False)
    rows = model._default_manager.filter(**{f"{account}__in": theirs.values("account_id"), f"{field}__isnull": False})
    return Subquery(rows.order_by(f"-{field}").values(field)[:1])


def _with_change(encounters: QuerySet[Encounter]) -> QuerySet[Encounter]:
    """Add ``changed_at``, when anything that goes into the bundle last changed, and ``copied_at``.

    A later consult of the same patient counts too: it makes the older bundle be kept longer.
    """
    copies = ArchiveCopy.objects.filter(encounter_id=OuterRef("pk"), damaged_at=None).order_by("-read_at")
    return encounters.annotate(
        changed_at=Greatest(
            F("submitted_at"), F("closed_at"), F("patient__updated_at"), _newest(Answer, "answered_at"),
            _newest(Photo, "ready_at"), _newest(Message, "sent_at"), _newest(Message, "read_at"),
            _newest(Plan, "updated_at"), _newest(Assessment, "updated_at"),
            _newest(Encounter, "submitted_at", by="patient", outer="patient"),
            _newest(Entry, "updated_at", by="patient", outer="patient"),
            _newest(Document, "ready_at", by="patient", outer="patient"),
            # What was set right or removed leaves no newer row, but a former value.
            _newest(_former(Entry), "pgh_created_at", by="patient", outer="patient"),
            _newest(_former(Document), "pgh_created_at", by="patient", outer="patient"),
            # What was given to others, allowed or asked for by courts: the facts of the accounting (RULES 1.35).
            _newest(Disclosure, "recorded_at", by="patient", outer="patient"),
            _newest(ReleaseConsent, "recorded_at", by="patient", outer="patient"),
            _newest(ReleaseConsent, "revoked_at", by="patient", outer="patient"),
            _newest(LegalProcess, "decided_at", by="subject_id", outer="patient"),
            _newest(LegalProcess, "told_at", by="subject_id", outer="patient"),
            _newest(RightsRequest, "created_at", by="subject_id", outer="patient"),
            _newest(RightsRequest, "ended_at", by="subject_id", outer="patient"),
            # Finished by the portal itself, a while after somebody's deed.
            _newest(Letter, "made_at", by="subject_id", outer="patient"),
            _newest(FeeQuote, "paid_at", by="subject_id", outer="patient"),
            _newest(BreachNotice, "made_at", by="affected__subject_id", outer="patient"),
            _of_accounts(Agreement, "agreed_at"),
            _of_accounts(Withdrawal, "withdrawn_at", "agreement__account_id"),
            _of_accounts(IncidentReport, "created_at"),
            _of_accounts(IncidentReport, "ended_at"),
            _logged(),
        ),
        copied_at=Subquery(copies.values("read_at")[:1]),
    )


def encounters_to_archive() -> QuerySet[Encounter]:
    """Consults that were sent, are finished, and have changed since their newest copy (or have none)."""
    signed = Plan.objects.filter(encounter=OuterRef("pk"), signed_at__isnull=False)
    finished = Encounter.objects.filter(submitted_at__isnull=False).filter(Q(closed_at__isnull=False) | Exists(signed))
    due = Q(copied_at__isnull=True) | Q(changed_at__gt=F("copied_at") - STRADDLE)
    return _with_change(finished).filter(due).order_by("opened_at", "pk")


def changed_since_copy(patient_id: UUID) -> QuerySet[Encounter]:
    """Sent consults of a person that no copy holds as they are now."""
    sent = Encounter.objects.filter(patient_id=patient_id, submitted_at__isnull=False)
    return _with_change(sent).filter(Q(copied_at__isnull=True) | Q(changed_at__gt=F("copied_at")))


@dataclass(frozen=True)
class Afoot:
    """What is under way for a person, before their record is deleted: counts and one time."""

    unsent: int
    unanswered: int
    answered: int
    copy_until: dt.datetime | None

    @property
    def consults(self) -> int:
        return self.unsent + self.unanswered + self.answered


def afoot(subject_id: UUID) -> Afoot:
    """Consults that a deletion would end, and a copy that nobody has downloaded yet. Two queries."""
    running = Consult.objects.filter(patient_id=subject_id).exclude(state__in=ENDED_CONSULTS)
    found = running.aggregate(
        unsent=Count("pk", filter=Q(state__in=UNSENT)),
        unanswered=Count("pk", filter=~Q(state__in=UNSENT) & Q(answered_at__isnull=True)),
        answered=Count("pk", filter=~Q(state__in=UNSENT) & Q(answered_at__isnull=False)),
    )
    waiting = RecordCopy.objects.filter(subject_id=subject_id, downloaded_at=None, expires_at__gt=timezone.now())
    return Afoot(**found, copy_until=waiting.aggregate(until=Max("expires_at"))["until"])


@dataclass
class LooksOfADay:
    """What one person looked at on one day: ``what`` are pairs of action and kind, each once."""

    actor_id: UUID | None
    event: AccessEvent
    what: list[tuple[str, str]]


def looks_by_day(rows: Iterable[AccessEvent], *, most: int) -> list[LooksOfADay]:
    """The newest looks, gathered by person and clinic day, newest first; at most ``most`` of them."""
    groups: dict[tuple[UUID | None, str, dt.date], LooksOfADay] = {}
    for row in rows:
        day = row.at.astimezone(clinic_zone()).date()
        key = (row.actor_id, row.actor_role, day)
        if key not in groups and len(groups) == most:
            break
        group = groups.setdefault(key, LooksOfADay(row.actor_id, row, []))
        if (row.action, row.object_kind) not in group.what:
            group.what.append((row.action, row.object_kind))
    return list(groups.values())


def statistics_counts() -> dict[str, Counter[str]]:
    """How many rows of the reporting data have each value, by column; ``codes`` as ``question:code``.

    Counted by the database, one query a column, however many rows there are (P10).
    """
    rows = shown()
    found = {
        name: Counter({str(value): count for value, count in rows.order_by().values_list(name).annotate(Count("pk"))})
        for name in ("year", "concern", "state", "outcome", "diagnosis_code", "prescription", "age")
    }
    ages = found.pop("age")
    found["age"] = Counter()
    for age, count in ages.items():
        found["age"][age_band(age)] += count
    found["codes"] = _code_counts(rows)
    return found


def _code_counts(rows: QuerySet[DeidentifiedCase]) -> Counter[str]:
    chosen = rows.order_by().annotate(question=Func(F("codes"), function="jsonb_object_keys")).values("question")
    counts: Counter[str] = Counter()
    for question in {row["question"] for row in chosen.distinct()}:
        code = Func(F(f"codes__{question}"), function="jsonb_array_elements_text", output_field=TextField())
        answered = rows.order_by().filter(codes__has_key=question).annotate(code=code)
        for value, count in answered.values_list("code").annotate(Count("pk")):
            counts[f"{question}:{value}"] = count
    return counts


def statistics_lines() -> Iterator[Line]:
    """The rows of the reporting data as last made (P10), before low numbers are hidden."""
    for row in shown().iterator(chunk_size=2000):
        yield Line(
            year=row.year, state=row.state, zip3=row.zip3, age=row.age, gender=row.gender, concern=row.concern,
            outcome=row.outcome, diagnosis_code=row.diagnosis_code, prescription=row.prescription,
            codes=tuple(f"{question}:{code}" for question, codes in row.codes.items() for code in codes),
        )
