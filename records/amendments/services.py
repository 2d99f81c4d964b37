"""Writing papers: what is asked, what is added, why it was refused, and what was said to that (P33, P37, P38).

Nothing here changes a part of a record: each paper stands beside the part. Every function runs in
the transaction of the request's own step, which ``privacy`` takes; each leaves its line in the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, Role, require
from records.access import require_open
from records.amendments.models import AmendmentPaper, PaperKind, PartKind, Telling
from records.amendments.parts import exists, is_private
from records.people.names import clean_line, clean_text

WORDS_LENGTH = 4000


def amendment_ask(
    *, by: Actor, patient_id: UUID, request_id: UUID, kind: PartKind, part_id: UUID, words: str, reason: str,
    told_by: str = "",
) -> AmendmentPaper:
    """What is wrong in one part, and what it should say (RULES 1.20). By the person, or entered by the officer.

    ``told_by`` names the other provider who told the clinic of an amendment (RULES 1.27). Raises
    ``NotVisible`` for a part that is not in this record, ``DomainError`` for words that are missing.
    """
    _who_asks(by, patient_id)
    kind = PartKind(kind)
    if not exists(patient_id=patient_id, kind=kind, part_id=part_id):
        raise NotVisible
    private = is_private(kind=kind, part_id=part_id)
    if private and by.role == Role.GUARDIAN:
        raise NotVisible
    paper = AmendmentPaper(
        patient_id=patient_id, request_id=request_id, kind=PaperKind.REQUEST, part_kind=kind, part_id=part_id,
        words=_said(words, "words", _("Write what it should say.")), private=private,
        reason=_said(reason, "reason", _("Write why it is wrong or what is missing.")),
        told_by=clean_line(told_by), author_id=by.account_id,
    )
    return _kept(by, paper, Action.SUBMIT)


def amendment_append(
    *, by: Actor, request_id: UUID, words: str, parts: Iterable[tuple[PartKind, UUID]] = ()
) -> list[AmendmentPaper]:
    """Put the correction beside the part that was asked about, and beside others it concerns (RULES 1.23).

    The original stays as it is (P38). Done twice, it changes nothing.
    """
    require(by, Permission.REQUESTS_HANDLE)
    said = _said(words, "words", _("Write the correction as it shall stand in the record."))
    asked = request_paper(request_id)
    wanted = dict.fromkeys([(PartKind(asked.part_kind), asked.part_id), *parts])
    there = set(
        AmendmentPaper.objects.filter(request_id=request_id, kind=PaperKind.AMENDMENT).values_list("part_id", flat=True)
    )
    made = []
    for kind, part_id in wanted:
        if part_id in there:
            continue
        same = (kind, part_id) == (asked.part_kind, asked.part_id)
        if not same and not exists(patient_id=asked.patient_id, kind=kind, part_id=part_id):
            raise NotVisible
        paper = _beside(asked, PaperKind.AMENDMENT, said, by)
        paper.part_kind, paper.part_id = kind, part_id
        paper.private = is_private(kind=kind, part_id=part_id) or (same and asked.private)
        made.append(_kept(by, paper, Action.CREATE))
    return made


def dispute_open(*, by: Actor, request_id: UUID, letter: str) -> AmendmentPaper:
    """The refusal joins the request: from now on both go with the part wherever it goes (RULES 1.24, 1.26)."""
    require(by, Permission.REQUESTS_HANDLE)
    asked = request_paper(request_id)
    return _kept(by, _beside(asked, PaperKind.DENIAL, letter, by), Action.CREATE)


def dispute_reviewed(*, by: Actor, request_id: UUID, overturned: bool, reason: str) -> AmendmentPaper:
    """What the second look found. Taken back, the refusal is no longer shown beside the part (P37)."""
    kind = PaperKind.OVERTURNED if overturned else PaperKind.UPHELD
    asked = request_paper(request_id)
    return _kept(by, _beside(asked, kind, reason, by), Action.SIGN)


def statement_add(*, by: Actor, request_id: UUID, words: str) -> AmendmentPaper:
    """The patient's statement of disagreement, once, of at most ``STATEMENT_MAX_SIGNS`` signs (RULES 1.25).

    Raises ``DomainError``: ``statement_missing``, ``statement_too_long``, ``statement_there``.
    """
    asked = request_paper(request_id)
    _who_asks(by, asked.patient_id)
    if asked.private and by.role == Role.GUARDIAN:
        raise NotVisible
    _refused(request_id)
    most = settings.STATEMENT_MAX_SIGNS
    said = _said(words, "words", _("Write what you want to say."), code="statement_missing")
    if len(said) > most:
        raise DomainError(
            "statement_too_long",
            _("Your text has %(size)d characters. Please use at most %(most)d.") % {"size": len(said), "most": most},
            "words",
        )
    return _once(by, asked, PaperKind.STATEMENT, said, _("Your statement is there already."))


def rebuttal_add(*, by: Actor, request_id: UUID, words: str) -> AmendmentPaper:
    """The clinic's answer to the statement; whoever calls this copies it to the person (RULES 1.25)."""
    require(by, Permission.REQUESTS_HANDLE)
    asked = request_paper(request_id)
    if not AmendmentPaper.objects.filter(request_id=request_id, kind=PaperKind.STATEMENT).exists():
        raise DomainError("no_statement", _("There is no statement to answer."))
    said = _said(words, "words", _("Write the clinic’s answer."))
    return _once(by, asked, PaperKind.REBUTTAL, said, _("The answer is there already."))


