"""P48, P50 to P52: anybody can report, with or without a name, and learns nothing but the state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.agreements.models import Agreement
from portal.audit.models import AccessEvent
from portal.context import SYSTEM
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.outbox.models import OutgoingMail
from portal.permissions import Purpose
from privacy.incidents.codes import code_for, code_shown
from privacy.incidents.freezing import freeze_by_hand, perhaps, report_freeze
from privacy.incidents.report_models import Channel, IncidentReport, ReportKind
from privacy.incidents.services import reports
from privacy.incidents.services.reports import Told
from privacy.incidents.state import REPORTS, ReportAction, ReportState
from privacy.requests.models import RightsRequest
from records.access import grant_open
from records.freezing.selectors import frozen_of, running
from records.freezing.services import freeze_lift
from records.models import GrantKind
from tests.consults import building as consults
from tests.incidents.building import minor, reported

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P52")]
As = Callable[..., Client]
PAGES = {
    "incident_report": ReportKind.CONCERN, "incident_child": ReportKind.CHILD, "complaint": ReportKind.COMPLAINT,
}


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def sent(client: Client, page: str = "incident_report", **words: Any) -> Any:
    data = {"form_key": uuid4(), "words": "Somebody read my file aloud.", **words}
    return client.post(reverse(f"privacy:{page}"), data)


@pytest.mark.promise("P48", "P51")
@pytest.mark.parametrize("page", PAGES)
def test_a_report_without_a_name_needs_no_agreement_and_leads_to_nobody(page: str, officer: User, as_: As) -> None:
    answer = sent(as_(None), page)
    assert answer.status_code == 200
    row = IncidentReport.objects.get()
    assert (row.kind, row.account_id, row.policy, row.reach) == (PAGES[page], None, None, "")
    assert row.due_on == row.received_on + dt.timedelta(days=3)
    assert not Agreement.objects.exists()
    assert "session" not in answer.cookies
    assert OutgoingMail.objects.get().account_id == officer.pk
    trace = AccessEvent.objects.get(object_id=row.pk)
    assert (trace.actor_id, trace.subject_id, trace.purpose) == (None, None, Purpose.ABUSE)


def test_the_words_are_sealed_and_one_press_is_one_report(as_: As) -> None:
    key, client = uuid4(), as_(None)
    answers = [sent(client, form_key=key) for _press in range(3)]
    row = IncidentReport.objects.get()
    assert all(code_shown(code_for(key)) in answer.content.decode() for answer in answers)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(r)::text FROM privacy_incidentreport AS r")
        assert "aloud" not in cursor.fetchone()[0]
    assert code_for(key) not in row.code_hash


def test_of_two_presses_at_the_same_moment_one_makes_the_report(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    key, told, asked = uuid4(), Told(kind=ReportKind.CONCERN, words="Aloud.", named=True), reports.current

    def press() -> tuple[IncidentReport, str]:
        return reports.report_make(by=ana.actor, told=told, form_key=key)

    def faster(kind: Any) -> Any:
        monkeypatch.setattr(reports, "current", asked)
        press()
        return asked(kind)

    monkeypatch.setattr(reports, "current", faster)
    row, code = press()
    assert IncidentReport.objects.get() == row and code == code_for(key)
    assert Agreement.objects.filter(context="report").count() == 1


def test_who_signs_with_a_name_agrees_to_the_policy(ana: User, as_: As) -> None:
    refused = sent(as_(ana), named="on")
    assert refused.status_code == 200 and not IncidentReport.objects.exists()
    assert "Tick this box" in refused.content.decode()
    sent(as_(ana), named="on", agreed="on")
    row = IncidentReport.objects.get()
    assert row.account_id == ana.pk
    assert Agreement.objects.get(context="report").reference == row.pk
    sent(as_(ana))
    assert IncidentReport.objects.filter(account_id=None).count() == 1, "signed in, and still without a name"


def test_who_leaves_an_address_agrees_too_and_hears_the_end(officer: User, as_: As) -> None:
    assert not IncidentReport.objects.exists()
    sent(as_(None), reach="lea@example.org")
    assert not IncidentReport.objects.exists()
    sent(as_(None), reach="lea@example.org", agreed="on")
    row = IncidentReport.objects.get()
    assert row.policy is not None and not OutgoingMail.objects.filter(account_id=None).exists()
    reports.report_end(by=officer.actor, report_id=row.pk, outcome="Nothing was read aloud.")
    mail = OutgoingMail.objects.get(kind="incident.ended")
    assert mail.address == "lea@example.org"


@pytest.mark.promise("P48")
def test_the_answer_is_the_same_whether_there_is_such_a_child_or_not(ana: User, as_: As) -> None:
    child = minor()
    told = {"child_name": "Cleo Okafor", "child_born": child.birth_date.isoformat(), "child_email": ana.email}
    strange = {"child_name": "Nobody Known", "child_born": "2015-01-01", "child_email": "nobody@example.org"}
    pages = []
    for words in (told, strange):
        key = uuid4()
        page = sent(as_(None), "incident_child", form_key=key, **words).content.decode()
        pages.append(page.replace(code_shown(code_for(key)), "CODE"))
    assert pages[0] == pages[1]
    assert "Cleo" not in pages[0]


@pytest.mark.promise("P48")
def test_what_a_minor_sent_without_a_yes_is_frozen_at_once_and_only_that(ben: User, officer: User) -> None:
    child = minor()
    grown = consults.person(ben, given="Ben", family="Tran")
    report = reported(ReportKind.CHILD, child_name="okafor CLEO", child_born=child.birth_date)
    assert report_freeze(report.pk) == 1
    report.refresh_from_db()
    assert report.frozen_ids == [str(child.pk)] and report.freeze_at is None
    assert report_freeze(report.pk) == 0
    assert frozen_of([child.pk, grown.pk]) == {child.pk}
    for strange in ("Ben Other", "Ben Tra", "Ben"):
        assert report_freeze(reported(ReportKind.CHILD, child_name=strange, child_email=ben.email).pk) == 0, strange
    of_a_grown_up = reported(ReportKind.CHILD, child_name="Ben Tran", child_born=grown.birth_date)
    assert report_freeze(of_a_grown_up.pk) == 0
    assert perhaps(of_a_grown_up) == [grown.pk]
    freeze_by_hand(by=officer.actor, report_id=of_a_grown_up.pk, subject_id=grown.pk)
    of_a_grown_up.refresh_from_db()
    assert of_a_grown_up.frozen_ids == [str(grown.pk)]
    with pytest.raises(NotVisible):
        freeze_by_hand(by=officer.actor, report_id=of_a_grown_up.pk, subject_id=child.pk)


@pytest.mark.promise("P48")
def test_a_child_who_pretends_to_be_grown_up_is_found_by_name_and_address(
    ben: User, guardian: User, officer: User
) -> None:
    patient = consults.person(ben, given="Ben", family="Tran")
    report = reported(
        ReportKind.CHILD, child_name="Ben Tran", child_born=today() - dt.timedelta(days=4000), child_email=ben.email
    )
    assert report_freeze(report.pk) == 1
    assert frozen_of([patient.pk]) == {patient.pk}
    [row] = running()
    freeze_lift(by=officer.actor, freeze_id=row.pk, note="He is 36; a mean joke.")
    assert not frozen_of([patient.pk])


@pytest.mark.promise("P48")
def test_a_childs_record_with_a_guardians_yes_waits_for_the_officer(guardian: User, officer: User) -> None:
    child = minor()
    grant_open(by=SYSTEM, patient_id=child.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    report = reported(ReportKind.CHILD, child_name="Cleo Okafor", child_born=child.birth_date)
    assert report_freeze(report.pk) == 0 and not frozen_of([child.pk])
    freeze_by_hand(by=officer.actor, report_id=report.pk, subject_id=child.pk)
    assert frozen_of([child.pk])


def test_a_network_that_sends_too_many_is_asked_to_wait(as_: As, settings: Any) -> None:
    settings.INCIDENT_REPORTS_PER_HOUR = 2
    client = as_(None)
    assert [sent(client).status_code for _time in range(3)] == [200, 200, 429]
    assert IncidentReport.objects.count() == 2
    assert Client(REMOTE_ADDR="198.51.100.7").post(
        reverse("privacy:incident_report"), {"form_key": uuid4(), "words": "From elsewhere"}
    ).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM portal_cache WHERE cache_key LIKE '%%incident_report%%'")
        assert "198.51" not in str(cursor.fetchall())


def test_the_code_tells_the_state_and_nothing_else(officer: User, as_: As) -> None:
    key = uuid4()
    sent(as_(None), form_key=key)
    code = code_shown(code_for(key))

    def looked_up(typed: str) -> str:
        return as_(None).post(reverse("privacy:incident_state"), {"code": typed}).content.decode()

    assert "We have your report" in looked_up(code)
    row = IncidentReport.objects.get()
    reports.report_take(by=officer.actor, report_id=row.pk)
    assert "We are looking into it" in looked_up(code.lower().replace("-", " "))
    reports.report_end(by=officer.actor, report_id=row.pk, outcome="SECRET outcome")
    page = looked_up(code)
    assert "We have finished looking into it" in page
    assert "SECRET" not in page and "aloud" not in page
    assert "no report with this code" in looked_up("AAAA-BBBB-CCCC")
    assert "twelve letters" in looked_up("AAAA")


@pytest.mark.promise("P51")
def test_a_signed_complaint_of_a_patient_goes_to_the_desk_of_requests(ana: User, as_: As) -> None:
    sent(as_(ana), "complaint", named="on", agreed="on")
    assert not IncidentReport.objects.exists()
    assert RightsRequest.objects.get(account_id=ana.pk).kind == "complaint"


@pytest.mark.promise("P50")
def test_a_printed_notice_can_be_asked_for_by_anybody(officer: User, as_: As) -> None:
    address = "Lea Rao\n5 Elm Street\nClear Lake, MN 55319"
    data = {"form_key": uuid4(), "which": ["notice_of_privacy_practices"], "reach": address}
    assert "Tick this box" in as_(None).post(reverse("privacy:printed"), data).content.decode()
    as_(None).post(reverse("privacy:printed"), {**data, "agreed": "on"})
    row = IncidentReport.objects.get()
    assert (row.kind, row.words, row.reach) == ("printed", "Notice of privacy practices", address)


@pytest.mark.parametrize("channel", [Channel.MAIL, Channel.EMAIL, Channel.PHONE, Channel.IN_PERSON])
def test_staff_enter_what_came_another_way(channel: Channel, support: User, clinician: User, ana: User) -> None:
    told = Told(kind=ReportKind.CHILD, words="A mother called.", child_name="Cleo Okafor")
    row, code = reports.report_enter(
        by=support.actor, told=told, channel=channel, received_on=today() - dt.timedelta(days=2), form_key=uuid4()
    )
    assert (row.channel, row.entered_by) == (channel, support.pk) and len(code) == 12
    assert row.due_on == today() + dt.timedelta(days=1), "the clock runs from the day on which it came"
    with pytest.raises(DomainError):
        reports.report_enter(
            by=clinician.actor, told=told, channel=channel, received_on=today() + dt.timedelta(days=1), form_key=uuid4()
        )
    with pytest.raises(NotVisible):
        reports.report_enter(by=ana.actor, told=told, channel=channel, received_on=today(), form_key=uuid4())


@pytest.mark.parametrize("state", ReportState)
@pytest.mark.parametrize("action", ReportAction)
def test_every_action_in_every_state(state: ReportState, action: ReportAction, officer: User, ana: User) -> None:
    row = reported()
    if state == ReportState.LOOKING:
        reports.report_take(by=officer.actor, report_id=row.pk)
    if state == ReportState.ENDED:
        reports.report_end(by=officer.actor, report_id=row.pk, outcome="Nothing")
    if (state, action) in REPORTS:
        assert reports.report_locked(officer.actor, row.pk, action).state == REPORTS[state, action]
    else:
        with pytest.raises(DomainError):
            reports.report_locked(officer.actor, row.pk, action)
    with pytest.raises(NotVisible):
        reports.report_locked(ana.actor, row.pk, action)


def test_a_finished_report_is_sealed_by_the_database_and_kept_six_years(officer: User) -> None:
    row = reports.report_end(by=officer.actor, report_id=reported().pk, outcome="Looked at; nothing.")
    assert row.keep_until == today().replace(year=today().year + 6)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        IncidentReport.objects.filter(pk=row.pk).update(outcome="Something else")
