"""Reports and incidents for these tests, made through the product's own services."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from django.utils import timezone

from portal.accounts.models import User
from portal.context import ANONYMOUS
from portal.dates import today
from privacy.incidents.models import Incident
from privacy.incidents.report_models import IncidentReport, ReportKind
from privacy.incidents.services import assessing, people
from privacy.incidents.services.reports import Told, report_make
from records.models import Patient

WHOLE = {
    "nature": "Name and plan of one patient", "nature_level": "low",
    "recipient": "Another clinic", "recipient_level": "low",
    "acquired": "Opened once", "acquired_level": "medium",
    "mitigation": "Deleted, in writing", "mitigation_level": "low",
    "conclusion": "The other clinic is bound to secrecy and has deleted it.",
}
PARTS = {
    "happened": "On May 2 a letter went to the wrong house.", "data": "Name and plan.", "protect": "Look at your mail.",
    "doing": "We check each envelope twice.", "contact": "Mia Soto, (800) 555-0100, privacy@clinic.example",
}


def minor() -> Patient:
    """A record of a thirteen-year-old for whom nobody has said yes: the services refuse to make one."""
    born = today() - dt.timedelta(days=5000)
    return Patient.objects.create(given_name="Cleo", family_name="Okafor", birth_date=born)


def reported(kind: ReportKind = ReportKind.CONCERN, **more: Any) -> IncidentReport:
    """A report without a name from the public form."""
    report, _code = report_make(
        by=ANONYMOUS, told=Told(kind=kind, words="A letter went to the wrong house.", **more), form_key=uuid4()
    )
    return report


def opened_incident(officer: User, **more: Any) -> Incident:
    """An incident as it is right after opening."""
    words = {"summary": "A letter went to the wrong house.", "discovered_at": timezone.now(), **more}
    return assessing.incident_open(by=officer.actor, **words)


def signed(officer: User, incident: Incident, outcome: str = "low_probability", **more: Any) -> Incident:
    """The assessment is signed with this outcome."""
    return assessing.assessment_sign(
        by=officer.actor, incident_id=incident.pk, values={**WHOLE, "outcome": outcome, **more}
    )


def breach(officer: User, *subjects: Any, count: int = 0, **more: Any) -> Incident:
    """A breach that concerns these patients, and ``count`` people more."""
    incident = opened_incident(officer, **more)
    for subject_id in subjects:
        people.person_add(by=officer.actor, incident_id=incident.pk, subject_id=subject_id, state="MN")
    if count:
        people.count_add(by=officer.actor, incident_id=incident.pk, count=count, state="MN")
    return signed(officer, incident, "breach")
