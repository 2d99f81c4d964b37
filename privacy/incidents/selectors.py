"""Reading reports and incidents: the queue, the clocks, who is still to be reached, the year's log."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from portal.dates import clinic_zone, start_of_day, today
from portal.outbox.models import MailState, OutgoingMail
from portal.spreadsheets import Cell
from privacy.incidents.clocks import Breach, Duty, DutyKind, Stop, duties, hhs_due, stopped_until
from privacy.incidents.codes import code_hashes, code_read
from privacy.incidents.models import IDENTIFYING, Affected, Assessment, Incident, LawDelay, Outcome
from privacy.incidents.notice_models import BreachNotice, DutyDone, PublicNotice
from privacy.incidents.report_models import IncidentReport
from privacy.incidents.state import OPEN_INCIDENTS, OPEN_REPORTS, IncidentState, ReportState
from privacy.letters.models import Letter, PrintState

REPORT_WORDS = ("words", "reach", "child_name", "child_born", "child_email", "outcome")
NONE_HOLDS = dt.timedelta(minutes=1)


def open_reports() -> QuerySet[IncidentReport]:
    """What nobody has finished and no incident holds, nearest date first, without anybody's words."""
    rows = IncidentReport.objects.filter(state__in=OPEN_REPORTS, incident=None)
    return rows.defer(*REPORT_WORDS).order_by("due_on", "created_at")


def ended_reports(*, most: int = 50) -> QuerySet[IncidentReport]:
    """What was finished last, newest first: the log of complaints and their outcome (RULES 1.59)."""
    return IncidentReport.objects.filter(state=ReportState.ENDED).defer(*REPORT_WORDS).order_by("-ended_at")[:most]


def state_by_code(code: str) -> ReportState | None:
    """Where the report with this receipt code stands, and nothing else of it."""
    read = code_read(code)
    found = IncidentReport.objects.filter(code_hash__in=code_hashes(read)).values_list("state", flat=True).first()
    return None if found is None else ReportState(found)


def open_incidents() -> QuerySet[Incident]:
    """Incidents that are not closed, the one discovered first on top, without words."""
    rows = Incident.objects.filter(state__in=OPEN_INCIDENTS).defer("summary")
    return rows.annotate(people=Sum("affected__count")).order_by("discovered_at")


def closed_incidents(*, most: int = 50) -> QuerySet[Incident]:
    """Incidents closed last, newest first."""
    rows = Incident.objects.filter(state=IncidentState.CLOSED).defer("summary").select_related("assessment")
    return rows.annotate(people=Sum("affected__count")).order_by("-closed_at")[:most]


def discovered_on(incident: Incident) -> dt.date:
    """The clinic's day of discovery, from which the clocks run."""
    return incident.discovered_at.astimezone(clinic_zone()).date()


def stops(incident: Incident) -> tuple[Stop, ...]:
    """The delays that law enforcement asked for."""
    return tuple(Stop(row.starts_on, row.until) for row in incident.delays.all())


def residents(incident: Incident) -> Counter[str]:
    """How many are affected by state; "" is "not known"."""
    rows = Affected.objects.filter(incident=incident).values("state").order_by().annotate(people=Sum("count"))
    return Counter({row["state"]: row["people"] for row in rows})


def _breach(incident: Incident, people: Counter[str], waits: tuple[Stop, ...]) -> Breach:
    return Breach(
        discovered_on=discovered_on(incident), residents=people, stops=waits, bureaus_from=incident.bureaus_from,
        identifiers=bool(IDENTIFYING & set(incident.data_kinds)),
    )


@dataclass(frozen=True)
class DutyLine:
    """One clock as the desk shows it: whom to tell by when, and when it was done."""

    duty: Duty
    label: str
    done: DutyDone | None
    left: int
    waits: dt.date | None = None

    @property
    def late(self) -> bool:
        return self.done is None and self.left < 0


