"""The mails of requests. None says what was asked or what is in a record; each leads to the portal.

Who asked without an account gets none of them: their letters go by post (``privacy/letters``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

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
from privacy.requests.models import RightsRequest

_DATED = ("due", "url")
RECEIVED = Letter("privacy/mail/received", _DATED)
COPY_DELAYED = Letter("privacy/mail/copy_delayed", _DATED)
FEE = Letter("privacy/mail/fee", _DATED)
ANSWERED = Letter("privacy/mail/answered", ("url",))
WAITS = Letter("privacy/mail/waits", _DATED)
REMINDER = Letter("privacy/mail/reminder", _DATED)
OVERDUE = Letter("privacy/mail/overdue", ("due", "officer"))


def day_of(iso: str) -> str:
    """A date as a mail writes it."""
    return date_format(dt.date.fromisoformat(iso), "F j, Y")


def page_of(mail: MailContext, page: str) -> str:
    """The whole address of a page about the request (or report) that the mail names."""
    return settings.SITE_URL + reverse(page, args=[mail.refs["request"]])


def dated(letter: Letter, page: str) -> Callable[[MailContext], Rendered]:
    """A letter that names the last day and leads to a page."""
    return lambda mail: letter.render(due=day_of(mail.refs["due"]), url=page_of(mail, page))


def _linked(letter: Letter, page: str) -> Callable[[MailContext], Rendered]:
    return lambda mail: letter.render(url=page_of(mail, page))


def _refs(request: RightsRequest) -> dict[str, str]:
    return {"request": str(request.pk), "due": request.due_on.isoformat()}


def _to_asker(request: RightsRequest, name: str, once: str = "") -> None:
    """One mail to who asked, once; nobody without an account has an address here."""
    if request.account_id is None:
        return
    mail_queue(
        kind=f"privacy.{name}", account_id=request.account_id, subject_id=request.subject_id,
        once_key=f"privacy.{name}:{request.pk}{once}", refs=_refs(request),
    )


def _to_staff(request: RightsRequest, name: str, once: str, accounts: list[UUID]) -> None:
    for account_id in accounts:
        mail_queue(
            kind=f"privacy.{name}", account_id=account_id, subject_id=request.subject_id,
            once_key=f"privacy.{name}:{request.pk}:{once}:{account_id}", refs=_refs(request),
        )


def request_received(request: RightsRequest) -> None:
    """We have the request, and by when it must be answered (P35)."""
    _to_asker(request, "received")


def request_waits(request: RightsRequest, why: str) -> None:
    """Tell the officer who works on it, or every officer, that it waits on the desk; ``why`` is a code, once each."""
    _to_staff(request, "waits", why, staff_of(Role.OFFICER))


def request_handed_over(request: RightsRequest, officer_id: UUID) -> None:
    """Somebody gave the request to this officer."""
    _to_staff(request, "waits", f"given-{request.steps.count()}", [officer_id])


def copy_delayed(request: RightsRequest) -> None:
    """The copy could not be made at once; it will be, and by when (once a request)."""
    _to_asker(request, "copy_delayed")


def fee_named(request: RightsRequest) -> None:
    """It would cost something; how much stands in the portal (RULES 1.13)."""
    _to_asker(request, "fee", f":{request.steps.count()}")


def request_answered(request: RightsRequest) -> None:
    """An answer waits in the portal; not what it says."""
    _to_asker(request, "answered")


def request_reminder(request: RightsRequest, days: int, *, officers: list[UUID]) -> None:
    """So many days are left; to who works on it, or to every officer while nobody does (P35)."""
    mine = [request.officer_id] if request.officer_id in officers and request.officer_id else officers
    _to_staff(request, "reminder", f"{request.due_on.isoformat()}-{days}", mine)


def request_overdue(request: RightsRequest, week: int, *, officers: list[UUID], owners: list[UUID]) -> None:
    """It is late: the officers hear of it and so does the clinic's owner, once in each week that it stays so."""
    _to_staff(request, "reminder", f"{request.due_on.isoformat()}-late-{week}", officers)
    _to_staff(request, "overdue", f"{request.due_on.isoformat()}-{week}", owners)


def _overdue(mail: MailContext) -> Rendered:
    return OVERDUE.render(due=day_of(mail.refs["due"]), officer=settings.CLINIC_OFFICER_NAME)


_ASKED, _DESK = "privacy:request", "admin:privacy_request"


def register_mails() -> None:
    """Called once at start."""
    kinds = (
        ("received", dated(RECEIVED, _ASKED), _("We have your request")),
        ("copy_delayed", dated(COPY_DELAYED, _ASKED), _("The copy you asked for takes longer")),
        ("fee", dated(FEE, _ASKED), _("What your request would cost")),
        ("answered", _linked(ANSWERED, _ASKED), _("An answer waits for you")),
        ("waits", dated(WAITS, _DESK), _("A privacy request waits for you")),
        ("reminder", dated(REMINDER, _DESK), _("A privacy request is due")),
        ("overdue", _overdue, _("A privacy request is late")),
    )
    for name, render, subject in kinds:
        register(Mail(f"privacy.{name}", Category.OPERATIONAL, render, subject))
