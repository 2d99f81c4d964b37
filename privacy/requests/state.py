"""The states of a privacy request. No dead ends; nothing runs before identity is proven."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.permissions import Role


class RequestState(models.TextChoices):
    """Where a request stands."""

    RECEIVED = "received", _("We have your request")
    IN_PROGRESS = "in_progress", _("We are working on it")
    CARRYING_OUT = "carrying_out", _("Being carried out")
    COMPLETED = "completed", _("Done")
    DENIED = "denied", _("Not granted")
    WITHDRAWN = "withdrawn", _("You took it back")


class RequestAction(models.TextChoices):
    """What moves a request."""

    START = "start", _("Start work")
    CARRY_OUT = "carry_out", _("Carry it out")
    COMPLETE = "complete", _("Finish")
    FAIL = "fail", _("Could not be carried out; try again")
    DENY = "deny", _("Do not grant")
    WITHDRAW = "withdraw", _("Take back")
    HOLD = "hold", _("Stopped by a legal hold")
    LAPSE = "lapse", _("Overtaken by the deletion of the record")


S, A = RequestState, RequestAction
OFFICER = frozenset({Role.OFFICER})
PATIENT = frozenset({Role.PATIENT, Role.GUARDIAN})
PORTAL = frozenset({Role.SYSTEM})

TRANSITIONS: dict[tuple[RequestState, RequestAction], RequestState] = {
    (S.RECEIVED, A.START): S.IN_PROGRESS,
    (S.RECEIVED, A.WITHDRAW): S.WITHDRAWN,
    (S.IN_PROGRESS, A.CARRY_OUT): S.CARRYING_OUT,
    (S.IN_PROGRESS, A.DENY): S.DENIED,
    (S.IN_PROGRESS, A.WITHDRAW): S.WITHDRAWN,
    (S.CARRYING_OUT, A.COMPLETE): S.COMPLETED,
    (S.CARRYING_OUT, A.FAIL): S.IN_PROGRESS,
    (S.IN_PROGRESS, A.HOLD): S.IN_PROGRESS,
    (S.CARRYING_OUT, A.HOLD): S.IN_PROGRESS,
    (S.RECEIVED, A.LAPSE): S.WITHDRAWN,
    (S.IN_PROGRESS, A.LAPSE): S.WITHDRAWN,
    (S.CARRYING_OUT, A.LAPSE): S.WITHDRAWN,
}
ALLOWED_ROLES: dict[RequestAction, frozenset[Role]] = {
    A.START: OFFICER | PORTAL,
    A.CARRY_OUT: OFFICER | PORTAL,
    A.COMPLETE: PORTAL,
    A.FAIL: PORTAL,
    A.DENY: OFFICER,
    A.WITHDRAW: PATIENT,
    A.HOLD: OFFICER | PORTAL,
    A.LAPSE: PORTAL,
}
ENDED = frozenset({S.COMPLETED, S.DENIED, S.WITHDRAWN})
OPEN = frozenset(S) - ENDED
