"""Queueing mail, and giving a stuck one another chance."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.outbox.models import Category, MailState, OutgoingMail
from portal.outbox.registry import mail_of
from portal.permissions import Permission, Purpose, require
from portal.poke import poke

_CODES = re.compile(r"[A-Za-z0-9_.:/#-]{1,200}")


def mail_queue(
    *,
    kind: str,
    account_id: UUID | None = None,
    address: str | None = None,
    once_key: str,
    refs: Mapping[str, str] | None = None,
    secret: Mapping[str, Any] | None = None,
    send_after: dt.datetime | None = None,
    send_before: dt.datetime | None = None,
    subject_id: UUID | None = None,
) -> OutgoingMail:
    """Put one mail into the outbox, in the caller's transaction.

    ``once_key`` names the deed (``consult.answered:<id>``): queueing it again returns the row
    that is there and changes nothing. Give ``account_id`` for somebody with an account, whose
    address is looked up at delivery; ``address`` for somebody without, or to write to a former
    address. ``refs`` are ids and codes for ``render``; ``secret`` is kept encrypted and wiped on
    delivery. ``subject_id`` ties the mail to the patient it is about, so that an erasure finds
    it. After ``send_before`` the mail is refused rather than sent late.

    Raises ``LookupError`` for an unknown kind, ``ValueError`` for anything that is no code or
    for a recipient that is missing or no address.
    """
    entry = mail_of(kind)
    if account_id is None and address is None:
        raise ValueError("a mail needs a recipient")
    if address is not None:
        _check_address(address)
    _check_codes(once_key, refs or {})
    now = timezone.now()
    row = OutgoingMail(
        kind=kind, category=Category(entry.category).value, once_key=once_key, account_id=account_id,
        subject_id=subject_id, address=address, refs=dict(refs or {}),
        secret=None if secret is None else dict(secret), has_secret=secret is not None,
        priority=entry.priority, queued_at=now, send_after=send_after or now, send_before=send_before,
    )
    row.message_id = f"<{row.id.hex}@{_mail_domain()}>"
    with transaction.atomic(savepoint=False):
        OutgoingMail.objects.bulk_create([row], ignore_conflicts=True)
        kept = OutgoingMail.objects.defer("address", "secret").get(once_key=once_key)
        if kept.pk == row.pk:
            if row.send_after <= now:
                poke("outbox.drain")
            return row
    return kept


def mail_send_again(*, by: Actor, mail_id: UUID) -> OutgoingMail:
    """Give a stuck mail a new set of tries, by somebody whose role may (fault 94).

    Raises ``NotVisible`` when there is none, ``DomainError`` when it is not stuck or when its
    code has been wiped since.
    """
    require(by, Permission.MAIL_RESEND)
    with transaction.atomic():
        mail = OutgoingMail.objects.select_for_update().filter(pk=mail_id).first()
        if mail is None:
            raise NotVisible
        if mail.state != MailState.DEAD:
            raise DomainError("mail_not_stuck", _("This mail is not stuck, so there is nothing to send again."))
        if mail.has_secret and mail.secret is None:
            raise DomainError("mail_too_old", _("The code in this mail has run out. Ask the person to start again."))
        OutgoingMail.objects.filter(pk=mail.pk).update(
            state=MailState.WAITING, attempts=0, repeats=0, send_after=timezone.now(),
            lease=None, leased_until=None, begun_at=None,
        )
        access_record(
            by=by, action=Action.SEND, purpose=Purpose.SUPPORT, subject_id=mail.subject_id,
            object_kind="outbox.mail", object_id=mail.pk, basis=f"again:{mail.last_error}"[:120],
        )
        poke("outbox.drain")
    mail.refresh_from_db()
    return mail


def _check_address(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError:
        raise ValueError("not a mail address") from None


def _check_codes(once_key: str, refs: Mapping[str, str]) -> None:
    if not _CODES.fullmatch(once_key):
        raise ValueError("once_key holds ids and codes only")
    for name, value in refs.items():
        if not isinstance(value, str) or not _CODES.fullmatch(value):
            raise ValueError(f"ref {name} holds something that is no id or code")


def _mail_domain() -> str:
    """The part of the Message-ID after the @: the domain that the clinic sends from."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


