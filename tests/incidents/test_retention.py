"""RULES 1.58, 3.13: what is kept about reports and incidents is kept six years, and then goes, unless a hold stands."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
import time_machine
from django.apps import apps
from django.utils import timezone

from portal.accounts.models import User
from portal.agreements.services import policies_publish
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from privacy.incidents.models import Incident, IncidentEvent
from privacy.incidents.report_models import IncidentReport, ReportKind
from privacy.incidents.services import assessing
from privacy.incidents.services.reports import Told, report_end, report_make, report_take
from privacy.incidents.services.retention import PARTS, incidents_expire
from privacy.incidents.tasks import incidents_watch
from privacy.keeping.services import hold_place, hold_release
from records.models import Patient
from tests.incidents.building import breach, opened_incident, reported, signed
from tests.privacy.conftest import anas

__all__ = ["anas"]
pytestmark = [pytest.mark.django_db, pytest.mark.promise("P52")]
NONE = {"incidents": 0, "reports": 0, "held": 0}


def on(day: dt.date) -> time_machine.travel:
    return time_machine.travel(dt.datetime.combine(day, dt.time(18), tzinfo=dt.UTC))


def closed(officer: User, **more: object) -> Incident:
    incident = signed(officer, opened_incident(officer, **more))
    incident.refresh_from_db()
    assert incident.state == "closed" and incident.keep_until is not None
    return incident


def last_day(row: Incident | IncidentReport) -> dt.date:
    row.refresh_from_db()
    assert row.keep_until is not None
    return row.keep_until


def ended(officer: User) -> IncidentReport:
    report = reported()
    report_take(by=officer.actor, report_id=report.pk)
    return report_end(by=officer.actor, report_id=report.pk, outcome="We moved the printer.")


def test_all_of_an_incident_goes_the_day_after_its_last_and_the_log_says_so(officer: User) -> None:
    report, other = reported(), opened_incident(officer)
    incident = closed(officer, report_id=report.pk)
    last = last_day(incident)
    assert last.year == today().year + 6
    with on(last):
        assert incidents_expire() == NONE
    assert IncidentEvent.objects.filter(incident=incident).exists()
    with on(last + dt.timedelta(days=1)):
        incidents_watch()
        assert incidents_expire() == NONE
    assert list(Incident.objects.all()) == [other] and not IncidentReport.objects.exists()
    assert not IncidentEvent.objects.exclude(incident=other).exists()
    row = AccessEvent.objects.get(action=Action.DELETE, object_kind="privacy.incident")
    assert (row.object_id, row.basis, row.subject_id) == (incident.pk, "retention", None)


def test_a_report_that_was_no_incident_goes_after_its_six_years_too(officer: User) -> None:
    report, open_one = ended(officer), reported()
    with on(last_day(report)):
        assert incidents_expire() == NONE
    with on(last_day(report) + dt.timedelta(days=1)):
        assert incidents_expire() == NONE | {"reports": 1}
    assert list(IncidentReport.objects.all()) == [open_one], "what is not ended is never too old"


def test_a_hold_on_somebody_concerned_stops_it_until_it_ends(officer: User, anas: Patient) -> None:
    incident = breach(officer, anas.pk)
    Incident.objects.filter(pk=incident.pk).update(
        state="closed", closed_at=timezone.now(), closed_by=officer.pk, keep_until=today() + dt.timedelta(days=2190)
    )
    hold = hold_place(
        by=officer.actor, subject_id=anas.pk, reason="A court asked", review_on=today() + dt.timedelta(days=30)
    )
    with on(today() + dt.timedelta(days=2200)):
        assert incidents_expire() == NONE | {"held": 1}
        hold_release(by=officer.actor, hold_id=hold.pk, why="It is over")
        assert incidents_expire() == NONE | {"incidents": 1}


def test_a_hold_on_who_sent_a_report_stops_its_end(officer: User, anas: Patient, ana: User) -> None:
    policies_publish()
    report, _code = report_make(
        by=ana.actor, told=Told(ReportKind.COMPLAINT, "A letter lay open.", named=True), form_key=uuid4()
    )
    report_take(by=officer.actor, report_id=report.pk)
    report_end(by=officer.actor, report_id=report.pk, outcome="We moved the printer.")
    hold_place(by=officer.actor, subject_id=anas.pk, reason="A court", review_on=today() + dt.timedelta(days=30))
    with on(last_day(report) + dt.timedelta(days=1)):
        assert incidents_expire() == NONE | {"held": 1}


def test_a_story_that_goes_on_in_another_incident_goes_as_a_whole(officer: User) -> None:
    first = closed(officer)
    with time_machine.travel(timezone.now() + dt.timedelta(days=400)):
        again = signed(officer, assessing.incident_reopen(by=officer.actor, incident_id=first.pk, reason="More came"))
    with on(last_day(first) + dt.timedelta(days=1)):
        assert incidents_expire() == NONE | {"held": 1} and Incident.objects.count() == 2
    with on(last_day(again) + dt.timedelta(days=1)):
        assert incidents_expire() == NONE | {"incidents": 2}


def test_no_table_of_incidents_is_forgotten() -> None:
    mine = {model for model in apps.get_models() if model.__module__.startswith("privacy.incidents")}
    assert mine == {Incident, *PARTS}
