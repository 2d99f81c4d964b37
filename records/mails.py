"""The mails of the vault. None names a patient or tells what is in a record."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import staff_of
from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from portal.permissions import Role
from records.emergency.models import Emergency

EMERGENCY = Letter("records/mail/emergency", ("url",))


def emergency_opened(emergency: Emergency) -> None:
    """Alert each compliance officer, at once; without one, the officer's address of the clinic."""
    refs = {"emergency": str(emergency.pk)}
    officers = staff_of(Role.OFFICER)
    for account_id in officers:
        mail_queue(
            kind="records.emergency", account_id=account_id, subject_id=emergency.patient_id,
            once_key=f"records.emergency:{emergency.pk}:{account_id}", refs=refs,
        )
    if not officers:
        mail_queue(
            kind="records.emergency", address=settings.CLINIC_OFFICER_EMAIL, subject_id=emergency.patient_id,
            once_key=f"records.emergency:{emergency.pk}", refs=refs,
        )


def _emergency(mail: MailContext) -> Rendered:
    url = settings.SITE_URL + reverse("admin:privacy_emergency", args=[mail.refs["emergency"]])
    return EMERGENCY.render(url=url)


def register_mails() -> None:
    """Called once at start."""
    register(Mail("records.emergency", Category.OPERATIONAL, _emergency, _("A record was opened in an emergency")))
