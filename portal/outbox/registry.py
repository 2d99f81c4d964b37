"""The kinds of mail, as the apps above register them at start, and whose address is whose.

The outbox renders and refuses by these, and so knows nothing of who is above it. An app's
``mails.py`` registers each of its mails from ``AppConfig.ready``; the accounts app says where
an account's mail goes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise

from portal.outbox.leaving import left_of
from portal.outbox.models import Category

Text: TypeAlias = str | Promise

# Smaller goes first.
PRIORITY_CODE = 10
PRIORITY_NORMAL = 50
PRIORITY_BULK = 90

_KIND = re.compile(r"[a-z][a-z0-9_.]{2,79}")
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|\{(\w*)\}|%[sd]")


@dataclass(frozen=True, slots=True)
class MailContext:
    """What a mail is made from: ids, the encrypted payload if any, and whom it is for."""

    refs: Mapping[str, str]
    secret: Mapping[str, Any]
    account_id: UUID | None


@dataclass(frozen=True, slots=True)
class Rendered:
    """The words of one mail: its body in plain text, without greeting line, signature or footer.

    The outbox adds what every mail has, and makes the HTML twin from the text unless ``html``
    (safe markup of the body) is given. The subject is the kind's own; one given here must be
    equal. ``unsubscribe_url`` is a must for marketing (P26, RULES 5.5).
    """

    subject: Text = ""
    text: str = ""
    html: str | None = None
    unsubscribe_url: str = ""


Render: TypeAlias = Callable[[MailContext], Rendered]
# Answers "" or None to let the mail go, or the code of the reason to refuse it.
Gate: TypeAlias = Callable[[MailContext], str | None]
AddressBook: TypeAlias = Callable[[UUID], str | None]
# The same for many accounts in one query; accounts without an address are left out.
AddressBooks: TypeAlias = Callable[[Iterable[UUID]], Mapping[UUID, str]]
# Of these accounts who wants letters by post and no mail (RULES 1.38): with None for everything, or with a
# patient for what is about that one.
PostOnly: TypeAlias = Callable[[Iterable[UUID]], set[tuple[UUID, UUID | None]]]
# Of these patients those whose record may not be used (P47).
Frozen: TypeAlias = Callable[[Iterable[UUID]], set[UUID]]


@dataclass(frozen=True, slots=True)
class Mail:
    """One kind of mail.

    ``subject`` is a fixed sentence; ``%(clinic)s`` is the only thing that may be filled in, so
    that no subject line ever tells what is between the clinic and a patient. ``gate`` is asked
    at delivery; marketing must have one. ``render`` runs at delivery too. ``care``: it is about
    somebody's care, so it does not go while their record is frozen. ``farewell``: the one mail that
    still goes to an address which is never written to again.
    """

    kind: str
    category: Category | str
    render: Render
    subject: Text = ""
    priority: int = PRIORITY_NORMAL
    gate: Gate | None = None
    care: bool = False
    farewell: bool = False


@dataclass
class _Registry:
    mails: dict[str, Mail] = field(default_factory=dict)
    address_book: AddressBook | None = None
    address_books: AddressBooks | None = None
    post_only: PostOnly | None = None
    frozen: Frozen | None = None


_registry = _Registry()


def register(mail: Mail) -> None:
    """Add a kind. Raises ``ImproperlyConfigured`` for a bad name, subject or missing gate.

    Registering the same kind again replaces it (reloads in development).
    """
    if not _KIND.fullmatch(mail.kind):
        raise ImproperlyConfigured(f"mail kind {mail.kind!r} is not a code")
    if Category(mail.category) is Category.MARKETING and mail.gate is None:
        raise ImproperlyConfigured(f"{mail.kind}: marketing needs a gate that asks for the authorization (P12)")
    problem = subject_problem(mail.subject)
    if problem:
        raise ImproperlyConfigured(f"{mail.kind}: {problem}")
    _registry.mails[mail.kind] = mail


def subject_problem(subject: Text) -> str:
    """Why this may not be a subject line, or an empty string (RULES 5.10)."""
    text = str(subject)
    if not text.strip():
        return "the subject is missing: give Mail(subject=...)"
    if any(ord(sign) < 32 for sign in text):
        return "the subject has a line break or control sign"
    if len(text) > 78:
        return "the subject is longer than 78 signs"
    for match in _PLACEHOLDER.finditer(text):
        if (match[1] or match[2]) != "clinic" or match[0].startswith("{"):
            return f"the subject may name the clinic by %(clinic)s and nothing else, not {match[0]}"
    return ""


def subject_of(mail: Mail) -> str:
    """The subject line as sent."""
    return str(mail.subject).replace("%(clinic)s", settings.CLINIC_NAME)


def mail_of(kind: str) -> Mail:
    """The kind's entry. Raises ``LookupError`` when no app has registered it."""
    try:
        return _registry.mails[kind]
    except KeyError:
        raise LookupError(f"no mail of the kind {kind} is registered") from None


