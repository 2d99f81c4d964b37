"""Handing a consult in, changing it before paying, and what a payment starts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Order
from billing.products import CONSULT_FEE
from billing.services import order_open
from billing.state import OrderState
from consults import mails
from consults.models import Consult, NoticeReceipt
from consults.questionnaire import Questionnaire
from consults.questionnaires import load
from consults.services.drafts import chosen_now, stop_of, values_now
from consults.services.moves import ORDER_KIND, held, money_back, move, order_of, paid_moment, queue_open, record
from consults.state import ConsultAction, ConsultState
from portal.agreements.models import AgreementContext, PolicyKind
from portal.agreements.selectors import current, current_for_sign_up
from portal.agreements.services import agreement_record
from portal.audit.models import Action
from portal.context import SYSTEM, Actor
from portal.errors import DomainError, NotAllowed
from portal.permissions import Role
from records.encounters.services import encounter_submit
from records.photos.models import PhotoState
from records.photos.selectors import missing_views, photo_cards

CONSENT_VERSION = "care-1"  # the words of templates/consults/review.html


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person ticked when sending: care and agreement are needed, the notice never is (P53)."""

    care: bool
    agreement: bool
    notice: bool = False


def consult_submit(*, by: Actor, consult_id: UUID, consent: Consent, remote_address: str = "") -> Consult:
    """Hand the consult in: complete, consented, agreed; now it waits for its payment (P01, P08, P53).

    A second press finds it sent and changes nothing. Raises ``NotVisible`` and ``DomainError``:
    ``stop``, ``not_ready`` (answers or photos missing), ``photos_waiting``, ``photos_refused``,
    ``consent_missing``, ``agreement_missing``. A payment made before a change still counts.
    """
    with transaction.atomic():
        draft = held(by=by, consult_id=consult_id, action=ConsultAction.SUBMIT)
        if draft.state == ConsultState.AWAITING_PAYMENT:
            return draft
        if draft.state == ConsultState.DRAFT:
            _refuse_unless_ready(draft)
            _refuse_unless_agreed(consent)
        order = order_open(
            by=by, subject_id=draft.patient_id, kind=ORDER_KIND, reference=draft.pk, product_code=CONSULT_FEE
        )
        now = timezone.now()
        notice = current(PolicyKind.NOTICE_OF_PRIVACY_PRACTICES)
        consult = move(
            by=by, consult_id=consult_id, action=ConsultAction.SUBMIT, order_id=order.pk, submitted_at=now,
            consented_at=now, consent_version=CONSENT_VERSION, notice_version=notice.version,
            notice_receipt=_receipt(draft, consent, notice.version).value,
        )
        agreement_record(
            by=by, policies=current_for_sign_up(), context=AgreementContext.CONSULT, reference=consult.pk,
            remote_address=remote_address,
        )
        record(by, consult, Action.AGREE, basis=f"consent:{CONSENT_VERSION}")
        if order.state == OrderState.PAID:
            consult = _begin(consult, order)
    return consult


def consult_revise(*, by: Actor, consult_id: UUID) -> Consult:
    """Back to the draft before it is paid. Revising a draft changes nothing."""
    with transaction.atomic():
        consult = held(by=by, consult_id=consult_id, action=ConsultAction.REVISE)
        if consult.state == ConsultState.DRAFT:
            return consult
        return move(by=by, consult_id=consult_id, action=ConsultAction.REVISE, submitted_at=None)


def consult_paid(*, by: Actor = SYSTEM, consult_id: UUID) -> Consult | None:
    """A payment arrived. However often this is told, the consult begins once.

    While the person changes the answers (a draft again), the paid order waits for the next
    submit; for a consult that has ended meanwhile, the money goes back.
    """
    if by.role != Role.SYSTEM:
        raise NotAllowed(ConsultAction.PAY)
    with transaction.atomic():
        consult = Consult.objects.select_for_update(no_key=True).filter(pk=consult_id).first()
        order = order_of(consult_id) if consult else None
        if consult is None or order is None or order.state != OrderState.PAID or consult.paid_at is not None:
            return consult
        if consult.state == ConsultState.AWAITING_PAYMENT:
            return _begin(consult, order)
        if consult.state != ConsultState.DRAFT:
            money_back(consult)
    return consult


def _begin(consult: Consult, order: Order) -> Consult:
    """Paid: any clinician may see it now, and the promised time runs."""
    paid_at = paid_moment(order)
    consult = move(
        by=SYSTEM, consult_id=consult.pk, action=ConsultAction.PAY, paid_at=paid_at,
        due_at=paid_at + dt.timedelta(hours=settings.CLINIC_REPLY_HOURS),
    )
    encounter_submit(by=SYSTEM, encounter_id=consult.encounter_id)
    queue_open(SYSTEM, consult)
    mails.received(consult)
    mails.case_waiting(consult)
    return consult


def _refuse_unless_ready(consult: Consult) -> None:
    answers = chosen_now(consult)
    questionnaire = load(consult.questionnaire)
    if stop_of(questionnaire, answers) is not None:
        raise DomainError("stop", _("Please read the advice first. With this answer we cannot treat you online."))
    if unanswered(consult, questionnaire):
        raise DomainError("not_ready", _("Some questions still need an answer. They are marked on this page."))
    cards = photo_cards(consult.encounter_id)
    if missing_views(consult.encounter, cards=cards):
        raise DomainError("not_ready", _("We need one photo from the front and one from each side."))
    if any(card.state == PhotoState.REFUSED for card in cards):
        raise DomainError("photos_refused", _("One photo could not be used. Please take it again or remove it."))
    if any(card.waiting for card in cards):
        raise DomainError(
            "photos_waiting", _("We are still preparing your photos. It takes a few seconds: please try again.")
        )


def unanswered(consult: Consult, questionnaire: Questionnaire) -> list[str]:
    """Ids of required questions on this person's path that have no answer."""
    there = values_now(consult)
    return [q.id for q in questionnaire.asked(chosen_now(consult)) if q.required and q.id not in there]


def _refuse_unless_agreed(consent: Consent) -> None:
    if not consent.care:
        raise DomainError(
            "consent_missing", _("Please say yes to the consult: without it a clinician may not look."), "care"
        )
    if not consent.agreement:
        raise DomainError(
            "agreement_missing", _("Please agree to the privacy policy and the terms. Without it we cannot go on."),
            "agreement",
        )


def _receipt(consult: Consult, consent: Consent, version: str) -> NoticeReceipt:
    """P53: delivered with the first consult; whether they say so is theirs, and care never hangs on it."""
    if consent.notice:
        return NoticeReceipt.RECEIVED
    earlier = Consult.objects.filter(
        patient_id=consult.patient_id, notice_version=version, notice_receipt=NoticeReceipt.RECEIVED
    ).exclude(pk=consult.pk)
    return NoticeReceipt.EARLIER if earlier.exists() else NoticeReceipt.NOT_SAID


