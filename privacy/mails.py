"""The mails of the privacy desk. None tells what is in a record; each leads to the portal."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from privacy.models import RecordCopy, RightsRequest

RECEIVED = Letter("privacy/mail/received", ("kind", "due", "url"))
COPY_READY = Letter("privacy/mail/copy_ready", ("until", "url"))
DENIED = Letter("privacy/mail/denied", ("url",))
ERASED = Letter("privacy/mail/erased", ("kept_until", "officer", "officer_email"))


def _day(iso: str) -> str:
    return date_format(dt.date.fromisoformat(iso), "F j, Y")


def _request_url(request_id: str) -> str:
    return settings.SITE_URL + reverse("privacy:request", args=[request_id])


def request_received(request: RightsRequest) -> None:
    """We have your request, and by when we must have answered it."""
    mail_queue(
        kind="privacy.received", account_id=request.account_id, subject_id=request.subject_id,
        once_key=f"privacy.received:{request.pk}",
        refs={"request": str(request.pk), "kind": request.kind, "due": request.due_on.isoformat()},
    )


def _received(mail: MailContext) -> Rendered:
    return RECEIVED.render(
        kind=mail.refs["kind"], due=_day(mail.refs["due"]), url=_request_url(mail.refs["request"])
    )


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


def record_erased(*, request: RightsRequest, address: str, kept_until: dt.date | None) -> None:
    """The closing letter, to the address that the account had: the account is gone by then.

    Tied to no subject, so that the erasure does not take it away; the address is wiped on delivery.
    """
    mail_queue(
        kind="privacy.erased", address=address, once_key=f"privacy.erased:{request.pk}",
        refs={"kept_until": kept_until.isoformat() if kept_until else "none"},
    )


def _erased(mail: MailContext) -> Rendered:
    kept = mail.refs["kept_until"]
    return ERASED.render(
        kept_until="" if kept == "none" else _day(kept),
        officer=settings.CLINIC_OFFICER_NAME, officer_email=settings.CLINIC_OFFICER_EMAIL,
    )


def register_mails() -> None:
    """Called once at start."""
    register(Mail("privacy.received", Category.OPERATIONAL, _received, _("We have your request")))
    register(Mail("privacy.copy_ready", Category.OPERATIONAL, _copy_ready, _("The copy you asked for is ready")))
    register(Mail("privacy.denied", Category.OPERATIONAL, _denied, _("A letter about your request")))
    register(Mail("privacy.erased", Category.OPERATIONAL, _erased, _("What you asked us to do is done")))