def lines_of(incidents: Iterable[Incident], *, on: dt.date | None = None) -> dict[UUID, list[DutyLine]]:
    """All clocks of each incident, nearest first; three queries for any number of them.

    While an incident is assessed they run as for a breach (RULES 3.1).
    """
    rows = list(incidents)
    labels, day, ids = dict(DutyDone.KINDS), on or today(), [row.pk for row in rows]
    people: dict[UUID, Counter[str]] = {pk: Counter() for pk in ids}
    counted = Affected.objects.filter(incident_id__in=ids).values("incident_id", "state").order_by()
    for line in counted.annotate(people=Sum("count")):
        people[line["incident_id"]][line["state"]] = line["people"]
    waits: dict[UUID, list[Stop]] = {pk: [] for pk in ids}
    for delay in LawDelay.objects.filter(incident_id__in=ids).defer("agency"):
        waits[delay.incident_id].append(Stop(delay.starts_on, delay.until))
    done = {
        (row.incident_id, row.kind): row for row in DutyDone.objects.filter(incident_id__in=ids).defer("proof")
    }
    return {
        row.pk: [
            DutyLine(
                duty, str(labels[duty.kind.value]), done.get((row.pk, duty.kind.value)), (duty.due_on - day).days,
                stopped_until(waits[row.pk], day),
            )
            for duty in duties(_breach(row, people[row.pk], tuple(waits[row.pk])))
        ]
        for row in rows
    }


def duty_lines(incident: Incident, *, on: dt.date | None = None) -> list[DutyLine]:
    """The clocks of one incident."""
    return lines_of([incident], on=on)[incident.pk]


def without_notice(incident: Incident) -> list[Affected]:
    """Those who can be written to and have no notice yet: a patient, or a name with an address."""
    rows = Affected.objects.filter(incident=incident, notice=None).order_by("added_at", "pk")
    return [row for row in rows if row.subject_id or row.address]


def unreached(incident: Incident) -> int:
    """How many people no notice can reach, or whose notice came back, and who were not reached otherwise."""
    back = Q(notice__returned_at__isnull=False, notice__reached_at=None)
    returned = Affected.objects.filter(back, incident=incident).aggregate(people=Sum("count"))["people"] or 0
    return int(returned + sum(row.count for row in without_address(incident)))


def without_address(incident: Incident) -> list[Affected]:
    """Those whom no letter can find, and who were not reached otherwise: a name alone, or a number of people."""
    rows = Affected.objects.filter(incident=incident, notice=None, subject_id=None).order_by("added_at", "pk")
    return [row for row in rows if not row.address]


def on_the_way(incident: Incident) -> int:
    """Notices that are made and have not left yet: letters not posted, mails not taken by the mail server."""
    out = BreachNotice.objects.filter(incident=incident, returned_at=None)
    letters = Letter.objects.filter(paper__in=[PrintState.POSTED, PrintState.SETTLED], pk__in=out.values("letter_id"))
    mails = OutgoingMail.objects.filter(state=MailState.SENT, pk__in=out.values("mail_id"))
    return out.count() - letters.count() - mails.count()


def all_reached(incident: Incident) -> bool:
    """True when each notice left and did not come back, or the person was reached otherwise or publicly."""
    if without_notice(incident) or on_the_way(incident):
        return False
    return unreached(incident) == 0 or PublicNotice.objects.filter(incident=incident).exists()


def notices_of(incident: Incident) -> QuerySet[BreachNotice]:
    """The notices of an incident; those that came back first."""
    rows = BreachNotice.objects.filter(incident=incident).defer("reached_how").select_related("affected")
    return rows.order_by(F("returned_at").asc(nulls_last=True), "made_at")


def standing_notices(*, on: dt.date | None = None) -> QuerySet[PublicNotice]:
    """Public notices that stand on this day, for the home page."""
    day = on or today()
    return PublicNotice.objects.filter(starts_on__lte=day, ends_on__gte=day).order_by("starts_on")


class _NoneStands:
    """When this process last saw that no public notice stands; no health information, and nothing of anybody."""

    seen_at: dt.datetime | None = None


