"""The one mail of the backups: that there is none of the last day (P20)."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import staff_of
from portal.dates import today
from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from portal.permissions import Role

OVERDUE = Letter("privacy/mail/backup_overdue", ("hours", "url"))


def backup_overdue() -> None:
    """Tell officer and owner, once a day each, that the newest backup is too old."""
    for role in (Role.OFFICER, Role.OWNER):
        for account_id in staff_of(role):
            mail_queue(
                kind="privacy.backup_overdue", account_id=account_id,
                once_key=f"privacy.backup_overdue:{today().isoformat()}:{account_id}",
            )


def _render(context: MailContext) -> Rendered:
    return OVERDUE.render(hours=settings.BACKUP_MAX_AGE_HOURS, url=f"{settings.SITE_URL}/admin/")


def register_mails() -> None:
    """Called once at start."""
    subject = _("The portal’s backup is overdue")
    register(Mail("privacy.backup_overdue", Category.OPERATIONAL, _render, subject))
