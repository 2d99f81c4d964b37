"""Saying no, and having somebody else look at it again (P37, RULES 1.14-1.17, 1.22-1.26)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.accounts.selectors import display_names, staff_of
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, Role, require
from privacy.copies.preparing import copy_remove
from privacy.denials import letters, withholding
from privacy.denials.grounds import COPIES, Listed, listed
from privacy.denials.models import Denial, ReviewDecision
from privacy.letters.services import letter_write
from privacy.requests import services as requests
from privacy.requests.letters import recipient_of
from privacy.requests.models import Channel, RequestKind, RightsRequest
from privacy.requests.state import RequestState
from records.access import grant_close, grant_open
from records.amendments.models import PaperKind
from records.amendments.selectors import has_paper
from records.amendments.services import dispute_open, dispute_reviewed, request_paper
from records.models import GrantKind
from records.people.names import clean_line, clean_text
from records.restrictions.services import must_agree
from records.withholding.services import parts_show_again

# What a "no" says, as a second review of it finds it again.
_SAID = ("explain", "withheld", "withheld_parts", "where_else", "judged_by", "judged_license", "letter_id")


@dataclass(frozen=True, slots=True)
class No:
    """What the officer writes. ``withheld`` names what is left out where all the rest is given.

    ``parts`` are the ids of the parts of the record that a copy leaves out.
    """

    ground: str
    explain: str = ""
    withheld: str = ""
    where_else: str = ""
    judged_by: UUID | None = None
    license: str = ""
    parts: tuple[UUID, ...] = ()


def request_refuse(*, by: Actor, request_id: UUID, no: No) -> Denial:
    """Refuse on a listed ground, whole or (with ``withheld``) in part, with the letter that the law wants.

    Raises ``NotVisible``, and ``DomainError``: ``ground_missing``, ``judge_missing``, ``license_missing``,
    ``rest_is_given`` where the ground allows no whole "no", ``parts_missing`` for a copy that leaves out it is
    not known what, ``must_agree`` (RULES 1.36), ``must_amend``
    (RULES 1.27), ``letter_field`` for a letter that is not complete, and what the request's state says.
    """
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().filter(pk=request_id).first()
        if request is None:
            raise NotVisible
        ground = _ground(request, no)
        _law_leaves_a_choice(request)
        letter = letter_write(
            by=by, kind=letters.kind_name(request.kind), subject_id=request.subject_id,
            account_id=request.account_id, request_id=request.pk, fields=_fields(request, ground, no),
            once_key=f"denied:{request.pk}:{Denial.objects.filter(request=request).count()}",
            to=None if request.account_id else recipient_of(request),
        )
        text = plain(letter.content)
        say = requests.request_refuse_part if no.withheld.strip() else requests.request_deny
        say(by=by, request_id=request.pk, ground=ground.code, letter=text)
        denial = Denial.objects.create(
            request=request, subject_id=request.subject_id, ground=ground.code, in_part=bool(no.withheld.strip()),
            explain=clean_text(no.explain), withheld=clean_text(no.withheld), where_else=clean_text(no.where_else),
            withheld_parts=[str(part) for part in no.parts],
            decided_by=by.account, judged_by=no.judged_by if ground.judged else None,
            judged_license=clean_line(no.license) if ground.judged else "", letter_id=letter.pk,
        )
        if no.parts:
            copy_remove(request.pk)  # made before: it is made again without them
            if ground.rest:
                withholding.withhold(by=by, request=request, parts=no.parts)
        if request.kind == RequestKind.AMENDMENT:
            # The record keeps why; how to complain stands in the letter, which the person has.
            why = [str(ground.words), denial.explain, denial.withheld, denial.where_else]
            dispute_open(by=by, request_id=request.pk, letter="\n".join(words for words in why if words))
    return denial


def _ground(request: RightsRequest, no: No) -> Listed:
    ground = listed(request.kind, no.ground)
    if ground is None:
        raise DomainError("ground_missing", _("Choose one of the listed grounds."), "ground")
    if ground.rest and not no.withheld.strip():
        raise DomainError(
            "rest_is_given", _("Everything else has to be given. Write what exactly is left out."), "withheld"
        )
    if (ground.rest or (request.kind in COPIES and no.withheld.strip())) and not no.parts:
        raise DomainError("parts_missing", _("Choose the parts of the record that the copy leaves out."), "parts")
    if ground.judged:
        if no.judged_by is None or no.judged_by not in staff_of(Role.CLINICIAN):
            raise DomainError("judge_missing", _("Choose the licensed clinician who judged this."), "judged_by")
        if not clean_line(no.license):
            raise DomainError("license_missing", _("Give the clinician’s license number."), "license")
    return ground


def _law_leaves_a_choice(request: RightsRequest) -> None:
    """Two things are never refused: a limit on what was paid for in full, and another provider's amendment."""
    if request.kind == RequestKind.RESTRICTION and must_agree(request.pk):
        raise DomainError("must_agree", _("The patient paid for this in full. The law leaves no choice: agree to it."))
    if request.kind == RequestKind.AMENDMENT and has_paper(request.pk, PaperKind.REQUEST):
        if request.channel == Channel.CLINIC or request_paper(request.pk).told_by:
            raise DomainError(
                "must_amend", _("Another provider has amended its record, so ours must be amended too.")
            )
    elif request.kind == RequestKind.AMENDMENT:
        raise DomainError("part_missing", _("First choose which part of the record this is about."))


