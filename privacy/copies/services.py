"""Copies that go by post, to the patient or to somebody the patient names (P32, RULES 1.9-1.13).

The way: the copy is made and its pages counted; the fee is named and agreed to; then it goes into
the print queue behind a cover letter; when it is posted the request is done, and what went to
somebody else stands in the register of disclosures.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.crypto.sealed import SealedRef
from portal.errors import DomainError
from portal.jobs.services import job_start
from portal.permissions import Purpose
from privacy.copies.models import PrintCopy
from privacy.copies.preparing import JOB_KIND, copy_remove
from privacy.fees import calculator
from privacy.fees.calculator import Form, Method
from privacy.fees.models import FeeQuote
from privacy.fees.selectors import settled
from privacy.fees.services import quote_drop, quote_send
from privacy.letters.models import Letter, PrintState
from privacy.letters.services import Enclosure, Recipient, letter_remove, letter_write, recipient_checked
from privacy.requests.mails import request_waits
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.services import locked, request_complete
from privacy.requests.state import RequestState
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record
from records.models import Encounter

KINDS = (RequestKind.ACCESS_PAPER, RequestKind.ACCESS_THIRD_PARTY)
COVER = "copy_cover"


def copy_prepare(*, by: Actor, request_id: UUID, encounter_id: UUID | None = None) -> PrintCopy:
    """Have the copy made and its pages counted; again, for another part, it is made anew.

    Raises ``DomainError`` ``request_state`` unless the request is being worked on, and
    ``no_such_consult`` for a consult of somebody else.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        if request.kind not in KINDS or request.state != RequestState.IN_PROGRESS or request.subject_id is None:
            raise DomainError("request_state", _("Take the request on first; while it waits for an answer it stays."))
        if encounter_id and not Encounter.objects.filter(pk=encounter_id, patient_id=request.subject_id).exists():
            raise DomainError("no_such_consult", _("This consult is not part of this record."), "part")
        copy_remove(request.pk)
        copy = PrintCopy(
            request_id=request.pk, subject_id=request.subject_id, encounter_id=encounter_id, asked_by=by.account_id
        )
        copy.job_id = job_start(
            by=SYSTEM, kind=JOB_KIND, subject_id=request.subject_id, ref=copy.pk, once_key=f"print:{copy.pk}"
        ).pk
        copy.save(force_insert=True)
        access_record(
            by=by, action=Action.EXPORT, purpose=Purpose.LEGAL_DUTY, subject_id=request.subject_id,
            object_kind="privacy.printcopy", object_id=copy.pk, basis=f"request:{request.pk}",
        )
        return copy


def copy_quote(
    *, by: Actor, request_id: UUID, minutes: int, postage_cents: int, appeal: bool = False, current_care: bool = False,
    waive: bool = False,
) -> FeeQuote:
    """Name what the counted copy costs; who does not read it in the portal gets a letter that says so.

    Raises ``DomainError`` ``copy_not_made``, and what ``quote_send`` says.
    """
    with transaction.atomic():
        request = locked(by, request_id)
        copy = _made(request)
        method = Method.ACTUAL  # the flat fee is for electronic copies only (RULES 1.11)
        quote = calculator.FREE if waive else calculator.quote(
            method=method, form=Form.PAPER, pages=copy.pages, minutes=minutes, postage_cents=postage_cents,
            state=state_of_clinic(), kind=request.kind, appeal=appeal, current_care=current_care,
        )
        return quote_send(
            by=by, request_id=request.pk, quote=quote, form=Form.PAPER, method=method, pages=copy.pages, minutes=minutes
        )


def state_of_clinic() -> str:
    """The state whose law caps the fee: the first one in which the clinic is licensed."""
    return next(iter(settings.CLINIC_STATES), "")


