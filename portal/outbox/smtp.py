"""SMTP with its one dark moment named: the reply that never came after the whole mail was sent.

Django's backend leaves it open whether a lost connection fell before or after the server had
the mail. For the outbox the difference is "try again" against "may have been sent".
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import EmailMessage, sanitize_address

log = logging.getLogger(__name__)
PER_CONNECTION = 200


class OutcomeUnknown(smtplib.SMTPException):
    """The server has the whole mail, and its yes or no was lost."""


@lru_cache(maxsize=1024)
def _address(text: str, encoding: str) -> str:
    """An address as SMTP takes it, in its brackets; parsing one costs more than the rest of its mail."""
    return smtplib.quoteaddr(sanitize_address(text, encoding))


class ServerDown(Exception):
    """The mail server takes nothing at all: nobody's fault, so nobody's attempt."""


class SmtpBackend(EmailBackend):
    """Django's SMTP backend, one recipient and one step at a time."""

    def _send(self, email_message: EmailMessage) -> bool:
        recipients = email_message.recipients()
        if not recipients or self.connection is None:
            return False
        encoding = email_message.encoding or settings.DEFAULT_CHARSET
        sender = _address(email_message.from_email, encoding)
        content = wire_bytes(email_message)
        line: smtplib.SMTP = self.connection
        line.ehlo_or_helo_if_needed()
        try:
            _expect(
                line.docmd("MAIL", f"FROM:{sender}"), 250,
                lambda code, text: smtplib.SMTPSenderRefused(code, text, sender),
            )
            for recipient in recipients:
                address = _address(recipient, encoding)
                code, text = line.docmd("RCPT", f"TO:{address}")
                if code not in (250, 251):
                    raise smtplib.SMTPRecipientsRefused({address: (code, text)})
            line.putcmd("data")
            _expect(line.getreply(), 354, smtplib.SMTPDataError)
        except smtplib.SMTPResponseException as error:
            _reset_unless_gone(line, error.smtp_code)
            raise
        except smtplib.SMTPRecipientsRefused:
            _reset_unless_gone(line, 0)
            raise
        _hand_over(line, content)
        return True


@dataclass
class Line:
    """One kept connection to the mail server, renewed now and then."""

    backend: BaseEmailBackend | None = None
    carried: int = 0
    opened: int = 0

    @property
    def names_unknown(self) -> bool:
        """True when the backend tells a lost answer (``OutcomeUnknown``) from a lost line."""
        return isinstance(self.backend, SmtpBackend)

    def send(self, message: EmailMessage) -> None:
        if self.carried >= PER_CONNECTION:
            self.close()
        if self.backend is None:
            self._open()
        assert self.backend is not None
        self.carried += 1
        self.backend.send_messages([message])

    def _open(self) -> None:
        backend = get_connection()
        try:
            backend.open()
        except (OSError, smtplib.SMTPException) as error:
            raise ServerDown(type(error).__name__) from None
        self.backend, self.carried = backend, 0
        self.opened += 1

    def close(self) -> None:
        if self.backend is not None:
            try:
                self.backend.close()
            except (OSError, smtplib.SMTPException):
                log.info("the mail connection was gone before it was closed")
        self.backend, self.carried = None, 0


def wire_bytes(message: EmailMessage) -> bytes:
    """The mail as it goes over the line: its own quick form if it has one, else Django's."""
    quick = getattr(message, "wire", None)
    content: bytes | None = quick() if quick is not None else None
    return content or cast(Any, message.message()).as_bytes(linesep="\r\n")


def _hand_over(line: smtplib.SMTP, content: bytes) -> None:
    """Send the body and its closing dot, and wait for the server's word."""
    body = content if content.endswith(b"\r\n") else content + b"\r\n"
    try:
        line.send(body.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, text = line.getreply()
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        # Part of the body may be all that went out; "may have been sent" is the safe reading.
        raise OutcomeUnknown(type(error).__name__) from None
    if code != 250:
        raise smtplib.SMTPDataError(code, text)


def _expect(
    reply: tuple[int, bytes], good: int, error: Callable[[int, bytes], smtplib.SMTPResponseException]
) -> None:
    code, text = reply
    if code != good:
        raise error(code, text)


def _reset_unless_gone(line: smtplib.SMTP, code: int) -> None:
    """Clear the half-told mail so that the next one starts clean; 421 means the line is closing."""
    if code == 421:
        line.close()
        return
    try:
        line.rset()
    except (OSError, smtplib.SMTPException):
        line.close()
