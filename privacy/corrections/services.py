"""The way of a correction: asked, decided, put beside the part, told to those who rely on it (P33)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.context import SYSTEM, Actor
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from privacy.letters.services import Recipient, letter_write, recipient_checked
from privacy.requests import services as requests
from privacy.requests.letters import recipient_of
from privacy.requests.models import Channel, IdentityHow, RequestKind, RightsRequest
from records.amendments import services as papers
from records.amendments.models import AmendmentPaper, PaperKind, PartKind, Telling
from records.amendments.selectors import has_paper
from records.disclosures.models import DisclosureBasis
from records.disclosures.selectors import recipients_since
from records.disclosures.services import disclosure_record
from records.models import Patient
from records.people.public_id import public_id_read
from records.vault.part import part_title
from records.vault.rooms import open_patient


def correction_ask(
    *, by: Actor, patient_id: UUID, part: tuple[PartKind, UUID], words: str, reason: str, form_key: UUID
) -> RightsRequest:
    """The person asks, in the portal. Pressing twice is one request."""
    with transaction.atomic():
        request = requests.request_open(
            by=by, kind=RequestKind.AMENDMENT, subject_id=patient_id, account_id=by.account, form_key=form_key
        )
        _ask_once(by, request, part, words, reason)
    return request


def correction_enter(
    *, by: Actor, request_id: UUID, part: tuple[PartKind, UUID], words: str, reason: str, told_by: str = ""
) -> RightsRequest:
    """The officer writes down which part a request that came by letter or phone is about."""
    with transaction.atomic():
        request = requests.locked(by, request_id)
        if request.kind != RequestKind.AMENDMENT or request.subject_id is None:
            raise NotVisible
        _ask_once(by, request, part, words, reason, told_by)
    return request


def correction_inbound(
    *, by: Actor, patient_number: str, provider: str, told: str, form_key: UUID
) -> RightsRequest:
    """Another provider amended its record: a task on the desk, which cannot be refused (RULES 1.27).

    ``patient_number`` as people read it. Which part it is about is chosen once the officer has taken
    it on and the record is open. Raises ``DomainError``: ``who_missing``, ``told_missing``, ``no_such_patient``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    if not provider.strip():
        raise DomainError("who_missing", _("Write which provider told you."), "provider")
    if not told.strip():
        raise DomainError("told_missing", _("Write what they told you."), "told")
    number = public_id_read(patient_number)
    patient_id = Patient.objects.values_list("pk", flat=True).filter(public_id=number).first() if number else None
    if patient_id is None:
        raise DomainError("no_such_patient", _("There is no patient with this number."), "patient_number")
    return requests.request_open(
        by=by, kind=RequestKind.AMENDMENT, subject_id=patient_id, account_id=None, form_key=form_key,
        channel=Channel.CLINIC, details=told, particulars={"provider": provider.strip()},
        identity=requests.Identity(IdentityHow.AUTHORITY, provider),
    )


def _ask_once(
    by: Actor, request: RightsRequest, part: tuple[PartKind, UUID], words: str, reason: str, told_by: str = ""
) -> None:
    if has_paper(request.pk, PaperKind.REQUEST):
        return
    assert request.subject_id is not None
    kind, part_id = part
    papers.amendment_ask(
        by=by, patient_id=request.subject_id, request_id=request.pk, kind=kind, part_id=part_id, words=words,
        reason=reason, told_by=told_by,
    )


def correction_accept(
    *, by: Actor, request_id: UUID, words: str, also: Iterable[tuple[PartKind, UUID]] = ()
) -> RightsRequest:
    """Put the correction beside the part, and beside others it concerns; then the request is done (RULES 1.23)."""
    with transaction.atomic():
        requests.locked(by, request_id)  # a second press waits, and finds it done
        papers.amendment_append(by=by, request_id=request_id, words=words, parts=also)
        return requests.request_carry_out(by=by, request_id=request_id)


def fulfil(request: RightsRequest, by: Actor) -> None:
    """What carrying out means for a correction. Raises ``DomainError`` ``words_missing`` before there is one."""
    made = AmendmentPaper.objects.filter(request_id=request.pk, kind=PaperKind.AMENDMENT).first()
    if made is None:
        raise DomainError("words_missing", _("Write the correction as it shall stand in the record."), "words")
    asked = papers.request_paper(request.pk)
    if request.channel != Channel.CLINIC:
        letter_write(
            by=by, kind="amendment.made", subject_id=request.subject_id, account_id=request.account_id,
            request_id=request.pk, once_key=f"amended:{made.pk}",
            to=None if request.account_id else recipient_of(request),
            fields={
                "asked": f"{asked.words}\n{asked.reason}", "part": _titles(request.pk),
                "correction": str(made.words),
            },
        )
    assert request.subject_id is not None
    rely = [(str(row.recipient), str(row.recipient_address)) for row in recipients_since(request.subject_id)]
    papers.telling_propose(by=SYSTEM, request_id=request.pk, people=rely)
    requests.request_complete(request)


