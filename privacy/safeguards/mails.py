"""The one mail of the safeguards: a month of the log was not gone through."""

from __future__ import annotations

import datetime as dt

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

REVIEW_MISSING = Letter("privacy/mail/review_missing", ("month", "url"))


def review_missing(month: dt.date) -> None:
    """To each officer, once for each month (RULES 2.7)."""
    for account_id in staff_of(Role.OFFICER):
        mail_queue(
            kind="privacy.review_missing", account_id=account_id, refs={"month": month.isoformat()},
            once_key=f"privacy.review_missing:{month:%Y-%m}:{account_id}",
        )


def _review_missing(mail: MailContext) -> Rendered:
    month = dt.date.fromisoformat(mail.refs["month"])
    page = reverse("admin:access_log_month", args=[month.year, month.month])
    return REVIEW_MISSING.render(month=date_format(month, "F Y"), url=settings.SITE_URL + page)


def register_mails() -> None:
    """Called once at start."""
    register(
        Mail(
            "privacy.review_missing", Category.OPERATIONAL, _review_missing,
            _("A month of the access log is not signed"),
        )
    )
