"""From the opening of an incident to its end: facts, discovery, delays, four factors, signature (RULES 3.1 to 3.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.context import Actor
from portal.crypto.values import must_be_read
from portal.dates import clinic_zone, today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, require
from privacy.incidents.clocks import kept_until, oral_delay_ends
from privacy.incidents.models import (
    FACTORS,
    Assessment,
    DataKind,
    DelayKind,
    ExceptionKind,
    Incident,
    LawDelay,
    Level,
    Outcome,
    Step,
)
from privacy.incidents.notice_models import NoticeText
from privacy.incidents.services.people import recount
from privacy.incidents.services.reports import report_locked, reports_end_with
from privacy.incidents.state import INCIDENTS, IncidentAction, IncidentState, ReportAction
from privacy.incidents.timeline import incident_locked, said, step_note

_NUMBERING = 20261125_7


def incident_open(
    *, by: Actor, summary: str, discovered_at: dt.datetime, report_id: UUID | None = None,
    happened_on: dt.date | None = None, data_kinds: Iterable[str] = (),
) -> Incident:
    """Open an incident: it is presumed to be a breach, and the clocks run from its discovery (RULES 3.1, 3.4).

    A report that has an incident already leads to that one. Raises ``DomainError``: ``words_missing``,
    ``discovered_ahead``, ``report_state``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    words = said(summary, _("Say in a few words what happened."), "summary")
    _not_ahead(discovered_at)
    with transaction.atomic():
        report = report_locked(by, report_id, ReportAction.JOIN) if report_id else None
        if report is not None and report.incident is not None:
            return report.incident
        incident = _create(
            by, words, summary=words, discovered_at=discovered_at, happened_on=happened_on,
            data_kinds=_listed(data_kinds),
        )
        if report is not None:
            _join(by, report, incident)
    return incident


def report_join(*, by: Actor, report_id: UUID, number: int) -> Incident:
    """Make a report part of an incident that is open already. Raises ``DomainError`` ``no_incident``."""
    with transaction.atomic():
        report = report_locked(by, report_id, ReportAction.JOIN)
        there = Incident.objects.filter(number=number).exclude(state=IncidentState.CLOSED).first()
        if there is None:
            raise DomainError("no_incident", _("There is no open incident with this number."), "number")
        if report.incident_id is not None:
            raise DomainError("report_in_incident", _("This report belongs to an incident already."), "number")
        incident = incident_locked(by, there.pk)
        _join(by, report, incident)
    return incident


def discovery_change(*, by: Actor, incident_id: UUID, discovered_at: dt.datetime, reason: str) -> Incident:
    """Correct when it was first known, or should have been; all clocks follow. The reason stays (RULES 3.4).

    Raises ``DomainError``: ``words_missing``, ``discovered_ahead``, ``discovered_late`` for a moment after the
    one at which it was reported to the officer.
    """
    why = said(reason, _("Write down why, and how you know."), "reason")
    _not_ahead(discovered_at)
    with transaction.atomic():
        incident = incident_locked(by, incident_id)
        if discovered_at > incident.reported_at:
            words = _("The officer knew of it on %(day)s already: it cannot have been found later.")
            raise DomainError("discovered_late", words % {"day": _day(incident.reported_at)}, "discovered_at")
        before, incident.discovered_at = incident.discovered_at, discovered_at
        incident.save(update_fields=["discovered_at"])
        moved = _("From %(before)s to %(after)s.") % {"before": _day(before), "after": _day(discovered_at)}
        step_note(by, incident, Step.DISCOVERY, f"{moved} {why}")
    return incident


def facts_write(
    *, by: Actor, incident_id: UUID, summary: str, happened_on: dt.date | None, data_kinds: Iterable[str]
) -> Incident:
    """What happened, when, and what kinds of information were in it."""
    words = said(summary, _("Say in a few words what happened."), "summary")
    with transaction.atomic():
        incident = incident_locked(by, incident_id)
        must_be_read(incident, "summary")
        incident.summary, incident.happened_on, incident.data_kinds = words, happened_on, _listed(data_kinds)
        incident.save(update_fields=["summary", "happened_on", "data_kinds"])
        recount(incident)
        step_note(by, incident, Step.FACTS, words)
    return incident


