"""Making sure who asked, before anything runs (RULES 1.48, FIELD_FAULTS 76); joining what is asked twice."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.context import Actor
from portal.errors import DomainError
from privacy.requests import letters
from privacy.requests.models import IdentityHow, IdentityState, RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.services.endings import joined_revive
from privacy.requests.services.moves import audit, ended, joined, locked, move, open_twin, record_closed
from privacy.requests.state import RequestAction, RequestState
from records.models import Patient

UNPROVEN = "identity_unproven"


def identity_ask(*, by: Actor, request_id: UUID) -> RightsRequest:
    """Ask who it was: until that is proven nothing runs, and the clock goes on."""
    with transaction.atomic():
        request = locked(by, request_id)
        move(request, RequestAction.ASK_IDENTITY, by)
        request.identity_state, request.identity_how, request.identity_note = IdentityState.ASKED, "", ""
        request.identity_by = request.identity_at = None
        request.save(
            update_fields=[
                "state", "ended_at", "identity_state", "identity_how", "identity_note", "identity_by", "identity_at",
            ]
        )
        record_closed(request)
        letters.identity_asked(by, request)
        return request


def identity_confirm(
    *, by: Actor, request_id: UUID, how: IdentityHow | str, note: str, subject_id: UUID | None = None
) -> RightsRequest:
    """It is known who asked: one way of the closed list, and what was seen. May also say whose record it is.

    Where the same person has another request of the kind at work, this one is joined to it: that
    starts nothing. Raises ``DomainError``: ``note_missing``, ``how_missing``, ``no_such_record``, ``other_record``.
    """
    if how not in IdentityHow.values or how == IdentityHow.PORTAL:
        raise DomainError("how_missing", _("Choose how you made sure who asked."), "how")
    if not note.strip():
        raise DomainError("note_missing", _("Write down what you saw or asked."), "note")
    with transaction.atomic():
        request = locked(by, request_id)
        if subject_id is not None:
            _about(request, subject_id)
        if rules_of(request.kind).about_record and request.subject_id is None:
            raise DomainError("needs_record", _("First choose whose record this is about."), "number")
        move(request, RequestAction.CONFIRM_IDENTITY, by)
        request.identity_state, request.identity_how = IdentityState.CONFIRMED, IdentityHow(how)
        request.identity_note, request.identity_by, request.identity_at = note.strip(), by.account_id, timezone.now()
        main = open_twin(request)
        if main is not None:
            joined(request, main, by)
        request.save()
        return request


def identity_fail(*, by: Actor, request_id: UUID, letter: str) -> RightsRequest:
    """It could not be proven who asked: refused, with a letter that says so; a review is offered (P37).

    What was joined to it came from somebody who is known, and goes on.
    """
    if not letter.strip():
        raise DomainError("letter_missing", _("Write a letter that says why."), "letter")
    with transaction.atomic():
        request = locked(by, request_id)
        move(request, RequestAction.FAIL_IDENTITY, by)
        request.identity_state, request.denial_ground = IdentityState.FAILED, UNPROVEN
        request.denial_letter, request.denied_by = letter.strip(), by.account_id
        request.in_part = False
        ended(request, "identity_state", "in_part", "denial_ground", "denial_letter", "denied_by", answered=True)
        letters.identity_failed(by, request, letter.strip())
        joined_revive(request, everybody=True)
        return request


def request_about(*, by: Actor, request_id: UUID, subject_id: UUID) -> RightsRequest:
    """Say whose record a request is about that came without it.

    Where the same person has another one of the kind at work, it is joined to that. Raises
    ``DomainError``: ``other_record``, ``request_state`` for one that is over.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        if request.ended_at is not None:
            raise DomainError("request_state", _("This request has moved on. Reload the page to see where it stands."))
        _about(request, subject_id)
        audit(by, Action.CHANGE, request, basis="request:about")
        main = open_twin(request) if request.state == RequestState.RECEIVED else None
        if main is not None:
            joined(request, main, by)
        request.save(update_fields=["subject_id", "state", "joined_to", "ended_at"])
        return request


def _about(request: RightsRequest, subject_id: UUID) -> None:
    if request.subject_id is not None and request.subject_id != subject_id:
        raise DomainError("other_record", _("This request is about another record already."), "number")
    if not Patient.objects.filter(pk=subject_id).exists():
        raise DomainError("no_such_record", _("There is no record with this number."), "number")
    request.subject_id = subject_id


def request_join(*, by: Actor, request_id: UUID, main_id: UUID) -> RightsRequest:
    """Join a request to another open one of the same person and kind. It starts nothing, and nothing runs by it.

    Raises ``DomainError``: ``identity_first``, ``not_the_same``.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        main = RightsRequest.objects.select_for_update().filter(
            pk=main_id, subject_id=request.subject_id, kind=request.kind, ended_at=None
        ).exclude(pk=request.pk).first()
        if main is None or request.subject_id is None:
            raise DomainError("not_the_same", _("Only two open requests of one person and kind can be joined."))
        joined(request, main, by)
        request.save()
        return request


def request_separate(*, by: Actor, request_id: UUID) -> RightsRequest:
    """Take a joined request apart again. Raises ``DomainError`` ``still_open`` while the other one is at work."""
    with transaction.atomic():
        request = locked(by, request_id)
        move(request, RequestAction.SEPARATE, by)
        request.joined_to = request.ended_at = None
        if open_twin(request) is not None:
            raise DomainError("still_open", _("The other request is still open. End that one first."))
        request.save(update_fields=["state", "joined_to", "ended_at"])
        return request