def telling_propose(
    *, by: Actor, request_id: UUID, people: Iterable[tuple[str, str]], by_patient: bool = False
) -> list[Telling]:
    """Name (name, address) of who may rely on the old version; the same name twice is there once."""
    asked = request_paper(request_id)
    _who_asks(by, asked.patient_id)
    there = {row.name.casefold() for row in Telling.objects.filter(request_id=request_id)}
    made = []
    for name, address in people:
        shown = clean_line(name)
        if shown and shown.casefold() not in there:
            there.add(shown.casefold())
            made.append(Telling.objects.create(
                patient_id=asked.patient_id, request_id=request_id, name=shown, address=clean_text(address),
                named_by_patient=by_patient, agreed=True if by_patient else None,
            ))
    return made


def telling_agree(*, by: Actor, request_id: UUID, agreed: Iterable[UUID]) -> int:
    """The patient ticks whom to tell; the others are not told. Those told already stay told."""
    asked = request_paper(request_id)
    require_open(by=by, patient_id=asked.patient_id, purpose=Purpose.COMMUNICATING)
    with transaction.atomic():
        rows = Telling.objects.select_for_update().filter(request_id=request_id, told_at=None)
        yes = rows.filter(pk__in=list(agreed)).update(agreed=True)
        rows.exclude(pk__in=list(agreed)).update(agreed=False)
        _audit(by, Action.AGREE, asked)
    return yes


def telling_said(*, by: Actor, telling_id: UUID, agreed: bool) -> Telling:
    """The officer notes what the patient said elsewhere. What was told stays told, and a yes or no said once stays."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        row = Telling.objects.select_for_update().filter(pk=telling_id).first()
        if row is None:
            raise NotVisible
        if row.told_at is None and row.agreed is None:
            row.agreed = agreed
            row.save(update_fields=["agreed"])
            _audit(by, Action.AGREE, request_paper(row.request_id))
    return row


def telling_done(*, by: Actor, telling_id: UUID) -> Telling:
    """The letter to this one went out. Raises ``DomainError`` ``not_agreed`` unless the patient wants it."""
    require(by, Permission.REQUESTS_HANDLE)
    row = Telling.objects.select_for_update().filter(pk=telling_id).first()
    if row is None:
        raise NotVisible
    if row.told_at is None:
        if not row.agreed:
            raise DomainError("not_agreed", _("The patient has not agreed to tell them."))
        row.told_by, row.told_at = by.account, timezone.now()
        row.save(update_fields=["told_by", "told_at"])
        _audit(by, Action.DISCLOSE, request_paper(row.request_id))
    return row


def request_paper(request_id: UUID) -> AmendmentPaper:
    """What was asked. Raises ``NotVisible`` where the request is about something else."""
    found = AmendmentPaper.objects.filter(request_id=request_id, kind=PaperKind.REQUEST).first()
    if found is None:
        raise NotVisible
    return found


def _who_asks(by: Actor, patient_id: UUID) -> None:
    if by.role in (Role.OFFICER, Role.SYSTEM):
        require(by, Permission.REQUESTS_HANDLE)
    else:
        require_open(by=by, patient_id=patient_id, purpose=Purpose.COMMUNICATING)


def _refused(request_id: UUID) -> None:
    if not AmendmentPaper.objects.filter(request_id=request_id, kind=PaperKind.DENIAL).exists():
        raise DomainError("not_refused", _("This was not refused, so there is nothing to disagree with."))


def _said(words: str, field: str, missing: str, *, code: str = "words_missing") -> str:
    said = clean_text(words)
    if not said:
        raise DomainError(code, missing, field)
    return said


def _beside(asked: AmendmentPaper, kind: PaperKind, words: str, by: Actor) -> AmendmentPaper:
    return AmendmentPaper(
        patient_id=asked.patient_id, request_id=asked.request_id, kind=kind, part_kind=asked.part_kind,
        part_id=asked.part_id, private=asked.private, words=words, author_id=by.account_id,
    )


def _once(by: Actor, asked: AmendmentPaper, kind: PaperKind, said: str, there: str) -> AmendmentPaper:
    """One paper of this kind a request. Pressing twice gives the one that is there; other words are refused."""
    with transaction.atomic():
        # Serialises two presses; the constraint alone would abort the caller.
        AmendmentPaper.objects.select_for_update().filter(request_id=asked.request_id, kind=PaperKind.REQUEST).first()
        found = AmendmentPaper.objects.filter(request_id=asked.request_id, kind=kind).first()
        if found is not None:
            if found.words == said:
                return found
            raise DomainError(f"{kind.value}_there", there)
        return _kept(by, _beside(asked, kind, said, by), Action.SUBMIT)


def _kept(by: Actor, paper: AmendmentPaper, action: Action) -> AmendmentPaper:
    with transaction.atomic():
        paper.save(force_insert=True)
        _audit(by, action, paper)
    return paper


def _audit(by: Actor, action: Action, paper: AmendmentPaper) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=paper.patient_id,
        object_kind="records.amendment", object_id=paper.pk, basis=f"request:{paper.request_id}",
    )
