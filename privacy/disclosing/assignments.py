"""The practice passes to a new owner: undertaking first, patients told, then what may go goes (P16, RULES 4.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from privacy.disclosing import mails
from privacy.disclosing.models import Assignment
from privacy.disclosing.papers import Paper
from privacy.letters.services import letter_write
from records.access import accounts_of
from records.disclosures.models import Disclosure, DisclosureBasis
from records.disclosures.services import Entry, disclosures_record_many, may_release_many
from records.models import Patient
from records.people.names import clean_line, clean_text
from records.vault.content import opened

AT_ONCE = 200


class Deed(Protocol):
    """A step of an assignment that needs nothing but who and which."""

    def __call__(self, *, by: Actor, assignment_id: UUID) -> Assignment: ...


def assignment_enter(
    *, by: Actor, acquirer: str, acquirer_address: str, passes_on: dt.date, form_key: UUID, statute: str = ""
) -> Assignment:
    """Note who the new owner is and from when.

    Raises ``DomainError``: ``acquirer_missing``, ``address_missing``, ``day_past``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    name, address = clean_line(acquirer)[:300], clean_text(acquirer_address)[:300]
    if not name:
        raise DomainError("acquirer_missing", _("Say who the new owner is."), "acquirer")
    if not address:
        raise DomainError("address_missing", _("Write the new owner’s address."), "acquirer_address")
    if passes_on < today():
        raise DomainError("day_past", _("That day has passed."), "passes_on")
    with transaction.atomic():
        row, made = Assignment.objects.get_or_create(
            form_key=form_key,
            defaults={
                "acquirer": name, "acquirer_address": address, "passes_on": passes_on,
                "statute": clean_line(statute)[:200], "entered_by": by.account,
            },
        )
        if made:
            _logged(by, Action.CREATE, row)
    return row


def undertaking_record(
    *, by: Actor, assignment_id: UUID, signed_by: str, signed_on: dt.date, paper: Paper
) -> Assignment:
    """Keep the acquirer's written promise to honor the clinic's privacy policy; nothing goes before it.

    Raises ``DomainError``: ``name_missing``, ``day_to_come``, ``there_already``, ``called_off``; ``NotVisible``.
    """
    name = clean_line(signed_by)[:300]
    if not name:
        raise DomainError("name_missing", _("Say who signed for the new owner."), "signed_by")
    if signed_on > today():
        raise DomainError("day_to_come", _("That day is still to come."), "signed_on")
    with transaction.atomic():
        row = _locked(by, assignment_id)
        if row.undertaking_on is not None:
            raise DomainError("there_already", _("The promise has been noted already."))
        row.undertaking_on, row.undertaking_by = signed_on, name
        for column, value in paper.columns().items():
            setattr(row, column, value)
        row.save()
        _logged(by, Action.SIGN, row)
    return row


def patients_tell(*, by: Actor, assignment_id: UUID) -> Assignment:
    """Begin to tell every patient; a task does it in portions. Raises ``DomainError`` ``undertaking_first``."""
    with transaction.atomic():
        row = _locked(by, assignment_id)
        if row.undertaking_on is None:
            raise DomainError("undertaking_first", _("First note the new owner’s written promise."))
        if row.telling_at is None:
            row.telling_at = timezone.now()
            row.save(update_fields=["telling_at"])
            _logged(by, Action.SEND, row)
    return row


def assignment_call_off(*, by: Actor, assignment_id: UUID) -> Assignment:
    """It does not happen. Not once something has gone: ``DomainError`` ``gone_already``."""
    with transaction.atomic():
        row = _locked(by, assignment_id)
        if Disclosure.objects.filter(reference=row.pk).exists():
            raise DomainError("gone_already", _("Records have gone to the new owner already."))
        row.called_off_at = timezone.now()
        row.save(update_fields=["called_off_at"])
        _logged(by, Action.CHANGE, row)
    return row


