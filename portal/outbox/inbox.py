"""A mailbox on disk for the demo: mail is written to files that a page shows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMessage
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.utils import timezone

_NAME = re.compile(r"\d{8}T\d{12}-[0-9a-f]{32}")
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class InboxMail:
    """One delivered mail of the demo."""

    name: str
    to: str
    sender: str
    subject: str
    text: str
    message_id: str
    at: dt.datetime


def available() -> bool:
    """True where the inbox page exists: a folder is set, and this is not production."""
    return bool(settings.LOCAL_INBOX_DIR) and not settings.PRODUCTION


class LocalInboxBackend(BaseEmailBackend):
    """Django mail backend that keeps each mail as a file. Refuses to work in production."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        if not available():
            raise ImproperlyConfigured("the local inbox is for development only")
        folder = Path(settings.LOCAL_INBOX_DIR)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            name = f"{timezone.now():%Y%m%dT%H%M%S%f}-{uuid4().hex}"
            partial = folder / f".{name}"
            partial.write_bytes(message.message().as_bytes())
            partial.rename(folder / f"{name}.eml")
        return len(email_messages)


def newest(*, to: str = "", limit: int = _SHOWN) -> list[InboxMail]:
    """The newest mails first, only those to one address if given."""
    found = []
    for path in _files():
        mail = _read(path)
        if not to or to.lower() in mail.to.lower():
            found.append(mail)
        if len(found) == limit:
            break
    return found


def find(name: str) -> InboxMail | None:
    """One mail by its name; None when there is none (or the name is not one of ours)."""
    if not _NAME.fullmatch(name):
        return None
    path = Path(settings.LOCAL_INBOX_DIR) / f"{name}.eml"
    return _read(path) if path.is_file() else None


def _files() -> Iterator[Path]:
    folder = Path(settings.LOCAL_INBOX_DIR)
    yield from sorted(folder.glob("[0-9]*.eml"), key=lambda path: path.name, reverse=True)


def _read(path: Path) -> InboxMail:
    parsed = message_from_bytes(path.read_bytes(), policy=policy.default)
    at = dt.datetime.strptime(path.stem.split("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=dt.UTC)
    return InboxMail(
        name=path.stem,
        to=str(parsed["To"] or ""),
        sender=str(parsed["From"] or ""),
        subject=str(parsed["Subject"] or ""),
        text=_text(parsed),
        message_id=str(parsed["Message-ID"] or ""),
        at=at,
    )


def _text(parsed: ParsedMessage) -> str:
    body = parsed.get_body(preferencelist=("plain", "html"))
    return str(body.get_content()) if body is not None else ""
