"""The mails of the privacy desk. None tells what is in a record; each leads to the portal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import staff_of
from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from portal.permissions import Role
from privacy.looks.models import LookReport
from privacy.models import RecordCopy, RightsRequest

RECEIVED = Letter("privacy/mail/received", ("due", "url"))
COPY_READY = Letter("privacy/mail/copy_ready", ("until", "url"))
COPY_DELAYED = Letter("privacy/mail/copy_delayed", ("due", "url"))
DENIED = Letter("privacy/mail/denied", ("url",))
WAITS = Letter("privacy/mail/waits", ("due", "url"))
REPORT_RECEIVED = Letter("privacy/mail/report_received", ("due", "url"))
REPORT_WAITS = Letter("privacy/mail/report_waits", ("due", "url"))
REPORT_ANSWERED = Letter("privacy/mail/report_answered", ("url",))
ERASED = Letter(
    "privacy/mail/erased",
    ("kept_until", "backups_until", "years", "paid", "paid_back", "given", "officer", "officer_email", "phone"),
)


@dataclass(frozen=True)
class Closing:
    """What the closing letter tells: facts that are gone when it is sent (P39, P41).

    ``kept_until`` is the archive's last day (None: nothing was ever sent in); ``paid`` whether
    the books hold a payment; ``paid_back`` whether an unanswered consult is being paid back;
    ``given`` how many disclosures to others the log shows; ``backups_until`` the last day on which a
    sealed backup of before the deletion can still be there.
    """

    kept_until: dt.date | None
    paid: bool
    paid_back: bool
    given: int
    backups_until: dt.date


def _day(iso: str) -> str:
    return date_format(dt.date.fromisoformat(iso), "F j, Y")


def _request_url(request_id: str) -> str:
    return settings.SITE_URL + reverse("privacy:request", args=[request_id])


def request_received(request: RightsRequest) -> None:
    """We have the request for deletion, and by when it must be answered (P35)."""
    mail_queue(
        kind="privacy.received", account_id=request.account_id, subject_id=request.subject_id,
        once_key=f"privacy.received:{request.pk}", refs=_with_due(request),
    )


def request_waits(request: RightsRequest, why: str) -> None:
    """Tell each compliance officer that something waits on the desk; ``why`` is a code, once each."""
    for account_id in staff_of(Role.OFFICER):
        mail_queue(
            kind="privacy.waits", account_id=account_id, subject_id=request.subject_id,
            once_key=f"privacy.waits:{request.pk}:{why}:{account_id}", refs=_with_due(request),
        )


def copy_delayed(request: RightsRequest) -> None:
    """The copy could not be made at once; it will be, and by when (once a request)."""
    mail_queue(
        kind="privacy.copy_delayed", account_id=request.account_id, subject_id=request.subject_id,
        once_key=f"privacy.copy_delayed:{request.pk}", refs=_with_due(request),
    )


def _with_due(request: RightsRequest) -> dict[str, str]:
    return {"request": str(request.pk), "due": request.due_on.isoformat()}


def _dated(letter: Letter, page: str) -> Callable[[MailContext], Rendered]:
    """A letter that names the last day and leads to the request's page."""

    def render(mail: MailContext) -> Rendered:
        return letter.render(
            due=_day(mail.refs["due"]), url=settings.SITE_URL + reverse(page, args=[mail.refs["request"]])
        )

    return render


def copy_ready(copy: RecordCopy) -> None:
    """The copy waits in the portal, and until when."""
    mail_queue(
        kind="privacy.copy_ready", account_id=copy.account_id, subject_id=copy.subject_id,
        once_key=f"privacy.copy_ready:{copy.pk}",
        refs={"request": str(copy.request_id), "until": copy.expires_at.date().isoformat()},
    )


def _copy_ready(mail: MailContext) -> Rendered:
    return COPY_READY.render(until=_day(mail.refs["until"]), url=_request_url(mail.refs["request"]))


def request_denied(request: RightsRequest) -> None:
    """There is a letter about the request in the portal (P37)."""
    mail_queue(
        kind="privacy.denied", account_id=request.account_id, subject_id=request.subject_id,
        once_key=f"privacy.denied:{request.pk}", refs={"request": str(request.pk)},
    )


def _denied(mail: MailContext) -> Rendered:
    return DENIED.render(url=_request_url(mail.refs["request"]))


def record_erased(*, request: RightsRequest, address: str, closing: Closing) -> None:
    """The closing letter, to the address that the account had: the account is gone by then.

    Tied to no subject, so that the erasure does not take it away; the address is wiped on delivery.
    """
    mail_queue(
        kind="privacy.erased", address=address, once_key=f"privacy.erased:{request.pk}",
        refs={
            "kept_until": closing.kept_until.isoformat() if closing.kept_until else "none",
            "backups_until": closing.backups_until.isoformat(),
            "paid": str(closing.paid), "paid_back": str(closing.paid_back), "given": str(closing.given),
        },
    )


def _erased(mail: MailContext) -> Rendered:
    refs = mail.refs
    return ERASED.render(
        kept_until="" if refs["kept_until"] == "none" else _day(refs["kept_until"]),
        backups_until=_day(refs["backups_until"]),
        years=settings.RETENTION_ADULT_YEARS, paid=refs["paid"] == "True", paid_back=refs["paid_back"] == "True",
        given=int(refs["given"]), officer=settings.CLINIC_OFFICER_NAME,
        officer_email=settings.CLINIC_OFFICER_EMAIL, phone=settings.CLINIC_PHONE,
    )


def report_received(report: LookReport) -> None:
    """We have the report about a look (to the patient), and one waits (to each officer)."""
    refs = {"request": str(report.pk), "due": report.due_on.isoformat()}
    mail_queue(
        kind="privacy.report_received", account_id=report.account_id, subject_id=report.subject_id,
        once_key=f"privacy.report_received:{report.pk}", refs=refs,
    )
    for account_id in staff_of(Role.OFFICER):
        mail_queue(
            kind="privacy.report_waits", account_id=account_id, subject_id=report.subject_id,
            once_key=f"privacy.report_waits:{report.pk}:{account_id}", refs=refs,
        )


def report_answered(report: LookReport) -> None:
    """The officer's answer stands in the portal."""
    mail_queue(
        kind="privacy.report_answered", account_id=report.account_id, subject_id=report.subject_id,
        once_key=f"privacy.report_answered:{report.pk}", refs={"request": str(report.pk)},
    )


def _report_answered(mail: MailContext) -> Rendered:
    return REPORT_ANSWERED.render(url=settings.SITE_URL + reverse("privacy:report", args=[mail.refs["request"]]))


_ASKED, _DESK = "privacy:request", "admin:privacy_request"


def register_mails() -> None:
    """Called once at start."""
    kinds = (
        ("received", _dated(RECEIVED, _ASKED), _("We have your request")),
        ("copy_ready", _copy_ready, _("The copy you asked for is ready")),
        ("copy_delayed", _dated(COPY_DELAYED, _ASKED), _("The copy you asked for takes longer")),
        ("denied", _denied, _("A letter about your request")),
        ("waits", _dated(WAITS, _DESK), _("A privacy request waits for you")),
        ("report_received", _dated(REPORT_RECEIVED, "privacy:report"), _("We have your report")),
        ("report_waits", _dated(REPORT_WAITS, "admin:privacy_report"), _("A report waits for you")),
        ("report_answered", _report_answered, _("An answer to your report")),
        ("erased", _erased, _("What you asked us to do is done")),
    )
    for name, render, subject in kinds:
        register(Mail(f"privacy.{name}", Category.OPERATIONAL, render, subject))
