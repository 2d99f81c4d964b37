"""Fills the demo with a believable clinic, through the same services that people use.

The clock is turned back for each step, so that consults lie hours and weeks apart. Payments are
made at the Square stand-in, which must be running.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

import httpx
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

from billing.models import Order
from billing.services import checkout_start, payment_sync
from consults import services as consults
from consults.desk.templates_library import PlanTemplate, plan_templates
from consults.models import Consult
from consults.questionnaire import Screen
from consults.questionnaires import load
from consults.state import ConsultState
from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.agreements.models import AgreementContext, PolicyVersion
from portal.agreements.selectors import current_for_sign_up
from portal.agreements.services import agreement_record
from portal.context import Actor
from portal.dates import today
from portal.demo.amendments import seed_amendments, seed_letters_about_the_record, seed_review
from portal.demo.ana import seed_ana
from portal.demo.clock import ago
from portal.demo.disclosures import seed_companies, seed_papers, seed_register
from portal.demo.handover import seed_handover
from portal.demo.incidents import seed_incidents
from portal.demo.leaving import seed_children, seed_leaver
from portal.demo.letters import seed_letters
from portal.demo.people import PASSWORD, SIGN_INS
from portal.demo.pictures import Sitter, picture
from portal.demo.requests import seed_requests
from portal.demo.safeguards import seed_safeguards
from portal.demo.visits import seed_visits
from portal.permissions import Role
from privacy import deidentified
from privacy.keeping.services import hold_place
from records.access import patients_of
from records.models import Patient
from records.photos.processing import photo_process
from records.plans.services import assessment_save, plan_save

GIVEN = (
    "Ben", "Ioana", "Luis", "Mai", "Yusuf", "Signe", "Tomas", "Aisha", "Noa", "Chen", "Élise", "Kofi", "Priya",
    "Marek", "Sukarno", "Leilani", "Jonas", "Amara", "Ingrid", "Diego",
)
FAMILY = (
    "Tran", "Popescu", "Ortega", "Nguyễn", "Demir", "O’Grady", "Anne-Marie", "Haddad", "Lindqvist", "李", "Brandt",
    "Mensah", "Rao", "Nowak", "", "Kahananui", "Weber", "Okoye", "Ng", "Silva",
)
# How many of each sixty patients stand where.
SPREAD: tuple[tuple[ConsultState, int], ...] = (
    (ConsultState.SUBMITTED, 10), (ConsultState.IN_REVIEW, 7), (ConsultState.NEEDS_INFORMATION, 4),
    (ConsultState.ANSWERED, 16), (ConsultState.CLOSED, 6), (ConsultState.AWAITING_PAYMENT, 4),
    (ConsultState.DRAFT, 7), (ConsultState.WITHDRAWN, 2), (ConsultState.DECLINED, 2), (ConsultState.EXPIRED, 2),
)


def account(email: str, name: str, role: Role) -> User:
    """An account that can sign in with the demo's password; the one that is there, if any."""
    there = User.objects.filter(email=email).first()
    if there is not None:
        return there
    user = User.objects.create_user(email, None, role=role, display_name=name, last_login=None)
    User.objects.filter(pk=user.pk).update(password=_password_hash())
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    if role in (Role.PATIENT, Role.GUARDIAN):
        agreement_record(by=user.actor, policies=current_for_sign_up(), context=AgreementContext.SIGN_UP)
    return user


@lru_cache(maxsize=1)
def _password_hash() -> str:
    """Hashed once: sixty accounts share the demo's password."""
    return make_password(PASSWORD)


@lru_cache(maxsize=64)
def _photo(number: int, marks: int, view: str) -> bytes:
    return picture(Sitter(number, marks), view, size=(600, 800))


