"""Making, granting, refusing and taking back requests. Erasure and copies are done by jobs."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.dates import due_on, today
from portal.errors import DomainError, NotVisible
from portal.jobs.services import job_start
from portal.permissions import Permission, Purpose, Role, require
from privacy import ledger, mails
from privacy.keeping.selectors import on_hold
from privacy.models import DenialGround, RequestKind, RightsRequest
from privacy.state import ALLOWED_ROLES, OPEN, TRANSITIONS, RequestAction, RequestState
from records.access import grant_close, grant_open, require_open
from records.models import GrantKind

DUE_DAYS = {RequestKind.ACCESS: "ACCESS_DUE_DAYS", RequestKind.DELETION: "DELETION_DUE_DAYS"}
JOB_KINDS = {RequestKind.ACCESS: "privacy.copy", RequestKind.DELETION: "privacy.erase"}


def request_make(*, by: Actor, kind: RequestKind, patient_id: UUID, form_key: UUID, note: str = "") -> RightsRequest:
    """Take a patient's own request, and start its clock today (P35).

    A copy is made at once, without waiting for anybody (P31); a deletion waits for the officer.
    Pressing twice, or asking again while one is open, gives the one that is there. That somebody
    asked is told by mail in either case: the receipt of a deletion, or that the copy is ready.
    Raises ``NotVisible`` unless the record is the actor's own to ask about.
    """
    require(by, Permission.RECORD_OWN)
    require_open(by=by, patient_id=patient_id, purpose=Purpose.COMMUNICATING)
    received = today()
    try:
        with transaction.atomic():
            request = RightsRequest.objects.create(
                kind=kind, subject_id=patient_id, account_id=by.account, form_key=form_key, note=note,
                received_on=received, due_on=due_on(received, getattr(settings, DUE_DAYS[RequestKind(kind)])),
            )
            _audit(by, Action.SUBMIT, request)
            if kind == RequestKind.ACCESS:
                _move(request, RequestAction.START, SYSTEM)
                _carry_out(request, SYSTEM)
            else:
                mails.request_received(request)
                mails.request_waits(request, "new")
    except IntegrityError:
        return _already_there(by, kind, patient_id, form_key)
    return request


def _already_there(by: Actor, kind: RequestKind, patient_id: UUID, form_key: UUID) -> RightsRequest:
    open_states = [state.value for state in OPEN]
    mine = RightsRequest.objects.filter(subject_id=patient_id, kind=kind)
    same = mine.filter(form_key=form_key).first() or mine.filter(state__in=open_states).first()
    if same is None:
        raise NotVisible
    return same


def request_start(*, by: Actor, request_id: UUID) -> RightsRequest:
    """The officer takes the request on; until it ends, the record is open to them for it."""
    with transaction.atomic():
        request = _locked(by, request_id)
        _move(request, RequestAction.START, by)
        request.officer_id = by.account_id
        request.save(update_fields=["state", "officer_id"])
        grant_open(
            by=by, patient_id=request.subject_id, kind=GrantKind.REQUEST, account_id=by.account, reference=request.pk
        )
        return request


def request_carry_out(*, by: Actor, request_id: UUID) -> RightsRequest:
    """The officer has it done; a job does the work, and tells the patient when it is done.

    Raises ``DomainError`` ``copy_first`` for a deletion while a copy for the same person is not
    made yet: what is deleted cannot be copied any more. While a legal hold stands, a deletion is
    noted and waits: it goes on by itself when the last hold is released.
    """
    with transaction.atomic():
        request = _locked(by, request_id)
        if request.kind == RequestKind.DELETION and on_hold(request.subject_id):
            _hold(request, by)
            return request
        if request.kind == RequestKind.DELETION and _copy_is_due(request.subject_id):
            raise DomainError(
                "copy_first", _("The patient also asked for a copy, and it is not made yet. See to the copy first.")
            )
        request.officer_id = request.officer_id or by.account_id
        _carry_out(request, by)
        return request


def _copy_is_due(subject_id: UUID) -> bool:
    wanted = RightsRequest.objects.filter(subject_id=subject_id, kind=RequestKind.ACCESS)
    return wanted.filter(state__in=[state.value for state in OPEN]).exists()


def _carry_out(request: RightsRequest, by: Actor) -> None:
    _move(request, RequestAction.CARRY_OUT, by)
    # A second try is a job of its own: the first one's key would find the job that failed.
    again = f":{uuid4().hex}" if request.job_id else ""
    erasure = request.kind == RequestKind.DELETION
    # An erasure is nobody's job: its row must not go with the account that asked for it.
    job = job_start(
        by=SYSTEM if erasure else asker(request), kind=JOB_KINDS[RequestKind(request.kind)],
        subject_id=None if erasure else request.subject_id, ref=request.pk, once_key=f"request:{request.pk}{again}",
    )
    request.job_id, request.held_at = job.pk, None
    request.save(update_fields=["state", "job_id", "officer_id", "held_at"])


def request_held(request_id: UUID) -> None:
    """A hold was placed while the job was at work: nothing was removed, and the officer hears of it."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().get(pk=request_id)
        if request.state != RequestState.CARRYING_OUT:
            return
        _hold(request, SYSTEM)
        mails.request_waits(request, f"held-{(request.job_id or request.pk).hex}")
        ledger.erasure_void(request.pk)


