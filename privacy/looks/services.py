"""Reporting a look that seems wrong, and answering it (P21, RULES 2.5)."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.audit.models import LOOKS, AccessEvent, Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import due_on, today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from privacy import mails
from privacy.looks.models import OPEN_REPORTS, LookReport, ReportState
from privacy.looks.selectors import about, rows_like
from records.access import require_open
from records.people.search import current_id
from records.vault.content import opened

EVENTS_MOST = 500


def report_make(*, by: Actor, event_id: UUID, words: str, form_key: UUID) -> tuple[LookReport, bool]:
    """Take a report about the line of the log on which this row stands; a second one joins the first.

    Returns the report and whether it is new. Raises ``NotVisible`` unless the row is about a
    record that the actor may see, and ``DomainError``: ``words_missing``, ``unreadable``.
    """
    row = look_for(by=by, event_id=event_id)
    said = words.strip()
    if not said:
        raise DomainError("words_missing", _("Please say in a few words what looks wrong."), "words")
    try:
        with transaction.atomic():
            return _make(by, row, said, form_key)
    except IntegrityError:  # a second tab was faster: join it
        with transaction.atomic():
            return _make(by, row, said, form_key)


def look_for(*, by: Actor, event_id: UUID) -> AccessEvent:
    """A look at a record that the actor may see. Raises ``NotVisible``."""
    require(by, Permission.RECORD_OWN)
    row = AccessEvent.objects.filter(event_id=event_id, action__in=[deed.value for deed in LOOKS]).first()
    if row is None or row.subject_id is None:
        raise NotVisible
    whose = current_id(row.subject_id)  # looks at a record that was merged are looks at the one it went into
    require_open(by=by, patient_id=whose, purpose=Purpose.COMMUNICATING, whole=True, looking=True)
    return row


def report_take(*, by: Actor, report_id: UUID) -> LookReport:
    """The officer looks into it; the patient sees so."""
    with transaction.atomic():
        report = _locked(by, report_id)
        if report.state == ReportState.NEW:
            report.state, report.officer_id = ReportState.LOOKING, by.account
            report.save(update_fields=["state", "officer_id"])
            _record(by, Action.ASSIGN, report)
    return report


def report_answer(*, by: Actor, report_id: UUID, answer: str) -> LookReport:
    """Answer it; the answer stands in the portal, and a mail says that there is one.

    Raises ``DomainError`` ``answer_missing``, or ``answered_already``.
    """
    said = answer.strip()
    if not said:
        raise DomainError("answer_missing", _("Write the patient an answer first."), "answer")
    with transaction.atomic():
        report = _locked(by, report_id)
        if report.state == ReportState.ANSWERED:
            raise DomainError("answered_already", _("Somebody has answered meanwhile. Please load the page again."))
        report.state, report.answer = ReportState.ANSWERED, said
        report.officer_id, report.answered_at = by.account, timezone.now()
        report.save(update_fields=["state", "answer", "officer_id", "answered_at"])
        _record(by, Action.SIGN, report)
        mails.report_answered(report)
    return report


def _make(by: Actor, row: AccessEvent, said: str, form_key: UUID) -> tuple[LookReport, bool]:
    assert row.subject_id is not None
    line, events = about(row), [str(other.event_id) for other in rows_like(row)] or [str(row.event_id)]
    mine = LookReport.objects.select_for_update().filter(account_id=by.account)
    same = mine.filter(form_key=form_key).first()
    if same is not None:
        return same, False
    there = mine.filter(about=line, state__in=OPEN_REPORTS).first()
    if there is not None:
        there.events = list(dict.fromkeys([*there.events, *events]))[:EVENTS_MOST]
        before = opened(there, "words", None)
        if before is None:  # never saved over
            raise DomainError("unreadable", _("Your first report cannot be read at the moment. Please write to us."))
        if said not in before:
            day = date_format(today(), "F j, Y")
            there.words = f"{before}\n\n{_('Added on %(day)s:') % {'day': day}}\n{said}" if before else said
        there.save(update_fields=["events", "words"])
        _record(by, Action.CHANGE, there)
        return there, False
    received = today()
    report = LookReport.objects.create(
        subject_id=current_id(row.subject_id), account_id=by.account, about=line, events=events, actor_id=row.actor_id,
        actor_role=row.actor_role, action=row.action, object_kind=row.object_kind, looked_at=row.at,
        form_key=form_key, words=said, received_on=received,
        due_on=due_on(received, settings.LOOK_REPORT_DUE_DAYS),
    )
    _record(by, Action.SUBMIT, report)
    mails.report_received(report)
    return report, True


def _locked(by: Actor, report_id: UUID) -> LookReport:
    require(by, Permission.REQUESTS_HANDLE)
    report = LookReport.objects.select_for_update().filter(pk=report_id).first()
    if report is None:
        raise NotVisible
    return report


def _record(by: Actor, action: Action, report: LookReport) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.ABUSE, subject_id=report.subject_id, object_kind="privacy.lookreport",
        object_id=report.pk, basis=f"report:{report.pk}",
    )
