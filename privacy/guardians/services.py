"""Carrying out what a guardian asked: showing, stopping, deleting (P47)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from consults.services import consults_end
from portal.context import SYSTEM, Actor
from portal.errors import DomainError
from privacy.models import RecordCopy
from privacy.requests.deletion import deletion_start
from privacy.requests.models import RightsRequest
from privacy.requests.services import request_complete
from records.access import accounts_of
from records.freezing.services import freeze
from records.guardians.selectors import of_age
from records.guardians.services import guardian_grant
from records.models import FreezeReason, GrantScope


def delete_record(request: RightsRequest, by: Actor) -> None:
    """Start the erasure, in the officer's transaction. Raises ``of_age``, and as ``deletion_start``."""
    _still_a_minors(request)
    deletion_start(request, by)


def _still_a_minors(request: RightsRequest) -> None:
    """What a parent wished is not done to the record of a grown-up, however long it lay (FIELD_FAULTS 7)."""
    assert request.subject_id is not None
    if of_age(request.subject_id):
        raise DomainError(
            "of_age",
            _("This patient is of age now: only they can ask for this. Say no to the request, and say why."),
        )


def stop_using(request: RightsRequest, by: Actor) -> None:
    """From now on the record is kept and nothing else: in the request's transaction (P47).

    Open consults end and are paid back where nobody answered; the queue, mails about care, copies and
    statistics find it no more. Done twice, it changes nothing. Raises ``DomainError`` ``of_age``.
    """
    _still_a_minors(request)
    assert request.subject_id is not None
    consults_end(by=SYSTEM, patient_id=request.subject_id)
    freeze(by=by, patient_id=request.subject_id, reason=FreezeReason.STOP_USING, reference=request.pk)
    # What waits for download would leave the clinic after all; the nightly tidying removes the files.
    RecordCopy.objects.filter(subject_id=request.subject_id).update(expires_at=timezone.now())
    request_complete(request)


def show_record(request: RightsRequest, by: Actor) -> None:
    """The guardian may look at the record in the portal for some weeks, where they have a sign-in and no access yet.

    The minor's own sign-in is given nothing. What the law lets the minor control stays hidden in any case.
    Raises ``DomainError`` ``of_age``.
    """
    assert request.subject_id is not None
    if request.account_id is not None and request.account_id not in accounts_of(request.subject_id):
        guardian_grant(
            by=by, patient_id=request.subject_id, account_id=request.account_id, scope=GrantScope.VIEW,
            ends_at=timezone.now() + dt.timedelta(days=settings.GUARDIAN_REVIEW_DAYS),
        )
    request_complete(request)
