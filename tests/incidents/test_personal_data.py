"""P32, P39, RULES 1.58: reports and notices are in one’s copy; an erasure takes the words and leaves the proof."""

from __future__ import annotations

from uuid import uuid4

import pytest

from portal.accounts.models import User
from portal.subjects import Subject
from privacy.dossier import archive_of, export_of
from privacy.incidents import personal_data
from privacy.incidents.models import Affected
from privacy.incidents.report_models import IncidentReport, ReportKind
from privacy.incidents.services import notifying, people, reports
from privacy.incidents.services.reports import Told, report_make
from tests.consults import building as consults
from tests.incidents.building import PARTS, breach, opened_incident, signed

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P32", "P39")]


def named(user: User) -> IncidentReport:
    told = Told(kind=ReportKind.CONCERN, words="Somebody read my file.", reach=user.email, named=True)
    return report_make(by=user.actor, told=told, form_key=uuid4())[0]


def test_what_one_reported_and_was_told_is_in_the_copy_and_in_the_archive(ana: User, ben: User, officer: User) -> None:
    patient = consults.person(ana)
    named(ana), named(ben)
    incident = breach(officer, patient.pk)
    notifying.notice_write(by=officer.actor, incident_id=incident.pk, values=PARTS)
    notifying.notices_send(by=officer.actor, incident_id=incident.pk)
    notifying.notices_make(incident.pk)
    subject = Subject(patient.pk, (ana.pk,))
    for held in (export_of(subject, ["incidents"]), archive_of(subject, ["incidents"])):
        [report], [notice] = held["incidents"]["incident_reports"], held["incidents"]["breach_notices"]
        assert (report["words"], report["answer_to"]) == ("Somebody read my file.", ana.email)
        assert notice["way"] == "letter"


def test_an_erasure_wipes_ones_words_even_in_a_sealed_report_and_keeps_the_proof(ana: User, officer: User) -> None:
    patient, report = consults.person(ana), named(ana)
    reports.report_end(by=officer.actor, report_id=report.pk, outcome="Looked into.")
    incident = opened_incident(officer)
    people.person_add(by=officer.actor, incident_id=incident.pk, subject_id=patient.pk, state="MN")
    signed(officer, incident)
    for _time in range(2):
        personal_data.erase_for(Subject(patient.pk, (ana.pk,)))
    report.refresh_from_db()
    assert (report.words, report.reach, report.outcome) == ("", "", "Looked into.")
    assert incident.affected.get().subject_id == patient.pk


def test_an_erasure_leaves_reports_of_others_alone(ana: User, ben: User) -> None:
    mine, other = named(ana), named(ben)
    personal_data.erase_for(Subject(uuid4(), (ana.pk,)))
    mine.refresh_from_db(), other.refresh_from_db()
    assert (mine.words, other.words) == ("", "Somebody read my file.")


def test_two_records_that_become_one_are_affected_once(ana: User, ben: User, officer: User) -> None:
    old, new = consults.person(ana), consults.person(ben, given="Ben")
    both, alone = opened_incident(officer), opened_incident(officer)
    for incident, patient in ((both, old), (both, new), (alone, old)):
        people.person_add(by=officer.actor, incident_id=incident.pk, subject_id=patient.pk, state="MN")
    signed(officer, alone)
    personal_data.merge_for(Subject(old.pk), Subject(new.pk))
    assert Affected.objects.filter(subject_id=new.pk).count() == 2
    assert alone.affected.get().subject_id == new.pk
