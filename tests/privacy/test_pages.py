"""The pages of the privacy desk: who sees them, what they say, how many questions they ask of the database."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import LOOKS, AccessEvent, Action
from portal.audit.services import access_record
from portal.permissions import Purpose
from privacy.models import DenialGround, RecordCopy, RequestKind, RightsRequest
from privacy.requests import services
from privacy.requests.state import RequestState
from privacy.selectors import looks_by_day
from privacy.templatetags.privacy_ui import VERBS, WORDS, initials, looks_words, phrase
from records.models import Patient
from tests.consults import building as consults
from tests.privacy.building import ask, carried_out, copy_asked, draft_with, told, work
from tests.privacy.test_requests import breaks, given_up
from tests.reading import asks_again

As = Callable[..., Client]


def text(response: Any) -> str:
    """What a person reads of a page: no tags, no runs of space."""
    import html

    body = re.sub(r"<(script|style|template)\b.*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def page(client: Client, name: str, *args: Any) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200, response.status_code
    return text(response)


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


# --- The patient's way -------------------------------------------------------------------------------------


@pytest.mark.promise("P31", "P32", "P35")
def test_a_patient_gets_a_copy_in_two_presses(ana: User, anas: Patient, as_: As) -> None:
    browser = as_(ana)
    form = browser.get("/privacy/copy/").context["form"]
    answer = browser.post("/privacy/copy/", {"form_key": form["form_key"].value()})
    request = RightsRequest.objects.get()
    assert answer.headers["Location"] == f"/privacy/requests/{request.pk}/"
    waiting = browser.get(answer.headers["Location"]).content.decode()
    assert "We are putting your copy together" in waiting and f'hx-get="/progress/{request.job_id}/"' in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting, "without script the page loads itself again"
    work(request)
    done = page(browser, "privacy:request", request.pk)
    assert "Your copy is ready" in done and "putting" not in done
    copy = RecordCopy.objects.get()
    answer = browser.get(f"/privacy/copies/{copy.pk}/download/")
    assert answer.headers["Content-Type"] == "application/zip" and "no-store" in answer.headers["Cache-Control"]
    assert len(b"".join(answer.streaming_content)) == copy.size == int(answer.headers["Content-Length"])
    assert re.fullmatch(r'attachment; filename="my-record-\d{4}-\d\d-\d\d\.zip"', answer.headers["Content-Disposition"])
    assert "Downloaded a copy of your record" in page(browser, "privacy:who_looked")


@pytest.mark.promise("P39")
def test_the_password_is_asked_again_before_a_copy_a_deletion_and_a_download(
    ana: User, anas: Patient, as_: As
) -> None:
    work(copy_asked(ana, anas))
    copy = RecordCopy.objects.get()
    browser = as_(ana)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0}]
    session.save()
    for path in ("/privacy/copy/", "/privacy/delete/", f"/privacy/copies/{copy.pk}/download/"):
        assert "/reauthenticate/" in browser.get(path).headers["Location"]
    for path in ("/privacy/copy/", "/privacy/delete/"):
        answer = browser.post(path, {"form_key": uuid4(), "understood": "on"})
        assert asks_again(answer)
    assert RightsRequest.objects.count() == 1


def test_deletion_needs_the_tick_and_keeps_what_was_typed(ana: User, anas: Patient, as_: As) -> None:
    browser = as_(ana)
    answer = browser.post("/privacy/delete/", {"form_key": uuid4(), "note": "Moving away"})
    assert "Tick the box" in text(answer) and "Moving away" in answer.content.decode()
    answer = browser.post("/privacy/delete/", {"form_key": "nonsense", "understood": "on", "note": "x" * 2001})
    assert answer.status_code == 200 and not RightsRequest.objects.exists()
    browser.post("/privacy/delete/", {"form_key": uuid4(), "note": "Moving away", "understood": "on"})
    assert RightsRequest.objects.get().details == "Moving away"


@pytest.mark.promise("P39")
def test_before_asking_the_patient_reads_what_becomes_of_open_consults(
    ana: User, clinician: User, anas: Patient, as_: As
) -> None:
    browser = as_(ana)
    assert "What is under way" not in page(browser, "privacy:delete")
    consults.waiting(ana, anas)
    draft_with(ana, anas)
    words = page(browser, "privacy:delete")
    assert "ends unanswered. You get back what you paid for it." in words
    assert "What you began and have not sent is simply removed." in words
    request = ask(ana, anas)
    words = page(browser, "privacy:request", request.pk)
    assert "What is under way" in words and "Take my request back" in words and "Day 0 of 30" in words


@pytest.mark.promise("P41", "P40")
def test_before_asking_the_patient_reads_what_stays_and_what_cannot_be_reached(
    ana: User, anas: Patient, as_: As
) -> None:
    words = page(as_(ana), "privacy:delete")
    assert "for 7 years after we last dealt with each other" in words and "until the age of 25" in words
    assert "This is our own rule" in words and "What you or we gave to others before" in words


def test_taking_it_back_says_so_and_comes_too_late_once_it_is_carried_out(
    ana: User, officer: User, anas: Patient, as_: As
) -> None:
    browser, request = as_(ana), ask(ana, anas)
    services.request_start(by=officer.actor, request_id=request.pk)
    services.request_carry_out(by=officer.actor, request_id=request.pk)
    words = text(browser.post(f"/privacy/requests/{request.pk}/withdraw/", follow=True))
    assert "This request has moved on" in words and "Take my request back" not in words
    other = copy_asked(ana, anas)
    RightsRequest.objects.filter(pk=other.pk).update(state=RequestState.IN_PROGRESS)
    assert "Nothing was changed" in text(browser.post(f"/privacy/requests/{other.pk}/withdraw/", follow=True))


@pytest.mark.promise("P37")
def test_a_refusal_is_read_with_its_reason_a_review_and_where_to_complain(
    ana: User, officer: User, anas: Patient, as_: As
) -> None:
    request = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=request.pk)
    services.request_deny(
        by=officer.actor, request_id=request.pk, ground=DenialGround.LEGAL_HOLD,
        letter="A court told us\nto <b>wait</b>.",
    )
    words = page(as_(ana), "privacy:request", request.pk)
    for said in (
        "A court or authority told us to keep it", "to <b>wait</b>.", "Ask for a review", "had no part in this answer",
        "Send us a statement", "hhs.gov", settings.CLINIC_OFFICER_NAME, settings.CLINIC_PHONE,
    ):
        assert said in words, said


@pytest.mark.promise("P35")
def test_a_copy_that_did_not_work_is_told_honestly(
    ana: User, officer: User, anas: Patient, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = copy_asked(ana, anas)
    with monkeypatch.context() as patch:
        breaks(patch)
        given_up(request)
    words = page(as_(ana), "privacy:request", request.pk)
    assert "It did not work at the first try" in words and "Day 0 of 30" in words
    words = page(as_(officer), "admin:privacy_request", request.pk)
    assert "OSError" in words and "Make the copy" in words and "Do not grant it" not in words


def test_somebody_without_a_record_is_told_so(ana: User, as_: As) -> None:
    browser = as_(ana)
    assert "You have no record with us yet" in page(browser, "privacy:home")
    for path in ("/privacy/copy/", "/privacy/delete/", "/privacy/who-looked/"):
        assert browser.get(path).status_code == 404


@pytest.mark.promise("P21")
def test_another_patients_request_and_copy_are_not_there_and_the_try_is_on_the_log(
    ana: User, ben: User, anas: Patient, bens: Patient, as_: As
) -> None:
    request = copy_asked(ana, anas)
    work(request)
    copy, browser = RecordCopy.objects.get(), as_(ben)
    for path in (f"/privacy/requests/{request.pk}/", f"/privacy/copies/{copy.pk}/download/"):
        assert browser.get(path).status_code == 404
    assert browser.post(f"/privacy/requests/{request.pk}/withdraw/").status_code == 404
    denied = AccessEvent.objects.filter(action=Action.DENIED, actor_id=ben.pk)
    assert denied.count() == 3 and not denied.exclude(subject_id=None).exists()


# --- Who looked --------------------------------------------------------------------------------------------


@pytest.mark.promise("P21")
def test_a_patient_reads_who_looked_at_what_and_why(ana: User, clinician: User, officer: User, as_: As) -> None:
    from records.vault import open_case, open_plan

    consult = told(ana, clinician)
    open_plan(by=clinician.actor, encounter_id=consult.encounter_id, purpose=Purpose.CARE)
    open_case(by=clinician.actor, encounter_id=consult.encounter_id, purpose=Purpose.CARE)
    request = ask(ana, consult.patient)
    page(as_(officer), "admin:privacy_request", request.pk)
    browser = as_(ana)
    words = page(browser, "privacy:who_looked")
    for said in (
        "Karin Lind, clinician Read your plan Your care · cares for you",
        "Karin Lind, clinician Read your consult Your care · cares for you",
        "Mia Soto, compliance officer Read a privacy request A duty set by law",
    ):
        assert said in words, said
    words = page(browser, "privacy:home")
    assert "Karin Lind, clinician Read your consult, read your plan, sent a message · Your care" in words


def test_looks_are_gathered_by_person_and_clinic_day(ana: User, clinician: User, anas: Patient) -> None:
    import time_machine

    for moment in ("2026-11-24T18:00:00Z", "2026-11-25T05:00:00Z", "2026-11-25T18:00:00Z"):
        with time_machine.travel(moment, tick=False):
            for by in (clinician, ana):
                for kind in ("records.plan", "records.plan", "records.photo"):
                    access_record(
                        by=by.actor, action=Action.VIEW, purpose=Purpose.CARE, subject_id=anas.pk, object_kind=kind,
                        object_id=uuid4(),
                    )
    rows = AccessEvent.objects.filter(action=Action.VIEW).order_by("-number")
    days = looks_by_day(rows, most=10)
    assert [day.actor_id for day in days] == [ana.pk, clinician.pk] * 2
    assert all(day.what == [("view", "records.photo"), ("view", "records.plan")] for day in days)
    assert len(looks_by_day(rows, most=3)) == 3


def test_many_looks_become_one_short_line() -> None:
    kinds = ["records.plan", "records.photo", "records.message", "records.record", "records.patient"]
    line = looks_words([("view", kind) for kind in kinds])
    assert line == "Read your plan, read a photo, read your messages, 2 things more"
    assert phrase("download", "privacy.copy") == "Downloaded a copy of your record"
    assert [initials(name) for name in ("Karin Lind", "Ana", "", "Jan van der Berg")] == ["KL", "A", "", "JB"]


def recorded_kinds() -> Iterator[str]:
    """Every kind of thing that the code writes into the access log about a patient, found in the code itself."""
    code = re.compile(r"^(?:records|consults|privacy|billing|outbox)\.[a-z_]+$")
    for room in ("records", "consults", "privacy", "billing", "portal"):
        for file in (Path(settings.BASE_DIR) / room).rglob("*.py"):
            named = ("object_kind", "kind") if "vault" in file.parts else ("object_kind",)
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.keyword) and node.arg in named and isinstance(node.value, ast.Constant):
                    yield from code.findall(str(node.value.value))


def test_the_log_has_plain_words_for_everything_it_names() -> None:
    kinds = set(recorded_kinds())
    assert {"records.record", "records.photo", "privacy.copy", "outbox.mail"} <= kinds
    assert kinds <= set(WORDS), f"say in plain words: {kinds - set(WORDS)}"
    assert {"records.assessment", "records.plan", "records.answer"} <= set(WORDS), "named after their models"


def test_each_look_has_a_verb() -> None:
    assert set(VERBS) >= LOOKS


# --- The officer's desk ------------------------------------------------------------------------------------

DEEDS = (
    "start", "carry-out", "answer", "extend", "assign", "identity", "identity/ask", "identity/unproven", "about",
    "separate", "put-back", "taken-back", "refuse",
)


@pytest.mark.promise("P21", "P39")
@pytest.mark.parametrize("persona", ["ana", "ben", "guardian", "clinician", "support", "owner", None])
def test_no_deed_of_the_officer_is_there_for_anybody_else(
    persona: str | None, request: pytest.FixtureRequest, ana: User, anas: Patient, as_: As
) -> None:
    row = ask(ana, anas)
    browser = as_(request.getfixturevalue(persona) if persona else None)
    for deed in DEEDS:
        answer = browser.post(
            f"/admin/privacy/{row.pk}/{deed}/",
            {"sure": "yes", "ground": "identity", "letter": "No.", "explain": "No.", "how": "photo_id", "note": "No."}
        )
        if persona:
            assert answer.status_code == 404
        else:  # the page that keeps what was typed, for who was signed out meanwhile
            assert "Sign in" in text(answer) and "No." not in text(answer), answer.status_code
    for path in ("/admin/privacy/", f"/admin/privacy/{row.pk}/"):
        answer = browser.get(path)
        assert answer.status_code == 404 if persona else "/login/" in answer.headers["Location"]
    row.refresh_from_db()
    assert row.state == RequestState.RECEIVED


def test_the_officer_takes_it_on_and_has_it_done(ana: User, officer: User, anas: Patient, as_: As) -> None:
    consults.waiting(ana, anas)
    row, browser = ask(ana, anas, details="Moving away"), as_(officer)
    assert "Deletion of the record" in page(browser, "admin:privacy_desk")
    words = page(browser, "admin:privacy_request", row.pk)
    assert ana.email in words and "Moving away" in words and "Delete the record" not in words
    browser.post(f"/admin/privacy/{row.pk}/start/")
    words = page(browser, "admin:privacy_request", row.pk)
    assert "Mia Soto" in words and "1 consult without an answer ends, and is paid back." in words
    answer = browser.post(f"/admin/privacy/{row.pk}/carry-out/", follow=True)
    assert "Tick the box first" in text(answer)
    row.refresh_from_db()
    assert row.state == RequestState.IN_PROGRESS and row.job_id is None
    browser.post(f"/admin/privacy/{row.pk}/carry-out/", {"sure": "yes"})
    work(row)
    words = page(browser, "admin:privacy_request", row.pk)
    assert row.state == RequestState.COMPLETED and "the account is gone" in words and "Moving away" not in words
    assert "Last copy before deletion" in words


def test_a_copy_that_nobody_downloaded_is_named_to_both_sides(
    ana: User, officer: User, anas: Patient, as_: As
) -> None:
    work(copy_asked(ana, anas))
    row = ask(ana, anas)
    assert "A copy waits for you. Download it before" in page(as_(ana), "privacy:request", row.pk)
    services.request_start(by=officer.actor, request_id=row.pk)
    assert "the patient has not downloaded" in page(as_(officer), "admin:privacy_request", row.pk)


def test_a_refusal_without_a_listed_ground_keeps_the_page_and_says_what_is_missing(
    ana: User, officer: User, anas: Patient, as_: As
) -> None:
    row, browser = ask(ana, anas), as_(officer)
    services.request_start(by=officer.actor, request_id=row.pk)
    assert "Do not grant it, or only a part" in page(browser, "admin:privacy_request", row.pk)
    answer = browser.post(f"/admin/privacy/{row.pk}/refuse/", {"ground": "weather", "explain": "Rain."})
    assert answer.status_code == 200 and "Rain." in text(answer)
    browser.post(f"/admin/privacy/{row.pk}/refuse/", {"ground": "legal_hold", "explain": "A court told us."})
    row.refresh_from_db()
    assert row.state == RequestState.DENIED


def test_opening_a_request_is_on_the_log_before_it_is_shown(ana: User, officer: User, anas: Patient, as_: As) -> None:
    row = ask(ana, anas)
    page(as_(officer), "admin:privacy_request", row.pk)
    [event] = AccessEvent.objects.filter(actor_id=officer.pk, action=Action.VIEW)
    assert (event.subject_id, event.object_id, event.basis) == (anas.pk, row.pk, f"request:{row.pk}")


def many(ana: User, anas: Patient, count: int) -> None:
    import datetime as dt

    from django.utils import timezone

    for number in range(count):
        RightsRequest.objects.create(
            kind=RequestKind.ACCESS, subject_id=anas.pk, account_id=ana.pk, state=RequestState.WITHDRAWN,
            received_on=dt.date(2026, 11, 1), first_due_on=dt.date(2026, 12, 1), due_on=dt.date(2026, 12, 1),
            ended_at=timezone.now(),
        )
        RightsRequest.objects.create(
            kind=RequestKind.DELETION, subject_id=uuid4(), account_id=uuid4(), officer_id=ana.pk,
            received_on=dt.date(2026, 11, 1), first_due_on=dt.date(2026, 12, 1), due_on=dt.date(2026, 12, 1),
        )
        access_record(
            by=ana.actor, action=Action.VIEW, purpose=Purpose.CARE, subject_id=anas.pk,
            object_kind="records.plan", object_id=uuid4(), basis=f"row:{number}",
        )


@pytest.mark.parametrize(
    ("persona", "path"),
    [
        ("ana", "/privacy/"), ("ana", "/privacy/who-looked/"), ("officer", "/admin/privacy/"),
        (None, "/privacy/promises/"),
    ],
)
def test_a_page_asks_as_often_for_twenty_rows_as_for_one(
    persona: str | None, path: str, request: pytest.FixtureRequest, ana: User, anas: Patient, as_: As
) -> None:
    browser = as_(request.getfixturevalue(persona) if persona else None)
    many(ana, anas, 1)
    few = queries(browser, path)
    many(ana, anas, 19)
    assert queries(browser, path) == few <= 20, few


# --- Promises ----------------------------------------------------------------------------------------------


def test_the_promises_are_public_and_say_what_has_no_proof(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    import time_machine
    from django.utils import timezone

    from portal.evidence.services import evidence_record
    from privacy import promises

    monkeypatch.setattr(promises, "promise_tests", lambda: {"P38": ["a", "b"], "P40": ["c"]})
    words = page(as_(None), "privacy:promises")
    assert "1 of 61" in words and words.count("No proof yet") == 59
    assert "2 tests on every change" in words
    assert "Live proof missing" in words and "The running site has not shown it yet" in words
    [promise] = [promise for promise in promises.PROMISES if promise.id == "P40"]
    for kind in promise.live:
        evidence_record(kind=kind, passed=True, facts={}, valid_for=dt.timedelta(hours=36))
    words = page(as_(None), "privacy:promises")
    assert "2 of 61" in words and "Shown by the running site" in words
    with time_machine.travel(timezone.now() + dt.timedelta(hours=37)):
        assert "Too old, or failed:" in page(as_(None), "privacy:promises")
    evidence_record(kind="archive.nightly", passed=False, facts={}, valid_for=dt.timedelta(hours=36))
    assert "Too old, or failed:" in page(as_(None), "privacy:promises")


def test_every_promise_stands_under_one_heading() -> None:
    from privacy.promises import PROMISES, SECTIONS, promise_states, sections

    found = sections(promise_states())
    assert [state.promise for _heading, states in found for state in states] == list(PROMISES)
    assert len(found) == len(SECTIONS) and all(states for _heading, states in found)


def test_the_list_on_the_command_line_names_each_promise(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    call_command("promises")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 61 and any("archive.nightly MISSING never" in line for line in lines)


def test_after_a_deletion_the_officers_pages_still_open(ana: User, officer: User, clinician: User, as_: As) -> None:
    row = carried_out(officer, ask(ana, told(ana, clinician).patient))
    browser = as_(officer)
    assert "Done" in page(browser, "admin:privacy_desk") and "the account is gone" in page(
        browser, "admin:privacy_request", row.pk
    )
