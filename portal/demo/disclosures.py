"""What left the demo's clinic: Ana's register, papers of courts, companies that work for it, and an offer to buy it."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

import typst
from django.core.files.base import ContentFile

from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.context import Actor
from portal.dates import today
from portal.demo.clock import ago
from portal.permissions import Purpose, Role
from privacy.disclosing import assignments
from privacy.disclosing.papers import Paper, paper_keep
from privacy.disclosing.services import process_enter, process_give
from privacy.vendors.services import vendor_save
from records.access import patients_of
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record, suspension_record
from records.releases.models import ConsentKind
from records.releases.services import consent_give

DAY = dt.timedelta(days=1)
PHARMACY = ("Clear Lake Pharmacy", "12 Lake Street, Clear Lake, MN 55319")
ORDER = """
#set page(paper: "us-letter", margin: 2.4cm)
#set text(size: 11pt)
= State of Minnesota, District Court
Made up for the demo. #h(1fr) File 71-CV-26-1180
#v(1.5em)
It is ordered that Clear Lake Skin Clinic hands over its record of the consult of the plaintiff of this year.
#v(3em)
Judge of District Court
"""
PROMISE = """
#set page(paper: "us-letter", margin: 2.4cm)
#set text(size: 11pt)
= Written promise
Made up for the demo.
#v(1em)
NEW OWNER promises to keep the privacy policy of Clear Lake Skin Clinic for every record that passes to it.
#v(3em)
Signed
"""
COMPANIES = (
    ("Birch Copy and Mail LLC", "copy-house", "Letters and copies on paper, to print and post them.", True, 400, 5),
    ("Sawtooth Sealed Storage", "archive-store", "The sealed archive. It cannot open a bundle.", True, 700, 10),
    ("Square", "square", "Takes payments. It gets a number of an order, nothing of a record.", False, None, 60),
    ("Northwoods Translation", "translation", "Letters in other languages, to translate them.", True, None, 10),
)


def _officer() -> Actor:
    return Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)


def promise(acquirer: str) -> bytes:
    """The written promise of a new owner, as a PDF."""
    return bytes(typst.compile(PROMISE.replace("NEW OWNER", acquirer).encode()))


def _paper(source: str) -> Paper:
    return paper_keep(ContentFile(typst.compile(source.encode()), name="paper.pdf"))


def seed_register(ana: User) -> None:
    """A year of what went out of Ana's record, and what she allowed."""
    patient_id = patients_of(ana.pk)[0]
    with ago(days=200):
        consent_give(
            by=ana.actor, patient_id=patient_id, kind=ConsentKind.PROVIDER, recipient="Lakeside Family Practice",
            what="My plans and what I take", signed_name="Ana Okafor", form_key=uuid4(),
        )
    with ago(days=150):
        consent_give(
            by=ana.actor, patient_id=patient_id, kind=ConsentKind.INSURER, recipient="Prairie Health Plan",
            what="What I paid in 2026", signed_name="Ana Okafor", form_key=uuid4(),
        )
    for days in (88, 60, 12):
        _given(patient_id, days, *PHARMACY, "A prescription", DisclosureBasis.REQUEST)
    _given(
        patient_id, 180, "Lakeside Family Practice", "4 Main Street, Clear Lake, MN 55319", "The plan of the spring",
        DisclosureBasis.TREATMENT,
    )
    _given(
        patient_id, 30, "Minnesota Department of Health", "625 Robert Street N, Saint Paul, MN 55155",
        "That a lab result of yours had to be reported, and its value", DisclosureBasis.LAW, Purpose.LEGAL_DUTY,
    )


def _given(
    patient_id: UUID, days: int, recipient: str, address: str, what: str, basis: DisclosureBasis,
    purpose: Purpose = Purpose.CARE,
) -> None:
    with ago(days=days):
        disclosure_record(
            by=_officer(), subject_id=patient_id, purpose=purpose, basis=basis, recipient=recipient,
            recipient_address=address, what=what, on=today(),
        )


def seed_papers(patient_id: UUID) -> None:
    """A court order that waits, and a warrant of which the patient may not know yet."""
    officer = _officer()
    with ago(days=20):
        warrant = process_enter(
            by=officer, subject_id=patient_id, kind="warrant", received_on=today(), form_key=uuid4(),
            authority="Hennepin County District Court", authority_address="300 South Sixth Street, Minneapolis",
            asked="Dates of consults in the first half of this year.", case_number="27-CR-26-0412",
        )
        suspension_record(
            by=officer, subject_id=patient_id, reference=warrant.pk, kind="written", agency="Hennepin County Sheriff",
            official="Detective R. Moe", form_key=uuid4(), ends_on=today() + 110 * DAY,
            statement="Telling the patient would impede an investigation for 110 days.",
        )
        process_give(
            by=officer, process_id=warrant.pk, given="Two dates of consults.", on=today(), tell=False,
            reason="The warrant, signed by Judge Aker.", withheld="court_order",
            withheld_words="Paragraph 4 of the warrant.", withheld_until=today() + 110 * DAY,
        )
    with ago(days=2):
        process_enter(
            by=officer, subject_id=patient_id, kind="court_order", received_on=today(), form_key=uuid4(),
            authority="Sherburne County District Court", authority_address="13880 Business Center Drive, Elk River",
            asked="The record of the consult of this year.", case_number="71-CV-26-1180", answer_by=today() + 14 * DAY,
            paper=_paper(ORDER),
        )


def seed_companies() -> None:
    """Companies with and without an agreement, and a clinic that would like to take this one over."""
    officer = _officer()
    for name, code, gets, sees, days, notice in COMPANIES:
        agreed = today() - days * DAY if days else None
        vendor_save(
            by=officer, name=name, code=code, gets=gets, sees_records=sees, contact="(320) 555-0177", agreed_on=agreed,
            ends_on=None, notice_days=notice, reviewed_on=agreed,
        )
    row = assignments.assignment_enter(
        by=officer, acquirer="North Shore Skin Care", acquirer_address="9 Pier Road, Duluth, MN 55802",
        passes_on=today() + 120 * DAY, form_key=uuid4(),
    )
    assignments.undertaking_record(
        by=officer, assignment_id=row.pk, signed_by="Pat Berg, managing director", signed_on=today(),
        paper=paper_keep(ContentFile(promise("North Shore Skin Care"), name="promise.pdf")),
    )
