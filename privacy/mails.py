"""The mails of the privacy desk. None tells what is in a record; each leads to the portal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import staff_of
from portal.dates import clinic_day, today, years_later
from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from portal.permissions import Role
from privacy.disclosing.closing import GivenLine
from privacy.looks.models import LookReport
from privacy.models import RecordCopy, RightsRequest
from privacy.requests.mails import dated, day_of, page_of

COPY_READY = Letter("privacy/mail/copy_ready", ("until", "url"))
REPORT_RECEIVED = Letter("privacy/mail/report_received", ("due", "url"))
REPORT_WAITS = Letter("privacy/mail/report_waits", ("due", "url"))
REPORT_ANSWERED = Letter("privacy/mail/report_answered", ("url",))
ERASED = Letter(
    "privacy/mail/erased",
    (
        "child", "young", "kept_until", "list_only", "backups_until", "log_until", "books_until", "years", "paid",
        "paid_back", "given", "officer", "officer_email", "phone",
    ),
)


@dataclass(frozen=True)
class Closing:
    """What the closing letter tells: facts that are gone when it is sent (P39, P41).

    ``kept_until`` is the archive's last day (None: nothing was ever sent in), ``list_only`` that it keeps
    nothing but who received what (``privacy.keeping.accounting``); ``paid`` whether
    the books hold a payment; ``paid_back`` whether an unanswered consult is being paid back;
    ``given`` is who received what, from the register (P41); ``backups_until`` the last day on which a
    sealed backup of before the deletion can still be there; ``child`` that a parent or guardian asked, whose
    own account stays.
    """

    kept_until: dt.date | None
    paid: bool
    paid_back: bool
    given: list[GivenLine]
    backups_until: dt.date
    list_only: bool = False
    child: bool = False


def log_until() -> dt.date:
    """The day until which at least the log of a record that is deleted today is kept (RULES 1.58)."""
    return years_later(today(), settings.LOG_KEEP_YEARS)


def books_until() -> dt.date:
    """The same of what the books show of a payment."""
    return years_later(today(), settings.BOOKS_KEEP_YEARS)


def copy_ready(copy: RecordCopy) -> None:
    """The copy waits in the portal, and until when."""
    mail_queue(
        kind="privacy.copy_ready", account_id=copy.account_id, subject_id=copy.subject_id,
        once_key=f"privacy.copy_ready:{copy.pk}",
        refs={"request": str(copy.request_id), "until": clinic_day(copy.expires_at).isoformat()},
    )


def _copy_ready(mail: MailContext) -> Rendered:
    return COPY_READY.render(until=day_of(mail.refs["until"]), url=page_of(mail, "privacy:request"))


def record_erased(
    *, request: RightsRequest, address: str, closing: Closing, young: UUID | None = None
) -> None:
    """The closing letter, to the address that the account had: the account is gone by then.

    ``young`` is the account of a young person whose parent or guardian asked: they are told it as it is for them.
    Tied to no subject, so that the erasure does not take it away; the address is wiped on delivery.
    """
    mail_queue(
        kind="privacy.erased", address=address,
        once_key=f"privacy.erased:{request.pk}{f':{young}' if young else ''}",
        refs={
            "kept_until": closing.kept_until.isoformat() if closing.kept_until else "none",
            "backups_until": closing.backups_until.isoformat(),
            "log_until": log_until().isoformat(), "books_until": books_until().isoformat(),
            "child": str(closing.child and young is None), "young": str(young is not None),
            "list_only": str(closing.list_only),
            "paid": str(closing.paid), "paid_back": str(closing.paid_back),
        },
        secret={"given": closing.given},  # sealed until it is sent, then wiped: the register is gone by then
    )


def _erased(mail: MailContext) -> Rendered:
    refs = mail.refs
    return ERASED.render(
        kept_until="" if refs["kept_until"] == "none" else day_of(refs["kept_until"]),
        child=refs["child"] == "True", young=refs["young"] == "True", list_only=refs["list_only"] == "True",
        backups_until=day_of(refs["backups_until"]), log_until=day_of(refs["log_until"]),
        books_until=day_of(refs["books_until"]),
        years=settings.RETENTION_ADULT_YEARS, paid=refs["paid"] == "True", paid_back=refs["paid_back"] == "True",
        given=mail.secret.get("given", []), officer=settings.CLINIC_OFFICER_NAME,
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
    return REPORT_ANSWERED.render(url=page_of(mail, "privacy:report"))


def register_mails() -> None:
    """Called once at start."""
    kinds = (
        ("copy_ready", _copy_ready, _("The copy you asked for is ready")),
        ("report_received", dated(REPORT_RECEIVED, "privacy:report"), _("We have your report")),
        ("report_waits", dated(REPORT_WAITS, "admin:privacy_report"), _("A report waits for you")),
        ("report_answered", _report_answered, _("An answer to your report")),
        ("erased", _erased, _("What you asked us to do is done")),
    )
    for name, render, subject in kinds:
        register(Mail(f"privacy.{name}", Category.OPERATIONAL, render, subject))
