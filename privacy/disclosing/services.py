"""Papers of courts and authorities: taken in, decided, and the patient told, or told later (P13, P14)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.dates import clinic_day, today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from privacy.disclosing.models import LegalProcess, ProcessKind, ProcessOutcome, WithholdingGround
from privacy.disclosing.papers import Paper
from privacy.letters.services import letter_write
from records.access import accounts_of, grant_close, grant_open
from records.disclosures.models import DisclosureBasis
from records.disclosures.selectors import suspensions_now
from records.disclosures.services import disclosure_record
from records.models import GrantKind, Patient
from records.people.names import clean_line, clean_text
from records.vault.content import opened

LINE_LENGTH, WORDS_LENGTH = 300, 4000


def process_enter(
    *,
    by: Actor,
    subject_id: UUID,
    kind: ProcessKind | str,
    received_on: dt.date,
    authority: str,
    asked: str,
    form_key: UUID,
    answer_by: dt.date | None = None,
    authority_address: str = "",
    case_number: str = "",
    paper: Paper | None = None,
) -> LegalProcess:
    """Take in a paper that wants something of a record. The record opens to the officer until it is decided.

    Raises ``DomainError``: ``authority_missing``, ``asked_missing``, ``too_long``, ``day_to_come``;
    ``NotVisible`` for no such record.
    """
    require(by, Permission.REQUESTS_HANDLE)
    kind = ProcessKind(kind)
    if received_on > today():
        raise DomainError("day_to_come", _("That day is still to come."), "received_on")
    words = {
        "authority": _words(authority, "authority", _("Write down which court or authority sent it."), LINE_LENGTH),
        "asked": _words(asked, "asked", _("Write down what it asks for."), WORDS_LENGTH),
        "authority_address": clean_text(authority_address)[:LINE_LENGTH],
        "case_number": clean_line(case_number)[:LINE_LENGTH],
    }
    with transaction.atomic():
        if Patient.objects.select_for_update(no_key=True).only("pk").filter(pk=subject_id).first() is None:
            raise NotVisible
        row, made = LegalProcess.objects.get_or_create(
            form_key=form_key,
            defaults={
                "subject_id": subject_id, "kind": kind, "received_on": received_on, "answer_by": answer_by,
                "entered_by": by.account, **words, **(paper.columns() if paper else {}),
            },
        )
        if made:
            grant_open(
                by=by, patient_id=subject_id, kind=GrantKind.REQUEST, account_id=by.account, reference=row.pk
            )
            _logged(by, Action.CREATE, row)
    return row


def process_give(
    *,
    by: Actor,
    process_id: UUID,
    given: str,
    reason: str,
    on: dt.date,
    tell: bool,
    withheld: WithholdingGround | str = "",
    withheld_words: str = "",
    withheld_until: dt.date | None = None,
) -> LegalProcess:
    """Complete it: what was given is registered, and the patient is told, now or later (P13).

    Without telling there must be a ground of the closed list and the words behind it; after
    ``withheld_until`` the notice goes out by itself. ``reason`` says which law or order lets it go (RULES 4.1).
    Raises ``DomainError``: ``given_missing``, ``reason_missing``, ``ground_missing``, ``words_missing``,
    ``end_past``, ``day_to_come``, ``day_before`` the paper came, ``suspended``, ``decided_already``; ``NotVisible``.
    """
    what = _words(given, "given", _("Write down what was given."), 2000)
    why = _words(reason, "reason", _("Write down which law or order lets you give it."), WORDS_LENGTH)
    if not tell:
        _may_withhold(withheld, withheld_words, withheld_until)
    with transaction.atomic():
        row = _undecided(by, process_id)
        if on < row.received_on:
            raise DomainError("day_before", _("The paper had not come on that day."), "on")
        if tell:
            _not_suspended(row, "tell")
        entry = disclosure_record(
            by=by, subject_id=row.subject_id, purpose=Purpose.LEGAL_PROCESS, basis=DisclosureBasis.LEGAL_PROCESS,
            recipient=opened(row, "authority"), recipient_address=opened(row, "authority_address"), what=what, on=on,
            reference=row.pk,
        )
        row.outcome, row.given, row.reason, row.disclosure_id = ProcessOutcome.GIVEN, what, why, entry.pk
        if tell:
            _tell(by, row, on)
        else:
            row.withheld, row.withheld_until = WithholdingGround(withheld), withheld_until
            row.withheld_words = clean_text(withheld_words)
        _decided(by, row)
    return row


def process_refuse(*, by: Actor, process_id: UUID, reason: str) -> LegalProcess:
    """Nothing is given, and why. Raises ``DomainError``: ``reason_missing``, ``decided_already``; ``NotVisible``."""
    why = _words(reason, "reason", _("Write down why nothing is given."), WORDS_LENGTH)
    with transaction.atomic():
        row = _undecided(by, process_id)
        row.outcome, row.reason = ProcessOutcome.REFUSED, why
        _decided(by, row)
    return row


def process_tell(*, by: Actor, process_id: UUID) -> LegalProcess:
    """The bar is gone earlier than thought, or named no end: tell the patient now. Done twice, one notice.

    Raises ``NotVisible``, ``DomainError`` ``suspended`` while an authority asks that nobody is told.
    """
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        row = LegalProcess.objects.select_for_update().filter(pk=process_id, outcome=ProcessOutcome.GIVEN).first()
        if row is None:
            raise NotVisible
        if row.told_at is None:
            _not_suspended(row)
            _tell(by, row, None)
            row.save(update_fields=["told_at", "letter_id"])
    return row


def notices_send() -> int:
    """Tell each patient whose notice was put off until a day that is over; returns how many. Safe to repeat.

    What an authority still wants left out waits until that is over as well (RULES 1.34).
    """
    due = LegalProcess.objects.filter(outcome=ProcessOutcome.GIVEN, told_at=None, withheld_until__lt=today())
    due = due.exclude(pk__in=suspensions_now().filter(reference__isnull=False).values("reference"))
    due = due.exclude(disclosure_id__in=suspensions_now().filter(disclosure__isnull=False).values("disclosure_id"))
    sent = 0
    for process_id in due.order_by("withheld_until").values_list("pk", flat=True)[:500]:
        with transaction.atomic():
            row = LegalProcess.objects.select_for_update(skip_locked=True).filter(pk=process_id, told_at=None).first()
            if row is None:
                continue
            if not Patient.objects.filter(pk=row.subject_id).exists():  # deleted: there is nobody to write to
                row.withheld_until = None
                row.save(update_fields=["withheld_until"])
                continue
            _tell(SYSTEM, row, None)
            row.save(update_fields=["told_at", "letter_id"])
            sent += 1
    return sent


def _may_withhold(withheld: str, words: str, until: dt.date | None) -> None:
    if withheld not in WithholdingGround.values:
        raise DomainError(
            "ground_missing", _("Tell the patient, or choose the ground on which you must not."), "withheld"
        )
    if not clean_text(words):
        raise DomainError(
            "words_missing", _("Write down the law or the order: its number, and who signed it."), "withheld_words"
        )
    if until is not None and until < today():
        raise DomainError("end_past", _("That day has passed: tell the patient."), "withheld_until")


def _not_suspended(row: LegalProcess, field: str | None = None) -> None:
    """A letter would tell what the patient's own list leaves out."""
    about = Q(reference=row.pk) | Q(disclosure_id=row.disclosure_id, disclosure_id__isnull=False)
    until = suspensions_now(row.subject_id).filter(about).values_list("ends_on", flat=True).last()
    if until is not None:
        words = _("An authority asked that the patient is not told until the end of %(day)s. End that first.")
        raise DomainError("suspended", words % {"day": date_format(until, "F j, Y")}, field)


