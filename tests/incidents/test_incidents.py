"""RULES 3.1 to 3.4, 3.11, 3.13: an incident is a breach until shown otherwise, and closed it is sealed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import InternalError, ProgrammingError, connection, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.dates import today
from portal.errors import DomainError, NotVisible
from privacy.incidents import selectors
from privacy.incidents.clocks import DutyKind
from privacy.incidents.models import FACTORS, Affected, ExceptionKind, Incident, IncidentEvent, Outcome, Step
from privacy.incidents.notice_models import NoticeText
from privacy.incidents.services import assessing, notifying, people
from privacy.incidents.services.reports import report_from_look
from privacy.incidents.state import INCIDENTS, IncidentAction, IncidentState, ReportState
from privacy.looks.models import LookReport
from records.disclosures.models import Disclosure
from tests.consults import building as consults
from tests.incidents.building import PARTS, WHOLE, breach, opened_incident, reported, signed

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P52")]


def steps(incident: Incident) -> list[str]:
    return list(incident.timeline.values_list("step", flat=True))


def test_an_incident_opens_as_a_breach_that_is_presumed_and_its_clocks_run(officer: User) -> None:
    report = reported()
    found = timezone.now() - dt.timedelta(days=4)
    incident = opened_incident(officer, report_id=report.pk, discovered_at=found)
    assert incident.state == IncidentState.ASSESSING
    assert incident.discovered_at == found and incident.reported_at > found
    assert steps(incident) == ["opened", "report"]
    kinds = {line.duty.kind for line in selectors.duty_lines(incident)}
    assert kinds == {DutyKind.INDIVIDUALS, DutyKind.HHS}
    report.refresh_from_db()
    assert (report.incident, report.state) == (incident, ReportState.LOOKING)
    assert opened_incident(officer, report_id=report.pk) == incident, "pressed twice"


def test_two_reports_can_be_one_incident_and_end_with_it(officer: User) -> None:
    first, second = reported(), reported()
    incident = opened_incident(officer, report_id=first.pk)
    assert assessing.report_join(by=officer.actor, report_id=second.pk, number=incident.number) == incident
    with pytest.raises(DomainError) as error:
        assessing.report_join(by=officer.actor, report_id=reported().pk, number=incident.number + 1)
    assert error.value.code == "no_incident"
    signed(officer, incident)
    for report in (first, second):
        report.refresh_from_db()
        assert report.state == ReportState.ENDED and report.keep_until == incident_of(incident).keep_until


def incident_of(incident: Incident) -> Incident:
    return Incident.objects.get(pk=incident.pk)


def test_a_look_that_seems_wrong_becomes_a_report_once(ana: User, officer: User) -> None:
    look = LookReport.objects.create(
        subject_id=consults.person(ana).pk, account_id=ana.pk, about="x", actor_role="clinician", action="view",
        object_kind="records.plan", looked_at=timezone.now(), words="I do not know this person.",
        received_on=today(), due_on=today(),
    )
    report = report_from_look(by=officer.actor, look_report_id=look.pk)
    assert (report.words, report.account_id, report.channel) == ("I do not know this person.", ana.pk, "look")
    assert report_from_look(by=officer.actor, look_report_id=look.pk) == report


@pytest.mark.parametrize("missing", [*FACTORS, *(f"{factor}_level" for factor in FACTORS), "outcome", "conclusion"])
def test_nothing_is_closed_without_four_factors_a_conclusion_and_a_signer(missing: str, officer: User) -> None:
    incident = opened_incident(officer)
    with pytest.raises(DomainError) as error:
        signed(officer, incident, **{missing: ""} if missing != "outcome" else {"outcome": ""})
    assert (error.value.code, error.value.field) == ("assessment_incomplete", missing)
    assert incident_of(incident).state == IncidentState.ASSESSING


def test_the_database_refuses_a_signature_without_its_factors(officer: User) -> None:
    draft = opened_incident(officer).assessment
    draft.signed_by, draft.signed_at, draft.outcome = officer.pk, timezone.now(), Outcome.BREACH
    with pytest.raises(Exception, match="assessment_signed_is_whole"), transaction.atomic():
        draft.save()


@pytest.mark.parametrize("exception", ExceptionKind.values)
def test_the_three_exceptions_are_a_closed_list(exception: str, officer: User) -> None:
    with pytest.raises(DomainError) as error:
        signed(officer, opened_incident(officer), "exception", exception="because")
    assert error.value.code == "exception_missing"
    incident = signed(officer, opened_incident(officer), "exception", exception=exception)
    assert incident.state == IncidentState.CLOSED and incident.assessment.exception == exception


def test_a_breach_needs_people_and_starts_the_notices(officer: User) -> None:
    incident = opened_incident(officer)
    with pytest.raises(DomainError) as error:
        signed(officer, incident, "breach")
    assert error.value.code == "nobody_affected"
    people.count_add(by=officer.actor, incident_id=incident.pk, count=3, state="MN")
    assert signed(officer, incident, "breach").state == IncidentState.NOTIFYING


def test_the_day_of_discovery_changes_with_a_reason_and_the_clocks_follow(officer: User) -> None:
    incident = opened_incident(officer)
    earlier = timezone.now() - dt.timedelta(days=20)
    with pytest.raises(DomainError):
        assessing.discovery_change(by=officer.actor, incident_id=incident.pk, discovered_at=earlier, reason=" ")
    with pytest.raises(DomainError):
        assessing.discovery_change(
            by=officer.actor, incident_id=incident.pk, discovered_at=timezone.now() + dt.timedelta(hours=1), reason="x"
        )
    before = selectors.duty_lines(incident)[0].duty.due_on
    changed = assessing.discovery_change(
        by=officer.actor, incident_id=incident.pk, discovered_at=earlier, reason="The nurse knew."
    )
    assert before - selectors.duty_lines(changed)[0].duty.due_on == dt.timedelta(days=20)
    assert "The nurse knew." in changed.timeline.get(step=Step.DISCOVERY).note
    assert changed.reported_at == incident.reported_at
    with time_machine.travel(timezone.now() + dt.timedelta(days=2)), pytest.raises(DomainError) as error:
        assessing.discovery_change(
            by=officer.actor, incident_id=incident.pk, discovered_at=timezone.now() - dt.timedelta(hours=1), reason="x"
        )
    assert (error.value.code, error.value.field) == ("discovered_late", "discovered_at")


@pytest.mark.parametrize(
    ("kind", "until", "code"),
    [
        ("written", None, "until_missing"), ("written", -1, "until_before"), ("oral", 31, "oral_too_long"),
        ("oral", 30, None), ("oral", None, None), ("written", 200, None),
    ],
)
def test_law_enforcement_can_ask_to_wait(kind: str, until: int | None, code: str | None, officer: User) -> None:
    incident = opened_incident(officer)
    day = None if until is None else today() + dt.timedelta(days=until)
    asked: dict[str, Any] = {
        "by": officer.actor, "incident_id": incident.pk, "kind": kind, "agency": "County sheriff", "starts_on": today(),
        "until": day,
    }
    if code:
        with pytest.raises(DomainError) as error:
            assessing.delay_record(**asked)
        assert error.value.code == code
    else:
        delay = assessing.delay_record(**asked)
        assert delay.until == (day or today() + dt.timedelta(days=30))
        assert selectors.delayed_until(incident) == delay.until


def test_a_spoken_request_cannot_be_stretched_by_another_or_begin_later(officer: User) -> None:
    incident = opened_incident(officer)

    def asked(kind: str, starts_on: dt.date, until: dt.date | None = None) -> None:
        assessing.delay_record(
            by=officer.actor, incident_id=incident.pk, kind=kind, agency="Sheriff", starts_on=starts_on, until=until
        )

    with pytest.raises(DomainError) as error:
        asked("oral", today() + dt.timedelta(days=1))
    assert error.value.code == "day_ahead"
    asked("oral", today())
    with time_machine.travel(timezone.now() + dt.timedelta(days=29)):
        with pytest.raises(DomainError) as error:
            asked("oral", today())
        assert error.value.code == "oral_again"
        asked("written", today(), today() + dt.timedelta(days=60))


def test_people_are_counted_by_state_and_500_minnesotans_start_48_hours(officer: User, ana: User) -> None:
    incident = opened_incident(officer, data_kinds=["ssn", "name"])
    patient = consults.person(ana)
    for _press in range(2):
        people.person_add(by=officer.actor, incident_id=incident.pk, subject_id=patient.pk, state="mn")
    people.count_add(by=officer.actor, incident_id=incident.pk, count=499, state="MN")
    people.count_add(by=officer.actor, incident_id=incident.pk, count=7, state="WI")
    assert selectors.residents(incident) == {"MN": 500, "WI": 7}
    assert incident_of(incident).bureaus_from is None
    people.stranger_add(by=officer.actor, incident_id=incident.pk, name="Lea Rao", address="", state="MN")
    over = incident_of(incident)
    assert over.bureaus_from is not None
    assert {line.duty.kind for line in selectors.duty_lines(over)} == set(DutyKind)
    row = Affected.objects.get(count=499)
    people.person_remove(by=officer.actor, incident_id=incident.pk, affected_id=row.pk, reason="Counted twice")
    assert incident_of(incident).bureaus_from is None


@pytest.mark.parametrize("state", IncidentState)
@pytest.mark.parametrize("action", IncidentAction)
def test_every_action_in_every_state(state: IncidentState, action: IncidentAction, officer: User) -> None:
    incident = opened_incident(officer)
    if state == IncidentState.NOTIFYING:
        incident = breach(officer, count=1)
    if state == IncidentState.CLOSED:
        incident = signed(officer, incident)
    deeds = {
        IncidentAction.CLEAR: lambda: signed(officer, incident),
        IncidentAction.FIND: lambda: _found(officer, incident),
        IncidentAction.CLOSE: lambda: notifying.incident_close(by=officer.actor, incident_id=incident.pk),
    }
    if (state, action) == (IncidentState.NOTIFYING, IncidentAction.CLOSE):
        with pytest.raises(DomainError) as error:
            deeds[action]()
        assert error.value.code == "duties_open"
    elif (state, action) in INCIDENTS:
        assert deeds[action]().state == INCIDENTS[state, action]
    else:
        with pytest.raises(DomainError) as error:
            deeds[action]()
        assert error.value.code == "incident_state"


def _found(officer: User, incident: Incident) -> Incident:
    people.count_add(by=officer.actor, incident_id=incident.pk, count=1, state="MN")
    return signed(officer, incident, "breach")


@pytest.mark.parametrize("role", ["clinician", "support", "owner", "ana"])
def test_only_the_officer_leads_an_incident(role: str, officer: User, request: pytest.FixtureRequest) -> None:
    other, incident = request.getfixturevalue(role), opened_incident(officer)
    deeds = [
        lambda: opened_incident(other), lambda: signed(other, incident),
        lambda: assessing.note_add(by=other.actor, incident_id=incident.pk, note="x"),
        lambda: people.count_add(by=other.actor, incident_id=incident.pk, count=1, state=""),
        lambda: notifying.notice_write(by=other.actor, incident_id=incident.pk, values=PARTS),
        lambda: assessing.incident_reopen(by=other.actor, incident_id=incident.pk, reason="x"),
    ]
    for deed in deeds:
        with pytest.raises(NotVisible):
            deed()


def test_a_closed_incident_is_sealed_by_the_database_with_all_its_parts(officer: User) -> None:
    incident = opened_incident(officer)
    people.count_add(by=officer.actor, incident_id=incident.pk, count=2, state="MN")
    closed = signed(officer, incident)
    assert closed.keep_until == today().replace(year=today().year + 6)
    forbidden = [
        lambda: Incident.objects.filter(pk=closed.pk).update(summary="Nothing happened"),
        lambda: Incident.objects.filter(pk=closed.pk)._raw_delete("default"),
        lambda: Affected.objects.filter(incident=closed).update(count=1),
        lambda: Affected.objects.filter(incident=closed).delete(),
        lambda: Affected.objects.create(incident=closed, count=1),
        lambda: NoticeText.objects.filter(incident=closed).update(happened="Nothing"),
        lambda: closed.assessment.delete(),
        lambda: IncidentEvent.objects.filter(incident=closed).update(note="Nothing"),
        lambda: IncidentEvent.objects.filter(incident=closed).delete(),
        lambda: IncidentEvent.objects.create(incident=closed, at=timezone.now(), actor_role="officer", step="note"),
    ]
    for deed in forbidden:
        with pytest.raises((InternalError, ProgrammingError), match="pgtrigger"), transaction.atomic():
            deed()
    with pytest.raises(DomainError):
        assessing.note_add(by=officer.actor, incident_id=closed.pk, note="more")


def test_what_is_new_goes_into_a_new_incident_that_names_the_old_one(officer: User) -> None:
    with pytest.raises(DomainError):
        assessing.incident_reopen(by=officer.actor, incident_id=opened_incident(officer).pk, reason="x")
    closed = signed(officer, opened_incident(officer))
    new = assessing.incident_reopen(by=officer.actor, incident_id=closed.pk, reason="The letter turned up.")
    assert (new.follows, new.state, new.discovered_at) == (closed, IncidentState.ASSESSING, closed.discovered_at)
    assert new.number > closed.number
    assert assessing.incident_reopen(by=officer.actor, incident_id=closed.pk, reason="again") == new
    assert incident_of(closed).state == IncidentState.CLOSED


def test_no_word_of_an_incident_stands_in_clear(officer: User) -> None:
    incident = opened_incident(officer, summary="ZQX-secret")
    signed(officer, incident, conclusion="ZQX-secret", nature="ZQX-secret")
    tables = ("privacy_incident", "privacy_assessment", "privacy_incidentevent")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT row_to_json(r)::text FROM {table} AS r")
            assert "ZQX" not in str(cursor.fetchall())


def test_a_breach_that_went_outside_stands_in_the_register_of_each_patient_once(officer: User, ana: User) -> None:
    patient = consults.person(ana)
    incident = breach(officer, patient.pk, count=3)
    told = {"by": officer.actor, "incident_id": incident.pk, "recipient": "A neighbour", "what": "One letter"}
    assessing.delay_record(
        by=officer.actor, incident_id=incident.pk, kind="oral", agency="Sheriff", starts_on=today(), until=None
    )
    with pytest.raises(DomainError) as error:
        people.register_write(**told)
    assert error.value.code == "law_delay", "the patient reads the register"
    incident.delays.all().delete()
    assert (people.register_write(**told), people.register_write(**told)) == (1, 0)
    row = Disclosure.objects.get(patient=patient)
    assert (row.basis, row.recipient, row.reference, row.accountable) == ("mistake", "A neighbour", incident.pk, True)


def test_the_draft_keeps_gaps_and_is_not_lost(officer: User) -> None:
    incident = opened_incident(officer)
    assessing.assessment_write(by=officer.actor, incident_id=incident.pk, values={"nature": WHOLE["nature"]})
    draft = incident_of(incident).assessment
    assert (draft.nature, draft.recipient, draft.signed_at) == (WHOLE["nature"], "", None)
