"""Ways in which a consult ends without an answer: taken back, run out, or ended with the record."""

from __future__ import annotations

from uuid import UUID

from django.apps import apps
from django.db import transaction
from django.utils import timezone

from billing.state import OrderState
from consults import mails
from consults.models import Consult
from consults.services.moves import care_team_close, held, money_back, move, order_of, queue_close, record
from consults.state import ENDED, ConsultAction, ConsultState
from portal.audit.append_only import RewriteReason, rewrite_allowed
from portal.audit.models import Action
from portal.context import Actor
from portal.permissions import Role
from records.changes import Basis, basis
from records.encounters.services import encounter_close
from records.models import Answer, Photo


def consult_withdraw(*, by: Actor, consult_id: UUID) -> Consult:
    """The patient takes the consult back; what was paid is given back.

    What nobody at the clinic could have seen yet is removed; what was handed in stays in the
    record. Taking back twice changes nothing.
    """
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.WITHDRAW)
        if consult.state == ConsultState.WITHDRAWN:
            return consult
        seen = consult.paid_at is not None
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.WITHDRAW, ended_at=timezone.now())
        if not seen:
            _content_remove(by, consult)
        encounter_close(by=by, encounter_id=consult.encounter_id)
        queue_close(by, consult)
        care_team_close(by, consult)
        money_back(consult)
        if seen:
            mails.withdrawn(consult)
    return consult


def consult_expire(*, by: Actor, consult_id: UUID) -> Consult:
    """Let an unsent consult run out: its answers and photos go, and nothing is archived.

    A paid one never runs out, even if the news of the payment is still on its way.
    """
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.EXPIRE)
        order = order_of(consult_id)
        if consult.state == ConsultState.EXPIRED or (order is not None and order.state != OrderState.OPEN):
            return consult
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.EXPIRE, ended_at=timezone.now())
        _content_remove(by, consult)
        encounter_close(by=by, encounter_id=consult.encounter_id)
        money_back(consult)
        mails.expired(consult)
    return consult


def consults_end(*, by: Actor, patient_id: UUID) -> int:
    """End every open consult of a person whose record is about to be deleted (P39).

    What was never handed in is removed for good and not archived; what was paid and has no answer
    yet is paid back; an answered one is closed. Nobody is mailed: the closing letter tells. Returns
    how many were ended; called again it finds none.
    """
    running = Consult.objects.filter(patient_id=patient_id).exclude(state__in=ENDED)
    return sum(_end(by, consult_id) for consult_id in list(running.values_list("pk", flat=True)))


def draft_end(*, by: Actor, patient_id: UUID) -> int:
    """Remove the consult that a person has begun and not sent; a merge leaves room for one only.

    Returns 1, or 0 where there was none.
    """
    draft = Consult.objects.filter(patient_id=patient_id, state=ConsultState.DRAFT).values_list("pk", flat=True)
    return sum(_end(by, consult_id) for consult_id in list(draft))


def _end(by: Actor, consult_id: UUID) -> bool:
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.END)
        if consult.state in ENDED:
            return False
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.END, ended_at=timezone.now())
        if consult.paid_at is None:
            _content_remove(by, consult)
        encounter_close(by=by, encounter_id=consult.encounter_id)
        queue_close(by, consult)
        care_team_close(by, consult, follow_up=False)
        if consult.answered_at is None:
            money_back(consult)
    return True


def _content_remove(by: Actor, consult: Consult) -> None:
    """Answers with their former values, and photos with their files, for good.

    Nobody relied on them: they were never handed in. The files go once this is committed.
    """
    why = Basis.CLINICAL_CARE if by.role == Role.SYSTEM else Basis.PATIENT_EDIT
    former = apps.get_model("records", "AnswerEvent")
    for photo in Photo.objects.filter(encounter_id=consult.encounter_id):
        photo.delete()
    with basis(why, by=by):
        Answer.objects.filter(encounter_id=consult.encounter_id).delete()
    with rewrite_allowed(former, reason=RewriteReason.RETENTION):
        former._default_manager.filter(encounter_id=consult.encounter_id).delete()
    record(by, consult, Action.DELETE, basis="unsent")
