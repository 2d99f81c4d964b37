"""Writing letters, and moving paper through the print queue. The PDF is made by ``privacy.letters.making``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.crypto.sealed import SealedRef
from portal.crypto.values import must_be_read
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.jobs.services import job_start
from portal.permissions import Permission, Purpose, require
from privacy.letters.models import Letter, NoticeState, PaperReason, PrintState
from privacy.letters.registry import checked, kind_of
from privacy.letters.state import PaperAction, after
from records.freezing.selectors import is_frozen
from records.intake.files import drop_on_commit
from records.people.public_id import public_id_new

JOB_KIND = "privacy.letter"
ADDRESS_LINES, LINE_SIGNS = 5, 60


@dataclass(frozen=True)
class Recipient:
    """Whom a letter is addressed to by post: a name and the lines below it."""

    name: str
    lines: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "lines": list(self.lines)}


@dataclass(frozen=True)
class Enclosure:
    """A sealed PDF that is printed behind the letter."""

    ref: SealedRef
    pages: int


def letter_write(
    *, by: Actor, kind: str, subject_id: UUID | None, account_id: UUID | None = None, request_id: UUID | None = None,
    fields: Mapping[str, str], paper: bool = False, to: Recipient | None = None, enclosure: Enclosure | None = None,
    once_key: str = "", language: str = "",
) -> Letter:
    """Write one letter, in the transaction of its cause; a task makes the PDF and tells its reader.

    ``account_id`` reads it in the portal; ``paper`` puts it into the print queue as well, and so does
    a reader without an account, or one who wants post only. Without ``to`` it is addressed to the
    account's person, or to the patient, as they are when it is made. ``once_key`` names the deed
    (``breach:<incident>:<person>``): the same key again returns the letter that is there. Whoever
    calls has asked whether ``by`` may do the deed.

    Raises ``LookupError`` for an unknown kind, ``DomainError`` ``letter_field`` (naming it) for a
    required field left blank and ``letter_field_unknown``, ``ValueError`` for a letter to nobody.
    """
    entry = kind_of(kind)
    if subject_id is None and account_id is None and to is None:
        raise ValueError("a letter goes to somebody")
    language = language or settings.LANGUAGE_CODE
    with translation.override(language):
        words = checked(entry, fields)
        content = {
            "title": str(entry.title), "blocks": [block.as_json() for block in entry.body(words)], **_signature(),
        }
    reason = PaperReason.ASKED if paper else PaperReason.NO_ACCOUNT if account_id is None else PaperReason.NONE
    with transaction.atomic():
        there = Letter.objects.filter(once_key=once_key).first() if once_key else None
        if there is not None:
            return there
        letter = Letter(
            reference=public_id_new(), kind=kind, subject_id=subject_id, account_id=account_id, request_id=request_id,
            once_key=once_key or None, fields=words, content=content, recipient=to.as_json() if to else None,
            language=language, dated=today(), written_by=by.account_id, paper_reason=reason,
            paper=PrintState.TO_PRINT if reason else PrintState.NONE,
            notice=NoticeState.WAITING if account_id else NoticeState.NONE,
        )
        if enclosure is not None:
            letter.enclosure_name, letter.enclosure_key = enclosure.ref.name, enclosure.ref.key
            letter.enclosure_pages = enclosure.pages
        letter.job_id = job_start(
            by=SYSTEM, kind=JOB_KIND, subject_id=subject_id, ref=letter.pk, once_key=f"letter:{letter.pk}"
        ).pk
        letter.save(force_insert=True)
        letter_audit(by, letter, f"letter:{kind}", Action.CREATE)
    return letter


def _signature() -> dict[str, Any]:
    """Who signs, and the clinic's head: as they were on the day of the letter."""
    return {
        "signer": settings.CLINIC_OFFICER_NAME, "signer_title": _("Privacy officer"),
        "contact": f"{settings.CLINIC_PHONE} · {settings.CLINIC_OFFICER_EMAIL}",
        "clinic": settings.CLINIC_LEGAL_NAME, "clinic_lines": list(settings.CLINIC_ADDRESS),
    }


