"""Sending one mail that was claimed and begun: words, recipient, server, and what came of it."""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail.message import EmailMessage
from django.db.models import F, QuerySet
from django.utils import timezone

from portal.outbox.leaving import LEFT
from portal.outbox.letters import BadLetter, build
from portal.outbox.models import Category, MailState, OutgoingMail
from portal.outbox.registry import Addresses, Mail, MailContext, mail_of
from portal.outbox.smtp import Line, OutcomeUnknown, ServerDown

log = logging.getLogger(__name__)

# Why a mail was not sent: its reader wants letters (RULES 1.38, P54).
POST_ONLY = "post_only"
# Why a mail was not sent: the record that it is about may not be used (P47).
FROZEN = "frozen"
FREE: dict[str, Any] = {"lease": None, "leased_until": None, "begun_at": None}
_BACK_OFF_FIRST, _BACK_OFF_MOST = 30, 3600  # seconds


def send_one(row: OutgoingMail, line: Line, addresses: Addresses) -> bool:
    """Render and send one begun mail. False when it went another way, which is then committed."""
    try:
        mail = mail_of(row.kind)
    except LookupError:
        return _ended(row, MailState.DEAD, "unknown_kind")
    try:
        message = _prepare(row, mail, addresses)
    except BadLetter as error:
        return _ended(row, MailState.DEAD, f"letter_{error.code}")
    except Exception as error:
        log.exception("mail %s of kind %s could not be rendered", row.pk, row.kind)
        return _later(row, f"render_{type(error).__name__}")
    if isinstance(message, str):
        return _ended(row, MailState.REFUSED, message)
    return _hand_over(row, message, line)


def _prepare(row: OutgoingMail, mail: Mail, addresses: Addresses) -> EmailMessage | str:
    """The mail, or the code of the reason why it must not go."""
    if row.send_before is not None and timezone.now() >= row.send_before:
        return "too_late"
    context = MailContext(refs=row.refs, secret=row.secret or {}, account_id=row.account_id)
    if mail.gate is not None:
        reason = mail.gate(context)
        row.gate_passed = not reason
        if reason:
            return str(reason)
    account_id = None if row.category == Category.SECURITY else row.account_id
    if account_id is not None and addresses.by_post(account_id, row.subject_id):
        return POST_ONLY
    about_care = mail.care or row.category == Category.MARKETING
    if row.subject_id is not None and about_care and addresses.frozen(row.subject_id):
        return FROZEN
    address = row.address
    if address is None and row.account_id is not None:
        address = addresses.of(row.account_id)
    if address and not mail.farewell and addresses.left(address):
        return LEFT
    return build(row, mail, mail.render(context), address) if address else "no_address"


def _hand_over(row: OutgoingMail, message: EmailMessage, line: Line) -> bool:
    try:
        try:
            line.send(message)
        except smtplib.SMTPServerDisconnected:
            if not line.names_unknown:
                raise OutcomeUnknown from None
            # The server hung up before it had the mail (it restarted, or the line was too old).
            line.close()
            line.send(message)
        return True
    except ServerDown:
        raise
    except OutcomeUnknown:
        line.close()
        return _maybe_sent(row)
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        return _answered(row, code, line, final=code >= 500)
    except smtplib.SMTPSenderRefused as error:
        # The server's quarrel is with the clinic's own address, not with this mail.
        return _answered(row, error.smtp_code, line, final=False)
    except smtplib.SMTPResponseException as error:
        return _answered(row, error.smtp_code, line, final=error.smtp_code >= 500)
    except (smtplib.SMTPException, OSError) as error:
        line.close()
        return _later(row, f"line_{type(error).__name__}")
    except ValueError:  # an address or header that cannot be written down; nothing has left
        line.close()
        return _ended(row, MailState.DEAD, "not_sendable")
    except Exception:
        # Nobody knows what this left behind, so it counts as "may have been sent".
        log.exception("mail %s of kind %s ended in an unforeseen way", row.pk, row.kind)
        line.close()
        return _maybe_sent(row)


def _answered(row: OutgoingMail, code: int, line: Line, *, final: bool) -> bool:
    """The server said no: for good (5xx), for now (4xx), or to everybody (421)."""
    if code == 421:
        line.close()
        raise ServerDown("smtp_421")
    if final:
        return _ended(row, MailState.DEAD, f"smtp_{code}")
    return _later(row, f"smtp_{code}")


def _held(row: OutgoingMail) -> QuerySet[OutgoingMail]:
    return OutgoingMail.objects.filter(pk=row.pk, state=MailState.SENDING, lease=row.lease)


def _ended(row: OutgoingMail, state: MailState, error: str) -> bool:
    wiped = {"secret": None, "address": None} if state == MailState.REFUSED else {}
    _held(row).update(state=state, last_error=error[:80], gate_passed=row.gate_passed, **wiped, **FREE)
    log.info("mail %s of kind %s is %s: %s", row.pk, row.kind, state.value, error)
    return False


def _later(row: OutgoingMail, error: str) -> bool:
    if row.attempts >= settings.MAIL_MAX_ATTEMPTS:
        return _ended(row, MailState.DEAD, error)
    _held(row).update(
        state=MailState.WAITING, last_error=error[:80], send_after=_next_try(row.attempts), **FREE
    )
    return False


def _maybe_sent(row: OutgoingMail) -> bool:
    if row.repeats >= 1:
        return _ended(row, MailState.DEAD, "outcome_unknown")
    _held(row).update(
        state=MailState.WAITING, last_error="outcome_unknown", send_after=_next_try(row.attempts),
        repeats=F("repeats") + 1, **FREE,
    )
    return False


def _next_try(attempts: int) -> datetime:
    pause = min(_BACK_OFF_MOST, _BACK_OFF_FIRST * 2 ** max(0, attempts - 1))
    return timezone.now() + timedelta(seconds=pause)
