"""The deletion of a record as a kind of request: what stops it, how it starts, how it goes on after a hold (P39)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.context import SYSTEM, Actor
from portal.errors import DomainError
from portal.jobs.services import job_start
from privacy import ledger
from privacy.keeping.selectors import on_hold
from privacy.requests import mails
from privacy.requests.models import (
    Channel,
    DenialGround,
    IdentityHow,
    RequestKind,
    RightsRequest,
)
from privacy.requests.services import Identity, carried_out, move, request_open
from privacy.requests.state import OPEN, RequestAction, RequestState
from records.guardians.selectors import of_age

DELETIONS = (RequestKind.DELETION, RequestKind.GUARDIAN_DELETION)


def deletion_start(request: RightsRequest, by: Actor) -> None:
    """Start the erasure, in the officer's transaction.

    While a legal hold stands, the deletion is noted and waits: it goes on by itself when the last
    hold is released. Raises ``DomainError`` ``copy_first`` while a copy for the same person is not
    made yet: what is deleted cannot be copied any more.
    """
    assert request.subject_id is not None
    if on_hold(request.subject_id):
        hold(request, by)
        return
    if copy_is_due(request.subject_id):
        raise DomainError(
            "copy_first", _("The patient also asked for a copy, and it is not made yet. See to the copy first.")
        )
    # A second try is a job of its own: the first one's key would find the job that failed. An
    # erasure is nobody's job: its row must not go with the account that asked for it.
    again = f":{uuid4().hex}" if request.job_id else ""
    job = job_start(
        by=SYSTEM, kind="privacy.erase", subject_id=None, ref=request.pk, once_key=f"request:{request.pk}{again}"
    )
    request.job_id = job.pk
    request.save(update_fields=["job_id"])


def copy_is_due(subject_id: UUID) -> bool:
    """True while a copy of any kind was asked for and is not made."""
    copies = (RequestKind.ACCESS, RequestKind.ACCESS_PAPER, RequestKind.ACCESS_THIRD_PARTY)
    wanted = RightsRequest.objects.filter(subject_id=subject_id, kind__in=copies)
    return wanted.filter(state__in=[state.value for state in OPEN]).exists()


def deletion_wanted(subject_ids: Collection[UUID]) -> set[UUID]:
    """Of these people those whose deletion was asked for and is still to be decided, done, or begun when a hold ends.

    Also where it is not proven yet who asked: what has left the clinic cannot be deleted any more (P41).
    """
    waiting = Q(state__in=[state.value for state in OPEN])
    after_a_hold = Q(state=RequestState.DENIED, denial_ground=DenialGround.LEGAL_HOLD)
    rows = RightsRequest.objects.filter(waiting | after_a_hold, subject_id__in=subject_ids, kind__in=DELETIONS)
    return {subject_id for subject_id in rows.values_list("subject_id", flat=True) if subject_id is not None}


def hold(request: RightsRequest, by: Actor) -> None:
    """Stopped by a legal hold; the clock goes on."""
    move(request, RequestAction.HOLD, by)
    request.held_at = timezone.now()
    request.officer_id = request.officer_id or by.account_id
    request.save(update_fields=["state", "held_at", "officer_id"])


def request_held(request_id: UUID) -> None:
    """A hold was placed while the job was at work: nothing was removed, and the officer hears of it."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().get(pk=request_id)
        if request.state != RequestState.CARRYING_OUT:
            return
        hold(request, SYSTEM)
        mails.request_waits(request, f"held-{(request.job_id or request.pk).hex}")
        ledger.erasure_void(request.pk)


def deletion_stopped(request: RightsRequest) -> None:
    """Refused, taken back or put back: the ledger must not name it (P39)."""
    ledger.erasure_void(request.pk)


def deletions_resume(*, subject_id: UUID) -> None:
    """The last hold is gone. In the release's transaction.

    What was to be carried out is carried out now. A deletion that was refused because of the hold
    is asked for anew in the patient's name, with a clock of its own, and waits for the officer.
    """
    mine = RightsRequest.objects.select_for_update().filter(subject_id=subject_id, kind__in=DELETIONS)
    for request in mine.filter(state=RequestState.IN_PROGRESS, held_at__isnull=False):
        # A parent's wish for somebody who grew up meanwhile is the officer's to refuse.
        outgrown = request.kind == RequestKind.GUARDIAN_DELETION and of_age(subject_id)
        if copy_is_due(subject_id) or outgrown:
            mails.request_waits(request, "unheld")
        else:
            carried_out(request, SYSTEM)
    newest = mine.order_by("-created_at").first()
    if newest is not None and newest.state == RequestState.DENIED and newest.denial_ground == DenialGround.LEGAL_HOLD:
        request_open(
            by=SYSTEM, kind=RequestKind(newest.kind), subject_id=subject_id, account_id=newest.account_id,
            form_key=uuid4(), channel=Channel.CLINIC, contact=newest.contact, because=newest.pk,
            identity=Identity(IdentityHow(newest.identity_how or IdentityHow.PORTAL), newest.identity_note),
        )
