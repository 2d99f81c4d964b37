"""Cases for the desk's tests: real records, real grants, and a consult in the wanted state."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from consults.models import Consult
from consults.services import consult_take
from consults.state import ConsultState
from portal.accounts.models import User
from portal.permissions import Role
from records.access import grant_open
from records.encounters.models import Concern, Encounter
from records.encounters.services import answer_save, encounter_open, encounter_submit
from records.people.models import GrantKind, Patient
from records.people.services import patient_create
from tests.conftest import account
from tests.records.building import photo

BORN = dt.date(2001, 4, 4)
HEALTHY: dict[str, Any] = {
    "where": ["cheeks"], "since": ["years"], "spot": ["no"], "tried": ["benzoyl"], "medicine": ["none"],
    "allergies": ["none"], "conditions": ["none"], "pregnancy": ["cannot"], "self_harm": ["no"],
}


@dataclass
class Case:
    """A consult with its patient and the patient's account."""

    consult: Consult
    patient: Patient
    encounter: Encounter
    user: User

    @property
    def id(self) -> UUID:
        return self.consult.pk

    @property
    def state(self) -> str:
        self.consult.refresh_from_db()
        return self.consult.state


def answer(user: User, encounter: Encounter, answers: dict[str, Any]) -> None:
    """Answers as codes (a list) or text (a str), with the codes as their own labels."""
    for place, (question, given) in enumerate(answers.items()):
        value = {"text": given} if isinstance(given, str) else {"codes": given, "labels": [c.title() for c in given]}
        answer_save(
            by=user.actor, encounter_id=encounter.pk, question_id=question, question_text=f"What about {question}?",
            value=value, position=place,
        )


def waiting(
    user: User | None = None, *, given: str = "Ana", family: str = "Okafor", due_in: float = 20.0,
    answers: dict[str, Any] | None = None, pictures: dict[str, bytes | None] | None = None,
    patient: Patient | None = None,
) -> Case:
    """A paid consult in the queue, due in so many hours."""
    user = user or account(f"p{uuid4().hex[:10]}@example.org", Role.PATIENT, f"{given} {family}")
    patient = patient or patient_create(by=user.actor, given_name=given, family_name=family, birth_date=BORN)
    encounter = encounter_open(by=user.actor, patient_id=patient.pk, concern=Concern.ACNE)
    answer(user, encounter, {**HEALTHY, **(answers or {})})
    for view, data in (pictures if pictures is not None else {"front": None, "left": None, "right": None}).items():
        photo(encounter, view=view, data=data, by=user.pk)
    encounter_submit(by=user.actor, encounter_id=encounter.pk)
    now = timezone.now()
    consult = Consult.objects.create(
        encounter=encounter, patient=patient, account_id=user.pk, questionnaire="acne-1",
        state=ConsultState.SUBMITTED, submitted_at=now, consented_at=now, paid_at=now,
        due_at=now + dt.timedelta(hours=due_in),
    )
    grant_open(
        by=user.actor, patient_id=patient.pk, kind=GrantKind.QUEUE, role=Role.CLINICIAN, reference=consult.pk
    )
    return Case(consult, patient, encounter, user)


def taken(by: User, **given: Any) -> Case:
    """A case in this clinician's hands."""
    case = waiting(**given)
    consult_take(by=by.actor, consult_id=case.id)
    case.consult.refresh_from_db()
    return case


def typed(**over: Any) -> dict[str, Any]:
    """The answer form, filled as a clinician would; lines of the plan by part of the day."""
    lines = {
        "morning": over.pop(
            "morning", [("Wash", "Lukewarm water", False), ("Azelaic acid 15% gel", "Thin layer", True)]
        ),
        "evening": over.pop("evening", [("Moisturizer", "As much as you like", False)]),
    }
    data: dict[str, Any] = {
        "version": "", "diagnosis_code": "L70.0", "diagnosis_text": "Acne vulgaris, mild", "note": "",
        "letter": "Dear Ana, this will get better.", "warnings": "Stop if your face swells.", "weeks": "8",
    }
    for part, rows in lines.items():
        data |= {f"{part}-TOTAL_FORMS": str(len(rows) + 1), f"{part}-INITIAL_FORMS": "0"}
        for place, (what, how, prescription) in enumerate([*rows, ("", "", False)]):
            data |= {f"{part}-{place}-what": what, f"{part}-{place}-how": how}
            if prescription:
                data[f"{part}-{place}-prescription"] = "on"
    return {**data, **over}
