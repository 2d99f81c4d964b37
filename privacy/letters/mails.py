"""The mails about letters: that one waits, and that one could not be made. They tell nothing of it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import staff_of
from portal.outbox.letters import Letter as MailBody
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, register
from portal.outbox.services import mail_queue
from portal.permissions import Role
from privacy.letters.models import Letter

WAITS = MailBody("privacy/mail/letter_waits", ("url",))
NOT_MADE = MailBody("privacy/mail/letter_not_made", ("url",))


def notice_key(letter_id: UUID) -> str:
    """The outbox's name for the deed of telling that this letter waits."""
    return f"privacy.letter:{letter_id}"


def letter_waits(letter: Letter) -> None:
    """A letter waits in the portal (once a letter)."""
    mail_queue(
        kind="privacy.letter_waits", account_id=letter.account_id, subject_id=letter.subject_id,
        once_key=notice_key(letter.pk), refs={"letter": str(letter.pk)},
    )


def letter_not_made(letter: Letter, job_id: UUID) -> None:
    """To each officer: it stands on the desk of letters."""
    for account_id in staff_of(Role.OFFICER):
        mail_queue(
            kind="privacy.letter_not_made", account_id=account_id, subject_id=letter.subject_id,
            once_key=f"privacy.letter_not_made:{job_id}:{account_id}", refs={"letter": str(letter.pk)},
        )


def _waits(mail: MailContext) -> Rendered:
    return WAITS.render(url=settings.SITE_URL + reverse("privacy:letter", args=[mail.refs["letter"]]))


def _not_made(mail: MailContext) -> Rendered:
    return NOT_MADE.render(url=settings.SITE_URL + reverse("admin:letters"))


def register_mails() -> None:
    """Called once at start."""
    register(Mail("privacy.letter_waits", Category.OPERATIONAL, _waits, _("A letter waits for you")))
    register(Mail("privacy.letter_not_made", Category.OPERATIONAL, _not_made, _("A letter could not be made")))