def note_add(*, by: Actor, incident_id: UUID, note: str) -> None:
    """A line in the officer's own words."""
    words = said(note, _("Write the note first."), "note")
    with transaction.atomic():
        step_note(by, incident_locked(by, incident_id), Step.NOTE, words)


def delay_record(
    *, by: Actor, incident_id: UUID, kind: DelayKind, agency: str, starts_on: dt.date, until: dt.date | None
) -> LawDelay:
    """Law enforcement asked to wait: in writing until the day it names, by word for 30 days at most (RULES 3.11).

    A second spoken request would be a way around the 30 days: it needs a paper. Raises ``DomainError``:
    ``words_missing``, ``day_ahead``, ``until_missing``, ``until_before``, ``oral_too_long``, ``oral_again``.
    """
    who = said(agency, _("Write down the agency, the person and what they said."), "agency")
    kind = DelayKind(kind)
    latest = oral_delay_ends(starts_on)
    if starts_on > today():
        raise DomainError("day_ahead", _("Choose a day that has come."), "starts_on")
    if kind == DelayKind.WRITTEN and until is None:
        raise DomainError("until_missing", _("Give the day that the letter names."), "until")
    last = until or latest
    if last < starts_on:
        raise DomainError("until_before", _("This day is before the delay begins."), "until")
    if kind == DelayKind.ORAL and last > latest:
        words = _("A spoken request holds until %(day)s at most. Ask for it in writing.")
        raise DomainError("oral_too_long", words % {"day": date_format(latest, "F j, Y")}, "until")
    with transaction.atomic():
        incident = incident_locked(by, incident_id)
        if kind == DelayKind.ORAL and incident.delays.filter(kind=DelayKind.ORAL).exists():
            raise DomainError("oral_again", _("They asked by word of mouth before. From here on it needs a paper."))
        delay = LawDelay.objects.create(
            incident=incident, kind=kind, agency=who, starts_on=starts_on, until=last, recorded_by=by.account
        )
        step_note(by, incident, Step.DELAY, f"{date_format(last, 'F j, Y')}: {who}")
    return delay


def assessment_write(*, by: Actor, incident_id: UUID, values: Mapping[str, str]) -> Assessment:
    """Keep the draft of the assessment as it stands. Raises ``DomainError`` ``incident_state`` when it is signed."""
    with transaction.atomic():
        incident = incident_locked(by, incident_id, IncidentState.ASSESSING)
        draft = _assessment(incident)
        _fill(draft, values)
        draft.save()
        step_note(by, incident, Step.ASSESSED)
    return draft


def assessment_sign(*, by: Actor, incident_id: UUID, values: Mapping[str, str]) -> Incident:
    """Sign the assessment: not a breach closes the incident, a breach starts the notices (RULES 3.2, 3.3).

    All four factors, each with its level, an outcome and a conclusion are needed; for an exception,
    which one. Raises ``DomainError`` ``assessment_incomplete`` on the field that is missing.
    """
    with transaction.atomic():
        incident = incident_locked(by, incident_id, IncidentState.ASSESSING)
        draft = _assessment(incident)
        _fill(draft, values)
        _whole(draft)
        if draft.outcome == Outcome.BREACH and not incident.affected.exists():
            raise DomainError("nobody_affected", _("Say first whose information it was, or how many."), "outcome")
        draft.signed_by, draft.signed_at = by.account, timezone.now()
        draft.save()
        label = str(Outcome(draft.outcome).label)
        step_note(by, incident, Step.SIGNED, f"{label}\n{draft.conclusion}")
        if draft.outcome == Outcome.BREACH:
            incident.state = INCIDENTS[IncidentState(incident.state), IncidentAction.FIND]
            incident.save(update_fields=["state"])
            recount(incident)
        else:
            close(by, incident, IncidentAction.CLEAR)
    return incident