def _fields(request: RightsRequest, ground: Listed, no: No) -> dict[str, str]:
    fields = letters.fixed_fields(request.kind) | {
        "basis": str(ground.words), "explain": clean_text(no.explain), "withheld": clean_text(no.withheld),
        "where_else": clean_text(no.where_else), "received": date_format(request.received_on, "F j, Y"),
    }
    if request.kind == RequestKind.AMENDMENT:
        asked = request_paper(request.pk)
        fields["asked"] = f"{asked.words}\n{asked.reason}"
    if ground.judged and no.judged_by is not None:
        name = display_names([no.judged_by]).get(no.judged_by, "")
        fields["judge"] = _("%(name)s, license %(number)s") % {"name": name, "number": clean_line(no.license)}
    return fields


def plain(content: Any) -> str:
    """A letter's blocks as text, for the page of the request and the record's dispute."""
    parts: list[str] = []
    for block in content["blocks"]:
        lines = [block["text"], *(f"- {item}" for item in block["items"])]
        lines += [f"{name}: {value}" for name, value in block["pairs"]]
        parts.append("\n".join(line for line in lines if line))
    return "\n\n".join(part for part in parts if part)


def review_ask(*, by: Actor, request_id: UUID, words: str = "") -> Denial:
    """Who was refused asks for a review; it is offered for every denial, final ones too (P37).

    Raises ``DomainError`` where there is nothing to review, or it is being reviewed already.
    """
    with transaction.atomic():
        request = requests.review_ask(by=by, request_id=request_id)
        denial = _newest(request)
        denial.review_asked_at, denial.review_words = timezone.now(), clean_text(words)
        denial.save(update_fields=["review_asked_at", "review_words"])
        _audit(by, Action.SUBMIT, denial)
        from privacy.denials import mails  # which reads this module's neighbours

        mails.review_waits(denial)
    return denial


def review_take(*, by: Actor, denial_id: UUID) -> Denial:
    """A clinician who had no part in the "no" takes the review on; the record opens to them for it alone.

    Raises ``NotVisible`` and ``DomainError``: ``same_person``, ``review_taken``.
    """
    require(by, Permission.REVIEW_DENIALS)
    with transaction.atomic():
        denial = _waiting(denial_id)
        _no_part_in_it(by, denial)
        if denial.reviewer_id == by.account_id:
            return denial
        if denial.reviewer_id is not None:
            raise DomainError("review_taken", _("A colleague is looking at it already."))
        denial.reviewer_id, denial.review_taken_at = by.account, timezone.now()
        denial.save(update_fields=["reviewer_id", "review_taken_at"])
        if denial.subject_id is not None:
            grant_open(
                by=by, patient_id=denial.subject_id, kind=GrantKind.REVIEW, account_id=by.account,
                reference=denial.request_id,
            )
        _audit(by, Action.ASSIGN, denial)
    return denial


