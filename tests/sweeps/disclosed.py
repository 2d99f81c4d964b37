"""What the world has of disclosures: legal papers, an entry, a suspension, a consent, a company and a new owner."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

from portal.accounts.models import User
from portal.crypto import sealed
from portal.dates import today
from portal.permissions import Purpose
from privacy.disclosing import assignments, services
from privacy.disclosing.papers import FOLDER, Paper
from privacy.vendors.services import vendor_save
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record, suspension_record
from records.releases.models import ConsentKind
from records.releases.services import consent_give

DAY = dt.timedelta(days=1)


def things(officer: User | None, ana: User, anas: UUID, another: UUID) -> dict[str, Any]:
    """By the names of the parts of addresses. Legal papers are about ``another``: they open the record."""
    assert officer
    entry, hidden = _given(officer, anas, "Lakeside Lab"), _given(officer, anas, "Department of Health")
    suspension = suspension_record(
        by=officer.actor, subject_id=anas, disclosure_id=hidden, kind="written", agency="County Sheriff",
        official="Sgt. Moe", statement="It would impede us", ends_on=today() + 30 * DAY, form_key=uuid4(),
    )
    consent = consent_give(
        by=ana.actor, patient_id=anas, kind=ConsentKind.PROVIDER, recipient="Lakeside Family Practice",
        what="My whole record", signed_name="Ana Okafor", form_key=uuid4(),
    )
    waiting, given = _process(officer, another), _process(officer, another)
    services.process_give(
        by=officer.actor, process_id=given, given="The plan of May", reason="The order of May 2", on=today(),
        tell=False, withheld="court_order", withheld_words="The order of May 2", withheld_until=today() + 60 * DAY,
    )
    return {
        "process_id": waiting, "admin:legal_tell.process_id": given, "disclosure_id": entry,
        "suspension_id": suspension.pk, "consent_id": consent.pk, "vendor_id": _vendor(officer),
        "assignment_id": _assignment(officer),
    }


def _paper() -> Paper:
    ref = sealed.write(b"%PDF-1.7 a page", folder=FOLDER)
    return Paper(ref.name, ref.key, "application/pdf")


def _given(officer: User, patient_id: UUID, recipient: str) -> UUID:
    return disclosure_record(
        by=officer.actor, subject_id=patient_id, purpose=Purpose.CARE, basis=DisclosureBasis.TREATMENT,
        recipient=recipient, recipient_address="4 Main Street", what="Blood test of May", on=today(),
    ).pk


def _process(officer: User, patient_id: UUID) -> UUID:
    return services.process_enter(
        by=officer.actor, subject_id=patient_id, kind="court_order", received_on=today(), authority="District Court",
        authority_address="1 Court Square", case_number="86-CV-1", asked="The plan of May", form_key=uuid4(),
        paper=_paper(),
    ).pk


def _vendor(officer: User) -> UUID:
    return vendor_save(
        by=officer.actor, name="Copy House LLC", code="copy-house", gets="Paper, to print it", sees_records=True,
        contact="Jo Berg, 555-0100", agreed_on=today(), ends_on=None, notice_days=10, reviewed_on=None,
    ).pk


def _assignment(officer: User) -> UUID:
    row = assignments.assignment_enter(
        by=officer.actor, acquirer="North Shore Clinics", acquirer_address="9 Pier Road", passes_on=today() + 90 * DAY,
        form_key=uuid4(),
    )
    return assignments.undertaking_record(
        by=officer.actor, assignment_id=row.pk, signed_by="Pat Berg", signed_on=today(), paper=_paper()
    ).pk
