"""Limits on what is given out: asked, in force, ended, and overridden in an emergency (RULES 1.36, 1.37)."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, Role, require
from records.access import may_open, require_open
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record
from records.encounters.models import Encounter
from records.people.names import clean_line, clean_text
from records.restrictions.models import (
    EndReason,
    RecipientKind,
    Restriction,
    RestrictionBasis,
    RestrictionOverride,
)


def restriction_ask(
    *, by: Actor, patient_id: UUID, request_id: UUID, recipient_kind: RecipientKind, what: str,
    purpose: Purpose | str = "", recipient: str = "", paid_encounter_id: UUID | None = None,
) -> Restriction:
    """What the person does not want given out. In the request's transaction.

    ``paid_encounter_id`` is a consult that was paid for in full and not by a health plan; whoever
    calls has looked that up. The law then binds the clinic at once (RULES 1.36): such a limit is
    in force from now on. Others wait for the officer's yes.
    """
    _who_asks(by, patient_id)
    said = clean_text(what)
    if not said:
        raise DomainError("what_missing", _("Write what you do not want us to share."), "what")
    visit = paid_encounter_id if recipient_kind == RecipientKind.HEALTH_PLAN else None
    must = visit is not None
    if visit is not None and not Encounter.objects.filter(pk=visit, patient_id=patient_id).exists():
        raise NotVisible
    row = Restriction.objects.create(
        patient_id=patient_id, request_id=request_id, recipient_kind=RecipientKind(recipient_kind),
        basis=RestrictionBasis.PAID_IN_FULL if must else RestrictionBasis.AGREED, purpose=purpose,
        recipient=clean_line(recipient), what=said, encounter_id=visit,
        starts_at=timezone.now() if must else None,
    )
    _audit(by, Action.SUBMIT, row, f"request:{request_id}")
    return row


def restriction_begin(*, by: Actor, request_id: UUID) -> Restriction:
    """The clinic agrees. One that the law demands is in force already."""
    row = _locked(request_id=request_id)
    if row.starts_at is None:
        row.starts_at = timezone.now()
        row.save(update_fields=["starts_at"])
        _audit(by, Action.AGREE, row, f"request:{request_id}")
    return row


def must_agree(request_id: UUID) -> bool:
    """Whether the law leaves the clinic no choice about this request (RULES 1.36)."""
    return Restriction.objects.filter(request_id=request_id, basis=RestrictionBasis.PAID_IN_FULL).exists()


def restriction_end(*, by: Actor, restriction_id: UUID, reason: EndReason) -> Restriction:
    """End one. The person may end any; the clinic only one it agreed to, and only for what comes later.

    Raises ``DomainError`` ``law_stays`` for the clinic and a limit of the law, ``not_in_force``.
    """
    reason = EndReason(reason)
    with transaction.atomic():
        row = _locked(pk=restriction_id)
        if by.role == Role.OFFICER:
            require(by, Permission.REQUESTS_HANDLE)
        elif reason == EndReason.PATIENT and not by.is_staff:
            require_open(by=by, patient_id=row.patient_id, purpose=Purpose.COMMUNICATING)
        else:
            raise NotVisible
        if row.starts_at is None or row.ends_at is not None:
            raise DomainError("not_in_force", _("This limit is not in force."))
        if reason == EndReason.CLINIC and row.basis == RestrictionBasis.PAID_IN_FULL:
            raise DomainError("law_stays", _("The law demands this limit. Only the patient can end it."))
        return _over(by, row, reason)


def restriction_withdraw(*, request_id: UUID) -> None:
    """Who asked took the request back: one that the law put in force at once is over. In the request's transaction."""
    row = Restriction.objects.select_for_update().filter(request_id=request_id).first()
    if row is not None and row.starts_at is not None and row.ends_at is None:
        _over(SYSTEM, row, EndReason.PATIENT)


def _over(by: Actor, row: Restriction, reason: EndReason) -> Restriction:
    row.ends_at, row.end_reason, row.ended_by = timezone.now(), reason, by.account_id
    row.save(update_fields=["ends_at", "end_reason", "ended_by"])
    _audit(by, Action.REVOKE, row, f"end:{reason.value}")
    return row


def restriction_override(
    *, by: Actor, restriction_id: UUID, recipient: str, reason: str, asked_not_to_reuse: bool, form_key: UUID
) -> RestrictionOverride:
    """Treatment in an emergency goes before a limit; whoever gets it is asked to use it for that alone.

    By a clinician to whom the record is open, or the officer. Raises ``DomainError``: ``who_missing``,
    ``reason_missing``, ``ask_first``; ``NotVisible``.
    """
    row = Restriction.objects.filter(pk=restriction_id, starts_at__isnull=False).first()
    if row is None:
        raise NotVisible
    _may_override(by, row.patient_id)
    to, why = clean_line(recipient), clean_text(reason)
    if not to:
        raise DomainError("who_missing", _("Write who got it."), "recipient")
    if not why:
        raise DomainError("reason_missing", _("Write what the emergency was."), "reason")
    if not asked_not_to_reuse:
        raise DomainError(
            "ask_first", _("Ask them to use it for this emergency only, and tick the box."), "asked_not_to_reuse"
        )
    with transaction.atomic():
        made, new = RestrictionOverride.objects.get_or_create(
            form_key=form_key,
            defaults={
                "restriction": row, "patient_id": row.patient_id, "recipient": to, "reason": why,
                "asked_not_to_reuse": True, "overridden_by": by.account,
            },
        )
        if made.restriction_id != row.pk or made.overridden_by != by.account:
            raise NotVisible  # a key that was not made for this page
        if new:
            disclosure_record(
                by=by, subject_id=row.patient_id, purpose=Purpose.SAFETY, basis=DisclosureBasis.EMERGENCY, on=today(),
                recipient=to, what=_("What was needed for treatment in an emergency"), reference=made.pk,
            )
    return made


def _may_override(by: Actor, patient_id: UUID) -> None:
    if by.role == Role.OFFICER:
        require(by, Permission.REQUESTS_HANDLE)
    elif may_open(by=by, patient_id=patient_id, purpose=Purpose.CARE, whole=True) is None or not by.is_staff:
        raise NotVisible


def _who_asks(by: Actor, patient_id: UUID) -> None:
    if by.role in (Role.OFFICER, Role.SYSTEM):
        require(by, Permission.REQUESTS_HANDLE)
    else:
        require_open(by=by, patient_id=patient_id, purpose=Purpose.COMMUNICATING)


def _locked(**lookup: UUID) -> Restriction:
    row = Restriction.objects.select_for_update().filter(**lookup).first()
    if row is None:
        raise NotVisible
    return row


def _audit(by: Actor, action: Action, row: Restriction, why: str) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=row.patient_id,
        object_kind="records.restriction", object_id=row.pk, basis=why,
    )