def _titles(request_id: UUID) -> str:
    """What a letter calls the parts that a correction stands beside, a line each."""
    made = AmendmentPaper.objects.filter(request_id=request_id, kind=PaperKind.AMENDMENT)
    return "\n".join(part_title(kind=one.part_kind, part_id=one.part_id) for one in made)


def statement_write(*, by: Actor, request_id: UUID, words: str) -> AmendmentPaper:
    """The patient's own request, refused: their statement joins it for good (P37)."""
    _own(by, request_id)
    return papers.statement_add(by=by, request_id=request_id, words=words)


def statement_note(*, by: Actor, request_id: UUID, words: str) -> AmendmentPaper:
    """The officer copies a statement that came by letter or mail; each letter of a "no" offers this (RULES 1.24)."""
    with transaction.atomic():
        requests.locked(by, request_id)
        return papers.statement_add(by=by, request_id=request_id, words=words)


def rebuttal_write(*, by: Actor, request_id: UUID, words: str) -> AmendmentPaper:
    """The clinic's answer to the statement, copied to the person in the same step (RULES 1.25)."""
    with transaction.atomic():
        request = requests.locked(by, request_id)
        paper = papers.rebuttal_add(by=by, request_id=request_id, words=words)
        statement = AmendmentPaper.objects.get(request_id=request_id, kind=PaperKind.STATEMENT)
        letter_write(
            by=by, kind="amendment.rebuttal", subject_id=request.subject_id, account_id=request.account_id,
            request_id=request.pk, once_key=f"rebuttal:{paper.pk}",
            to=None if request.account_id else recipient_of(request),
            fields={"statement": str(statement.words), "rebuttal": str(paper.words)},
        )
    return paper


def telling_choose(
    *, by: Actor, request_id: UUID, agreed: Iterable[UUID], name: str = "", address: str = ""
) -> None:
    """The patient ticks whom to tell, and may name somebody else (RULES 1.23)."""
    _own(by, request_id)
    with transaction.atomic():
        papers.telling_agree(by=by, request_id=request_id, agreed=agreed)
        if name.strip():
            recipient_checked(name, address)
            papers.telling_propose(by=by, request_id=request_id, people=[(name, address)], by_patient=True)


def telling_note(*, by: Actor, telling_id: UUID, agreed: bool) -> Telling:
    """The patient said by letter or phone whether this one shall be told (RULES 1.23)."""
    require(by, Permission.REQUESTS_HANDLE)
    return papers.telling_said(by=by, telling_id=telling_id, agreed=agreed)


def telling_send(*, by: Actor, telling_id: UUID, address: str = "") -> Telling:
    """Write to one whom the patient agreed to tell; it stands in the register of disclosures too.

    Outside of a transaction: the patient's name comes from the vault, as for every letter.
    """
    require(by, Permission.REQUESTS_HANDLE)
    row = Telling.objects.filter(pk=telling_id).first()
    if row is None:
        raise NotVisible
    if row.told_at is not None:
        return row
    patient = open_patient(by=SYSTEM, patient_id=row.patient_id, purpose=Purpose.COMMUNICATING)
    with transaction.atomic():
        held = Telling.objects.select_for_update().get(pk=telling_id)
        if held.told_at is not None:
            return held
        row = papers.telling_done(by=by, telling_id=telling_id)
        to = recipient_checked(str(row.name), address or str(row.address))
        made = AmendmentPaper.objects.filter(request_id=row.request_id, kind=PaperKind.AMENDMENT).first()
        if made is None:
            raise NotVisible
        part = _titles(row.request_id)
        _letter_and_entry(by, row, to, patient.full_name, part, str(made.words))
    return row


def _letter_and_entry(
    by: Actor, row: Telling, to: Recipient, patient_name: str, part: str, correction: str
) -> None:
    letter_write(
        by=by, kind="amendment.told", subject_id=row.patient_id, request_id=row.request_id, to=to, paper=True,
        once_key=f"told:{row.pk}", fields={"patient": patient_name, "part": part, "correction": correction},
    )
    disclosure_record(
        by=by, subject_id=row.patient_id, purpose=Purpose.COMMUNICATING, basis=DisclosureBasis.REQUEST,
        recipient=to.name, recipient_address="\n".join(to.lines), on=today(), reference=row.pk,
        what=_("A correction: %(part)s") % {"part": part.replace("\n", "; ")},
    )


def _own(by: Actor, request_id: UUID) -> None:
    if not RightsRequest.objects.filter(pk=request_id, account_id=by.account, kind=RequestKind.AMENDMENT).exists():
        raise NotVisible
