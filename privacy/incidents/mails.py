"""Mails about reports and incidents. To a reporter they say no more than the public page (P48)."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import staff_of
from portal.outbox.letters import Letter
from portal.outbox.models import Category, OutgoingMail
from portal.outbox.registry import Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from portal.permissions import Role
from privacy.incidents.models import Affected, Incident
from privacy.incidents.notice_models import PARTS
from privacy.incidents.report_models import IncidentReport
from records.vault.content import opened

ENDED = Letter("privacy/incidents/mail/ended", ("url", "officer", "officer_email", "phone"))
WAITS = Letter("privacy/incidents/mail/waits", ("url",))
ALARM = Letter("privacy/incidents/mail/alarm", ("number", "day", "url"))
NOTICE = Letter("privacy/incidents/mail/notice", (*PARTS, "clinic"))


def report_came(report: IncidentReport) -> None:
    """To each officer: one waits. Its sender has the receipt code; a public form mails nobody."""
    for account_id in staff_of(Role.OFFICER):
        mail_queue(
            kind="incident.waits", account_id=account_id, once_key=f"incident.waits:{report.pk}:{account_id}",
            refs={"report": str(report.pk)},
        )


def report_ended(report: IncidentReport) -> None:
    """To whoever left an email address: we have finished; what came of it is told when they ask."""
    address = _email(opened(report, "reach", "") or "")
    if address:
        mail_queue(kind="incident.ended", address=address, once_key=f"incident.ended:{report.pk}")


def breach_alarm(incident: Incident, day: int) -> None:
    """To each officer: so many days have passed and the people have not been told. Once each."""
    for account_id in staff_of(Role.OFFICER):
        mail_queue(
            kind="incident.alarm", account_id=account_id,
            once_key=f"incident.alarm:{incident.pk}:{day}:{account_id}",
            refs={"incident": str(incident.pk), "number": str(incident.number), "day": str(day)},
        )


def breach_notice(row: Affected, account_id: UUID, parts: dict[str, str]) -> OutgoingMail:
    """The notice itself, to somebody who agreed to notices by email (RULES 3.6); its words wait encrypted."""
    return mail_queue(
        kind="incident.notice", account_id=account_id, subject_id=row.subject_id,
        once_key=f"incident.notice:{row.pk}", secret=parts,
    )


def _email(reach: str) -> str:
    """The address, where what was left is one and nothing else."""
    try:
        validate_email(reach.strip())
    except ValidationError:
        return ""
    return reach.strip()


def _state_url() -> str:
    return settings.SITE_URL + reverse("privacy:incident_state")


def _ended(_mail: MailContext) -> Rendered:
    return ENDED.render(
        url=_state_url(), officer=settings.CLINIC_OFFICER_NAME, officer_email=settings.CLINIC_OFFICER_EMAIL,
        phone=settings.CLINIC_PHONE,
    )


def _waits(mail: MailContext) -> Rendered:
    return WAITS.render(url=settings.SITE_URL + reverse("admin:incident_report", args=[mail.refs["report"]]))


def _alarm(mail: MailContext) -> Rendered:
    url = settings.SITE_URL + reverse("admin:incident", args=[mail.refs["incident"]])
    return ALARM.render(number=mail.refs["number"], day=mail.refs["day"], url=url)


def _notice(mail: MailContext) -> Rendered:
    return NOTICE.render(clinic=settings.CLINIC_LEGAL_NAME, **{part: str(mail.secret[part]) for part in PARTS})


def register_mails() -> None:
    """Called once at start."""
    kinds = (
        ("ended", _ended, _("We have looked into your report")),
        ("waits", _waits, _("A report waits for you")),
        ("alarm", _alarm, _("A legal clock runs")),
        ("notice", _notice, _("A notice about your information")),
    )
    for name, render, subject in kinds:
        register(Mail(f"incident.{name}", Category.OPERATIONAL, render, subject))