def _undecided(by: Actor, process_id: UUID) -> LegalProcess:
    require(by, Permission.REQUESTS_HANDLE)
    row = LegalProcess.objects.select_for_update().filter(pk=process_id).first()
    if row is None:
        raise NotVisible
    if row.outcome:
        raise DomainError("decided_already", _("Somebody has decided this meanwhile. Please load the page again."))
    return row


def _decided(by: Actor, row: LegalProcess) -> None:
    row.decided_by, row.decided_at = by.account, timezone.now()
    row.save()
    grant_close(by=by, patient_id=row.subject_id, kind=GrantKind.REQUEST, reference=row.pk)
    _logged(by, Action.SIGN, row)


def _tell(by: Actor, row: LegalProcess, on: dt.date | None) -> None:
    """A letter to everybody who uses the portal for the patient; by post where nobody does, or mail fails."""
    day = on or clinic_day(row.decided_at or timezone.now())
    fields = {
        "authority": opened(row, "authority"), "kind": str(ProcessKind(row.kind).label), "given": opened(row, "given"),
        "received": date_format(row.received_on, "F j, Y"), "day": date_format(day, "F j, Y"),
        "case_number": opened(row, "case_number"),
    }
    readers: list[UUID | None] = [*accounts_of(row.subject_id)] or [None]
    letters = [
        letter_write(
            by=by, kind="legal_process", subject_id=row.subject_id, account_id=reader, fields=fields,
            once_key=f"process:{row.pk}:{reader or 'post'}",
        )
        for reader in readers
    ]
    row.told_at, row.letter_id = timezone.now(), letters[0].pk
    _logged(by, Action.SEND, row)


def _words(text: str, field: str, missing: str, most: int) -> str:
    said = clean_text(text)
    if not said:
        raise DomainError(f"{field}_missing", missing, field)
    if len(said) > most:
        raise DomainError("too_long", _("Please use at most %(count)d letters here.") % {"count": most}, field)
    return said


def _logged(by: Actor, action: Action, row: LegalProcess) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=row.subject_id, object_kind="privacy.process",
        object_id=row.pk, basis=f"process:{row.pk}",
    )
