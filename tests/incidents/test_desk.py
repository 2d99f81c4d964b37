"""The officer's desk for reports and incidents, walked from the report to the last notice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from portal.permissions import Purpose
from privacy.incidents.models import Incident
from privacy.incidents.report_models import IncidentReport, ReportKind
from privacy.incidents.services import notifying
from privacy.incidents.state import IncidentState, ReportState
from privacy.letters.models import Letter, PrintState
from tests.consults import building as consults
from tests.incidents.building import PARTS, WHOLE, breach, opened_incident, reported, signed

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P52")]
As = Callable[..., Client]


def at(name: str, *ids: Any) -> str:
    return reverse(f"admin:{name}", args=ids)


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_from_the_report_to_the_last_notice(officer: User, ana: User, as_: As) -> None:
    patient, report, browser = consults.person(ana), reported(reach="lea@example.org"), as_(officer)
    assert at("incident_report", report.pk) in text(browser.get(at("incidents")))
    page = text(browser.get(at("incident_report", report.pk)))
    assert "A letter went to the wrong house." in page and "lea@example.org" in page
    browser.post(at("incident_report_take", report.pk))
    form = browser.get(at("incident_report_open", report.pk)).context["form"]
    assert form["summary"].value() == "A letter went to the wrong house."
    when = (timezone.now() - dt.timedelta(hours=30)).strftime("%Y-%m-%dT%H:%M")
    browser.post(at("incident_report_open", report.pk), {
        "summary": "Letter of Ana to a neighbour", "discovered_at": when, "data_kinds": ["name", "plan"],
    })
    incident = Incident.objects.get()
    assert "Presumed to be a breach" in text(browser.get(at("incident", incident.pk)))
    browser.post(at("incident_note", incident.pk), {"note": "Called the neighbour."})
    found = text(browser.post(at("incident_people", incident.pk), {"words": "Ana Okafor"}))
    assert "Okafor" in found and str(patient.pk) in found
    browser.post(at("incident_person_add", incident.pk), {"person": str(patient.pk), "state": "MN"})
    assert "Okafor" not in text(browser.get(at("incident_people", incident.pk))), "numbers, not names"
    half = {"nature": "x", "outcome": "breach", "sign": "1"}
    assert "needed before you can sign" in text(browser.post(at("incident_assessment", incident.pk), half))
    browser.post(at("incident_assessment", incident.pk), {**WHOLE, "outcome": "breach", "sign": "1"})
    browser.post(at("incident_notice", incident.pk), PARTS)
    browser.post(at("incident_send", incident.pk))
    notifying.notices_make(incident.pk)
    assert "has not left yet" in text(browser.get(at("incident_notice", incident.pk)))
    Letter.objects.update(paper=PrintState.POSTED, posted_on=today())
    for kind in ("individuals", "hhs"):
        told = {"kind": kind, "done_on": today().isoformat(), "proof": "Form 12"}
        browser.post(at("incident_told", incident.pk), told)
    browser.post(at("incident_close", incident.pk))
    incident.refresh_from_db()
    report.refresh_from_db()
    assert (incident.state, report.state) == (IncidentState.CLOSED, ReportState.ENDED)
    assert "Take it up again" in text(browser.get(at("incident", incident.pk)))
    browser.post(at("incident_reopen", incident.pk), {"reason": "A second letter"})
    assert Incident.objects.get(follows=incident).state == IncidentState.ASSESSING


def test_looking_at_a_report_leaves_a_trace_with_its_purpose_before_the_words(officer: User, as_: As) -> None:
    report, incident = reported(), opened_incident(officer)
    browser = as_(officer)
    browser.get(at("incident_report", report.pk))
    browser.get(at("incident", incident.pk))
    looks = AccessEvent.objects.filter(actor_id=officer.pk, action=Action.VIEW, object_kind="privacy.incident")
    assert {look.object_id for look in looks} == {report.pk, incident.pk}
    assert {look.purpose for look in looks} == {Purpose.ABUSE}


@pytest.mark.promise("P48")
def test_a_childs_record_is_frozen_with_one_press(officer: User, ana: User, as_: As) -> None:
    patient = consults.person(ana)
    report = reported(ReportKind.CHILD, child_name="Somebody Else", child_email=ana.email)
    browser = as_(officer)
    assert "Freeze it now" in text(browser.get(at("incident_report", report.pk)))
    browser.post(at("incident_report_freeze", report.pk, patient.pk))
    assert "Frozen" in text(browser.get(at("incident_report", report.pk)))


def test_staff_enter_a_call_and_read_the_code_out(support: User, as_: As) -> None:
    data = {
        "form_key": uuid4(), "kind": "child", "channel": "phone", "received_on": today().isoformat(),
        "words": "A father called.", "child_name": "Cleo Okafor", "child_born": "2014-05-01",
    }
    page = text(as_(support).post(at("incident_enter"), data))
    assert "Receipt code" in page
    row = IncidentReport.objects.get()
    assert (row.entered_by, row.freeze_at is not None) == (support.pk, True)
    assert as_(support).get(at("incident_report", row.pk)).status_code == 404


def test_a_report_that_is_no_incident_ends_in_the_log_of_complaints(officer: User, as_: As) -> None:
    report, browser = reported(ReportKind.COMPLAINT), as_(officer)
    browser.post(at("incident_report_end", report.pk), {"outcome": "Explained; no rule was broken."})
    assert "A complaint about how you handle" in text(browser.get(at("incidents")))
    assert "no rule was broken" in text(browser.get(at("incident_report", report.pk)))


def test_facts_discovery_delay_people_and_errors_stand_at_their_fields(officer: User, as_: As) -> None:
    incident, browser = opened_incident(officer), as_(officer)
    browser.post(at("incident_facts", incident.pk), {"summary": "More is known", "data_kinds": ["ssn"]})
    known = {"discovered_at": "2026-01-05T10:00", "reason": "The nurse knew"}
    browser.post(at("incident_discovery", incident.pk), known)
    assert "Give the day that the letter names" in text(browser.post(
        at("incident_delay", incident.pk), {"kind": "written", "agency": "Sheriff", "starts_on": today().isoformat()}
    ))
    browser.post(at("incident_count_add", incident.pk), {"count": "12", "state": "WI"})
    browser.post(at("incident_stranger_add", incident.pk), {"name": "Lea Rao", "address": "one line", "state": "MN"})
    browser.post(at("incident_person_add", incident.pk), {"person": "NOTANUMBER", "state": "MN"})
    row = incident.affected.get()
    browser.post(at("incident_person_remove", incident.pk, row.pk), {"reason": "Counted twice"})
    incident.refresh_from_db()
    assert (incident.summary, incident.data_kinds, incident.affected.count()) == ("More is known", ["ssn"], 0)
    assert incident.discovered_at.date() == dt.date(2026, 1, 5)
    assert "Counted twice" in text(browser.get(at("incident", incident.pk)))


def test_what_cannot_be_added_is_shown_again_with_all_that_was_typed(officer: User, as_: As) -> None:
    incident, browser = opened_incident(officer), as_(officer)
    for page, typed, said in (
        ("incident_note", {"note": "A long call. " * 600}, "at most 6000"),
        ("incident_stranger_add", {"name": "Lea Rao", "address": "Elm 1\nAustin", "state": "M1"}, "two letters"),
        ("incident_person_add", {"person": "NOTANUMBER", "state": "MN"}, "no record with this number"),
        ("incident_count_add", {"count": "-1", "state": "WI"}, "greater than or equal to 1"),
    ):
        shown = text(browser.post(at(page, incident.pk), typed))
        assert said in shown and all(value.strip()[-80:] in shown for value in typed.values()), page
        assert browser.post(at(page, uuid4()), typed).status_code == 404
    assert not incident.affected.exists()


def test_the_years_log_and_its_file(officer: User, ana: User, as_: As) -> None:
    incident = breach(officer, consults.person(ana).pk)
    browser = as_(officer)
    assert f">{incident.number}<" in text(browser.get(at("incident_log", today().year)))
    answer = browser.get(at("incident_log_file", today().year))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2 and str(incident.number) in lines[1]
    assert browser.get(at("incident_log", 99999)).status_code == 404


def test_the_desk_asks_as_often_for_ten_incidents_as_for_one(officer: User, as_: As) -> None:
    browser = as_(officer)

    def queries() -> int:
        with CaptureQueriesContext(connection) as context:
            text(browser.get(at("incidents")))
        return len(context)

    opened_incident(officer), reported(), signed(officer, opened_incident(officer))
    queries()
    few = queries()
    for _time in range(9):
        opened_incident(officer), reported(), signed(officer, opened_incident(officer))
    assert queries() == few