def kinds() -> list[Mail]:
    """All registered kinds, by name."""
    return [_registry.mails[kind] for kind in sorted(_registry.mails)]


def set_address_book(book: AddressBook, many: AddressBooks | None = None) -> None:
    """Say how an account's present address is found. Asked at delivery, never earlier.

    ``many`` answers for a batch in one query.
    """
    _registry.address_book, _registry.address_books = book, many


def set_post_only(book: PostOnly) -> None:
    """Say how it is found who wants no mail. Asked at delivery; codes for signing in still go."""
    _registry.post_only = book


def set_frozen(book: Frozen) -> None:
    """Say how it is found whose record may not be used. Asked at delivery."""
    _registry.frozen = book


class Addresses:
    """The present addresses of a batch of accounts, and what stops a mail. No answer is older than a second."""

    def __init__(self, account_ids: Iterable[UUID | None], subject_ids: Iterable[UUID | None] = ()) -> None:
        self._wanted = {account_id for account_id in account_ids if account_id is not None}
        self._subjects = {subject_id for subject_id in subject_ids if subject_id is not None}
        self._frozen: set[UUID] = set()
        self._frozen_asked_at = float("-inf")
        self._left: dict[str, bool] = {}
        self._left_asked_at = float("-inf")
        self._known: Mapping[UUID, str] = {}
        self._asked_at = float("-inf")
        self._post: set[tuple[UUID, UUID | None]] = set()
        self._post_asked_at = float("-inf")

    def of(self, account_id: UUID) -> str | None:
        """The account's address; None where it has none or is gone."""
        if _registry.address_book is None:
            raise ImproperlyConfigured("no address book is set")
        if _registry.address_books is None:
            return _registry.address_book(account_id)
        if time.monotonic() - self._asked_at > 1:
            self._known = _registry.address_books(self._wanted)
            self._asked_at = time.monotonic()
        return self._known.get(account_id)

    def by_post(self, account_id: UUID, subject_id: UUID | None) -> bool:
        """Whether a mail to this account about this patient goes by post. One query a batch and second."""
        if _registry.post_only is None:
            return False
        if time.monotonic() - self._post_asked_at > 1:
            self._post = _registry.post_only(self._wanted)
            self._post_asked_at = time.monotonic()
        return not self._post.isdisjoint({(account_id, None), (account_id, subject_id)})

    def frozen(self, subject_id: UUID) -> bool:
        """Whether this patient's record may not be used. One query a batch and second."""
        if _registry.frozen is None:
            return False
        if time.monotonic() - self._frozen_asked_at > 1:
            self._frozen = _registry.frozen(self._subjects | {subject_id})
            self._frozen_asked_at = time.monotonic()
        return subject_id in self._frozen

    def left(self, address: str) -> bool:
        """Whether this address is never written to again (P28). One query a batch and second, and one a stranger."""
        if time.monotonic() - self._left_asked_at > 1:
            self._left, self._left_asked_at = {}, time.monotonic()
        if address not in self._left:
            asked = {address, *self._known.values()} - set(self._left)
            found = left_of(asked)
            self._left |= {one: one in found for one in asked}
        return self._left[address]
