"""Sending a message and marking messages as read."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from records.access import require_open
from records.encounters.models import Encounter
from records.messages.models import Message
from records.people.names import clean_text
from records.withholding.selectors import shown

BODY_LENGTH = 5000


def message_send(*, by: Actor, encounter_id: UUID, body: str, form_key: UUID) -> Message:
    """Send one message in the thread of an encounter.

    The same ``form_key`` again returns the message that was sent: five presses, one message.
    Raises ``NotVisible``, and ``DomainError`` for an empty or a too long text; the text stays
    with the person who wrote it, so nothing is cut off.
    """
    encounter = Encounter.objects.filter(pk=encounter_id).first()
    if encounter is None or by.account_id is None:
        raise NotVisible
    require_open(by=by, patient_id=encounter.patient_id, purpose=Purpose.COMMUNICATING, whole=True)
    text = checked_body(body)
    try:
        with transaction.atomic():
            message, made = Message.objects.get_or_create(
                form_key=form_key,
                defaults={
                    "encounter": encounter, "patient_id": encounter.patient_id, "author_id": by.account_id,
                    "from_staff": by.is_staff, "body": text,
                },
            )
            if made:
                _record(by, Action.SEND, message)
    except IntegrityError:
        raise NotVisible from None  # the encounter went meanwhile
    if message.encounter_id != encounter.pk or message.author_id != by.account_id:
        raise NotVisible  # a key that was not made for this page
    return message


def messages_read(*, by: Actor, encounter_id: UUID) -> int:
    """Mark what the other side wrote as read by this side; returns how many were new.

    It comes with looking: a guardian who may only see has read the message all the same.
    """
    encounter = Encounter.objects.filter(pk=encounter_id).only("pk", "patient_id").first()
    if encounter is None:
        raise NotVisible
    grant = require_open(
        by=by, patient_id=encounter.patient_id, purpose=Purpose.COMMUNICATING, whole=True, looking=True
    )
    new = Message.objects.filter(encounter_id=encounter_id, from_staff=not by.is_staff, read_at=None)
    return shown(new, grant).update(read_at=timezone.now())


def checked_body(body: str) -> str:
    """The cleaned text. Raises ``DomainError``: ``message_empty``, ``message_too_long``."""
    text = clean_text(body)
    if not text:
        raise DomainError("message_empty", _("Please write your message first."), "body")
    if len(text) > BODY_LENGTH:
        raise DomainError(
            "message_too_long",
            _("This message has %(size)d letters. Please use at most %(most)d, or send it in two.")
            % {"size": len(text), "most": BODY_LENGTH},
            "body",
        )
    return text


def _record(by: Actor, action: Action, message: Message) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.COMMUNICATING, subject_id=message.patient_id,
        object_kind="records.message", object_id=message.pk,
    )
