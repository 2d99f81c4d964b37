"""What a clinician does with a case. Each of these stands on the access log."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consults import mails
from consults.models import Consult
from consults.services.moves import care_team_close, care_team_open, held, money_back, move, queue_close, queue_open
from consults.services.words import already_said
from consults.state import ConsultAction, ConsultState
from portal.context import SYSTEM, Actor
from portal.errors import DomainError
from records.encounters.services import encounter_close
from records.messages.services import message_send
from records.models import Assessment
from records.plans.services import plan_sign


def consult_take(*, by: Actor, consult_id: UUID) -> Consult:
    """Take a waiting case: the queue's preview closes, the whole record opens to this clinician.

    Two at once: one gets it, the other is refused (``consult_state``). Taking what one has
    changes nothing.
    """
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.TAKE)
        if consult.state == ConsultState.IN_REVIEW and consult.assigned_to == by.account_id:
            return consult
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.TAKE, assigned_to=by.account_id)
        care_team_open(by, consult)
        queue_close(by, consult)
    return consult


def consult_release(*, by: Actor, consult_id: UUID) -> Consult:
    """Put the case back; this clinician's access for it ends at once."""
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.RELEASE)
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.RELEASE, assigned_to=None)
        queue_open(by, consult)
        care_team_close(by, consult, follow_up=False)
    return consult


def consult_ask(*, by: Actor, consult_id: UUID, body: str, form_key: UUID) -> Consult:
    """Ask the patient something; the case waits for the reply. The same key asks once."""
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.ASK)
        if already_said(by, form_key):
            return consult
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.ASK)
        message = message_send(by=by, encounter_id=consult.encounter_id, body=body, form_key=form_key)
        mails.question(consult, message.pk)
    return consult


def consult_answer(*, by: Actor, consult_id: UUID) -> Consult:
    """Sign assessment and plan, kept as drafts before, and send them to the patient (S2).

    Raises ``DomainError`` ``assessment_missing``, ``plan_missing`` or ``plan_empty`` where
    there is nothing to sign.
    """
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.ANSWER)
        consult = move(
            by=by, consult_id=consult_id, action=ConsultAction.ANSWER,
            answered_at=consult.answered_at or timezone.now(),
        )
        assessment = Assessment.objects.filter(encounter_id=consult.encounter_id).first()
        if assessment is None or not assessment.diagnosis_text:
            raise DomainError("assessment_missing", _("Say what you found before you sign."), "diagnosis_text")
        fresh = assessment.signed_at is None
        plan_sign(by=by, encounter_id=consult.encounter_id)
        if fresh:
            mails.plan_ready(consult)
    return consult


def consult_decline(*, by: Actor, consult_id: UUID, reason: str, form_key: UUID) -> Consult:
    """Say in a message why the clinic cannot help online, and give the money back."""
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.DECLINE)
        if consult.state == ConsultState.DECLINED and already_said(by, form_key):
            return consult
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.DECLINE, ended_at=timezone.now())
        message_send(by=by, encounter_id=consult.encounter_id, body=reason, form_key=form_key)
        encounter_close(by=by, encounter_id=consult.encounter_id)
        care_team_close(by, consult)
        money_back(consult)
        mails.declined(consult)
    return consult


def consult_close(*, by: Actor, consult_id: UUID) -> Consult:
    """End an answered consult; the care team keeps access for the days of follow-up."""
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.CLOSE)
        if consult.state == ConsultState.CLOSED:
            return consult
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.CLOSE, ended_at=timezone.now())
        encounter_close(by=by, encounter_id=consult.encounter_id)
        care_team_close(by, consult)
        if by == SYSTEM:
            mails.closed(consult)
    return consult
