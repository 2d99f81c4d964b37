"""The mail that tells patients of a new owner; it names the owner and the day, and nothing of a record."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import PRIORITY_BULK, Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from privacy.disclosing.models import Assignment
from records.vault.content import opened

TOLD = Letter("privacy/mail/assignment", ("acquirer", "address", "day", "url", "officer", "officer_email", "phone"))


def assignment_told(row: Assignment, patient_id: UUID, account_id: UUID) -> None:
    """The practice passes to a new owner (once an account and patient)."""
    mail_queue(
        kind="privacy.assignment", account_id=account_id, subject_id=patient_id,
        once_key=f"privacy.assignment:{row.pk}:{patient_id}:{account_id}", refs={"assignment": str(row.pk)},
    )


def _told(mail: MailContext) -> Rendered:
    row = Assignment.objects.get(pk=mail.refs["assignment"])
    return TOLD.render(
        acquirer=opened(row, "acquirer"), address=", ".join(opened(row, "acquirer_address").splitlines()),
        day=date_format(row.passes_on, "F j, Y"), url=settings.SITE_URL + reverse("privacy:home"),
        officer=settings.CLINIC_OFFICER_NAME, officer_email=settings.CLINIC_OFFICER_EMAIL, phone=settings.CLINIC_PHONE,
    )


def register_mails() -> None:
    """Called once at start."""
    register(
        Mail(
            "privacy.assignment", Category.OPERATIONAL, _told, _("%(clinic)s gets a new owner"), priority=PRIORITY_BULK
        )
    )
