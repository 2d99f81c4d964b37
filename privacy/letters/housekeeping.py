"""What beat sees to: mail that does not arrive becomes paper, and what need not be kept goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.context import SYSTEM
from portal.crypto import sealed
from portal.dates import today
from portal.outbox.models import MailState, OutgoingMail
from privacy.letters.kinds import CLOSING, CLOSING_CHILD
from privacy.letters.mails import notice_key
from privacy.letters.making import FOLDER
from privacy.letters.models import Letter, NoticeState, PaperReason, PrintState
from privacy.letters.services import letter_audit

AT_ONCE = 200
WATCHED = timedelta(days=60)


def letters_tidy(kept: Callable[[], set[str]]) -> dict[str, int]:
    """What can wait for the night; returns how many of each are gone. ``kept``: see ``orphans_remove``."""
    return {"enclosures": enclosures_remove(), "closing": closing_wipe(), "orphans": orphans_remove(kept)}


def mail_fails_to_paper() -> int:
    """A letter whose mail could not be delivered, and that nobody has read, goes by post (RULES 1.41, 3.6)."""
    since = timezone.now() - WATCHED
    told = Letter.objects.filter(notice=NoticeState.TOLD, read_at=None, made_at__gt=since).values_list("pk", flat=True)
    keys = {notice_key(letter_id): letter_id for letter_id in told}
    failed = OutgoingMail.objects.filter(
        kind="privacy.letter_waits", once_key__in=list(keys), state__in=[MailState.DEAD, MailState.REFUSED]
    ).values_list("once_key", flat=True)[:AT_ONCE]
    return sum(_to_paper(keys[key]) for key in failed)


def _to_paper(letter_id: UUID) -> bool:
    with transaction.atomic():
        letter = Letter.objects.select_for_update().filter(pk=letter_id, notice=NoticeState.TOLD, read_at=None).first()
        if letter is None:
            return False
        letter.notice = NoticeState.FAILED
        if letter.paper == PrintState.NONE:
            letter.paper, letter.paper_reason = PrintState.TO_PRINT, PaperReason.MAIL_FAILED
        letter.save(update_fields=["notice", "paper", "paper_reason"])
        letter_audit(SYSTEM, letter, "letter:mail_failed")
    return True


def enclosures_remove() -> int:
    """What was printed behind a letter is not kept for ever: it is a copy of the record."""
    over = _long_posted().exclude(enclosure_name="")
    gone = 0
    for letter in over.only("pk", "enclosure_name")[:AT_ONCE]:
        name = letter.enclosure_name
        # Asked again with the change: the post may have brought it back this moment.
        if over.filter(pk=letter.pk).update(enclosure_name="", enclosure_key=None):
            sealed.delete(name)
            gone += 1
    return gone


def _long_posted() -> QuerySet[Letter]:
    """On its way for so long that it does not come back any more, or came back and was seen to."""
    limit = today() - timedelta(days=settings.LETTER_ENCLOSURE_DAYS)
    return Letter.objects.filter(posted_on__lt=limit, paper__in=[PrintState.POSTED, PrintState.SETTLED])


def closing_wipe() -> int:
    """A letter about a person who is gone is gone as well, once it is posted and can no longer come back."""
    over = _long_posted().filter(subject_id=None, account_id=None, kind__in=[CLOSING, CLOSING_CHILD])
    gone = 0
    for letter in over.only("pk", "pdf_name")[:AT_ONCE]:
        if over.filter(pk=letter.pk).delete()[0]:
            sealed.delete(letter.pdf_name)
            gone += 1
    return gone


def known_files() -> set[str]:
    """The sealed files in the folder of letters that a row names."""
    names = Letter.objects.values_list("pdf_name", "enclosure_name")
    return {name for pair in names.iterator() for name in pair if name}


def orphans_remove(kept: Callable[[], set[str]]) -> int:
    """Delete files that no row names. Returns how many.

    ``kept`` tells the files in this folder that belong to rows of the room above (copies to be printed).
    """
    return sealed.orphans_remove(FOLDER, lambda: kept() | known_files())
