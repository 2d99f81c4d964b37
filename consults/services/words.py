"""Messages in a consult's thread, from either side (S3), and the patient's reply to a question."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from consults import mails
from consults.models import Consult
from consults.services.moves import held, move
from consults.state import TALKING, ConsultAction, ConsultState
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from records.access import require_open
from records.messages.services import message_send
from records.models import Message


def consult_message(*, by: Actor, consult_id: UUID, body: str, form_key: UUID) -> Message:
    """Write in the thread; the other side is told by mail, without a word of what was said.

    A patient's message to a case with an open question is the reply to it. The same key sends
    once. Raises ``NotVisible``; ``DomainError`` ``thread_closed``, ``message_empty``,
    ``message_too_long``.
    """
    with transaction.atomic():
        consult = _thread(by, consult_id)
        known = Message.objects.filter(
            form_key=form_key, author_id=by.account, encounter_id=consult.encounter_id
        ).first()
        if known is not None:
            return known
        if consult.state not in TALKING and not (by.is_staff and consult.paid_at):
            raise DomainError(
                "thread_closed", _("This consult is finished, so nobody would read it. Please start a new one."), "body"
            )
        message = message_send(by=by, encounter_id=consult.encounter_id, body=body, form_key=form_key)
        consult.save(update_fields=["changed_at"])  # words end the quiet after which a consult closes by itself
        if by.is_staff:
            mails.message_for_patient(consult, message.pk)
            return message
        if consult.state == ConsultState.NEEDS_INFORMATION:
            move(by=by, consult_id=consult.pk, action=ConsultAction.REPLY)
        mails.message_for_clinician(consult, message.pk)
    return message


def consult_reply(*, by: Actor, consult_id: UUID, body: str, form_key: UUID) -> Consult:
    """Answer the clinician's question: the case goes back to whoever asked.

    The same key replies once. Raises ``NotVisible`` and ``DomainError`` as ``consult_message``,
    and ``consult_state`` where nothing was asked.
    """
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.REPLY)
        if already_said(by, form_key):
            return consult
        consult = move(by=by, consult_id=consult_id, action=ConsultAction.REPLY)
        message = message_send(by=by, encounter_id=consult.encounter_id, body=body, form_key=form_key)
        mails.message_for_clinician(consult, message.pk)
    return consult


def already_said(by: Actor, form_key: UUID) -> bool:
    """True when this press was heard before: the deed that carried the message is done."""
    return Message.objects.filter(form_key=form_key, author_id=by.account).exists()


def _thread(by: Actor, consult_id: UUID) -> Consult:
    consult = Consult.objects.select_for_update(no_key=True).filter(pk=consult_id).first()
    if consult is None or by.account_id is None:
        raise NotVisible
    require_open(by=by, patient_id=consult.patient_id, purpose=Purpose.COMMUNICATING, whole=True)
    return consult
