"""Consults for the tests, made through the product's own services, step by step."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from PIL import Image

from billing.models import CheckoutAttempt, EffectKind, Order, Payment
from billing.services.effects import effect_add
from billing.state import AttemptState, OrderState, PaymentState
from consults import services
from consults.models import Consult
from consults.questionnaire import Kind, Question
from consults.questionnaires import load
from consults.services import Consent
from portal.accounts.models import User
from portal.crypto import sealed
from records.encounters.models import Encounter
from records.models import Answer, Message, Patient, Photo, Plan
from records.people.services import patient_create
from records.photos.models import REQUIRED_VIEWS, PhotoState
from records.plans.services import assessment_save, plan_save

BORN = dt.date(1990, 4, 4)
YES = Consent(care=True, agreement=True, notice=True)
# The safe answer of each question of acne-1; the rest takes its first choice.
SAFE = {
    "urgent_signs": ["none"], "state_now": "mn", "spot": "no", "tried": ["benzoyl"],
    "medicine": ["none"], "allergies": ["none"], "conditions": ["none"], "pregnancy": "cannot", "self_harm": "no",
}


def person(user: User, *, given: str = "Ana", family: str = "Okafor") -> Patient:
    return patient_create(by=user.actor, given_name=given, family_name=family, birth_date=BORN)


def start(user: User, patient: Patient | None = None) -> Consult:
    patient = patient or person(user)
    return services.consult_start(by=user.actor, patient_id=patient.pk, form_key=uuid4())


def answer_for(question: Question, given: Mapping[str, Any]) -> Any:
    if question.id in given:
        return given[question.id]
    if question.id in SAFE:
        return SAFE[question.id]
    if question.kind is Kind.TEXT:
        return f"some words about {question.id}"
    if question.kind is Kind.NUMBER:
        return str(question.low)
    first = question.choices[0].code
    return [first] if question.kind is Kind.MANY else first


def answers_now(consult: Consult) -> dict[str, frozenset[str]]:
    rows = Answer.objects.filter(encounter_id=consult.encounter_id)
    return {row.question_id: frozenset(row.value.get("codes", ())) for row in rows}


def answer_all(user: User, consult: Consult, **given: Any) -> None:
    """Walk the path from the first screen to the last, as a person would."""
    screen = load(consult.questionnaire).screens[0]
    while screen is not None:
        asked = screen.asked(answers_now(consult))
        saved = services.step_save(
            by=user.actor, consult_id=consult.pk, screen_id=screen.id,
            answers={question.id: answer_for(question, given) for question in asked},
        )
        screen = saved.following


def jpeg(colour: tuple[int, int, int] = (200, 150, 120)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def photo(encounter: Encounter, view: str, *, state: str = PhotoState.READY, code: str = "") -> Photo:
    """A photo of one view, as the worker would leave it."""
    files: dict[str, Any] = {}
    if state == PhotoState.READY:
        image, thumb = (sealed.write(jpeg(), folder="photos") for _ in range(2))
        files = {
            "image_name": image.name, "image_key": image.key, "image_bytes": image.size, "image_sha256": "0" * 64,
            "thumb_name": thumb.name, "thumb_key": thumb.key, "width": 1600, "height": 1200, "ready_at": timezone.now(),
        }
    elif state != PhotoState.REFUSED:
        upload = sealed.write(jpeg(), folder="quarantine")
        files = {"quarantine_name": upload.name, "quarantine_key": upload.key}
    return Photo.objects.create(
        encounter=encounter, patient_id=encounter.patient_id, view=view, state=state, refusal_code=code,
        uploaded_by=uuid4(), **files,
    )


def photos(consult: Consult) -> list[Photo]:
    return [photo(consult.encounter, view.value) for view in REQUIRED_VIEWS]


def ready(user: User, patient: Patient | None = None, **given: Any) -> Consult:
    """A draft with everything in it."""
    consult = start(user, patient)
    answer_all(user, consult, **given)
    photos(consult)
    return consult


def sent(user: User, patient: Patient | None = None) -> Consult:
    consult = ready(user, patient)
    return services.consult_submit(by=user.actor, consult_id=consult.pk, consent=YES)


def pay(order_id: UUID | None) -> Order:
    """What billing does when a sound payment arrives; the signal goes out when it is committed."""
    order = Order.objects.get(pk=order_id)
    CheckoutAttempt.objects.get_or_create(
        order=order, number=1,
        defaults={
            "idempotency_key": f"k{order.pk}"[:45], "square_order_id": f"o{order.pk}", "state": AttemptState.CLOSED,
        },
    )
    Payment.objects.create(
        order=order, square_payment_id=f"p{order.pk}", amount_cents=order.amount_cents, currency=order.currency,
        state=PaymentState.COMPLETED, paid_at=timezone.now(), source_updated_at=timezone.now(),
    )
    order.state = OrderState.PAID
    order.save()
    effect_add(order=order, kind=EffectKind.CHARGE_PAID, once_key=f"paid:{order.pk}")
    return order


def waiting(user: User, patient: Patient | None = None) -> Consult:
    """Paid, and in the queue."""
    consult = sent(user, patient)
    pay(consult.order_id)
    services.consult_paid(consult_id=consult.pk)
    consult.refresh_from_db()
    return consult


def taken(user: User, clinician: User, patient: Patient | None = None) -> Consult:
    consult = waiting(user, patient)
    return services.consult_take(by=clinician.actor, consult_id=consult.pk)


def asked(user: User, clinician: User, patient: Patient | None = None) -> Consult:
    consult = taken(user, clinician, patient)
    return services.consult_ask(
        by=clinician.actor, consult_id=consult.pk, body="Does it hurt at night?", form_key=uuid4()
    )


def write_plan(clinician: User, consult: Consult) -> None:
    assessment_save(
        by=clinician.actor, encounter_id=consult.encounter_id, diagnosis_code="L70.0",
        diagnosis_text="Acne vulgaris, moderate", note="",
    )
    plan_save(
        by=clinician.actor, encounter_id=consult.encounter_id, letter="Dear Ana, here is your plan.",
        morning=[{"what": "Wash", "how": "Lukewarm water", "prescription": False}],
        evening=[{"what": "Adapalene 0.1%", "how": "Pea size", "prescription": True}],
        warnings="Stop if it burns.", weeks=8,
    )


def earlier(user: User, clinician: User, patient: Patient) -> Consult:
    """A closed consult of some time ago with its plan, photo and a message, written straight into the tables."""
    then = timezone.now() - dt.timedelta(days=90)
    encounter = Encounter.objects.create(patient=patient, concern="acne", submitted_at=then, closed_at=then)
    photo(encounter, "front")
    Message.objects.create(
        encounter=encounter, patient=patient, author_id=clinician.pk, from_staff=True, body="Long ago."
    )
    Plan.objects.create(
        encounter=encounter, patient=patient, author_id=clinician.pk, signed_by=clinician.pk, signed_at=then
    )
    return Consult.objects.create(
        encounter=encounter, patient=patient, account_id=user.pk, questionnaire="acne-1", state="closed",
        assigned_to=clinician.pk, submitted_at=then, consented_at=then, paid_at=then, due_at=then, answered_at=then,
        ended_at=then,
    )


def answered(user: User, clinician: User, patient: Patient | None = None) -> Consult:
    consult = taken(user, clinician, patient)
    write_plan(clinician, consult)
    return services.consult_answer(by=clinician.actor, consult_id=consult.pk)