def patients_told(*, most: int = AT_ONCE) -> int:
    """The next portion of patients hears of it: a mail, or a letter where there is no account. Safe to repeat."""
    told = 0
    running = Assignment.objects.filter(telling_at__isnull=False, told_at=None, called_off_at=None)
    for assignment_id in running.values_list("pk", flat=True):
        with transaction.atomic():
            row = Assignment.objects.select_for_update(skip_locked=True).filter(pk=assignment_id, told_at=None).first()
            if row is None:
                continue
            waiting = Patient.objects.filter(created_at__lte=row.telling_at).order_by("pk")
            if row.told_until is not None:
                waiting = waiting.filter(pk__gt=row.told_until)
            people = list(waiting.values_list("pk", flat=True)[:most])
            for patient_id in people:
                _tell(row, patient_id)
            told += len(people)
            row.told_until = people[-1] if people else row.told_until
            row.told_at = timezone.now() if len(people) < most else None
            row.save(update_fields=["told_until", "told_at"])
    return told + _newcomers_told(most)


def _newcomers_told(most: int) -> int:
    """Who became a patient since all were told hears of it too, until the first record has gone (P16).

    ``telling_at`` moves on to the newest who was told.
    """
    told, gone = 0, Disclosure.objects.filter(reference=OuterRef("pk"))
    waits = Assignment.objects.filter(~Exists(gone), told_at__isnull=False, called_off_at=None)
    for assignment_id in waits.values_list("pk", flat=True):
        with transaction.atomic():
            row = Assignment.objects.select_for_update(skip_locked=True).filter(pk=assignment_id).first()
            if row is None:
                continue
            new = Patient.objects.filter(created_at__gt=row.telling_at).order_by("created_at", "pk")
            people = list(new.values_list("pk", "created_at")[:most])
            for patient_id, _created in people:
                _tell(row, patient_id)
            if people:
                row.telling_at = people[-1][1]
                row.save(update_fields=["telling_at"])
            told += len(people)
    return told


def _tell(row: Assignment, patient_id: UUID) -> None:
    accounts = accounts_of(patient_id)
    for account_id in accounts:
        mails.assignment_told(row, patient_id, account_id)
    if not accounts:
        letter_write(
            by=SYSTEM, kind="assignment", subject_id=patient_id, once_key=f"assignment:{row.pk}:{patient_id}",
            fields=assignment_fields(row),
        )


def assignment_fields(row: Assignment) -> dict[str, str]:
    """What the letter to a patient names."""
    return {
        "acquirer": opened(row, "acquirer"), "address": opened(row, "acquirer_address"),
        "day": row.passes_on.strftime("%B %-d, %Y"),
    }


def releasable(*, assignment: Assignment, subject_ids: Iterable[UUID]) -> tuple[list[UUID], list[UUID]]:
    """Who may go to the new owner, and who is skipped for want of consent or statute (RULES 4.1).

    Raises ``DomainError``: ``undertaking_first``, ``called_off``, ``patients_first`` while they are not told.
    """
    if assignment.called_off_at is not None:
        raise DomainError("called_off", _("This has been called off."))
    if assignment.undertaking_on is None:
        raise DomainError("undertaking_first", _("First note the new owner’s written promise."))
    if assignment.told_at is None:
        raise DomainError("patients_first", _("First all patients are told."))
    people = list(subject_ids)
    if assignment.statute:
        return people, []
    found = may_release_many(
        subject_ids=people, recipient=opened(assignment, "acquirer"), basis=DisclosureBasis.ASSIGNMENT
    )
    return [one for one in people if found[one].allowed], [one for one in people if not found[one].allowed]


def assignment_entries(
    *, by: Actor, assignment: Assignment, subject_ids: Iterable[UUID], what: str, on: dt.date | None = None
) -> list[Disclosure]:
    """One entry a patient, once however often it is called; the bulk export calls this for what it has packed."""
    recipient, address = opened(assignment, "acquirer"), opened(assignment, "acquirer_address")
    day = on or today()
    return disclosures_record_many(
        by=by, once=True,
        entries=(
            Entry(one, Purpose.MERGER, DisclosureBasis.ASSIGNMENT, recipient, what, day, address, assignment.pk)
            for one in subject_ids
        ),
    )


def _locked(by: Actor, assignment_id: UUID) -> Assignment:
    require(by, Permission.REQUESTS_HANDLE)
    row = Assignment.objects.select_for_update().filter(pk=assignment_id).first()
    if row is None:
        raise NotVisible
    if row.called_off_at is not None:
        raise DomainError("called_off", _("This has been called off."))
    return row


def _logged(by: Actor, action: Action, row: Assignment) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.MERGER, subject_id=None, object_kind="privacy.assignment",
        object_id=row.pk, basis=f"assignment:{row.pk}",
    )