def _hold(request: RightsRequest, by: Actor) -> None:
    _move(request, RequestAction.HOLD, by)
    request.held_at = timezone.now()
    request.officer_id = request.officer_id or by.account_id
    request.save(update_fields=["state", "held_at", "officer_id"])


def deletions_resume(*, subject_id: UUID) -> None:
    """The last hold is gone. In the release's transaction.

    What was to be carried out is carried out now. A deletion that was refused because of the hold
    is asked for anew in the patient's name, with a clock of its own, and waits for the officer.
    """
    mine = RightsRequest.objects.select_for_update().filter(subject_id=subject_id, kind=RequestKind.DELETION)
    for request in mine.filter(state=RequestState.IN_PROGRESS, held_at__isnull=False):
        if _copy_is_due(subject_id):
            mails.request_waits(request, "unheld")
        else:
            _carry_out(request, SYSTEM)
    newest = mine.order_by("-created_at").first()
    if newest is not None and newest.state == RequestState.DENIED and newest.denial_ground == DenialGround.LEGAL_HOLD:
        again = RightsRequest.objects.create(
            kind=RequestKind.DELETION, subject_id=subject_id, account_id=newest.account_id, received_on=today(),
            due_on=due_on(today(), settings.DELETION_DUE_DAYS),
        )
        _audit(SYSTEM, Action.SUBMIT, again, basis=f"request:{newest.pk}")
        mails.request_received(again)
        mails.request_waits(again, "new")


def asker(request: RightsRequest) -> Actor:
    """Who asked, in the role of their account; a copy holds what this person may see."""
    role = User.objects.values_list("role", flat=True).filter(pk=request.account_id).first()
    return Actor(request.account_id, Role(role or Role.ANONYMOUS))


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
        _record_closed(request)
        mails.request_denied(request)
        ledger.erasure_void(request.pk)
        return request


def request_withdraw(*, by: Actor, request_id: UUID) -> RightsRequest:
    """The patient takes the request back, as long as nothing has been carried out."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().filter(pk=request_id, account_id=by.account).first()
        if request is None:
            raise NotVisible
        _move(request, RequestAction.WITHDRAW, by)
        _end(request)
        ledger.erasure_void(request.pk)
        return request


def request_resume(request_id: UUID) -> RightsRequest:
    """The request as its job finds it. A try that the patient started anew is taken up again."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().get(pk=request_id)
        if request.state == RequestState.IN_PROGRESS:
            _move(request, RequestAction.CARRY_OUT, SYSTEM)
            request.save(update_fields=["state"])
        return request


def request_complete(request: RightsRequest) -> None:
    """The job is through. Called in the job's own transaction; done twice, it changes nothing."""
    if request.state == RequestState.COMPLETED:
        return
    _move(request, RequestAction.COMPLETE, SYSTEM)
    _end(request)


def request_failed(request_id: UUID) -> None:
    """The job was given up: back to the officer's desk, with the clock still running (P35).

    Who waits for a copy hears that it takes longer; the officer hears that it waits.
    """
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().filter(pk=request_id).first()
        if request is None or request.state != RequestState.CARRYING_OUT:
            return
        _move(request, RequestAction.FAIL, SYSTEM)
        request.save(update_fields=["state"])
        if request.kind == RequestKind.ACCESS:
            mails.copy_delayed(request)
        mails.request_waits(request, f"failed-{(request.job_id or request.pk).hex}")


def requests_lapse(*, subject_id: UUID, but: UUID) -> None:
    """What else this person had asked for ends with the record. In the erasure's transaction."""
    others = RightsRequest.objects.select_for_update().filter(
        subject_id=subject_id, state__in=[state.value for state in OPEN]
    )
    for request in others.exclude(pk=but):
        _move(request, RequestAction.LAPSE, SYSTEM)
        _end(request)


def _end(request: RightsRequest) -> None:
    request.ended_at = timezone.now()
    request.save(update_fields=["state", "ended_at"])
    _record_closed(request)


def _record_closed(request: RightsRequest) -> None:
    """What was open to an officer for this request is closed with it (RULES 1.43)."""
    grant_close(by=SYSTEM, patient_id=request.subject_id, kind=GrantKind.REQUEST, reference=request.pk)


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
