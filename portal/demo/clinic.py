"""The made-up clinic at work: an account, a patient, a consult brought to a state.

Each step goes through the services that people use. Payments are made at the Square stand-in,
which must be running.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any
from uuid import uuid4

import httpx
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
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
from portal.agreements.models import AgreementContext
from portal.agreements.selectors import current_for_sign_up
from portal.agreements.services import agreement_record
from portal.context import Actor
from portal.demo.clock import ago
from portal.demo.people import PASSWORD
from portal.demo.pictures import Sitter, picture
from portal.permissions import Role
from records.models import Patient
from records.photos.processing import photo_process
from records.plans.services import assessment_save, plan_save

QUIET = {
    "urgent_signs": ("none",), "self_harm": ("no", "none"), "state_now": ("mn",), "spot": ("no",),
    "pregnancy": ("no", "cannot"), "allergies": ("none",), "conditions": ("none",), "medicine": ("none",),
    "burden": ("some", "little", "no"), "hormones": ("none",), "smoking": ("no", "never"),
}
WORDS = (
    "It is worse on the chin in the week before my period.", "I would like fewer marks by summer.",
    "I tried a cream from the pharmacy for a month.", "It gets red when I shave.",
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
