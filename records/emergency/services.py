"""Opening a record in an emergency, closing it early, and deciding afterwards (P21, RULES 2.2)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import due_on, today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from records import mails
from records.access import grant_close, grant_open, may_find, may_open
from records.emergency.models import Emergency, EmergencyReason, ReviewDecision
from records.emergency.selectors import running_of
from records.people.models import AccessGrant, GrantKind, Patient
from records.people.names import clean_text

WORDS_LENGTH = 2000


def purpose_of(reason: EmergencyReason | str) -> Purpose:
    """The purpose of P11's list that a reason stands for."""
    return Purpose.SAFETY if reason == EmergencyReason.OTHERS else Purpose.CARE


def emergency_open(*, by: Actor, patient_id: UUID, reason: EmergencyReason, words: str, form_key: UUID) -> Emergency:
    """Open the whole record to this clinician for ``EMERGENCY_MINUTES``, and alert the officer.

    Pressing twice, or asking again while it is open, gives the one that is there. Raises
    ``NotVisible`` for somebody who may not, and ``DomainError``: ``words_missing``, ``too_long``,
    ``own_record`` (nobody is their own emergency), ``open_already`` (the record is in their care).
    """
    require(by, Permission.BREAK_GLASS)
    reason = EmergencyReason(reason)
    purpose = purpose_of(reason)
    if not may_find(by=by, purpose=purpose):
        raise NotVisible
    said = _words(words)
    with transaction.atomic():
        # One at a time for each patient: two presses, two tabs.
        if Patient.objects.select_for_update(no_key=True).only("pk").filter(pk=patient_id).first() is None:
            raise NotVisible
        there = running_of(by.account, patient_id).first()
        if there is not None:
            return there
        _needed(by, patient_id, purpose)
        now = timezone.now()
        opened, made = Emergency.objects.get_or_create(
            form_key=form_key,
            defaults={
                "patient_id": patient_id, "account_id": by.account, "reason": reason, "words": said,
                "opened_at": now, "ends_at": now + dt.timedelta(minutes=settings.EMERGENCY_MINUTES),
                "review_due_on": due_on(today(), settings.EMERGENCY_REVIEW_DAYS),
            },
        )
        if not made:
            if opened.account_id != by.account or opened.patient_id != patient_id:
                raise NotVisible  # a key that was not made for this page
            return opened
        grant_open(
            by=by, patient_id=patient_id, kind=GrantKind.BREAK_GLASS, account_id=by.account, reference=opened.pk,
            starts_at=now, ends_at=opened.ends_at,
        )
        _record(by, Action.BREAK_GLASS, opened, purpose, f"emergency:{reason.value}")
        mails.emergency_opened(opened)
    return opened


def emergency_end(*, by: Actor, emergency_id: UUID) -> Emergency:
    """Close it before its time; closing what is closed changes nothing. Raises ``NotVisible``."""
    require(by, Permission.BREAK_GLASS)
    with transaction.atomic():
        mine = Emergency.objects.select_for_update().filter(pk=emergency_id, account_id=by.account).first()
        if mine is None:
            raise NotVisible
        now = timezone.now()
        if mine.ends_at > now:
            mine.ends_at = now
            mine.save(update_fields=["ends_at"])
            grant_close(
                by=by, patient_id=mine.patient_id, kind=GrantKind.BREAK_GLASS, reference=mine.pk,
                account_id=by.account, at=now,
            )
    return mine


def emergency_review(*, by: Actor, emergency_id: UUID, decision: ReviewDecision, note: str) -> Emergency:
    """The officer's finding, with a note. It is final. Raises ``DomainError`` and ``NotVisible``.

    ``note_missing``; ``open_still`` while the record is open; ``reviewed_already``.
    """
    require(by, Permission.AUDIT_VIEW)
    decision = ReviewDecision(decision)
    said = clean_text(note)
    if not said:
        raise DomainError("note_missing", _("Write down what you looked at and why you decide so."), "note")
    with transaction.atomic():
        found = Emergency.objects.select_for_update().filter(pk=emergency_id).first()
        if found is None or found.account_id == by.account:
            raise NotVisible
        if found.decision:
            raise DomainError("reviewed_already", _("Somebody has decided this meanwhile. Please load the page again."))
        if found.ends_at > timezone.now():
            raise DomainError("open_still", _("The record is still open. Decide when it is closed again."))
        found.decision, found.review_note = decision, said
        found.reviewed_by, found.reviewed_at = by.account, timezone.now()
        found.save(update_fields=["decision", "review_note", "reviewed_by", "reviewed_at"])
        _record(by, Action.SIGN, found, Purpose.LEGAL_DUTY, f"review:{decision.value}")
    return found


def _needed(by: Actor, patient_id: UUID, purpose: Purpose) -> None:
    """Refuse what is no emergency: one's own record, and one that is open to this person anyway."""
    family = AccessGrant.objects.filter(
        patient_id=patient_id, account_id=by.account, kind__in=[GrantKind.SELF, GrantKind.GUARDIAN]
    )
    if family.exists():
        raise DomainError("own_record", _("This is your own record, or one of your family. Please ask a colleague."))
    if may_open(by=by, patient_id=patient_id, purpose=purpose, whole=True) is not None:
        raise DomainError("open_already", _("You care for this patient: the record is open to you already."))


def _words(words: str) -> str:
    said = clean_text(words)
    if not said:
        raise DomainError("words_missing", _("Say in your own words what happened."), "words")
    if len(said) > WORDS_LENGTH:
        raise DomainError(
            "too_long", _("Please use at most %(count)d letters here.") % {"count": WORDS_LENGTH}, "words"
        )
    return said


def _record(by: Actor, action: Action, row: Emergency, purpose: Purpose, why: str) -> None:
    access_record(
        by=by, action=action, purpose=purpose, subject_id=row.patient_id, object_kind="records.emergency",
        object_id=row.pk, basis=why,
    )