def close(by: Actor, incident: Incident, action: IncidentAction) -> None:
    """Seal the incident and end its reports. In the caller's transaction; the row is locked."""
    step_note(by, incident, Step.CLOSED)
    reports_end_with(by, incident.pk)
    incident.state = INCIDENTS[IncidentState(incident.state), action]
    incident.closed_at, incident.closed_by = timezone.now(), by.account
    incident.keep_until = kept_until(today())
    incident.save(update_fields=["state", "closed_at", "closed_by", "keep_until"])


def incident_reopen(*, by: Actor, incident_id: UUID, reason: str) -> Incident:
    """A closed incident stays as it is; what is new goes into a new one that names it (RULES 3.13)."""
    why = said(reason, _("Write down what is new."), "reason")
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        old = Incident.objects.select_for_update().filter(pk=incident_id).first()
        if old is None:
            raise NotVisible
        if old.state != IncidentState.CLOSED:
            raise DomainError("incident_state", _("This incident is still open."))
        there = old.followers.exclude(state=IncidentState.CLOSED).first()
        if there is not None:
            return there
        return _create(
            by, why, summary=why, discovered_at=old.discovered_at, happened_on=old.happened_on,
            data_kinds=list(old.data_kinds), follows=old,
        )


def _create(by: Actor, note: str, **values: object) -> Incident:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBERING])
    last = Incident.objects.aggregate(last=Max("number"))["last"] or 0
    incident = Incident.objects.create(number=last + 1, reported_at=timezone.now(), opened_by=by.account, **values)
    Assessment.objects.create(incident=incident)
    NoticeText.objects.create(incident=incident)
    step_note(by, incident, Step.OPENED, note)
    return incident


def _join(by: Actor, report: object, incident: Incident) -> None:
    report.incident, report.officer_id = incident, report.officer_id or by.account_id  # type: ignore[attr-defined]
    report.save(update_fields=["state", "incident", "officer_id"])  # type: ignore[attr-defined]
    step_note(by, incident, Step.REPORT)


def _assessment(incident: Incident) -> Assessment:
    return Assessment.objects.select_for_update().get(incident=incident)


def _fill(draft: Assessment, values: Mapping[str, str]) -> None:
    must_be_read(draft, *FACTORS, "conclusion")
    for factor in FACTORS:
        setattr(draft, factor, values.get(factor, "").strip())
        level = values.get(f"{factor}_level", "")
        setattr(draft, f"{factor}_level", level if level in Level.values else "")
    outcome, exception = values.get("outcome", ""), values.get("exception", "")
    draft.outcome = outcome if outcome in Outcome.values else ""
    is_one = draft.outcome == Outcome.EXCEPTION and exception in ExceptionKind.values
    draft.exception = exception if is_one else ""
    if draft.outcome == Outcome.EXCEPTION and not is_one:
        raise DomainError("exception_missing", _("Choose which of the three exceptions it is."), "exception")
    draft.conclusion = values.get("conclusion", "").strip()


def _whole(draft: Assessment) -> None:
    needed = [name for factor in FACTORS for name in (factor, f"{factor}_level")]
    for name in (*needed, "outcome", "conclusion"):
        if not getattr(draft, name):
            raise DomainError("assessment_incomplete", _("This is needed before you can sign."), name)


def _listed(data_kinds: Iterable[str]) -> list[str]:
    given = set(data_kinds)
    return [kind for kind in DataKind.values if kind in given]


def _not_ahead(moment: dt.datetime) -> None:
    if moment > timezone.now():
        raise DomainError("discovered_ahead", _("This moment has not come yet."), "discovered_at")


def _day(moment: dt.datetime) -> str:
    return date_format(moment.astimezone(clinic_zone()), "F j, Y, g:i a")