def review_decide(*, by: Actor, denial_id: UUID, decision: ReviewDecision, reason: str, license: str) -> Denial:
    """What the reviewer found binds, and the patient is told at once (RULES 1.17).

    Raises ``NotVisible``, and ``DomainError``: ``same_person``, ``not_yours``, ``reason_missing``,
    ``license_missing``.
    """
    require(by, Permission.REVIEW_DENIALS)
    decision = ReviewDecision(decision)
    said, number = clean_text(reason), clean_line(license)
    if not said:
        raise DomainError("reason_missing", _("Write what you looked at and why you decide so."), "reason")
    if not number:
        raise DomainError("license_missing", _("Give your license number."), "license")
    overturned = decision == ReviewDecision.OVERTURNED
    with transaction.atomic():
        denial = _waiting(denial_id)
        _no_part_in_it(by, denial)
        if denial.reviewer_id != by.account_id:
            raise DomainError("not_yours", _("Take the review on first."))
        request = requests.review_decide(by=by, request_id=denial.request_id, overturned=overturned)
        denial.decision, denial.review_reason, denial.reviewer_license = decision, said, number
        denial.reviewed_at = timezone.now()
        denial.save(update_fields=["decision", "review_reason", "reviewer_license", "reviewed_at"])
        if overturned:
            parts_show_again(by=by, request_id=request.pk)
        if request.kind == RequestKind.AMENDMENT:
            dispute_reviewed(by=by, request_id=request.pk, overturned=overturned, reason=said)
        _tell(by, request, denial)
        if denial.subject_id is not None:
            grant_close(
                by=SYSTEM, patient_id=denial.subject_id, kind=GrantKind.REVIEW, reference=denial.request_id
            )
        _audit(by, Action.SIGN, denial)
    return denial


def _tell(by: Actor, request: RightsRequest, denial: Denial) -> None:
    fixed = letters.fixed_fields(request.kind)
    name = display_names([by.account_id]).get(by.account, "") or _("A clinician")
    overturned = denial.decision == ReviewDecision.OVERTURNED
    letter_write(
        by=by, kind="denied.reviewed", subject_id=request.subject_id, account_id=request.account_id,
        request_id=request.pk, once_key=f"reviewed:{denial.pk}",
        to=None if request.account_id else recipient_of(request),
        fields={
            "reviewer": name, "found": str(ReviewDecision(denial.decision).label), "reason": str(denial.review_reason),
            "next": _("We work on your request again now, and write to you when it is done.") if overturned else "",
            "complaint": fixed["complaint"], "hhs": fixed["hhs"],
            # Who still hears no to a correction may still disagree in writing (RULES 1.24).
            **({} if overturned or has_paper(request.pk, PaperKind.STATEMENT) else letters.statement_fields(fixed)),
        },
    )


def _newest(request: RightsRequest) -> Denial:
    """The "no" that is looked at again; one that the engine itself said, as for want of proof, gets its row now.

    A "no" that stood a review already gets a row for the next one, with all that it says: who judged
    it has no part in that review either.
    """
    found = Denial.objects.select_for_update().filter(request=request).order_by("-decided_at").first()
    if found is not None and found.review_asked_at is None:
        return found
    if request.denied_by is None:
        raise NotVisible
    denial = Denial(
        request=request, subject_id=request.subject_id, ground=request.denial_ground, in_part=request.in_part,
        explain="", decided_by=request.denied_by,
    )
    if found is not None and (found.ground, found.decision) == (request.denial_ground, ReviewDecision.UPHELD):
        for name in _SAID:
            setattr(denial, name, getattr(found, name))
    denial.save(force_insert=True)
    return denial


def _waiting(denial_id: UUID) -> Denial:
    found = Denial.objects.select_for_update(of=("self",)).filter(
        pk=denial_id, review_asked_at__isnull=False, reviewed_at=None, request__state=RequestState.UNDER_REVIEW
    ).first()
    if found is None:
        raise NotVisible
    return found


def _no_part_in_it(by: Actor, denial: Denial) -> None:
    if by.account_id in (denial.decided_by, denial.judged_by):
        raise DomainError("same_person", _("Somebody else must look at it: you had a part in the answer."))


def _audit(by: Actor, action: Action, denial: Denial) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=denial.subject_id,
        object_kind="privacy.denial", object_id=denial.pk, basis=f"request:{denial.request_id}",
    )
