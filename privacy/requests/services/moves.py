"""What every step of a request does: lock, check, move, write it down."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.dates import today
from portal.errors import NotVisible
from portal.jobs.models import Job, JobState
from portal.permissions import Permission, Purpose, require
from privacy.requests.models import (
    ONE_AT_A_TIME,
    Channel,
    FeeState,
    IdentityState,
    RequestKind,
    RequestStep,
    RightsRequest,
)
from privacy.requests.registry import rules_of
from privacy.requests.state import WORKING, RequestAction, RequestState, Standing, following
from records.access import grant_close, grant_open
from records.models import GrantKind

PROVEN = (IdentityState.NOT_NEEDED, IdentityState.CONFIRMED)


def standing_of(request: RightsRequest, *, working: bool | None = None) -> Standing:
    """What decides about steps, out of the row and the rules of its kind."""
    rules = rules_of(request.kind)
    return Standing(
        state=RequestState(request.state), proven=request.identity_state in PROVEN, refusable=bool(rules.grounds),
        may_cost=rules.fee, fee_open=request.fee_state in (FeeState.QUOTED, FeeState.DECLINED),
        in_part=request.in_part, portal=request.channel == Channel.PORTAL,
        working=_at_work(request) if working is None else working, recallable=rules.recallable,
    )


def _at_work(request: RightsRequest) -> bool:
    if request.state != RequestState.CARRYING_OUT or request.job_id is None:
        return False
    return Job.objects.filter(pk=request.job_id, state__in=[JobState.WAITING, JobState.RUNNING]).exists()


def locked(by: Actor, request_id: UUID) -> RightsRequest:
    """The request for an officer's deed, its row locked. Raises ``NotVisible``."""
    require(by, Permission.REQUESTS_HANDLE)
    request = RightsRequest.objects.select_for_update().filter(pk=request_id).first()
    if request is None:
        raise NotVisible
    return request


def locked_own(by: Actor, request_id: UUID) -> RightsRequest:
    """The request for a deed of who asked, or of the officer in their name. Raises ``NotVisible``."""
    if by.is_staff:
        return locked(by, request_id)
    request = RightsRequest.objects.select_for_update().filter(pk=request_id, account_id=by.account).first()
    if request is None:
        raise NotVisible
    return request


def move(request: RightsRequest, action: RequestAction, by: Actor) -> None:
    """Change the state in memory; the caller saves. Raises ``DomainError`` off the table."""
    request.state = following(standing_of(request), action, by.role)
    audit(by, Action.CHANGE, request, basis=f"request:{action.value}")
    step(by, request, action.value)


def step(by: Actor, request: RightsRequest, action: str) -> None:
    """One line of the request's history."""
    RequestStep.objects.create(
        request=request, action=action, state=request.state, by_id=by.account_id, by_role=by.role.value
    )


def ended(request: RightsRequest, *fields: str, answered: bool = False) -> None:
    """It is over: note when, save (with ``fields`` besides), and close what was open for it (RULES 1.43)."""
    request.ended_at = timezone.now()
    if answered and request.answered_at is None:
        request.answered_at, request.in_time = request.ended_at, today() <= request.due_on
    request.save(update_fields=["state", "ended_at", "answered_at", "in_time", *fields])
    record_closed(request)


def record_opened(request: RightsRequest, by: Actor) -> None:
    """The record is open to the officer who works on it, where the kind is about a record."""
    if rules_of(request.kind).about_record and request.subject_id is not None and request.officer_id is not None:
        grant_open(
            by=by, patient_id=request.subject_id, kind=GrantKind.REQUEST, account_id=request.officer_id,
            reference=request.pk,
        )


def record_closed(request: RightsRequest) -> None:
    """What was open to an officer or a reviewer for this request is closed with it (RULES 1.43)."""
    if request.subject_id is not None:
        for kind in (GrantKind.REQUEST, GrantKind.REVIEW):
            grant_close(by=SYSTEM, patient_id=request.subject_id, kind=kind, reference=request.pk)


def open_twin(row: RightsRequest) -> RightsRequest | None:
    """Another request of the same person and kind that is at work, for kinds with one at a time; locked."""
    if row.subject_id is None or row.kind not in ONE_AT_A_TIME:
        return None
    same = RightsRequest.objects.select_for_update().filter(
        subject_id=row.subject_id, kind=row.kind, state__in=[state.value for state in WORKING]
    )
    if row.kind == RequestKind.ACCESS:
        same = same.filter(account_id=row.account_id)
    return same.exclude(pk=row.pk).order_by("created_at").first()


def joined(request: RightsRequest, main: RightsRequest, by: Actor) -> None:
    """Join in memory; the caller saves. What was joined to it follows, and the record closes for it."""
    move(request, RequestAction.JOIN, by)
    request.joined_to, request.ended_at = main, timezone.now()
    request.joined.update(joined_to=main)
    record_closed(request)


def audit(by: Actor, action: Action, request: RightsRequest, basis: str = "") -> None:
    """The row in the access log."""
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=request.subject_id,
        object_kind="privacy.request", object_id=request.pk, basis=basis,
    )