def notices_now() -> list[PublicNotice]:
    """``standing_notices`` for the home page, which every visitor opens.

    That there is none, the usual case, is remembered in this process for ``NONE_HOLDS``: a notice that
    another process puts up shows within that minute. While one stands it is asked for each time.
    """
    now, seen = timezone.now(), _NoneStands.seen_at
    if seen is not None and dt.timedelta() <= now - seen < NONE_HOLDS:
        return []
    standing = list(standing_notices())
    _NoneStands.seen_at = None if standing else now
    return standing


def notices_forget() -> None:
    """Ask anew on the next visit: a notice was put up."""
    _NoneStands.seen_at = None


def to_do() -> int:
    """Reports and incidents that wait for the officer."""
    return open_reports().count() + Incident.objects.filter(state__in=OPEN_INCIDENTS).count()


@dataclass(frozen=True)
class LogLine:
    """An incident in the year's log."""

    incident: Incident
    discovered_on: dt.date
    people: int
    outcome: str
    hhs_due: dt.date | None
    hhs_done: dt.date | None


def year_log(year: int) -> list[LogLine]:
    """Incidents discovered in a calendar year, oldest first, with what HHS has to be told (RULES 3.8)."""
    since, until = start_of_day(dt.date(year, 1, 1)), start_of_day(dt.date(year + 1, 1, 1))
    rows = list(
        Incident.objects.filter(discovered_at__gte=since, discovered_at__lt=until).defer("summary")
        .annotate(people=Sum("affected__count")).order_by("discovered_at", "number")
    )
    ids = [row.pk for row in rows]
    outcomes = dict(Assessment.objects.filter(pk__in=ids).exclude(signed_at=None).values_list("pk", "outcome"))
    told = dict(DutyDone.objects.filter(incident_id__in=ids, kind=DutyKind.HHS).values_list("incident_id", "done_on"))
    return [_log_line(row, outcomes.get(row.pk, ""), told.get(row.pk)) for row in rows]


def _log_line(row: Incident, outcome: str, told: dt.date | None) -> LogLine:
    day, people = discovered_on(row), row.people or 0  # type: ignore[attr-defined]
    words = str(Outcome(outcome).label) if outcome else str(IncidentState(row.state).label)
    due = hhs_due(day, people) if outcome == Outcome.BREACH else None
    return LogLine(row, day, people, words, due, told)


LOG_HEADER: tuple[str, ...] = (
    "number", "discovered_on", "happened_on", "reported_on", "state", "outcome", "people", "kinds_of_data",
    "hhs_due_on", "hhs_told_on", "closed_on", "keep_until",
)


def log_rows(lines: Iterable[LogLine]) -> Iterator[list[Cell]]:
    """The year's log for the file: numbers, dates and codes, no names and no words."""
    zone = clinic_zone()
    for line in lines:
        row = line.incident
        yield [
            row.number, line.discovered_on, row.happened_on, row.reported_at.astimezone(zone).date(), row.state,
            line.outcome, line.people, " ".join(row.data_kinds), line.hhs_due, line.hhs_done,
            row.closed_at.astimezone(zone).date() if row.closed_at else None, row.keep_until,
        ]


def years_with_incidents() -> list[int]:
    """Calendar years of discovery, newest first; this year always."""
    days = Incident.objects.dates("discovered_at", "year", order="DESC")
    return sorted({today().year, *(day.year for day in days)}, reverse=True)


def delayed_until(incident: Incident) -> dt.date | None:
    """The last day of the delay that runs today, if one does."""
    return stopped_until(stops(incident), today())


def with_unsent() -> QuerySet[Incident]:
    """Breaches of which the people themselves have not been told: for the alarms."""
    told = DutyDone.objects.filter(incident=OuterRef("pk"), kind=DutyKind.INDIVIDUALS)
    rows = Incident.objects.filter(state__in=OPEN_INCIDENTS).defer("summary")
    return rows.filter(~Exists(told))
