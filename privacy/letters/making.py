"""Making a letter's PDF: by a job, exactly once, sealed; then its reader is told.

Whom it is addressed to is looked up here, outside of any transaction, since the vault commits its
trace first. A worker killed anywhere leaves at most a file that no row names: the sweep takes it.
"""

from __future__ import annotations

import datetime as dt
import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pikepdf
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.accounts.selectors import address_of, display_names
from portal.context import SYSTEM
from portal.crypto import sealed
from portal.crypto.sealed import SealedRef
from portal.dates import start_of_day
from portal.errors import NotVisible
from portal.jobs.models import Job
from portal.jobs.registry import JobKind, Progress, register
from portal.permissions import Purpose
from privacy.letters import mails
from privacy.letters.models import Letter, NoticeState, PaperReason, PrintState
from privacy.letters.services import JOB_KIND, Recipient
from privacy.requests.models import RightsRequest
from records.contact.selectors import Reach, reach_of, wants_post
from records.export.typesetting import typeset
from records.models import AccessGrant, GrantKind
from records.vault.content import PatientView
from records.vault.rooms import open_patient

TEMPLATE = Path(__file__).with_name("letter.typ")
FOLDER = "letters"
TO_PARENTS = gettext_lazy("To the parent or guardian of %(name)s")


def _run(job: Job, progress: Progress) -> dict[str, str | int]:
    """Make one letter; again after a crash, it makes it once. Erased meanwhile: nothing to do."""
    letter = Letter.objects.filter(pk=ref_of(job)).first()
    if letter is None or letter.made_at is not None:
        return {}
    progress(0, 1)
    to = _recipient(letter)
    pdf = letter_pdf(letter, to)
    pages = page_count(pdf)
    ref = sealed.write(pdf, folder=FOLDER)
    try:
        kept = _keep(letter, to, ref, pages)
    except BaseException:
        sealed.delete(ref.name)
        raise
    if not kept:
        sealed.delete(ref.name)
    return {"letter": str(letter.pk)}


def ref_of(job: Job) -> UUID:
    """What a job is about; ours always are about something."""
    assert job.ref is not None
    return job.ref


def _keep(seen: Letter, to: Recipient, ref: SealedRef, pages: int) -> bool:
    """The row, what is before it gone, and the mail: all or nothing. Of two workers one keeps its file."""
    with transaction.atomic():
        letter = Letter.objects.select_for_update().filter(pk=seen.pk).first()
        if letter is None or letter.made_at is not None or letter.recipient != seen.recipient:
            return False
        former = letter.pdf_name
        letter.recipient = to.as_json()
        letter.pdf_name, letter.pdf_key, letter.pdf_size = ref.name, ref.key, ref.size
        letter.pages, letter.made_at = pages, timezone.now()
        _tell(letter)
        letter.save()
        if former:
            transaction.on_commit(lambda: sealed.delete(former), robust=True)
    return True


def _tell(letter: Letter) -> None:
    """A mail says that it waits; who wants everything by post gets it on paper instead (P54)."""
    if letter.notice != NoticeState.WAITING or letter.account_id is None:
        return
    gone = address_of(letter.account_id) is None  # a closed account reads nothing (P28)
    if gone or wants_post(letter.account_id, letter.subject_id):
        letter.notice = NoticeState.NONE
        if letter.paper == PrintState.NONE:
            reason = PaperReason.NO_ACCOUNT if gone else PaperReason.CHOICE
            letter.paper, letter.paper_reason = PrintState.TO_PRINT, reason
        return
    mails.letter_waits(letter)
    letter.notice = NoticeState.TOLD


def _recipient(letter: Letter) -> Recipient:
    """As given; else the account's person, else the patient, at the address that is theirs today.

    An address that the patient chose for letters goes before the one in the record (RULES 1.38).
    """
    if letter.recipient and letter.recipient.get("lines"):
        return Recipient(letter.recipient["name"], tuple(letter.recipient["lines"]))
    given = (letter.recipient or {}).get("name", "")
    patient = _patient(letter.subject_id) if letter.subject_id else None
    if patient is None:
        return Recipient(given or _account_name(letter))
    to_patient, reach = letter.account_id is None or _is_own(letter), reach_of(patient.id)
    name = given or (_patient_name(letter, patient) if to_patient else _account_name(letter))
    chosen = reach.address.lines if to_patient or _chose(letter, reach) else []
    return Recipient(name, tuple(chosen or patient.address.lines))


