"""The states of a quoted fee, as a plain table. Whatever is not listed is refused."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.errors import DomainError


class FeeState(models.TextChoices):
    """Where a quote stands. ``waived``: nothing is asked, so nobody has to answer."""

    QUOTED = "quoted", _("Waits for an answer")
    ACCEPTED = "accepted", _("Accepted, not paid yet")
    PAID = "paid", _("Paid")
    WAIVED = "waived", _("Free")
    DECLINED = "declined", _("Not wanted at this price")
    REPLACED = "replaced", _("Replaced by another quote")
    CANCELLED = "cancelled", _("The request ended first")
    REFUNDED = "refunded", _("Given back")


class FeeAction(models.TextChoices):
    """What moves a quote."""

    ACCEPT = "accept", _("Agree to it")
    DECLINE = "decline", _("Not at this price")
    PAY = "pay", _("The order is paid")
    PAY_BY_POST = "pay_by_post", _("A check came")
    REPLACE = "replace", _("Name another sum")
    DROP = "drop", _("The request ended first")
    GIVE_BACK = "give_back", _("Give back what was paid")


S, A = FeeState, FeeAction
TRANSITIONS: dict[tuple[FeeState, FeeAction], FeeState] = {
    (S.QUOTED, A.ACCEPT): S.ACCEPTED,
    (S.ACCEPTED, A.ACCEPT): S.ACCEPTED,  # pressed twice, or come back to pay
    (S.QUOTED, A.DECLINE): S.DECLINED,
    (S.ACCEPTED, A.DECLINE): S.DECLINED,
    (S.ACCEPTED, A.PAY): S.PAID,
    (S.QUOTED, A.PAY_BY_POST): S.PAID,
    (S.ACCEPTED, A.PAY_BY_POST): S.PAID,
    (S.QUOTED, A.REPLACE): S.REPLACED,
    (S.ACCEPTED, A.REPLACE): S.REPLACED,
    (S.WAIVED, A.REPLACE): S.REPLACED,
    (S.QUOTED, A.DROP): S.CANCELLED,
    (S.ACCEPTED, A.DROP): S.CANCELLED,
    (S.PAID, A.GIVE_BACK): S.REFUNDED,
    # Money that comes for a quote that nobody waits for any more goes back as well.
    (S.ACCEPTED, A.GIVE_BACK): S.REFUNDED,
    (S.DECLINED, A.GIVE_BACK): S.REFUNDED,
    (S.REPLACED, A.GIVE_BACK): S.REFUNDED,
    (S.CANCELLED, A.GIVE_BACK): S.REFUNDED,
}
LIVE = (S.QUOTED, S.ACCEPTED, S.PAID, S.WAIVED)


def after(state: FeeState | str, action: FeeAction) -> FeeState:
    """The state after a step. Raises ``DomainError`` ``fee_state`` off the table."""
    found = TRANSITIONS.get((FeeState(state), action))
    if found is None:
        raise DomainError("fee_state", gettext("This has moved on. Load the page again to see where it stands."))
    return found
