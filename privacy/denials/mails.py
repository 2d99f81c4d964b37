"""Clinicians hear that a refused request waits for a second look. Nothing of it stands in the mail."""

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
from privacy.denials.models import Denial

WAITS = Letter("privacy/mail/review_waits", ("url",))


def review_waits(denial: Denial) -> None:
    """To each clinician who had no part in the answer, once."""
    for account_id in staff_of(Role.CLINICIAN):
        if account_id not in (denial.decided_by, denial.judged_by):
            mail_queue(
                kind="privacy.review_waits", account_id=account_id, subject_id=denial.subject_id,
                once_key=f"privacy.review_waits:{denial.pk}:{account_id}", refs={"denial": str(denial.pk)},
            )


def _waits(mail: MailContext) -> Rendered:
    return WAITS.render(url=settings.SITE_URL + reverse("admin:privacy_reviews"))


def register_mails() -> None:
    """Called once at start."""
    register(Mail("privacy.review_waits", Category.OPERATIONAL, _waits, _("A review waits for you")))
