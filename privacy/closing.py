"""The last letter after a deletion on paper, for who has no mail address with us or wants everything by post (P41).

Whom it goes to is read before the record goes; the letter itself belongs to nobody's record, and is
wiped once it is posted and can no longer come back.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.selectors import display_names
from portal.context import SYSTEM
from portal.errors import NotVisible
from portal.permissions import Purpose
from portal.subjects import Subject
from privacy.disclosing.closing import given_text
from privacy.dossier import subject_of
from privacy.letters.kinds import CLOSING, CLOSING_CHILD
from privacy.letters.models import Letter
from privacy.letters.services import Recipient, letter_write
from privacy.mails import Closing, books_until, log_until
from privacy.models import RequestKind, RightsRequest
from privacy.requests.letters import recipient_of
from records.contact.selectors import reach_of, wants_post
from records.vault.rooms import open_patient


def paper_address(request: RightsRequest) -> Recipient | None:
    """Where the last letter goes by post; None where a mail tells it. Read outside of any transaction."""
    if request.account_id is not None and mailed(request.account_id, request.subject_id):
        return None
    told = recipient_of(request)
    if told is not None or request.subject_id is None:
        return told
    try:
        patient = open_patient(by=SYSTEM, patient_id=request.subject_id, purpose=Purpose.COMMUNICATING)
    except NotVisible:  # a try before this one has deleted the record
        return None
    lines = reach_of(request.subject_id).address.lines or patient.address.lines
    own = request.account_id is None or request.account_id in subject_of(request.subject_id).account_ids
    name = patient.full_name if own else display_names([request.account_id]).get(request.account_id, "")
    return Recipient(name or patient.full_name, tuple(lines))


def mailed(account_id: UUID, subject_id: UUID | None) -> bool:
    """Not who wants letters, and not who left for good: that address is never written to (P28)."""
    account = User.objects.only("email").filter(pk=account_id).first()
    return account is not None and not account.has_left and not wants_post(account_id, subject_id)


def young_mailed(request: RightsRequest, subject: Subject) -> list[UUID]:
    """Where a parent or guardian asked: the sign-ins of the young person that go with the record, and are told."""
    if request.kind != RequestKind.GUARDIAN_DELETION:
        return []
    return [one for one in subject.account_ids if one != request.account_id and mailed(one, subject.subject_id)]


def closing_letter(*, request: RightsRequest, to: Recipient, closing: Closing) -> Letter:
    """Put the last letter into the print queue, in the erasure's transaction."""
    return letter_write(
        by=SYSTEM, kind=CLOSING_CHILD if closing.child else CLOSING, subject_id=None, request_id=request.pk, to=to,
        paper=True, once_key=f"closing:{request.pk}", fields=closing_fields(closing),
    )


def closing_fields(closing: Closing) -> dict[str, str]:
    """The same facts as the mail tells, as fields of the letter."""
    kept = [
        _archived(closing),
        _("The log of who opened the record, and that we did what you asked, until %(day)s at least, with numbers in "
          "place of names.") % {"day": _day(log_until())},
        _("Sealed backups of before today, until %(day)s. Nobody reads them, and if one had to be used, the record is "
          "deleted from it again.") % {"day": _day(closing.backups_until)},
        _("Numbers about our work that name nobody."),
    ]
    if closing.paid:
        kept.append(
            _("The lines of our books about a payment, until %(day)s at least, without a name. Square, who took the "
              "payment, keeps its own record of it.") % {"day": _day(books_until())}
        )
    deleted = _("Your answers, photos, messages and plans; your name and contact details; your account; drafts and "
                "copies that were still waiting.")
    if closing.child:
        deleted = _("The answers, photos, messages and plans; the child’s name and contact details; the child’s own "
                    "account, where there was one; drafts and copies that were still waiting.")
    if closing.paid_back:
        deleted += "\n" + _("A consult that nobody had answered has ended, and what was paid for it goes back.")
    return {
        "deleted": deleted, "kept": "\n".join(kept),
        "kept_until": _day(closing.kept_until) if closing.kept_until else "",
        "backups_until": _day(closing.backups_until), "recipients": _recipients(closing),
        "beyond": _beyond(closing),
    }


def _archived(closing: Closing) -> str:
    if closing.kept_until is None:
        return _("Nothing of it is in our archive: there was no consult that we must keep.")
    if closing.list_only:
        return _("The list of who received something of the record, locked in our archive until %(day)s, since the "
                 "law makes us keep it.") % {"day": _day(closing.kept_until)}
    kept = {"day": _day(closing.kept_until), "n": settings.RETENTION_ADULT_YEARS}
    return _("One locked copy of what was sent to us and of our answers, in our archive, until %(day)s. It is our own "
             "rule of %(n)d years. Nobody at the clinic can read it in daily work.") % kept


def _recipients(closing: Closing) -> str:
    """Who received what, a line each (P41)."""
    if not closing.given:
        return _("Our register shows nothing of the record that went to anybody outside the clinic.")
    return given_text(closing.given)


def _beyond(closing: Closing) -> str:
    """What we cannot delete (P41)."""
    own = _("If you gave a copy to somebody yourself, only they can delete it.")
    return _("We cannot delete it there. Ask them if you want it gone.") + "\n" + own if closing.given else own


def _day(day: dt.date) -> str:
    return date_format(day, "F j, Y")
