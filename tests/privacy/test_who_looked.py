"""Who looked at my record: in plain words, filtered, in pages by key, and "this looks wrong" (P21)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine as clock
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.outbox.models import OutgoingMail
from portal.outbox.registry import MailContext, mail_of
from portal.permissions import Purpose
from portal.subjects import Subject
from privacy import personal_data
from privacy.looks.models import LookReport, ReportState
from privacy.looks.selectors import LINES, LookFilter, look_page, who_looked_lines
from privacy.looks.services import report_answer, report_make, report_take
from records.access import grant_open
from records.models import GrantKind, Patient
from records.vault import open_record
from tests.privacy.test_pages import page, text
from tests.records.building import broken

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P21")]
As = Callable[..., Client]
ADDRESS = "/privacy/who-looked/"


def look(
    by: User | Actor, about: Patient, *, action: Action = Action.VIEW, kind: str = "records.plan",
    basis: str = "grant:care_team", purpose: Purpose = Purpose.CARE,
) -> AccessEvent:
    actor = by if isinstance(by, Actor) else by.actor
    return access_record(
        by=actor, action=action, purpose=purpose, subject_id=about.pk, object_kind=kind, object_id=uuid4(), basis=basis
    )


def lines(anas: Patient, ana: User, **wanted: Any) -> list[tuple[str, str]]:
    found = look_page(subject_id=anas.pk, account_id=ana.pk, wanted=LookFilter(**wanted)).lines
    return [(line.name or line.role, line.what) for line in found]


# --- What the lines say --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("basis", "why"), [
    ("grant:care_team", "Your care · cares for you"),
    ("grant:queue", "Your care · went through the consults that wait"),
    ("grant:guardian", "Your care · as your parent or guardian"), ("grant:search", "Your care · looked for a patient"),
    ("grant:request", "Your care · works on your request"), ("", "Your care"),
])
def test_each_line_says_why_in_plain_words(basis: str, why: str, ana: User, anas: Patient, clinician: User) -> None:
    look(clinician, anas, basis=basis)
    (line,) = look_page(subject_id=anas.pk, account_id=ana.pk).lines
    assert (line.who, line.what, line.why) == ("Karin Lind, clinician", "Read your plan", why)


def test_the_same_look_of_one_person_on_one_day_stands_on_one_line(ana: User, anas: Patient, clinician: User) -> None:
    """A case's page lists the clinician's other cases beside it: a look each, and one line for the patient."""
    for moment in ("2026-11-24T15:00:00Z", "2026-11-24T18:00:00Z", "2026-11-25T05:30:00Z", "2026-11-25T07:00:00Z"):
        with clock.travel(moment, tick=False):
            look(clinician, anas, action=Action.LIST, kind="records.encounter")
            look(clinician, anas)
    found = look_page(subject_id=anas.pk, account_id=ana.pk).lines
    assert [(line.what, line.times) for line in found] == [
        ("Read your plan", 1), ("Saw in a list: your consult", 1),
        ("Read your plan", 3), ("Saw in a list: your consult", 3),
    ]
    assert (found[2].first_at.hour, found[2].at.hour) == (15, 5)


def test_a_guardians_looks_and_copies_are_on_the_list(ana: User, anas: Patient, guardian: User) -> None:
    grant_open(by=SYSTEM, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    open_record(by=guardian.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    look(guardian, anas, action=Action.DOWNLOAD, kind="privacy.copy", basis="request:1")
    assert lines(anas, ana) == [
        ("Gwen Okafor", "Downloaded a copy of your record"), ("Gwen Okafor", "Read your whole record"),
    ]


def test_ones_own_looks_are_folded_away_and_ones_own_copies_are_not(ana: User, anas: Patient) -> None:
    look(ana, anas, basis="grant:self")
    look(ana, anas, action=Action.EXPORT, kind="records.record", basis="grant:self")
    assert lines(anas, ana) == [("Ana Okafor", "Made a copy of your whole record")]
    assert len(lines(anas, ana, own=True)) == 2


def test_another_persons_log_is_never_mixed_in(ana: User, anas: Patient, bens: Patient, clinician: User) -> None:
    look(clinician, bens)
    assert lines(anas, ana) == []


# --- The filter ----------------------------------------------------------------------------------------------


@pytest.fixture
def mixed(ana: User, anas: Patient, guardian: User, clinician: User, officer: User) -> None:
    look(clinician, anas)
    look(officer, anas, kind="privacy.request", basis="", purpose=Purpose.LEGAL_DUTY)
    look(guardian, anas, kind="records.photo", basis="grant:guardian")
    look(SYSTEM, anas, kind="records.photo", basis="grant:portal")
    look(clinician, anas, action=Action.SEND, kind="records.message")
    look(clinician, anas, action=Action.BREAK_GLASS, kind="records.emergency", basis="emergency:danger")
    look(ana, anas, basis="grant:self")


@pytest.mark.parametrize(("wanted", "who"), [
    ({"who": "staff"}, ["Karin Lind", "Karin Lind", "Mia Soto", "Karin Lind"]),
    ({"who": "family"}, ["Gwen Okafor"]), ({"who": "portal"}, ["system"]), ({"who": "me"}, ["Ana Okafor"]),
    ({"did": "sent"}, ["Karin Lind"]), ({"did": "emergency"}, ["Karin Lind"]), ({"did": "copied"}, []),
    ({"did": "read", "who": "staff"}, ["Mia Soto", "Karin Lind"]),
])
def test_the_list_can_be_narrowed_to_people_and_deeds(
    wanted: dict[str, str], who: list[str], mixed: None, ana: User, anas: Patient, as_: As
) -> None:
    assert [name for name, _what in lines(anas, ana, **wanted)] == who
    answer = as_(ana).get(ADDRESS, wanted)
    assert len(answer.context["page"].lines) == len(who)


def test_days_are_the_clinics_and_both_ends_count(ana: User, anas: Patient, clinician: User) -> None:
    for moment in ("2026-11-24T05:59:00Z", "2026-11-24T06:00:00Z", "2026-11-25T05:59:00Z", "2026-11-25T06:00:00Z"):
        with clock.travel(moment, tick=False):
            look(clinician, anas)
    day = dt.date(2026, 11, 24)
    (line,) = look_page(subject_id=anas.pk, account_id=ana.pk, wanted=LookFilter(since=day, until=day)).lines
    assert line.times == 2
    assert len(look_page(subject_id=anas.pk, account_id=ana.pk, wanted=LookFilter(since=day)).lines) == 2


@pytest.mark.parametrize("query", [
    "since=2026-13-45", "until=nonsense", "who=aliens", "did=%00", "since=0001-01-01", "until=9999-12-31",
    "since=2026-11-02&until=2026-11-01", "before=nonsense", "before=2026-11-24T00:00:00~1",
    "before=2026-11-24T00:00:00Z~99999999999999999999", "own=%F0%9F%91%A9",
])
def test_nonsense_in_the_address_is_said_or_left_out_and_breaks_nothing(
    query: str, mixed: None, ana: User, as_: As
) -> None:
    answer = as_(ana).get(f"{ADDRESS}?{query}")
    assert answer.status_code == 200
    if "before" not in query and "own" not in query:
        assert "to fix" in text(answer)


# --- Pages ---------------------------------------------------------------------------------------------------


def test_every_line_is_on_exactly_one_page(ana: User, anas: Patient, clinician: User) -> None:
    start = timezone.now() - dt.timedelta(days=90)
    for day in range(60):
        with clock.travel(start + dt.timedelta(days=day), tick=False):
            look(clinician, anas)
            look(clinician, anas, kind="records.photo")
    seen: list[UUID] = []
    key, pages = "", 0
    while True:
        found = look_page(subject_id=anas.pk, account_id=ana.pk, after=key)
        seen += [line.event_id for line in found.lines]
        assert len(found.lines) <= LINES
        key, pages = found.older, pages + 1
        if not key:
            break
    assert len(seen) == len(set(seen)) == 120 and pages == 5


def test_the_links_of_a_page_keep_what_was_chosen(ana: User, anas: Patient, clinician: User, as_: As) -> None:
    start = timezone.now() - dt.timedelta(days=90)
    for day in range(30):
        with clock.travel(start + dt.timedelta(days=day), tick=False):
            look(clinician, anas)
    browser = as_(ana)
    first = browser.get(ADDRESS, {"who": "staff"})
    second = browser.get(ADDRESS + first.context["older"])
    assert len(first.context["page"].lines) == 25 and len(second.context["page"].lines) == 5
    assert second.context["form"].wanted.who == "staff" and second.context["newest"] == "?who=staff"


def test_a_long_log_asks_no_more_of_the_database_than_a_short_one(
    ana: User, anas: Patient, clinician: User, as_: As
) -> None:
    browser = as_(ana)

    def asked() -> int:
        browser.get(ADDRESS)
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(ADDRESS).status_code == 200
        return len(caught)

    look(clinician, anas)
    few = asked()
    for _ in range(500):
        look(clinician, anas, action=Action.LIST)
        look(clinician, anas)
    assert asked() == few <= 12


def test_the_lines_for_the_copy_leave_nothing_out(ana: User, mixed: None, anas: Patient) -> None:
    rows = list(who_looked_lines(anas.pk, account_id=ana.pk))
    assert len(rows) == 7 and set(rows[0]) == {"when", "who", "role", "what", "why"}
    assert rows[0] | {"when": ""} == {
        "when": "", "who": "You", "role": "Patient", "what": "Read your plan", "why": "Your care",
    }
    assert rows[1]["who"] == "Karin Lind"
    assert rows[1]["why"] == "Your care · opened in an emergency: The patient’s health was in danger"


# --- This looks wrong ----------------------------------------------------------------------------------------


def reported(ana: User, event: AccessEvent, words: str = "I do not know her. ZQX-look") -> LookReport:
    return report_make(by=ana.actor, event_id=event.event_id, words=words, form_key=uuid4())[0]


def test_a_patient_reports_a_line_and_reads_that_it_was_received(
    ana: User, anas: Patient, clinician: User, officer: User, as_: As
) -> None:
    event = look(clinician, anas)
    browser = as_(ana)
    assert "This looks wrong" in page(browser, "privacy:who_looked")
    address = reverse("privacy:look_report", args=[event.event_id])
    form = browser.get(address).context["form"]
    answer = browser.post(
        address, {"form_key": form["form_key"].value(), "words": "I do not know her. ZQX-look"}, follow=True
    )
    report = LookReport.objects.get()
    words = text(answer)
    assert "We look into it" in words and "We have your report" in words and "Day 0 of 14" in words
    assert "ZQX-look" in words and "Read your plan" in words
    assert report.events == [str(event.event_id)] and report.actor_id == clinician.pk
    assert "Reported" in page(browser, "privacy:who_looked")


def test_the_mails_about_a_report_tell_nothing_of_it(ana: User, anas: Patient, clinician: User, officer: User) -> None:
    report = reported(ana, look(clinician, anas))
    report_answer(by=officer.actor, report_id=report.pk, answer="She covers for Omar. ZQX-answer")
    mails = {mail.kind: mail for mail in OutgoingMail.objects.filter(kind__startswith="privacy.report")}
    assert {kind: mail.account_id for kind, mail in mails.items()} == {
        "privacy.report_received": ana.pk, "privacy.report_waits": officer.pk, "privacy.report_answered": ana.pk,
    }
    for kind, mail in mails.items():
        told = mail_of(kind).render(MailContext(mail.refs, {}, mail.account_id))
        said = f"{mail_of(kind).subject} {told.text} {mail.refs}"
        assert not any(secret in said for secret in ("ZQX", "Karin", "Okafor", "plan", str(anas.pk))), said


def test_a_report_holds_the_ids_of_every_row_of_its_line(ana: User, anas: Patient, clinician: User) -> None:
    with clock.travel("2026-11-24T18:00:00Z", tick=False):
        same = [look(clinician, anas, action=Action.LIST) for _ in range(3)]
        look(clinician, anas)
    assert set(reported(ana, same[0]).events) == {str(event.event_id) for event in same}


def test_a_second_report_about_the_same_line_joins_the_first(ana: User, anas: Patient, clinician: User) -> None:
    first, again = look(clinician, anas), look(clinician, anas)
    report = reported(ana, first)
    joined, new = report_make(by=ana.actor, event_id=again.event_id, words="Twice on one day!", form_key=uuid4())
    assert joined.pk == report.pk and not new
    joined.refresh_from_db()
    assert "ZQX-look" in joined.words and "Twice on one day!" in joined.words
    assert OutgoingMail.objects.filter(kind="privacy.report_received").count() == 1


def test_after_the_answer_a_new_report_can_be_made(ana: User, anas: Patient, clinician: User, officer: User) -> None:
    event = look(clinician, anas)
    report = reported(ana, event)
    report_answer(by=officer.actor, report_id=report.pk, answer="She covers for Omar.")
    assert reported(ana, event).pk != report.pk


def test_five_presses_are_one_report(ana: User, anas: Patient, clinician: User) -> None:
    event, key = look(clinician, anas), uuid4()
    for _ in range(5):
        report_make(by=ana.actor, event_id=event.event_id, words="Who is this?", form_key=key)
    assert LookReport.objects.get().words == "Who is this?"


def test_two_open_reports_about_one_line_cannot_stand_side_by_side(ana: User, anas: Patient, clinician: User) -> None:
    report = reported(ana, look(clinician, anas))
    with pytest.raises(IntegrityError), transaction.atomic():
        LookReport.objects.create(
            subject_id=anas.pk, account_id=ana.pk, about=report.about, actor_role="clinician", action="view",
            object_kind="records.plan", looked_at=timezone.now(), received_on=today(), due_on=today(),
        )


def test_a_first_report_that_cannot_be_read_is_never_saved_over(ana: User, anas: Patient, clinician: User) -> None:
    event = look(clinician, anas)
    report = reported(ana, event)
    broken(LookReport, "words", pk=report.pk)
    with pytest.raises(DomainError) as refused:
        reported(ana, event, "More.")
    assert refused.value.code == "unreadable"


def test_nobody_reports_a_look_at_another_persons_record(
    ben: User, anas: Patient, bens: Patient, clinician: User, as_: As
) -> None:
    event = look(clinician, anas)
    address = reverse("privacy:look_report", args=[event.event_id])
    browser = as_(ben)
    assert browser.get(address).status_code == 404
    assert browser.post(address, {"form_key": uuid4(), "words": "Mine?"}).status_code == 404
    assert not LookReport.objects.exists()
    assert AccessEvent.objects.filter(action=Action.DENIED, actor_id=ben.pk, subject_id=anas.pk).count() == 2


def test_what_is_no_look_cannot_be_reported(ana: User, anas: Patient) -> None:
    event = look(ana, anas, action=Action.SIGN_IN)
    with pytest.raises(NotVisible):
        reported(ana, event)


@pytest.mark.parametrize("words", ["", "   ", "x" * 2001])
def test_a_report_needs_words_and_keeps_what_was_typed(
    words: str, ana: User, anas: Patient, clinician: User, as_: As
) -> None:
    address = reverse("privacy:look_report", args=[look(clinician, anas).event_id])
    answer = as_(ana).post(address, {"form_key": uuid4(), "words": words})
    assert "One thing to fix" in text(answer) and words.strip() in answer.content.decode()
    assert not LookReport.objects.exists()


# --- The officer's desk --------------------------------------------------------------------------------------


def test_the_officer_reads_the_words_with_the_rows_and_answers(
    ana: User, anas: Patient, clinician: User, officer: User, as_: As
) -> None:
    event = look(clinician, anas)
    report = reported(ana, event)
    browser = as_(officer)
    words = page(browser, "admin:privacy_reports")
    assert "Karin Lind" in words and "ZQX" not in words
    words = page(browser, "admin:privacy_report", report.pk)
    assert "ZQX-look" in words and str(event.number) in words and "grant:care_team" in words
    assert AccessEvent.objects.filter(action=Action.VIEW, object_kind="privacy.lookreport").count() == 1
    browser.post(reverse("admin:privacy_report_take", args=[report.pk]))
    assert "We are looking into it" in page(as_(ana), "privacy:report", report.pk)
    browser.post(reverse("admin:privacy_report", args=[report.pk]), {"answer": "She covers for Omar. ZQX-answer"})
    words = page(as_(ana), "privacy:report", report.pk)
    assert "ZQX-answer" in words and "Answered" in words
    report.refresh_from_db()
    assert (report.state, report.officer_id) == (ReportState.ANSWERED, officer.pk)


def test_an_answer_is_given_once(ana: User, anas: Patient, clinician: User, officer: User) -> None:
    report = reported(ana, look(clinician, anas))
    report_answer(by=officer.actor, report_id=report.pk, answer="First.")
    with pytest.raises(DomainError) as refused:
        report_answer(by=officer.actor, report_id=report.pk, answer="Second.")
    assert refused.value.code == "answered_already"
    assert report_take(by=officer.actor, report_id=report.pk).state == ReportState.ANSWERED


def test_nobody_but_the_officer_takes_or_answers_a_report(
    ana: User, anas: Patient, clinician: User, support: User, owner: User
) -> None:
    report = reported(ana, look(clinician, anas))
    for user in (ana, clinician, support, owner):
        for deed in (
            lambda user=user: report_take(by=user.actor, report_id=report.pk),
            lambda user=user: report_answer(by=user.actor, report_id=report.pk, answer="Fine."),
        ):
            with pytest.raises(NotVisible):
                deed()


def test_an_officer_is_told_when_the_report_is_about_them(ana: User, anas: Patient, officer: User, as_: As) -> None:
    report = reported(ana, look(officer, anas, kind="privacy.request", basis="", purpose=Purpose.LEGAL_DUTY))
    assert "This report is about you" in page(as_(officer), "admin:privacy_report", report.pk)


def test_an_empty_answer_is_refused(ana: User, anas: Patient, clinician: User, officer: User, as_: As) -> None:
    report = reported(ana, look(clinician, anas))
    answer = as_(officer).post(reverse("admin:privacy_report", args=[report.pk]), {"answer": " "})
    assert "One thing to fix" in text(answer)
    assert LookReport.objects.get().state == ReportState.NEW


def test_another_patient_does_not_come_to_a_report(
    ana: User, ben: User, anas: Patient, bens: Patient, clinician: User, as_: As
) -> None:
    report = reported(ana, look(clinician, anas))
    assert as_(ben).get(reverse("privacy:report", args=[report.pk])).status_code == 404


# --- What is kept --------------------------------------------------------------------------------------------


def test_words_and_answers_are_encrypted_exported_archived_and_wiped_with_the_person(
    ana: User, anas: Patient, clinician: User, officer: User
) -> None:
    from tests.privacy.building import opened_with, rows_with

    report = reported(ana, look(clinician, anas))
    report_answer(by=officer.actor, report_id=report.pk, answer="Fine. ZQX-answer")
    assert rows_with("ZQX") == {} and opened_with("ZQX") == {"privacy.LookReport": 1}
    subject = Subject(anas.pk, (ana.pk,))
    for held in (personal_data.export_for(subject), personal_data.archive_for(subject)):
        assert held["look_reports"][0]["words"] == "I do not know her. ZQX-look"
        assert held["look_reports"][0]["answer"] == "Fine. ZQX-answer"
    personal_data.erase_for(subject)
    assert opened_with("ZQX") == {} and LookReport.objects.get().state == ReportState.ANSWERED