def letter_make_again(*, by: Actor, letter_id: UUID) -> Letter:
    """Give a letter that could not be made a new set of tries."""
    with transaction.atomic():
        letter = _locked(by, letter_id)
        if letter.made_at is not None:
            raise DomainError("letter_made", _("This letter is made already."))
        letter.job_id = job_start(
            by=SYSTEM, kind=JOB_KIND, subject_id=letter.subject_id, ref=letter.pk,
            once_key=f"letter:{letter.pk}:{uuid4().hex}",
        ).pk
        letter.save(update_fields=["job_id"])
        letter_audit(by, letter, "letter:again")
        return letter


def letter_remove(letter: Letter) -> None:
    """Take back a letter that has not left: row now, files once this is committed."""
    names = [name for name in (letter.pdf_name, letter.enclosure_name) if name]
    letter.delete()
    drop_on_commit(names)


def letter_printed(files: list[str], *, by: Actor) -> None:
    """These PDFs (by the names of their files) have been printed; posting them is the next step.

    One that got another address meanwhile is made anew, and that file has still to be printed.
    """
    require(by, Permission.REQUESTS_HANDLE)
    waiting = Letter.objects.filter(pdf_name__in=files, made_at__isnull=False, paper=PrintState.TO_PRINT)
    waiting.update(paper=PrintState.PRINTED, printed_at=timezone.now(), handled_by=by.account_id)


def letter_posted(*, by: Actor, letter_id: UUID, on: dt.date, note: str = "") -> Letter:
    """It was given to the post on that day, after it came back where it did.

    Raises ``DomainError`` ``letter_day``, ``letter_state``, ``no_address``, ``frozen``.
    """
    with transaction.atomic():
        letter = _locked(by, letter_id)
        state = after(letter.paper, PaperAction.POST)
        if letter.made_at is None or not (letter.recipient or {}).get("lines"):
            raise DomainError("no_address", _("This letter has no address yet. Fill it in first."))
        if is_held(letter):
            raise DomainError("frozen", _("The use of this record is stopped: the copy of it stays here."))
        _check_day(on, letter.returned_on or letter.dated)
        letter.paper, letter.posted_on, letter.handled_by = state, on, by.account_id
        letter.delivery_note = _noted(letter, note)
        letter.save(update_fields=["paper", "posted_on", "handled_by", "delivery_note"])
        letter_audit(by, letter, "letter:posted", Action.SEND)
        letter_went_out(letter)
        return letter


def letter_returned(*, by: Actor, letter_id: UUID, on: dt.date, note: str = "") -> Letter:
    """The post brought it back: it stands on the desk until it is sent anew or settled (RULES 3.7)."""
    with transaction.atomic():
        letter = _locked(by, letter_id)
        state = after(letter.paper, PaperAction.RETURN)
        assert letter.posted_on is not None
        _check_day(on, letter.posted_on)
        letter.paper, letter.returned_on, letter.handled_by = state, on, by.account_id
        letter.delivery_note = _noted(letter, note)
        letter.save(update_fields=["paper", "returned_on", "handled_by", "delivery_note"])
        letter_audit(by, letter, "letter:returned")
        return letter


def letter_readdress(*, by: Actor, letter_id: UUID, name: str, address: str) -> Letter:
    """Give a letter a (new) address; it is made anew with it and waits to be printed.

    ``address`` has a line of the address on each line. Raises ``DomainError`` ``letter_state``
    for one that is posted and has not come back, ``enclosure_gone`` when what was behind it is not
    kept any more, ``signed_place`` where a signature names whom it goes to, and with the field for an address
    that is none.
    """
    to = recipient_checked(name, address)
    with transaction.atomic():
        letter = _locked(by, letter_id)
        if is_signed_for(letter):
            raise DomainError(
                "signed_place",
                _("A signature names this person and this address. Another one needs a new signature: tell who asked."),
            )
        letter.paper = after(letter.paper, PaperAction.READDRESS)
        if letter.enclosure_pages and not letter.enclosure_name:
            raise DomainError(
                "enclosure_gone", _("The copy behind this letter is not kept any more. Tell the person in another way.")
            )
        must_be_read(letter, "recipient")
        letter.recipient, letter.handled_by = to.as_json(), by.account_id
        letter.made_at = letter.printed_at = None
        letter.job_id = job_start(
            by=SYSTEM, kind=JOB_KIND, subject_id=letter.subject_id, ref=letter.pk,
            once_key=f"letter:{letter.pk}:{uuid4().hex}",
        ).pk
        letter.save(update_fields=["recipient", "paper", "handled_by", "made_at", "printed_at", "job_id"])
        letter_audit(by, letter, "letter:address")
        return letter