@dataclass
class Clinic:
    """The seeding of one clinic; ``dice`` makes each run the same."""

    dice: random.Random
    clinicians: list[User]

    def patient(self, user: User, given: str, family: str, born: dt.date) -> Patient:
        return consults.person_register(
            by=user.actor, given_name=given, family_name=family, birth_date=born, state="MN", phone="(320) 555-0100"
        )

    def consult(
        self, user: User, patient: Patient, number: int, target: ConsultState, *, hours: float, marks: int = 26,
        plan: str = "moderate",
    ) -> Consult:
        """One consult brought to ``target``, sent ``hours`` ago."""
        with ago(hours=hours + 1):
            row = consults.consult_start(by=user.actor, patient_id=patient.pk, form_key=uuid4())
            screens = None if target != ConsultState.DRAFT else 4
            self._answer(user.actor, row, screens)
            if target in (ConsultState.DRAFT, ConsultState.EXPIRED):
                if target == ConsultState.EXPIRED:
                    consults.consult_expire(by=Actor(None, Role.SYSTEM), consult_id=row.pk)
                return row
            self._photos(user.actor, row, number, marks)
            consent = consults.Consent(care=True, agreement=True, notice=True)
            consults.consult_submit(by=user.actor, consult_id=row.pk, consent=consent)
        if target == ConsultState.AWAITING_PAYMENT:
            return row
        with ago(hours=hours):
            self._pay(user.actor, row)
            Consult.objects.filter(pk=row.pk).update(
                paid_at=timezone.now(), due_at=timezone.now() + dt.timedelta(hours=24)
            )
        with ago(hours=max(0.3, hours - self.dice.uniform(2, 20) if hours > 22 else hours * 0.6)):
            self._work(user.actor, row, target, plan)
        return row

    def _answer(self, by: Actor, row: Consult, screens: int | None) -> None:
        questionnaire = load(row.questionnaire)
        screen: Screen | None = questionnaire.screens[0]
        done = 0
        while screen is not None and done != screens:
            answers = {question.id: self._choice(question) for question in screen.questions}
            saved = consults.step_save(by=by, consult_id=row.pk, screen_id=screen.id, answers=answers)
            screen, done = saved.following, done + 1

    def _choice(self, question: Any) -> Any:
        """A harmless answer: the quiet choice where there is one, else any two of the first ones."""
        harmless = QUIET.get(question.id, ("none", "no", "never"))
        quiet = next((choice.code for choice in question.choices if choice.code in harmless), None)
        if quiet is not None:
            return [quiet]
        if question.choices:
            codes = [choice.code for choice in question.choices if not choice.exclusive][:4]
            count = 2 if question.kind.value == "many" and len(codes) > 1 else 1
            return sorted(self.dice.sample(codes, count))
        return self.dice.choice(WORDS) if question.required else ""

    def _photos(self, by: Actor, row: Consult, number: int, marks: int) -> None:
        for view in ("front", "left", "right"):
            upload = ContentFile(_photo(number % 6, marks, view), name="photo.jpg")
            photo = consults.photo_send(by=by, consult_id=row.pk, view=view, upload=upload, form_key=uuid4())
            photo_process(photo_id=photo.pk)

    def _pay(self, by: Actor, row: Consult) -> None:
        order = Order.objects.get(kind="consult", reference=row.pk)
        url = checkout_start(by=by, order=order)
        # What pressing "Pay" on the stand-in's page does; the way back leads to a server not up yet.
        httpx.post(f"{url}/pay", timeout=10, follow_redirects=False)
        payment_sync(order.pk)
        consults.consult_paid(consult_id=row.pk)

    def _work(self, by: Actor, row: Consult, target: ConsultState, plan: str) -> None:
        if target == ConsultState.SUBMITTED:
            return
        if target == ConsultState.WITHDRAWN:
            consults.consult_withdraw(by=by, consult_id=row.pk)
            return
        clinician = self.clinicians[self.dice.randrange(len(self.clinicians))].actor
        consults.consult_take(by=clinician, consult_id=row.pk)
        if target == ConsultState.NEEDS_INFORMATION:
            question = "Could you tell me how long you used the cream before you stopped?"
            consults.consult_ask(by=clinician, consult_id=row.pk, body=question, form_key=uuid4())
        if target == ConsultState.DECLINED:
            reason = "This needs to be seen in person. Please make an appointment with a skin clinic near you."
            consults.consult_decline(by=clinician, consult_id=row.pk, reason=reason, form_key=uuid4())
        if target in (ConsultState.ANSWERED, ConsultState.CLOSED):
            _sign(clinician, row, plan_templates()[plan])
            consults.consult_answer(by=clinician, consult_id=row.pk)
        if target == ConsultState.CLOSED:
            consults.consult_close(by=clinician, consult_id=row.pk)


