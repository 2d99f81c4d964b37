"""Taking a request: from the portal, or written down by the officer (P35, RULES 1.6, 1.48)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.context import SYSTEM, Actor
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, Role, require
from privacy.requests import clock, letters, mails
from privacy.requests.models import (
    ONE_AT_A_TIME,
    Channel,
    IdentityHow,
    IdentityState,
    RequestKind,
    RightsRequest,
)
from privacy.requests.registry import KindRules, rules_of
from privacy.requests.services.desk import carried_out
from privacy.requests.services.moves import PROVEN, audit, move, open_twin, step
from privacy.requests.state import WORKING, RequestAction, RequestState
from records.access import require_open

_FAMILY = (Role.PATIENT, Role.GUARDIAN)


@dataclass(frozen=True, slots=True)
class Identity:
    """How it was made sure who asked: one way of the closed list, and what was seen or said."""

    how: IdentityHow
    note: str = ""


def request_open(
    *, by: Actor, kind: RequestKind | str, subject_id: UUID | None, account_id: UUID | None, form_key: UUID,
    received_on: dt.date | None = None, channel: Channel | str = Channel.PORTAL, details: str = "",
    identity: Identity | None = None, particulars: Mapping[str, str] | None = None,
    contact: Mapping[str, str] | None = None, because: UUID | None = None,
) -> RightsRequest:
    """Take a request and start its clock (P35).

    A person asks in the portal about what they may open; the officer writes down what came by
    letter, phone, email or in person, on the day it came; the portal itself takes what comes over
    public pages. What needs proof of who asked and has none waits for it. A kind that is done
    ``at_once`` is done now. Pressing twice, or asking again while one is open, gives the one that
    is there; what came elsewhere is written down and joined to it once it is known who asked.
    ``because`` names an earlier request out of which the portal makes this one.

    Raises ``NotVisible`` for a record that is not the actor's to ask about, ``DomainError``
    ``received_future``, ``who_missing`` or ``needs_record``.
    """
    kind = RequestKind(kind)
    rules, channel = rules_of(kind), Channel(channel)
    _may_ask(by, rules, subject_id, account_id, channel)
    received = received_on or today()
    _check(rules, channel, subject_id, account_id, received, contact)
    due = clock.first_due(rules, received)
    known = _known(by, rules, channel, identity)
    row = RightsRequest(
        kind=kind, subject_id=subject_id, account_id=account_id, form_key=form_key, details=details.strip(),
        particulars=dict(particulars) if particulars else None, contact=dict(contact) if contact else None,
        channel=channel, entered_by=by.account_id if by.is_staff else None, received_on=received,
        first_due_on=due, due_on=due, **known,
    )
    if row.identity_state not in PROVEN:
        row.state = RequestState.IDENTITY
    try:
        with transaction.atomic():
            return _take(by, row, rules, f"request:{because}" if because else "")
    except IntegrityError:
        return _already_there(by, row)


def _may_ask(by: Actor, rules: KindRules, subject_id: UUID | None, account_id: UUID | None, channel: Channel) -> None:
    if by.role == Role.SYSTEM:
        return
    if by.role not in _FAMILY:
        require(by, Permission.REQUESTS_HANDLE)
        if channel == Channel.PORTAL:
            raise NotVisible
        return
    require(by, Permission.RECORD_OWN)
    if by.role not in rules.roles:
        raise NotVisible
    if channel != Channel.PORTAL or account_id != by.account or (subject_id is None and rules.about_record):
        raise NotVisible
    if subject_id is not None:
        require_open(by=by, patient_id=subject_id, purpose=Purpose.COMMUNICATING, rights=True)


def _check(
    rules: KindRules, channel: Channel, subject_id: UUID | None, account_id: UUID | None, received: dt.date,
    contact: Mapping[str, str] | None,
) -> None:
    if received > today():
        raise DomainError("received_future", _("A request cannot come on a day that is still ahead."), "received_on")
    if account_id is None and not (contact or {}).get("name") and channel not in (Channel.PUBLIC, Channel.CLINIC):
        raise DomainError("who_missing", _("Write down who asked."), "name")


def _known(by: Actor, rules: KindRules, channel: Channel, identity: Identity | None) -> dict[str, object]:
    """The columns about identity. In the portal it is the sign-in that the page asked for anew."""
    if not rules.needs_identity:
        return {"identity_state": IdentityState.NOT_NEEDED}
    if identity is None and channel == Channel.PORTAL:
        identity = Identity(IdentityHow.PORTAL)
    if identity is None:
        return {"identity_state": IdentityState.ASKED}
    return {
        "identity_state": IdentityState.CONFIRMED, "identity_how": IdentityHow(identity.how),
        "identity_note": identity.note.strip(), "identity_by": by.account_id, "identity_at": timezone.now(),
    }


def _take(by: Actor, row: RightsRequest, rules: KindRules, basis: str) -> RightsRequest:
    if row.identity_state in PROVEN:
        main = open_twin(row)
        # One's own second press is the same request; what somebody else asked, or a letter did, is joined.
        if main is not None and (row.channel != Channel.PORTAL or main.account_id != row.account_id):
            row.state, row.joined_to, row.ended_at = RequestState.JOINED, main, timezone.now()
    row.save(force_insert=True)
    audit(by, Action.SUBMIT, row, basis)
    step(by, row, "")
    letters.received(by, row)
    if row.state == RequestState.JOINED:
        mails.request_received(row)
    elif rules.at_once and row.channel == Channel.PORTAL:
        move(row, RequestAction.START, SYSTEM)
        carried_out(row, SYSTEM)
    else:
        mails.request_received(row)
        mails.request_waits(row, "new")
    return row


def _already_there(by: Actor, row: RightsRequest) -> RightsRequest:
    mine = RightsRequest.objects.filter(kind=row.kind)
    if by.role in _FAMILY:
        mine = mine.filter(account_id=by.account, subject_id=row.subject_id)
    same = mine.filter(form_key=row.form_key).first()
    if same is None and row.subject_id is not None and row.kind in ONE_AT_A_TIME:
        same = mine.filter(subject_id=row.subject_id, state__in=[state.value for state in WORKING]).first()
    if same is None:
        raise NotVisible
    return same
