"""The one mail that still goes to somebody who leaves: what was done, and what follows (P28)."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from privacy.requests.models import RightsRequest

LEFT = Letter("privacy/mail/left", ("ended", "years", "address", "phone"))


def left(request: RightsRequest, address: str, *, ended: int) -> None:
    """To the address that the account had; it is wiped on delivery. ``ended``: consults that ended with it."""
    mail_queue(
        kind="privacy.left", address=address, subject_id=request.subject_id, once_key=f"privacy.left:{request.pk}",
        refs={"ended": str(ended)},
    )


def _left(mail: MailContext) -> Rendered:
    return LEFT.render(
        ended=int(mail.refs["ended"]), years=settings.RETENTION_ADULT_YEARS,
        address=", ".join([settings.CLINIC_LEGAL_NAME, *settings.CLINIC_ADDRESS]), phone=settings.CLINIC_PHONE,
    )


def register_mails() -> None:
    """Make the outbox know it; called at start."""
    register(
        Mail(
            "privacy.left", Category.OPERATIONAL, _left, _("You have left %(clinic)s: our last mail to you"),
            farewell=True,
        )
    )
