"""Taking reports in, and moving them: what the public, staff and the officer do (P48, P51, P52, RULES 1.59)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.agreements.models import AgreementContext, PolicyKind
from portal.agreements.selectors import current
from portal.agreements.services import agreement_record
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import ANONYMOUS, Actor
from portal.dates import due_on, today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from portal.poke import poke
from privacy.incidents import mails
from privacy.incidents.clocks import kept_until
from privacy.incidents.codes import code_for, code_hash
from privacy.incidents.report_models import Channel, IncidentReport, ReportKind
from privacy.incidents.state import REPORTS, ReportAction, ReportState
from privacy.incidents.timeline import said
from privacy.looks.models import LookReport
from records.vault.content import opened


@dataclass(frozen=True)
class Told:
    """What a report says. ``named`` is false for one without a name: then nothing leads to its sender."""

    kind: ReportKind
    words: str
    reach: str = ""
    child_name: str = ""
    child_born: dt.date | None = None
    child_email: str = ""
    named: bool = False


def report_make(*, by: Actor, told: Told, form_key: UUID) -> tuple[IncidentReport, str]:
    """Take a report from the public form; returns it with its receipt code. The same key gives the same one.

    Who gives a name or an address agrees to the privacy policy, and to which version is kept (P01);
    an anonymous report agrees to nothing. Raises ``DomainError`` ``words_missing``.
    """
    words = said(told.words, _("Please say in a few words what happened."), "words")
    with transaction.atomic():
        there = IncidentReport.objects.filter(form_key=form_key).first()
        if there is not None:
            return there, code_for(form_key)
        known = told.named or bool(told.reach.strip())
        sender = by if told.named and by.account_id is not None else ANONYMOUS
        policy = current(PolicyKind.PRIVACY_POLICY) if known else None
        report, new = _create_once(
            told, words, form_key, Channel.PORTAL, today(), account_id=sender.account_id, policy=policy,
        )
        if not new:
            return report, code_for(form_key)
        if policy is not None and sender.account_id is not None:
            agreement_record(by=sender, policies=[policy], context=AgreementContext.REPORT, reference=report.pk)
        _audit(sender, Action.SUBMIT, report)
        mails.report_came(report)
    return report, code_for(form_key)


def report_enter(
    *, by: Actor, told: Told, channel: Channel, received_on: dt.date, form_key: UUID
) -> tuple[IncidentReport, str]:
    """Staff enter what came by mail, phone or email. The clock runs from the day on which it came.

    Raises ``DomainError`` ``words_missing``, or ``day_ahead``.
    """
    require(by, Permission.REPORTS_ENTER)
    words = said(told.words, _("Write down what the person said."), "words")
    if received_on > today():
        raise DomainError("day_ahead", _("Choose the day on which it came: today or before."), "received_on")
    with transaction.atomic():
        there = IncidentReport.objects.filter(form_key=form_key).first()
        if there is not None:
            return there, code_for(form_key)
        report, new = _create_once(
            told, words, form_key, Channel(channel), received_on, entered_by=by.account_id
        )
        if not new:
            return report, code_for(form_key)
        _audit(by, Action.SUBMIT, report)
        mails.report_came(report)
    return report, code_for(form_key)


def report_from_look(*, by: Actor, look_report_id: UUID) -> IncidentReport:
    """Make "this looks wrong" a report of a suspected violation; the patient's words come along. Once each."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        look = LookReport.objects.select_for_update().filter(pk=look_report_id).first()
        if look is None:
            raise NotVisible
        there = IncidentReport.objects.filter(look_report_id=look.pk).first()
        if there is not None:
            return there
        told = Told(kind=ReportKind.CONCERN, words=opened(look, "words"), named=True)
        report = _create(
            told, told.words, look.pk, Channel.LOOK, look.received_on, account_id=look.account_id,
            look_report_id=look.pk,
        )
        _audit(by, Action.CREATE, report)
    return report


def report_take(*, by: Actor, report_id: UUID) -> IncidentReport:
    """The officer takes it on: whoever holds the receipt code sees that it is looked into."""
    with transaction.atomic():
        report = report_locked(by, report_id, ReportAction.TAKE)
        report.officer_id = by.account
        report.save(update_fields=["state", "officer_id"])
        _audit(by, Action.ASSIGN, report)
    return report


def report_end(*, by: Actor, report_id: UUID, outcome: str) -> IncidentReport:
    """Finish a report with what came of it, where no incident does that. It is kept for six years.

    Raises ``DomainError``: ``words_missing``, ``report_state``, ``report_in_incident``.
    """
    words = said(outcome, _("Write down what you looked at and what came of it."), "outcome")
    with transaction.atomic():
        report = report_locked(by, report_id, ReportAction.END)
        if report.incident_id is not None:
            raise DomainError("report_in_incident", _("This report belongs to an incident and ends with it."))
        _end(by, report, words)
    return report


def reports_end_with(by: Actor, incident_id: UUID) -> None:
    """The incident is closed: so are its reports. In the closing's transaction."""
    for report in IncidentReport.objects.select_for_update().filter(incident_id=incident_id):
        if report.state != ReportState.ENDED:
            report.state = REPORTS[ReportState(report.state), ReportAction.END]
            _end(by, report, "")


def report_locked(by: Actor, report_id: UUID, action: ReportAction) -> IncidentReport:
    """The report, locked, with its state moved on in memory. Raises ``NotVisible`` and ``DomainError``."""
    require(by, Permission.REQUESTS_HANDLE)
    report = IncidentReport.objects.select_for_update().filter(pk=report_id).first()
    if report is None:
        raise NotVisible
    following = REPORTS.get((ReportState(report.state), action))
    if following is None:
        raise DomainError("report_state", _("This report has moved on. Reload the page to see where it stands."))
    report.state = following
    return report


def _create_once(
    told: Told, words: str, form_key: UUID, channel: Channel, received_on: dt.date, **more: object
) -> tuple[IncidentReport, bool]:
    """The report of this press, and whether it is new: of two presses at the same moment one makes it."""
    try:
        with transaction.atomic():
            return _create(told, words, form_key, channel, received_on, **more), True
    except IntegrityError:
        return IncidentReport.objects.get(form_key=form_key), False


def _create(
    told: Told, words: str, form_key: UUID, channel: Channel, received_on: dt.date, **more: object
) -> IncidentReport:
    child = told.kind == ReportKind.CHILD
    report = IncidentReport.objects.create(
        kind=told.kind, channel=channel, form_key=form_key, code_hash=code_hash(code_for(form_key)), words=words,
        reach=told.reach.strip(), received_on=received_on,
        due_on=due_on(received_on, settings.INCIDENT_REPORT_DUE_DAYS),
        child_name=told.child_name.strip() if child else "", child_born=told.child_born if child else None,
        child_email=told.child_email.strip() if child else "", freeze_at=timezone.now() if child else None, **more,
    )
    if child:
        poke("privacy.incident_freeze", report.pk)
    return report


def _end(by: Actor, report: IncidentReport, words: str) -> None:
    report.officer_id = report.officer_id or by.account_id
    report.outcome, report.ended_at, report.freeze_at = words, timezone.now(), None
    report.keep_until = kept_until(today())
    report.save(update_fields=["state", "officer_id", "outcome", "ended_at", "freeze_at", "keep_until"])
    _audit(by, Action.SIGN, report)
    mails.report_ended(report)


def _audit(by: Actor, action: Action, report: IncidentReport) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.ABUSE, subject_id=None, object_kind="privacy.incident",
        object_id=report.pk, basis=f"report:{report.pk}",
    )
