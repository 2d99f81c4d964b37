"""The patient whom visitors sign in as: a year of consults, a kept record, a plan in use, words, a request."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

from consults import services as consults
from consults.state import ConsultState
from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.audit.models import AccessEvent, Action
from portal.context import Actor
from portal.demo.clinic import Clinic
from portal.demo.clock import ago
from portal.demo.papers import hand_in
from portal.permissions import Purpose, Role
from privacy.looks.services import report_make
from privacy.models import RequestKind
from privacy.requests.services import request_open
from records.emergency.models import EmergencyReason, ReviewDecision
from records.emergency.services import emergency_end, emergency_open, emergency_review
from records.history.models import Section
from records.history.services import entry_add, section_none
from records.history.topics import Said, topics_save
from records.vault import open_record

ENTRIES: tuple[tuple[Section, dict[str, str]], ...] = (
    (Section.ALLERGIES, {
        "substance": "Penicillin", "reaction": "Hives all over, and a swollen lip", "severity": "severe",
        "note": "As a child, at about six. Never taken again.",
    }),
    (Section.ALLERGIES, {"substance": "Nickel", "reaction": "Itchy red skin under a belt buckle", "severity": "mild"}),
    (Section.MEDICATIONS, {
        "name": "Cetirizine", "kind": "over_the_counter", "dose": "10 mg", "how": "One tablet in spring, when I sneeze",
        "since": "2019", "status": "taking",
    }),
    (Section.MEDICATIONS, {
        "name": "Benzoyl peroxide wash", "kind": "over_the_counter", "dose": "5 percent", "how": "Once a day",
        "since": "2024", "status": "stopped", "reason": "It bleached my towels.",
    }),
)
STORY = {
    "family": Said(text="My mother had acne until she was thirty. Nobody has had skin cancer."),
    "skin": Said(text="No peels and no lasers. Aloe gel felt good after sunburn."),
    "sun": Said(text="I tan slowly. Sunscreen in summer only, so far."),
    "smoking": Said(choice="never"),
}
PRIVATE = {"pregnancy": Said(choice="no"), "contraception": Said(text="The pill, since 2022.")}


def seed_ana(clinic: Clinic, ana: User) -> None:
    """Four consults over eleven months, whose photos show the skin getting better."""
    with ago(days=330):
        patient = clinic.patient(ana, "Ana", "Okafor", dt.date(2001, 4, 4))
        _sections(ana.actor, patient.pk)
    for days, marks, plan in ((326, 38, "mild"), (201, 27, "mild"), (92, 17, "moderate")):
        clinic.consult(ana, patient, 3, ConsultState.CLOSED, hours=days * 24, marks=marks, plan=plan)
    row = clinic.consult(ana, patient, 3, ConsultState.ANSWERED, hours=13 * 24, marks=9)
    row.refresh_from_db()
    with ago(days=9):
        words = "It gets a bit dry around the mouth. Should I use it less often?"
        consults.consult_message(by=ana.actor, consult_id=row.pk, body=words, form_key=uuid4())
    with ago(days=8):
        clinician = Actor(row.assigned_to, Role.CLINICIAN)
        words = "Yes, every second night is fine. Put the moisturizer on first, then wait ten minutes."
        consults.consult_message(by=clinician, consult_id=row.pk, body=words, form_key=uuid4())
    hand_in(by=ana.actor, patient_id=patient.pk)
    with ago(days=3):
        request_open(
            by=ana.actor, kind=RequestKind.ACCESS, subject_id=patient.pk, account_id=ana.pk, form_key=uuid4()
        )
    _emergency(clinic.clinicians[1].actor, ana.actor, patient.pk)


def _emergency(clinician: Actor, ana: Actor, patient_id: UUID) -> None:
    """A night on which Ana called, what the officer found about it, and what Ana asks about it now."""
    with ago(days=45):
        night = emergency_open(
            by=clinician, patient_id=patient_id, reason=EmergencyReason.CALLED, form_key=uuid4(),
            words="She called: her face swelled after a new cream. I need her allergies and what she uses.",
        )
        open_record(by=clinician, patient_id=patient_id, purpose=Purpose.CARE)
        emergency_end(by=clinician, emergency_id=night.pk)
    with ago(days=43):
        officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
        note = "The phone log shows her call. He looked at the record once and closed it."
        emergency_review(by=officer, emergency_id=night.pk, decision=ReviewDecision.JUSTIFIED, note=note)
    with ago(days=1):
        look = AccessEvent.objects.get(action=Action.BREAK_GLASS, object_id=night.pk)
        words = "I do not remember this. Was it the night I called about my face?"
        report_make(by=ana, event_id=look.event_id, words=words, form_key=uuid4())


def _sections(by: Actor, patient_id: UUID) -> None:
    for section, values in ENTRIES:
        entry_add(by=by, patient_id=patient_id, section=section, values=values, form_key=uuid4())
    section_none(by=by, patient_id=patient_id, section=Section.CONDITIONS)
    entry_add(
        by=by, patient_id=patient_id, section=Section.IDENTIFIERS, form_key=uuid4(),
        values={"kind": "drivers_license", "issuer": "Minnesota"}, number="S530-014-871-2204",
    )
    topics_save(by=by, patient_id=patient_id, section=Section.HISTORY, answers=STORY)
    topics_save(by=by, patient_id=patient_id, section=Section.PRIVATE, answers=PRIVATE)
