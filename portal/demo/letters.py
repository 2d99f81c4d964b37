"""Letters of the demo: Ana's copy on paper waits for her yes to its cost; the officer has paper to print and post."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.context import Actor
from portal.demo.clock import ago
from portal.jobs.runner import run_job
from portal.permissions import Role
from privacy.copies.services import copy_prepare, copy_quote
from privacy.letters.models import Letter
from privacy.letters.services import letter_posted, letter_returned
from privacy.models import RequestKind, RightsRequest
from privacy.requests.models import Channel, IdentityHow
from privacy.requests.services import Identity, request_carry_out, request_open, request_start
from records.access import patients_of

# Days ago, street, what became of it.
POSTED = ((34, "230 River Street", "posted"), (13, "9 Old Mill Lane", "returned"), (1, "77 Cedar Avenue", ""))


def seed_letters() -> None:
    """A few believable rows; each made by the product's own services."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    ana = User.objects.get(email="ana@demo.example")
    _quoted(officer, ana.actor, patients_of(ana.pk)[0])
    others = User.objects.filter(email__startswith="patient", role=Role.PATIENT).order_by("email")[:12]
    people = [(user, found[0]) for user in others if (found := patients_of(user.pk))]
    for (days, street, end), (user, patient_id) in zip(POSTED, people, strict=False):
        _told_by_post(officer, user, patient_id, days, street, end)
    for user, patient_id in people[len(POSTED) : len(POSTED) + 1]:
        _by_letter(officer, user, patient_id)


def _quoted(officer: Actor, ana: Actor, patient_id: UUID) -> None:
    """Ana asked for paper; its pages are counted and its cost is named."""
    with ago(days=5):
        request = request_open(
            by=ana, kind=RequestKind.ACCESS_PAPER, subject_id=patient_id, account_id=ana.account_id, form_key=uuid4(),
            details="For my new doctor, who likes paper.",
        )
    with ago(days=4):
        request_start(by=officer, request_id=request.pk)
        _counted(officer, request)
        copy_quote(by=officer, request_id=request.pk, minutes=6, postage_cents=217)


def _counted(officer: Actor, request: RightsRequest) -> None:
    copy = copy_prepare(by=officer, request_id=request.pk)
    assert copy.job_id
    run_job(copy.job_id)


def _told_by_post(officer: Actor, user: User, patient_id: UUID, days: int, street: str, end: str) -> None:
    """Somebody wrote a letter and gets one back."""
    with ago(days=days):
        request = request_open(
            by=officer, kind=RequestKind.QUESTION, subject_id=patient_id, account_id=None, form_key=uuid4(),
            channel=Channel.MAIL, details="How long do you keep my photos?",
            contact={"name": user.display_name, "address": f"{street}\nClear Lake, MN 55319"},
        )
        letter = Letter.objects.get(request_id=request.pk)  # we have your request: the engine wrote it
        _made(letter)
    if not end:
        return
    with ago(days=days - 1) as moment:
        letter_posted(by=officer, letter_id=letter.pk, on=moment.date() - dt.timedelta(days=1))
    if end == "returned":
        with ago(days=days - 8) as moment:
            letter_returned(by=officer, letter_id=letter.pk, on=moment.date() - dt.timedelta(days=1), note="Moved away")


def _by_letter(officer: Actor, user: User, patient_id: UUID) -> None:
    """Somebody asked for paper by letter, got it for free, and it waits to be printed."""
    with ago(days=6):
        request = request_open(
            by=officer, kind=RequestKind.ACCESS_PAPER, subject_id=patient_id, account_id=None, form_key=uuid4(),
            channel=Channel.MAIL, identity=Identity(IdentityHow.COPY_OF_ID),
            contact={"name": user.display_name, "address": "18 Birch Court\nSt. Cloud, MN 56301"},
        )
        request_start(by=officer, request_id=request.pk)
        _counted(officer, request)
        copy_quote(by=officer, request_id=request.pk, minutes=4, postage_cents=190, waive=True)
        request_carry_out(by=officer, request_id=request.pk)
        for letter in Letter.objects.filter(request_id=request.pk):
            _made(letter)


def _made(letter: Letter) -> None:
    assert letter.job_id
    run_job(letter.job_id)
