"""The officer's deeds: take on, carry out, refuse, take more time, hand over."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.selectors import staff_of
from portal.context import Actor
from portal.dates import today
from portal.errors import DomainError
from portal.permissions import Role
from privacy.requests import clock, letters, mails
from privacy.requests.models import RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.services.endings import joined_revive, request_complete
from privacy.requests.services.moves import ended, locked, move, record_opened
from privacy.requests.state import RequestAction, RequestState
from records.access import grant_close
from records.models import GrantKind


def request_start(*, by: Actor, request_id: UUID) -> RightsRequest:
    """The officer takes the request on; until it ends, the record is open to them for it.

    Raises ``DomainError``: ``identity_first``, or ``needs_record`` while nobody has said whose record it is.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        if rules_of(request.kind).about_record and request.subject_id is None:
            raise DomainError("needs_record", _("First choose whose record this is about."))
        move(request, RequestAction.START, by)
        request.officer_id = by.account_id
        request.save(update_fields=["state", "officer_id"])
        record_opened(request, by)
        return request


def request_assign(*, by: Actor, request_id: UUID, officer_id: UUID) -> RightsRequest:
    """Hand the request over, or take it over: the record closes for the one and opens for the other.

    Raises ``DomainError`` ``no_officer`` for somebody who may not handle requests.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        if officer_id not in staff_of(Role.OFFICER):
            raise DomainError("no_officer", _("Only a compliance officer can work on requests."), "officer")
        before = request.officer_id
        if before == officer_id:
            return request
        move(request, RequestAction.ASSIGN, by)
        request.officer_id = officer_id
        request.save(update_fields=["officer_id"])
        if before is not None and request.subject_id is not None:
            grant_close(
                by=by, patient_id=request.subject_id, kind=GrantKind.REQUEST, reference=request.pk, account_id=before
            )
        if request.state not in (RequestState.RECEIVED, RequestState.IDENTITY):
            record_opened(request, by)
        if officer_id != by.account_id:
            mails.request_handed_over(request, officer_id)
        return request


def request_carry_out(*, by: Actor, request_id: UUID) -> RightsRequest:
    """The officer has it done, by what its kind says; who asked is told when it is done.

    Raises ``DomainError`` ``answer_missing`` where the answer is words, and what the kind itself says.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        if rules_of(request.kind).answered and not request.answer:
            raise DomainError("answer_missing", _("Write the answer first."), "answer")
        request.officer_id = request.officer_id or by.account_id
        carried_out(request, by)
        return request


def carried_out(request: RightsRequest, by: Actor) -> None:
    """Do what the kind says. In the caller's transaction, the row locked or just made."""
    move(request, RequestAction.CARRY_OUT, by)
    request.held_at = None
    request.save(update_fields=["state", "officer_id", "held_at"])
    fulfil = rules_of(request.kind).fulfil
    if fulfil is None:
        request_complete(request)
    else:
        fulfil(request, by)


def request_put_back(*, by: Actor, request_id: UUID) -> RightsRequest:
    """Back to the desk what is stuck; refused with ``at_work`` while a job is really at it."""
    with transaction.atomic():
        request = locked(by, request_id)
        move(request, RequestAction.FAIL, by)
        request.save(update_fields=["state"])
        _stopped(request)
        return request


def request_deny(*, by: Actor, request_id: UUID, ground: str, letter: str) -> RightsRequest:
    """Refuse on a listed ground, with a letter that says why and what can be done (P37).

    What others asked that was joined to it goes on: a "no" is said to each by a letter of their own.
    Whoever calls it tells the person, by a letter of the register. Raises ``DomainError``: ``not_refused``,
    ``ground_missing``, ``letter_missing``.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        move(request, RequestAction.DENY, by)
        _say_no(request, by, ground, letter)
        request.in_part = False
        ended(request, "denial_ground", "denial_letter", "denied_by", "in_part", answered=True)
        _stopped(request)
        joined_revive(request)
        return request


def request_refuse_part(*, by: Actor, request_id: UUID, ground: str, letter: str) -> RightsRequest:
    """Refuse a part on a listed ground; all the rest is then carried out, and it ends as granted in part.

    Raises as ``request_deny``.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        move(request, RequestAction.REFUSE_PART, by)
        _say_no(request, by, ground, letter)
        request.in_part = True
        request.save(update_fields=["state", "denial_ground", "denial_letter", "denied_by", "in_part"])
        return request


def _say_no(request: RightsRequest, by: Actor, ground: str, letter: str) -> None:
    listed = rules_of(request.kind).ground(str(ground))
    if listed is None:
        raise DomainError("ground_missing", _("Choose one of the listed grounds."), "ground")
    if not letter.strip():
        raise DomainError("letter_missing", _("Write the patient a letter that says why."), "letter")
    request.denial_ground, request.denial_letter = listed.code, letter.strip()
    request.denied_by = by.account_id


def _stopped(request: RightsRequest) -> None:
    hook = rules_of(request.kind).stopped
    if hook is not None:
        hook(request)


def request_extend(*, by: Actor, request_id: UUID, reason: str, until: dt.date) -> RightsRequest:
    """Take the one extension that the law gives, and tell the patient why and until when (RULES 1.3, 1.21, 1.32).

    Raises ``DomainError``: ``no_extension``, ``extended_already``, ``too_late`` after the first
    period, ``reason_missing``, ``until_beyond`` for a day past the limit or not past the first period.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        _may_extend(request, reason, until)
        move(request, RequestAction.EXTEND, by)
        request.due_on, request.extension_reason, request.extended_at = until, reason.strip(), timezone.now()
        request.save(update_fields=["due_on", "extension_reason", "extended_at"])
        letters.extended(by, request, reason.strip())
        return request


def _may_extend(request: RightsRequest, reason: str, until: dt.date) -> None:
    rules = rules_of(request.kind)
    if not clock.may_extend(rules):
        raise DomainError("no_extension", _("The law gives no more time for a request of this kind."))
    if request.extended_at is not None:
        raise DomainError("extended_already", _("More time was taken once already. There is no second time."))
    if today() > request.first_due_on:
        raise DomainError("too_late", _("More time can only be taken while the first period runs."))
    if not reason.strip():
        raise DomainError("reason_missing", _("Write the patient why it takes longer."), "reason")
    if not request.first_due_on < until <= clock.extension_limit(rules, request):
        raise DomainError("until_beyond", _("This day is not inside the time that the law gives."), "until")


def request_answer(*, by: Actor, request_id: UUID, answer: str, outcome: str = "") -> RightsRequest:
    """Write the answer in words, with the outcome where the kind lists some, and have it done (P50, RULES 1.59).

    Raises ``DomainError``: ``answer_missing``, ``outcome_missing``.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        rules = rules_of(request.kind)
        if not answer.strip():
            raise DomainError("answer_missing", _("Write the answer first."), "answer")
        if rules.outcomes and outcome not in {code for code, _label in rules.outcomes}:
            raise DomainError("outcome_missing", _("Choose what came of it."), "outcome")
        request.answer, request.outcome = answer.strip(), outcome
        request.officer_id = request.officer_id or by.account_id
        carried_out(request, by)
        request.save(update_fields=["answer", "outcome"])
        mails.request_answered(request)
        letters.answered(by, request)
        return request