def copy_post(request: RightsRequest, by: Actor) -> None:
    """Carry it out: the cover letter with the copy behind it goes into the print queue.

    Raises ``DomainError`` ``copy_not_made``, ``fee_first`` while nothing is settled, ``not_signed``
    (RULES 1.9, 4.1), and with the field for a recipient without name or address.
    """
    copy = _made(request)
    if not settled(request.pk):
        raise DomainError("fee_first", _("First name the cost, or say that it is free."))
    letter_write(
        by=by, kind=COVER, subject_id=request.subject_id, request_id=request.pk, paper=True, to=recipient_of(request),
        account_id=None if request.kind == RequestKind.ACCESS_THIRD_PARTY else request.account_id,
        once_key=f"copy:{request.pk}:{copy.pk}",
        enclosure=Enclosure(SealedRef(copy.name, bytes(copy.key or b""), 0, ""), copy.pages),
        fields={
            "received": date_format(request.received_on, "F j, Y"), "pages": str(copy.pages),
            "asked_by": _asked_by(request),
        },
    )
    copy.delete()  # the file is the letter's now


def _asked_by(request: RightsRequest) -> str:
    if request.kind != RequestKind.ACCESS_THIRD_PARTY:
        return ""
    return str((request.particulars or {}).get("signed_name", ""))


def recipient_of(request: RightsRequest) -> Recipient | None:
    """Whom the copy goes to; None: the patient, at the address in the record."""
    told = request.particulars or {}
    if request.kind == RequestKind.ACCESS_THIRD_PARTY:
        if not str(told.get("signed_name", "")).strip():
            raise DomainError("not_signed", _("Nobody signed for it. Without a signature nothing is sent."))
        return recipient_checked(str(told.get("recipient_name", "")), str(told.get("recipient_address", "")))
    if str(told.get("address", "")).strip():
        return recipient_checked(str(told.get("name", "")), str(told["address"]))
    return written_to(request)


def written_to(request: RightsRequest) -> Recipient | None:
    """The address that came with a request of somebody without an account."""
    contact = request.contact or {}
    lines = tuple(line.strip() for line in str(contact.get("address", "")).splitlines() if line.strip())
    return Recipient(str(contact["name"]), lines) if request.account_id is None and contact.get("name") else None


def copy_posted(letter: Letter) -> None:
    """The copy is on its way: the request is done, and a gift to somebody else is registered. In the posting."""
    if letter.kind != COVER or letter.request_id is None:
        return
    request = RightsRequest.objects.select_for_update().filter(pk=letter.request_id).first()
    if request is None or request.state != RequestState.CARRYING_OUT:
        return
    if request.kind == RequestKind.ACCESS_THIRD_PARTY and request.subject_id is not None:
        to = letter.recipient or {}
        assert letter.posted_on is not None
        disclosure_record(
            by=SYSTEM, subject_id=request.subject_id, purpose=Purpose.LEGAL_DUTY, basis=DisclosureBasis.REQUEST,
            recipient=to.get("name", ""), recipient_address="\n".join(to.get("lines", [])), on=letter.posted_on,
            what=_("A copy of the record on paper, %(pages)s pages") % {"pages": letter.enclosure_pages},
            reference=request.pk,
        )
    request_complete(request)


def copy_is_signed_for(letter: Letter) -> bool:
    """A copy for somebody else goes to the person and the place of the signed form, and nowhere else."""
    third = RequestKind.ACCESS_THIRD_PARTY
    if letter.kind != COVER or letter.request_id is None:
        return False
    return RightsRequest.objects.filter(pk=letter.request_id, kind=third).exists()


def copy_stopped(request: RightsRequest) -> None:
    """Refused, taken back or put back: nothing is printed, the fee goes back, the file goes (P36)."""
    if request.state in (RequestState.WITHDRAWN, RequestState.DENIED, RequestState.JOINED):
        quote_drop(request)
    copy_remove(request.pk)
    unposted = Letter.objects.select_for_update().filter(request_id=request.pk, kind=COVER)
    for letter in unposted.filter(paper__in=["to_print", "printed"]):
        if letter.paper == PrintState.PRINTED and request.state == RequestState.WITHDRAWN:
            request_waits(request, "printed")  # its paper lies on a desk: somebody must take it off the pile
        letter_remove(letter)


def _made(request: RightsRequest) -> PrintCopy:
    copy = PrintCopy.objects.select_for_update().filter(request_id=request.pk, made_at__isnull=False).first()
    if copy is None:
        raise DomainError("copy_not_made", _("First have the copy made, so that its pages are counted."))
    return copy


