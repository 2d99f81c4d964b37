"""Asking, the clock, the officer's deeds, refusals: what is told to whom, and what never happens (P31, P35, P37)."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
import zipfile
from io import BytesIO
from typing import Any
from uuid import uuid4

import pypdf
import pytest
import time_machine
from django.core import mail as outgoing
from django.db import connection
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.crypto import sealed
from portal.errors import DomainError, NotVisible
from portal.jobs.models import Job, JobState
from portal.jobs.runner import run_job
from portal.jobs.services import job_retry
from portal.outbox.delivery import drain
from portal.outbox.models import OutgoingMail
from privacy import exports
from privacy.denials.services import No, request_refuse
from privacy.letters.models import Letter
from privacy.models import DenialGround, RecordCopy, RequestKind, RightsRequest
from privacy.requests import services
from privacy.requests.clock import clock_of
from privacy.requests.state import RequestState
from records.access import grant_open
from records.models import GrantKind, Patient
from tests.privacy.building import ask, copy_asked, sealed_files, told, work

D = dt.date


def content(by: User, copy: RecordCopy) -> dict[str, bytes]:
    _row, pieces = exports.copy_open(by=by.actor, copy_id=copy.pk)
    with zipfile.ZipFile(BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def given_up(request: RightsRequest) -> None:
    """The worker tries as often as it may."""
    for _ in range(3):
        Job.objects.filter(pk=request.job_id).update(run_after=timezone.now())
        work(request)


def breaks(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    def fails(**_: Any) -> Any:
        raise OSError("no disk")

    monkeypatch.setattr(exports, "build_record_zip", fails)
    return monkeypatch


# --- The clock (RULES 1.2) ---------------------------------------------------------------------------------


@pytest.mark.promise("P35")
@pytest.mark.parametrize(
    ("moment", "received", "due"),
    [
        pytest.param("2026-12-01T18:00:00Z", D(2026, 12, 1), D(2026, 12, 31), id="the vector of RULES 1.2"),
        pytest.param("2026-12-02T04:30:00Z", D(2026, 12, 1), D(2026, 12, 31), id="late in the evening at the clinic"),
        pytest.param("2028-01-30T18:00:00Z", D(2028, 1, 30), D(2028, 2, 29), id="onto a leap day"),
        pytest.param("2027-01-30T18:00:00Z", D(2027, 1, 30), D(2027, 3, 1), id="past the end of a common February"),
        pytest.param("2028-02-29T18:00:00Z", D(2028, 2, 29), D(2028, 3, 30), id="from a leap day"),
        pytest.param("2027-03-01T05:30:00Z", D(2027, 2, 28), D(2027, 3, 30), id="across the start of summer time"),
        pytest.param("2027-10-20T04:59:00Z", D(2027, 10, 19), D(2027, 11, 18), id="across its end"),
    ],
)
@pytest.mark.parametrize("kind", [RequestKind.ACCESS, RequestKind.DELETION])
def test_the_last_day_is_exactly_thirty_days_on(
    kind: RequestKind, moment: str, received: dt.date, due: dt.date, ana: User, anas: Patient
) -> None:
    with time_machine.travel(moment, tick=False):
        request = ask(ana, anas, kind)
    assert (request.received_on, request.due_on) == (received, due)


@pytest.mark.promise("P35")
@pytest.mark.parametrize(
    ("on", "day", "left", "late"),
    [(D(2026, 12, 1), 0, 30, False), (D(2026, 12, 13), 12, 18, False), (D(2026, 12, 31), 30, 0, False),
     (D(2027, 1, 1), 30, -1, True)],
)
def test_the_clock_shows_each_day_and_is_late_from_the_day_after(
    on: dt.date, day: int, left: int, late: bool, ana: User, anas: Patient
) -> None:
    with time_machine.travel("2026-12-01T18:00:00Z", tick=False):
        request = ask(ana, anas)
    clock = clock_of(request, on=on)
    assert (clock.day, clock.days, clock.left, clock.late) == (day, 30, left, late)


def test_a_request_done_late_in_the_evening_counts_on_the_clinics_day(ana: User, anas: Patient) -> None:
    with time_machine.travel("2026-12-01T18:00:00Z", tick=False):
        request = ask(ana, anas)
    request.ended_at = dt.datetime(2027, 1, 1, 4, 0, tzinfo=dt.UTC)  # still 31 December in Minnesota
    assert clock_of(request).late is False


# --- Who may ask -------------------------------------------------------------------------------------------


@pytest.mark.promise("P21")
@pytest.mark.parametrize("kind", [RequestKind.ACCESS, RequestKind.DELETION])
def test_only_ones_own_record_can_be_asked_about(
    kind: RequestKind, ben: User, guardian: User, clinician: User, officer: User, support: User, anas: Patient
) -> None:
    for other in (ben, guardian, clinician, officer, support):
        with pytest.raises(NotVisible):
            ask(other, anas, kind)
    assert not RightsRequest.objects.exists() and not Job.objects.exists()


def test_a_guardian_asks_for_the_child_that_they_look_after(ana: User, guardian: User, anas: Patient) -> None:
    grant_open(by=ana.actor, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    request = copy_asked(guardian, anas)
    work(request)
    assert request.state == RequestState.COMPLETED and content(guardian, RecordCopy.objects.get())


def test_pressing_five_times_asks_once(ana: User, anas: Patient) -> None:
    key = uuid4()
    requests = {ask(ana, anas, form_key=key).pk for _ in range(5)}
    assert len(requests) == RightsRequest.objects.count() == 1
    assert OutgoingMail.objects.filter(kind="privacy.received").count() == 1


@pytest.mark.django_db(transaction=True)
def test_five_presses_at_the_same_time_ask_once(ana: User, anas: Patient) -> None:
    key, made, gate = uuid4(), [], threading.Barrier(5)

    def press() -> None:
        gate.wait()
        try:
            made.append(copy_asked(ana, anas, form_key=key).pk)
        finally:
            connection.close()

    presses = [threading.Thread(target=press) for _ in range(5)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()
    assert len(made) == 5 and len(set(made)) == 1
    assert Job.objects.count() == RightsRequest.objects.count() == 1


def test_the_key_of_somebody_elses_form_opens_nothing(ana: User, ben: User, anas: Patient, bens: Patient) -> None:
    key = ask(ana, anas).form_key
    with pytest.raises(NotVisible):
        ask(ben, bens, form_key=key)


# --- The copy ----------------------------------------------------------------------------------------------


@pytest.mark.promise("P31", "P32")
def test_a_copy_is_made_at_once_and_holds_everything(ana: User, clinician: User) -> None:
    patient = told(ana, clinician, word="fernlight").patient
    request = copy_asked(ana, patient)
    assert request.state == RequestState.CARRYING_OUT, "nobody has to be waited for"
    work(request)
    assert request.state == RequestState.COMPLETED
    files = content(ana, RecordCopy.objects.get(request=request))
    assert {"record.pdf", "record.fhir.json", "README.txt", "manifest.json"} <= set(files)
    assert sum(name.endswith(".jpg") for name in files) == 3
    others = {name.split("/")[1] for name in files if name.startswith("other/")}
    assert others >= {"accounts.json", "agreements.json", "billing.json", "consults.json", "privacy.json", "audit.json"}
    assert json.loads(files["other/accounts.json"])["accounts"][0]["email"] == ana.email
    assert json.loads(files["other/billing.json"])["orders"][0]["payments"][0]["amount_cents"] == 5900
    assert b"fernlight" in files["record.fhir.json"]
    assert b"what else we hold" in files["README.txt"] and b"give them the whole ZIP file" in files["README.txt"]
    pages = pypdf.PdfReader(io.BytesIO(files["record.pdf"])).pages
    assert "Who looked at this record" in "".join(page.extract_text() for page in pages)
    manifest = json.loads(files["manifest.json"])
    assert set(manifest["sha256"]) == set(files) - {"manifest.json"}


@pytest.mark.promise("P32")
def test_a_second_wish_while_the_copy_is_made_gives_the_same(ana: User, anas: Patient) -> None:
    first = copy_asked(ana, anas)
    assert copy_asked(ana, anas) == first and Job.objects.count() == 1
    work(first)
    assert copy_asked(ana, anas) != first, "after that, a new wish is a new copy"


def test_the_mail_says_that_it_is_ready_and_nothing_else(ana: User, anas: Patient) -> None:
    work(copy_asked(ana, anas))
    drain(patient=False)
    [letter] = outgoing.outbox
    copy = RecordCopy.objects.get()
    assert letter.to == [ana.email] and f"{copy.expires_at:%B} {copy.expires_at.day}" in letter.body
    assert "Okafor" not in letter.body and letter.subject == "The copy you asked for is ready"


@pytest.mark.promise("P21")
def test_a_copy_opens_only_for_who_asked_and_each_download_is_logged(ana: User, ben: User, anas: Patient) -> None:
    work(copy_asked(ana, anas))
    copy = RecordCopy.objects.get()
    with pytest.raises(NotVisible):
        exports.copy_open(by=ben.actor, copy_id=copy.pk)
    content(ana, copy)
    content(ana, copy)
    copy.refresh_from_db()
    assert copy.downloaded_at is not None
    assert AccessEvent.objects.filter(action=Action.DOWNLOAD, subject_id=anas.pk, actor_id=ana.pk).count() == 2


def test_a_copy_is_gone_after_its_days(ana: User, anas: Patient) -> None:
    before = sealed_files()
    request = copy_asked(ana, anas)
    work(request)
    copy = RecordCopy.objects.get()
    with time_machine.travel(copy.expires_at + dt.timedelta(seconds=1)):
        with pytest.raises(NotVisible):
            exports.copy_open(by=ana.actor, copy_id=copy.pk)
        assert exports.copies_expire() == 1 and exports.copies_expire() == 0
    assert not RecordCopy.objects.exists() and sealed_files() == before


def test_a_file_that_a_killed_worker_left_is_swept_and_a_fresh_one_is_not(ana: User, anas: Patient) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(hours=2)):
        exports.orphans_remove()  # of other tests
    work(copy_asked(ana, anas))
    sealed.write(b"left", folder=exports.FOLDER)
    assert exports.orphans_remove() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(hours=2)):
        assert exports.orphans_remove() == 1
    assert content(ana, RecordCopy.objects.get())


@pytest.mark.promise("P35")
def test_a_copy_that_fails_goes_to_the_officer_who_has_it_made_again(
    ana: User, officer: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = copy_asked(ana, anas)
    with monkeypatch.context() as patch:
        breaks(patch)
        given_up(request)
    assert request.state == RequestState.IN_PROGRESS and not request.ended_at
    kinds = set(OutgoingMail.objects.values_list("kind", "account_id"))
    assert kinds == {("privacy.copy_delayed", ana.pk), ("privacy.waits", officer.pk)}
    first = request.job_id
    services.request_carry_out(by=officer.actor, request_id=request.pk)
    work(request)
    assert request.state == RequestState.COMPLETED and request.job_id != first
    assert content(ana, RecordCopy.objects.get()), "the copy is the patient's, whoever had it made"


def test_a_patient_who_tries_again_gets_the_copy_and_only_one(
    ana: User, officer: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = copy_asked(ana, anas)
    with monkeypatch.context() as patch:
        breaks(patch)
        given_up(request)
    first = request.job_id
    job_retry(by=ana.actor, job_id=first)
    services.request_carry_out(by=officer.actor, request_id=request.pk)  # both at once
    work(request)
    exports._run(Job.objects.get(pk=first), lambda *_: None)
    assert request.state == RequestState.COMPLETED and RecordCopy.objects.count() == 1
    assert OutgoingMail.objects.filter(kind="privacy.copy_ready").count() == 1


def test_a_copy_that_was_taken_back_is_not_made(ana: User, anas: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    request = copy_asked(ana, anas)
    with monkeypatch.context() as patch:
        breaks(patch)
        given_up(request)
    job_retry(by=ana.actor, job_id=request.job_id)
    services.request_withdraw(by=ana.actor, request_id=request.pk)
    work(request)
    assert request.state == RequestState.WITHDRAWN and not RecordCopy.objects.exists()


class Killed(BaseException):
    """What SIGKILL looks like from inside."""


@pytest.mark.parametrize(
    ("name", "after"), [("request_resume", False), ("request_resume", True), ("_zip", True), ("_keep", False)]
)
def test_a_copy_whose_worker_is_killed_is_made_by_the_next(
    name: str, after: bool, ana: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = copy_asked(ana, anas)
    whole = getattr(exports, name)

    def dies(*args: Any, **kwargs: Any) -> Any:
        if after:
            whole(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(exports, name, dies)
        with pytest.raises(Killed):
            exports._run(Job.objects.get(pk=request.job_id), lambda *_: None)
    exports._run(Job.objects.get(pk=request.job_id), lambda *_: None)
    request.refresh_from_db()
    assert request.state == RequestState.COMPLETED and content(ana, RecordCopy.objects.get())
    assert OutgoingMail.objects.filter(kind="privacy.copy_ready").count() == 1


# --- The officer -------------------------------------------------------------------------------------------


@pytest.mark.promise("P39")
def test_nothing_is_deleted_before_the_officer_acts(ana: User, officer: User, clinician: User) -> None:
    from portal.jobs.runner import sweep

    patient = told(ana, clinician).patient
    request = ask(ana, patient)
    sweep()
    assert not Job.objects.exists()
    services.request_start(by=officer.actor, request_id=request.pk)
    sweep()
    request.refresh_from_db()
    assert request.state == RequestState.IN_PROGRESS and not Job.objects.exists()
    assert Patient.objects.filter(pk=patient.pk).exists() and User.objects.filter(pk=ana.pk).exists()


def test_the_patient_and_the_officers_hear_of_a_deletion_request(ana: User, officer: User, anas: Patient) -> None:
    request = ask(ana, anas)
    drain(patient=False)
    letters = {letter.to[0]: letter for letter in outgoing.outbox}
    assert set(letters) == {ana.email, officer.email}
    assert f"by {request.due_on:%B} {request.due_on.day}, {request.due_on.year}" in letters[ana.email].body
    assert str(request.pk) in letters[officer.email].body and "Okafor" not in letters[officer.email].body


@pytest.mark.promise("P37")
def test_a_refusal_is_a_letter_in_the_portal_with_a_ground(ana: User, officer: User, anas: Patient) -> None:
    request = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=request.pk)
    with pytest.raises(DomainError, match="letter_missing"):
        services.request_deny(by=officer.actor, request_id=request.pk, ground=DenialGround.LEGAL_HOLD, letter="  ")
    no = No(DenialGround.LEGAL_HOLD, "A court told us to wait.")
    denial = request_refuse(by=officer.actor, request_id=request.pk, no=no)
    request.refresh_from_db()
    assert (request.state, request.denial_ground) == (RequestState.DENIED, "legal_hold")
    assert "A court told us to wait." in request.denial_letter and request.ended_at
    run_job(Letter.objects.get(pk=denial.letter_id).job_id)  # type: ignore[arg-type]
    drain(patient=False)
    [told] = [mail for mail in outgoing.outbox if mail.to == [ana.email] and "letter" in mail.subject.lower()]
    assert "court" not in told.body and "/privacy/letters/" in told.body
    again = ask(ana, anas)
    assert again != request, "a refusal does not stop anybody from asking again"


def test_a_copy_cannot_be_refused(ana: User, officer: User, anas: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    request = copy_asked(ana, anas)
    with monkeypatch.context() as patch:
        breaks(patch)
        given_up(request)
    with pytest.raises(DomainError, match="not_refused"):
        services.request_deny(by=officer.actor, request_id=request.pk, ground=DenialGround.IDENTITY, letter="No.")


@pytest.mark.promise("P21")
@pytest.mark.parametrize("persona", ["ana", "ben", "guardian", "clinician", "support", "owner"])
def test_nobody_but_the_officer_handles_requests(
    persona: str, request: pytest.FixtureRequest, ana: User, anas: Patient
) -> None:
    row = ask(ana, anas)
    by = request.getfixturevalue(persona).actor
    for deed in (services.request_start, services.request_carry_out):
        with pytest.raises(NotVisible):
            deed(by=by, request_id=row.pk)
    with pytest.raises(NotVisible):
        services.request_deny(by=by, request_id=row.pk, ground=DenialGround.IDENTITY, letter="No.")
    if persona != "ana":
        with pytest.raises(NotVisible):
            services.request_withdraw(by=by, request_id=row.pk)
    row.refresh_from_db()
    assert row.state == RequestState.RECEIVED


def test_a_request_can_be_taken_back_until_it_is_carried_out(ana: User, officer: User, anas: Patient) -> None:
    request = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=request.pk)
    services.request_carry_out(by=officer.actor, request_id=request.pk)
    with pytest.raises(DomainError, match="request_state"):
        services.request_withdraw(by=ana.actor, request_id=request.pk)
    work(request)
    assert request.state == RequestState.COMPLETED


def test_carrying_out_twice_starts_one_job(ana: User, officer: User, anas: Patient) -> None:
    request = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=request.pk)
    services.request_carry_out(by=officer.actor, request_id=request.pk)
    with pytest.raises(DomainError, match="request_state"):
        services.request_carry_out(by=officer.actor, request_id=request.pk)
    assert Job.objects.count() == 1 and Job.objects.get().state == JobState.WAITING


@pytest.mark.promise("P35")
def test_every_deed_about_a_request_is_on_the_log(ana: User, officer: User, anas: Patient) -> None:
    request = ask(ana, anas)
    services.request_start(by=officer.actor, request_id=request.pk)
    services.request_withdraw(by=ana.actor, request_id=request.pk)
    rows = AccessEvent.objects.filter(object_id=request.pk).order_by("number")
    assert list(rows.values_list("action", "basis", "actor_id")) == [
        ("submit", "", ana.pk), ("change", "request:start", officer.pk), ("change", "request:withdraw", ana.pk),
    ]