def letter_settle(*, by: Actor, letter_id: UUID, note: str) -> Letter:
    """A letter that came back was seen to in another way, which the note tells."""
    if not note.strip():
        raise DomainError("note_missing", _("Write down how the person was told."), "note")
    with transaction.atomic():
        letter = _locked(by, letter_id)
        letter.paper, letter.handled_by = after(letter.paper, PaperAction.SETTLE), by.account_id
        letter.delivery_note = _noted(letter, note)
        letter.save(update_fields=["paper", "handled_by", "delivery_note"])
        letter_audit(by, letter, "letter:settled")
        return letter


def recipient_checked(name: str, address: str) -> Recipient:
    """A recipient out of what somebody typed. Raises ``DomainError`` with the field."""
    lines = tuple(line.strip() for line in address.splitlines() if line.strip())
    if not name.strip() or len(name.strip()) > LINE_SIGNS:
        raise DomainError("recipient_name", _("Give a name that fits on one line of an envelope."), "name")
    if not 2 <= len(lines) <= ADDRESS_LINES or any(len(line) > LINE_SIGNS for line in lines):
        raise DomainError("recipient_address", _("Give the address in two to five lines of an envelope."), "address")
    return Recipient(name.strip(), lines)


def is_held(letter: Letter) -> bool:
    """True for a copy of a record whose use was stopped after it went into the print queue: it stays here (P47)."""
    return bool(letter.enclosure_name) and letter.subject_id is not None and is_frozen(letter.subject_id)


def letter_went_out(letter: Letter) -> None:
    """What hangs on the posting: filled by the rooms through ``when_posted``."""
    for told in _when_posted:
        told(letter)


_when_posted: list[Any] = []


def when_posted(told: Any) -> Any:
    """Register what else happens when a letter is posted, in the same transaction; called at start."""
    if told not in _when_posted:
        _when_posted.append(told)
    return told


def is_signed_for(letter: Letter) -> bool:
    """Whether somebody signed for whom it goes to and where: then nobody here changes that (RULES 1.9, 4.1)."""
    return any(signed(letter) for signed in _signed_for)


_signed_for: list[Callable[[Letter], bool]] = []


def when_signed_for(signed: Callable[[Letter], bool]) -> None:
    """Register who knows whether a letter goes where a signature says; called at start."""
    if signed not in _signed_for:
        _signed_for.append(signed)


def _locked(by: Actor, letter_id: UUID) -> Letter:
    require(by, Permission.REQUESTS_HANDLE)
    letter = Letter.objects.select_for_update().filter(pk=letter_id).first()
    if letter is None:
        raise NotVisible
    return letter


def _check_day(on: dt.date, earliest: dt.date) -> None:
    if not earliest <= on <= today():
        raise DomainError("letter_day", _("Give a day from %(first)s to today.") % {"first": earliest}, "on")


def _noted(letter: Letter, note: str) -> str:
    """The notes so far and a new one, each with its day."""
    lines = [str(letter.delivery_note)] if letter.delivery_note else []
    return "\n".join([*lines, f"{today().isoformat()}: {note.strip()}"] if note.strip() else lines)


def letter_audit(by: Actor, letter: Letter, basis: str, action: Action = Action.CHANGE) -> None:
    """The row in the access log about a letter."""
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=letter.subject_id,
        object_kind="privacy.letter", object_id=letter.pk, basis=basis,
    )
