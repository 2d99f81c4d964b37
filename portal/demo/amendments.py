"""The demo's corrections, limits and choices of contact: granted, refused and disputed, under review, waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.context import Actor
from portal.demo.clock import ago
from portal.permissions import Role
from privacy.corrections import services as corrections
from privacy.denials import services as denials
from privacy.denials.services import No
from privacy.limits import services as limits
from privacy.requests import services as requests
from privacy.requests.models import Channel, IdentityHow, RequestKind, RightsRequest
from records.amendments.models import PartKind
from records.contact.services import Wanted
from records.models import Encounter, Entry, Plan
from records.restrictions.models import RecipientKind

if TYPE_CHECKING:
    from records.models import Patient


def seed_amendments(ana: User, patient_id: UUID) -> None:
    """Ana has had one thing corrected and one refused, and keeps a visit from her health plan."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    plan = Plan.objects.filter(patient_id=patient_id, signed_at__isnull=False).order_by("signed_at").first()
    entry = Entry.objects.filter(patient_id=patient_id, section="allergies", code="").order_by("added_at").last()
    if plan is not None:
        with ago(days=60):
            wish = corrections.correction_ask(
                by=ana.actor, patient_id=patient_id, part=(PartKind.PLAN, plan.pk), form_key=uuid4(),
                words="I have used benzoyl peroxide for two years, not two months.",
                reason="I told you in my answers. It matters for the next plan.",
            )
        with ago(days=52):
            _taken(officer, wish)
            corrections.correction_accept(
                by=officer, request_id=wish.pk, words="The patient has used benzoyl peroxide for two years.",
            )
        with ago(days=50):
            corrections.telling_choose(
                by=ana.actor, request_id=wish.pk, agreed=[], name="Lake Region Pharmacy",
                address="20 Main Street\nSartell, MN 56377",
            )
        _refused(ana.actor, officer, patient_id, plan.pk)
    if entry is not None:
        _disputed(ana.actor, officer, patient_id, entry.pk)
    _limited(ana.actor, officer, patient_id)


def _taken(officer: Actor, request: RightsRequest) -> None:
    requests.request_start(by=officer, request_id=request.pk)


def _refused(ana: Actor, officer: Actor, patient_id: UUID, plan_id: UUID) -> None:
    """Refused a week ago; she can still have it reviewed, or write why she disagrees."""
    with ago(days=15):
        wish = corrections.correction_ask(
            by=ana, patient_id=patient_id, part=(PartKind.PLAN, plan_id), form_key=uuid4(),
            words="Write that I may use the gel every night.", reason="Every other night is too slow for me.",
        )
    with ago(days=7):
        _taken(officer, wish)
        explain = "The plan says what your clinician decided on that day. Please ask them in your messages."
        denials.request_refuse(by=officer, request_id=wish.pk, no=No(ground="accurate", explain=explain))


def _disputed(ana: Actor, officer: Actor, patient_id: UUID, entry_id: UUID) -> None:
    """Refused, with a statement and the clinic's answer to it: the packet stands beside the allergy."""
    with ago(days=40):
        wish = corrections.correction_ask(
            by=ana, patient_id=patient_id, part=(PartKind.ENTRY, entry_id), form_key=uuid4(),
            words="Take nickel out of my allergies.", reason="The belt buckle is gone, and so is the rash.",
        )
    with ago(days=30):
        _taken(officer, wish)
        explain = "A contact allergy stays, also while nothing touches the skin. For your safety it has to stand there."
        denials.request_refuse(by=officer, request_id=wish.pk, no=No(ground="accurate", explain=explain))
    with ago(days=25):
        words = "I wore a nickel ring for a month and nothing happened. I think it was the soap I had then."
        corrections.statement_write(by=ana, request_id=wish.pk, words=words)
    with ago(days=22):
        words = "Thank you for telling us. A patch test would show it; until then we keep the entry, with your words."
        corrections.rebuttal_write(by=officer, request_id=wish.pk, words=words)


def _limited(ana: Actor, officer: Actor, patient_id: UUID) -> None:
    """A visit that was paid for is kept from the health plan; and she asks not to be called at work."""
    paid = limits.paid_encounters(patient_id)
    if paid and Encounter.objects.filter(pk=paid[0]).exists():
        with ago(days=20):
            row = limits.limit_ask(
                by=ana, patient_id=patient_id, form_key=uuid4(), what="My last consult and its plan",
                recipient_kind=RecipientKind.HEALTH_PLAN, paid_encounter_id=paid[0],
            )
        with ago(days=18):
            _taken(officer, row)
            requests.request_carry_out(by=officer, request_id=row.pk)
    with ago(days=2):
        wanted = Wanted(no_voicemail=True, phone="(320) 555-0142")
        limits.reach_ask(by=ana, patient_id=patient_id, form_key=uuid4(), wanted=wanted)


def seed_review(user: User, patient: Patient) -> None:
    """Another patient was refused and asks for a second look; a third thing waits on the desk."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    entry = Entry.objects.filter(patient=patient, code="").first()
    part = (PartKind.ENTRY, entry.pk) if entry is not None else None
    if part is None:
        encounter = Encounter.objects.filter(patient=patient).first()
        answer = encounter.answers.first() if encounter is not None else None
        if answer is None:
            return
        part = (PartKind.ANSWER, answer.pk)
    with ago(days=16):
        first = corrections.correction_ask(
            by=user.actor, patient_id=patient.pk, part=part, form_key=uuid4(),
            words="It began after I changed my shampoo.", reason="I remembered it later.",
        )
    with ago(days=9):
        _taken(officer, first)
        no = No(ground="accurate", explain="This is your own answer of that day, and it says what you told us then.")
        denials.request_refuse(by=officer, request_id=first.pk, no=no)
    with ago(days=6):
        denials.review_ask(by=user.actor, request_id=first.pk, words="Please add it at least.")
    with ago(days=4):
        waits = corrections.correction_ask(
            by=user.actor, patient_id=patient.pk, part=part, form_key=uuid4(),
            words="I answered this for my sister by mistake.", reason="We filled it in together.",
        )
    with ago(days=3):
        _taken(officer, waits)


def seed_letters_about_the_record(user: User, patient: Patient) -> None:
    """One who writes letters: a correction, a limit and a wish how to be reached, to be typed in by the officer."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    said = {
        RequestKind.AMENDMENT: "My date of birth is right, but you have my old surname in a letter.",
        RequestKind.RESTRICTION: "Please tell my brother nothing.",
        RequestKind.CONFIDENTIAL: "Please write to me at my sister's.",
    }
    for kind, words in said.items():
        with ago(days=5) as moment:
            row = requests.request_open(
                by=officer, kind=kind, subject_id=patient.pk, account_id=user.pk, form_key=uuid4(),
                received_on=moment.date(), channel=Channel.MAIL, details=words,
                identity=requests.Identity(IdentityHow.PHOTO_ID, "A copy of her driver's license was enclosed."),
            )
        with ago(days=4):
            _taken(officer, row)
