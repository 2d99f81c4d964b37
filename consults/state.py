"""The states of a consult, and who may move it. Tests try every action in every state."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.permissions import Role


class ConsultState(models.TextChoices):
    """Where a consult stands."""

    DRAFT = "draft", _("Not sent yet")
    AWAITING_PAYMENT = "awaiting_payment", _("Waiting for payment")
    SUBMITTED = "submitted", _("Waiting for a clinician")
    IN_REVIEW = "in_review", _("A clinician is looking at it")
    NEEDS_INFORMATION = "needs_information", _("We have a question for you")
    ANSWERED = "answered", _("Your plan is ready")
    CLOSED = "closed", _("Finished")
    WITHDRAWN = "withdrawn", _("You took it back")
    DECLINED = "declined", _("We could not help online")
    EXPIRED = "expired", _("Ran out before it was sent")


class ConsultAction(models.TextChoices):
    """What moves a consult."""

    SUBMIT = "submit", _("Send")
    REVISE = "revise", _("Change before paying")
    PAY = "pay", _("Payment arrived")
    TAKE = "take", _("Take the case")
    RELEASE = "release", _("Put back in the queue")
    ASK = "ask", _("Ask the patient")
    REPLY = "reply", _("Answer the question")
    ANSWER = "answer", _("Sign and send the plan")
    CLOSE = "close", _("Close")
    WITHDRAW = "withdraw", _("Take back")
    DECLINE = "decline", _("Decline")
    EXPIRE = "expire", _("Let run out")
    END = "end", _("End before the record is deleted")


S, A = ConsultState, ConsultAction
PATIENT = frozenset({Role.PATIENT, Role.GUARDIAN})
CLINICIAN = frozenset({Role.CLINICIAN})
PORTAL = frozenset({Role.SYSTEM})

TRANSITIONS: dict[tuple[ConsultState, ConsultAction], ConsultState] = {
    (S.DRAFT, A.SUBMIT): S.AWAITING_PAYMENT,
    (S.DRAFT, A.WITHDRAW): S.WITHDRAWN,
    (S.DRAFT, A.EXPIRE): S.EXPIRED,
    (S.AWAITING_PAYMENT, A.REVISE): S.DRAFT,
    (S.AWAITING_PAYMENT, A.PAY): S.SUBMITTED,
    (S.AWAITING_PAYMENT, A.WITHDRAW): S.WITHDRAWN,
    (S.AWAITING_PAYMENT, A.EXPIRE): S.EXPIRED,
    (S.SUBMITTED, A.TAKE): S.IN_REVIEW,
    (S.SUBMITTED, A.WITHDRAW): S.WITHDRAWN,
    (S.IN_REVIEW, A.RELEASE): S.SUBMITTED,
    (S.IN_REVIEW, A.ASK): S.NEEDS_INFORMATION,
    (S.IN_REVIEW, A.ANSWER): S.ANSWERED,
    (S.IN_REVIEW, A.DECLINE): S.DECLINED,
    (S.NEEDS_INFORMATION, A.REPLY): S.IN_REVIEW,
    (S.NEEDS_INFORMATION, A.ANSWER): S.ANSWERED,
    (S.NEEDS_INFORMATION, A.WITHDRAW): S.WITHDRAWN,
    (S.NEEDS_INFORMATION, A.DECLINE): S.DECLINED,
    (S.ANSWERED, A.ASK): S.NEEDS_INFORMATION,
    (S.ANSWERED, A.CLOSE): S.CLOSED,
    (S.DRAFT, A.END): S.WITHDRAWN,
    (S.AWAITING_PAYMENT, A.END): S.WITHDRAWN,
    (S.SUBMITTED, A.END): S.WITHDRAWN,
    (S.IN_REVIEW, A.END): S.WITHDRAWN,
    (S.NEEDS_INFORMATION, A.END): S.WITHDRAWN,
    (S.ANSWERED, A.END): S.CLOSED,
}

ALLOWED_ROLES: dict[ConsultAction, frozenset[Role]] = {
    A.SUBMIT: PATIENT,
    A.REVISE: PATIENT,
    A.PAY: PORTAL,
    A.TAKE: CLINICIAN,
    A.RELEASE: CLINICIAN,
    A.ASK: CLINICIAN,
    A.REPLY: PATIENT,
    A.ANSWER: CLINICIAN,
    A.CLOSE: CLINICIAN | PORTAL,
    A.WITHDRAW: PATIENT,
    A.DECLINE: CLINICIAN,
    A.EXPIRE: PORTAL,
    A.END: PORTAL,
}

ENDED = frozenset({S.CLOSED, S.WITHDRAWN, S.DECLINED, S.EXPIRED})
QUEUE = frozenset({S.SUBMITTED})
WITH_CLINICIAN = frozenset({S.IN_REVIEW, S.NEEDS_INFORMATION})
EDITABLE = frozenset({S.DRAFT})
UNSENT = frozenset({S.DRAFT, S.AWAITING_PAYMENT})
# In these a patient's message reaches a clinician, or will.
TALKING = frozenset({S.SUBMITTED, S.IN_REVIEW, S.NEEDS_INFORMATION, S.ANSWERED})