def _chose(letter: Letter, reach: Reach) -> bool:
    """True when the guardian who reads it asked for this address; one that the young person chose is not theirs."""
    asked_in = reach.asked_in
    return asked_in is not None and RightsRequest.objects.filter(pk=asked_in, account_id=letter.account_id).exists()


def _patient(subject_id: UUID) -> PatientView | None:
    try:
        return open_patient(by=SYSTEM, patient_id=subject_id, purpose=Purpose.COMMUNICATING)
    except NotVisible:
        return None


def _is_own(letter: Letter) -> bool:
    """True when the account that reads it is the patient's own."""
    return letter.subject_id is not None and AccessGrant.objects.filter(
        patient_id=letter.subject_id, account_id=letter.account_id, kind=GrantKind.SELF
    ).exists()


def _patient_name(letter: Letter, patient: PatientView) -> str:
    """The patient; a child without an account is written to through its parents."""
    minor = patient.age is not None and patient.age < settings.ADULT_AGE
    if letter.account_id is None and minor:
        return str(TO_PARENTS) % {"name": patient.full_name}
    return patient.full_name


def _account_name(letter: Letter) -> str:
    return display_names([letter.account_id]).get(letter.account_id, "") if letter.account_id else ""


def letter_pdf(letter: Letter, to: Recipient) -> bytes:
    """The letter's bytes; the same letter gives the same."""
    with translation.override(letter.language):
        return typeset(TEMPLATE, _content(letter, to), dated=start_of_day(letter.dated)).data


def _content(letter: Letter, to: Recipient) -> dict[str, Any]:
    content: dict[str, Any] = dict(letter.content)
    return {
        **content, "lang": letter.language.split("-")[0], "reference": reference_shown(letter.reference),
        "day": [letter.dated.year, letter.dated.month, letter.dated.day], "date": day_text(letter.dated),
        "to_lines": [to.name, *to.lines] if to.name else list(to.lines), "salutation": salutation(to.name),
        "words": {"reference": _("Reference"), "closing": _("Sincerely,")}, "enclosed": enclosed_text(letter),
    }


def salutation(name: str) -> str:
    """How the letter begins; an envelope says "To the parent or guardian of ...", and nobody is greeted like that."""
    if not name:
        return _("Hello,")
    before, after = str(TO_PARENTS).split("%(name)s")
    if name.startswith(before) and name.endswith(after):
        child = name.removeprefix(before).removesuffix(after)
        return _("Dear parent or guardian of %(name)s,") % {"name": child}
    return _("Dear %(name)s,") % {"name": name}


def enclosed_text(letter: Letter) -> str:
    """What is printed behind it; empty for nothing."""
    if not letter.enclosure_pages:
        return ""
    return ngettext("Enclosed: %(n)d page", "Enclosed: %(n)d pages", letter.enclosure_pages) % {
        "n": letter.enclosure_pages
    }


def day_text(day: dt.date) -> str:
    return date_format(day, "F j, Y")


def reference_shown(reference: str) -> str:
    """As people read it: ``K7Q2-M4XD``."""
    return f"{reference[:4]}-{reference[4:]}"


def page_count(pdf: bytes) -> int:
    """Pages of a PDF that the portal made itself."""
    with pikepdf.open(io.BytesIO(pdf)) as found:
        return len(found.pages)


def register_job() -> None:
    """Called once at start."""
    register(JobKind(JOB_KIND, _run, title=gettext_lazy("A letter"), keep=timedelta(days=7), failed=_failed))


def _failed(job: Job) -> None:
    """The officers hear of a letter that could not be made: its clock runs on."""
    letter = Letter.objects.filter(pk=ref_of(job), made_at=None).only("pk", "subject_id").first()
    if letter is not None:
        mails.letter_not_made(letter, job.pk)
