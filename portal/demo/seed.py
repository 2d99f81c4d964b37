"""Fills the demo with a believable clinic: who is there, and how far each has come.

The clock is turned back for each step, so that consults lie hours and weeks apart. Payments are
made at the Square stand-in, which must be running.
"""

from __future__ import annotations

import datetime as dt
import random
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from consults.state import ConsultState
from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.agreements.models import PolicyVersion
from portal.context import Actor
from portal.dates import today
from portal.demo.amendments import seed_amendments, seed_letters_about_the_record, seed_review
from portal.demo.ana import seed_ana
from portal.demo.clinic import Clinic, account
from portal.demo.clock import ago
from portal.demo.disclosures import seed_companies, seed_papers, seed_register
from portal.demo.handover import seed_handover
from portal.demo.incidents import seed_incidents
from portal.demo.leaving import seed_children, seed_leaver
from portal.demo.letters import seed_letters
from portal.demo.people import SIGN_INS
from portal.demo.requests import seed_requests
from portal.demo.safeguards import seed_safeguards
from portal.demo.visits import seed_visits
from portal.permissions import Role
from privacy import deidentified
from privacy.keeping.services import hold_place
from records.access import patients_of
from records.models import Patient

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
