"""Making, granting, refusing and taking back requests. Erasure and copies are done by jobs."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.dates import due_on, today
from portal.errors import DomainError, NotVisible
from portal.jobs.services import job_start
from portal.permissions import Permission, Purpose, require
from privacy import mails
from privacy.models import DenialGround, RequestKind, RightsRequest
from privacy.state import ALLOWED_ROLES, ENDED, TRANSITIONS, RequestAction, RequestState
from records.access import require_open

DUE_DAYS = {RequestKind.ACCESS: "ACCESS_DUE_DAYS", RequestKind.DELETION: "DELETION_DUE_DAYS"}
JOB_KINDS = {RequestKind.ACCESS: "privacy.copy", RequestKind.DELETION: "privacy.erase"}


def request_make(*, by: Actor, kind: RequestKind, patient_id: UUID, form_key: UUID, note: str = "") -> RightsRequest:
    """Take a patient's own request, and start its clock today (P35).

    A copy is made at once, without waiting for anybody (P31); a deletion waits for the officer.
    Pressing twice, or asking again while one is open, gives the one that is there.
    Raises ``NotVisible`` unless the record is the actor's own to ask about.
    """
    require(by, Permission.RECORD_OWN)
    require_open(by=by, patient_id=patient_id, purpose=Purpose.COMMUNICATING)
    assert by.account_id is not None
    received = today()
    try:
        with transaction.atomic():
            request = RightsRequest.objects.create(
                kind=kind, subject_id=patient_id, account_id=by.account_id, form_key=form_key, note=note,
                received_on=received, due_on=due_on(received, getattr(settings, DUE_DAYS[RequestKind(kind)])),
            )
            _audit(by, Action.SUBMIT, request)
            mails.request_received(request)
            if kind == RequestKind.ACCESS:
                _move(request, RequestAction.START, SYSTEM)
                _carry_out(request, SYSTEM, by)
    except IntegrityError:
        return _already_there(by, kind, patient_id, form_key)
    return request


def _already_there(by: Actor, kind: RequestKind, patient_id: UUID, form_key: UUID) -> RightsRequest:
    open_states = [state.value for state in RequestState if state not in ENDED]
    mine = RightsRequest.objects.filter(subject_id=patient_id, kind=kind)
    same = mine.filter(form_key=form_key).first() or mine.filter(state__in=open_states).first()
    if same is None:
        raise NotVisible
    return same


def request_start(*, by: Actor, request_id: UUID) -> RightsRequest:
    """The officer takes the request on."""
    with transaction.atomic():
        request = _locked(by, request_id)
        _move(request, RequestAction.START, by)
        request.officer_id = by.account_id
        request.save(update_fields=["state", "officer_id"])
        return request


def request_carry_out(*, by: Actor, request_id: UUID) -> RightsRequest:
    """The officer has it done; a job does the work, and tells the patient when it is done."""
    with transaction.atomic():
        request = _locked(by, request_id)
        _carry_out(request, by, by)
        return request


def _carry_out(request: RightsRequest, by: Actor, owner: Actor) -> None:
    _move(request, RequestAction.CARRY_OUT, by)
    attempt = RightsRequest.objects.filter(pk=request.pk, job_id__isnull=False).count()
    once_key = f"request:{request.pk}:{timezone.now():%Y%m%d%H%M%S%f}" if attempt else f"request:{request.pk}"
    # An erasure is nobody's job: its row must not go with the account that asked for it.
    job_owner = SYSTEM if request.kind == RequestKind.DELETION else Actor(request.account_id, owner.role)
    job = job_start(
        by=job_owner, kind=JOB_KINDS[RequestKind(request.kind)],
        subject_id=None if request.kind == RequestKind.DELETION else request.subject_id,
        ref=request.pk, once_key=once_key,
    )
    request.job_id = job.pk
    request.save(update_fields=["state", "job_id", "officer_id"])


def request_deny(*, by: Actor, request_id: UUID, ground: DenialGround, letter: str) -> RightsRequest:
    """Refuse on a listed ground, with a letter that says why and what can be done (P37)."""
    if not letter.strip():
        raise DomainError("letter_missing", _("Write the patient a letter that says why."), "letter")
    with transaction.atomic():
        request = _locked(by, request_id)
        if request.kind == RequestKind.ACCESS:
            raise DomainError("access_not_denied", _("A copy of the record cannot be refused here."))
        _move(request, RequestAction.DENY, by)
        request.denial_ground = DenialGround(ground)
        request.denial_letter = letter.strip()
        request.ended_at = timezone.now()
        request.save(update_fields=["state", "denial_ground", "denial_letter", "ended_at"])
        mails.request_denied(request)
        return request


def request_withdraw(*, by: Actor, request_id: UUID) -> RightsRequest:
    """The patient takes the request back, as long as nothing has been carried out."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().filter(pk=request_id, account_id=by.account_id).first()
        if request is None:
            raise NotVisible
        _move(request, RequestAction.WITHDRAW, by)
        request.ended_at = timezone.now()
        request.save(update_fields=["state", "ended_at"])
        return request


def request_complete(request: RightsRequest) -> None:
    """The job is through. Called in the job's own transaction; done twice, it changes nothing."""
    if request.state == RequestState.COMPLETED:
        return
    _move(request, RequestAction.COMPLETE, SYSTEM)
    request.ended_at = timezone.now()
    request.save(update_fields=["state", "ended_at"])


def request_failed(request_id: UUID) -> None:
    """The job was given up: back to the officer's desk, with the clock still running."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().filter(pk=request_id).first()
        if request is not None and request.state == RequestState.CARRYING_OUT:
            _move(request, RequestAction.FAIL, SYSTEM)
            request.save(update_fields=["state"])


def _locked(by: Actor, request_id: UUID) -> RightsRequest:
    require(by, Permission.REQUESTS_HANDLE)
    request = RightsRequest.objects.select_for_update().filter(pk=request_id).first()
    if request is None:
        raise NotVisible
    return request


def _move(request: RightsRequest, action: RequestAction, by: Actor) -> None:
    """Change the state in memory; the caller saves. Raises ``DomainError`` off the table."""
    if by.role not in ALLOWED_ROLES[action]:
        raise NotVisible
    following = TRANSITIONS.get((RequestState(request.state), action))
    if following is None:
        raise DomainError("request_state", _("This request has moved on. Reload the page to see where it stands."))
    request.state = following
    _audit(by, Action.CHANGE, request, basis=f"request:{action.value}")


def _audit(by: Actor, action: Action, request: RightsRequest, basis: str = "") -> None:
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=request.subject_id,
        object_kind="privacy.request", object_id=request.pk, basis=basis,
    )