def _sign(clinician: Actor, row: Consult, plan: PlanTemplate) -> None:
    assessment_save(
        by=clinician, encounter_id=row.encounter_id, diagnosis_code=plan.diagnosis_code,
        diagnosis_text=plan.diagnosis_text, note="Photos clear, all three views. No signs that need care in person.",
    )
    plan_save(
        by=clinician, encounter_id=row.encounter_id, letter=plan.letter, warnings=plan.warnings, weeks=plan.weeks,
        morning=[asdict(step) for step in plan.morning], evening=[asdict(step) for step in plan.evening],
    )


QUIET = {
    "urgent_signs": ("none",), "self_harm": ("no", "none"), "state_now": ("mn",), "spot": ("no",),
    "pregnancy": ("no", "cannot"), "allergies": ("none",), "conditions": ("none",), "medicine": ("none",),
    "burden": ("some", "little", "no"), "hormones": ("none",), "smoking": ("no", "never"),
}
WORDS = (
    "It is worse on the chin in the week before my period.", "I would like fewer marks by summer.",
    "I tried a cream from the pharmacy for a month.", "It gets red when I shave.",
)


REVIEWED = 3  # which of them was refused a correction and asks for a review
WRITES = 4  # which of them asks by letters instead of the portal
HELD = 2  # which of the made-up patients a court asks about


def seed(*, patients: int, part: int = 0, parts: int = 1) -> int:
    """Make what is missing of the clinic; returns how many patients were made.

    ``part`` of ``parts`` lets several processes share the work; the first makes Ana.
    """
    people = _sign_ins()
    dice = random.Random(2026 + part)  # noqa: S311 - a made-up clinic
    clinic = Clinic(dice, [people["karin@demo.example"], people["omar@demo.example"]])
    made = 0
    if part == 0 and not patients_of(people["ana@demo.example"].pk):
        seed_ana(clinic, people["ana@demo.example"])
        seed_register(people["ana@demo.example"])
        seed_amendments(people["ana@demo.example"], patients_of(people["ana@demo.example"].pk)[0])
        seed_companies()
        seed_children(clinic, people["gwen@demo.example"])
        seed_leaver(clinic)
        seed_handover(people["ana@demo.example"])
        made += 1
    states = [state for state, count in SPREAD for _ in range(round(count * patients / 60) or 1)]
    for number, state in enumerate(states[: max(0, patients - 1)], start=1):
        if number % parts == part and not User.objects.filter(email=_address(number)).exists():
            patient = _somebody(clinic, number, state)
            made += 1
            if number == HELD:
                _hold(patient.pk)
                seed_papers(patient.pk)
            if number == REVIEWED:
                seed_review(User.objects.get(email=_address(number)), patient)
            if number == WRITES:
                seed_letters_about_the_record(User.objects.get(email=_address(number)), patient)
    if part == 0 and made:
        seed_visits()
        seed_letters()
        seed_requests()
        seed_incidents(patients_of(people["ana@demo.example"].pk)[0])
        seed_safeguards()
        deidentified.rebuild()  # of what this process made; the first of the month counts them all
    return made


def _hold(patient_id: UUID) -> None:
    """A court has asked to keep one record, so that the officer's page of holds shows something."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    hold_place(
        by=officer, subject_id=patient_id, reason="Letter of the county court: keep everything until the hearing.",
        review_on=today() + dt.timedelta(days=120),
    )


def _sign_ins() -> dict[str, User]:
    """The accounts that visitors sign in as. One process at a time makes them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(20261125)")
        # The made-up clinic has had its policies for two years, or its older consults could not exist.
        PolicyVersion.objects.update(effective_on=timezone.now().date() - dt.timedelta(days=730))
        return {person.email: account(person.email, person.name, Role(person.role)) for person in SIGN_INS}


def _address(number: int) -> str:
    return f"patient{number:02}@demo.example"


def _somebody(clinic: Clinic, number: int, state: ConsultState) -> Patient:
    dice = clinic.dice
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number * 7 % len(FAMILY)]
    with ago(days=dice.uniform(40, 90)):
        user = account(_address(number), f"{given} {family}".strip(), Role.PATIENT)
        born = dt.date(dice.randint(1966, 2006), dice.randint(1, 12), dice.randint(1, 28))
        patient = clinic.patient(user, given, family, born)
    waits = state in (ConsultState.SUBMITTED, ConsultState.IN_REVIEW, ConsultState.NEEDS_INFORMATION)
    hours = dice.uniform(0.5, 26) if waits else dice.uniform(30, 700)
    clinic.consult(user, patient, number, state, hours=hours, marks=9 + number % 6 * 4)
    return patient
