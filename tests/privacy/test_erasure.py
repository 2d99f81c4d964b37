"""P39: after a deletion nothing of the person is left where the portal works, however often it was begun."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core import mail as outgoing
from django.db import connection
from django.test import Client

from billing.models import Order, Refund
from billing.state import OrderState, RefundState
from consults.models import Consult
from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.dates import today, years_later
from portal.jobs.models import Job, JobState
from portal.outbox.delivery import drain
from portal.outbox.models import MailState, OutgoingMail
from portal.permissions import Purpose
from portal.subjects import Subject
from privacy import archive, erasure, ledger
from privacy.dossier import MODULES
from privacy.keeping.accounting import accounting_keep
from privacy.models import ArchiveCopy, RecordCopy, RequestKind, RightsRequest
from privacy.personal_data import erase_for
from privacy.requests.services import request_carry_out, request_open, request_start, request_withdraw
from privacy.requests.state import RequestState
from records.disclosures.models import Disclosure, DisclosureBasis
from records.disclosures.services import disclosure_record
from records.models import Patient
from tests.consults import building as consults
from tests.emptying import STAYS
from tests.privacy.building import (
    WORD,
    alive,
    ask,
    bundles,
    carried_out,
    copy_asked,
    draft_with,
    ledger_entries,
    marked,
    opened_with,
    rows_with,
    sealed_files,
    told,
    work,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P39")]
As = Callable[..., Client]


@pytest.fixture
def marked_ana(ana: User, clinician: User) -> Patient:
    """Ana, with the word in every field, file name, message, draft, request and mail."""
    ana.display_name = f"Ana {WORD}"
    ana.save()
    patient = marked(ana, clinician)
    work(copy_asked(ana, patient))
    draft_with(ana, patient)
    return patient


def retained() -> set[str]:
    from django.apps import apps

    labels = {label for module in MODULES.values() for label in module.RETAINED}
    return {apps.get_model(label)._meta.db_table for label in labels}


def test_nothing_is_left_but_what_the_apps_say_they_keep(
    ana: User, ben: User, officer: User, clinician: User, marked_ana: Patient, as_: As
) -> None:
    """FIELD_FAULTS 80: every table and every sealed file is looked through, histories and sessions too."""
    bens = told(ben, clinician, consults.person(ben, given="Ben", family="Tran"), word="other")
    before = sealed_files()
    bens_rows = rows_with(bens.patient_id, ben.pk, ben.email)
    browser = as_(ana)
    assert alive(browser) and opened_with(WORD)
    request = ask(ana, marked_ana, details=f"because {WORD}")
    ids = (marked_ana.pk, ana.pk)
    gone = Consult.objects.filter(patient_id=marked_ana.pk).values_list("pk", "encounter_id")
    gone = [str(ident) for row in gone for ident in row]
    files = sealed_files()

    carried_out(officer, request)

    assert request.state == RequestState.COMPLETED
    assert opened_with(WORD) == {}
    assert set(rows_with(WORD)) == set()
    left = set(rows_with(*ids, *gone))
    assert left <= retained(), f"left in {left - retained()}"
    named = set(rows_with(ana.email, "ana")) - STAYS  # those name models of the code, such as the risk analysis
    assert named <= {"outbox_outgoingmail"}, "only the closing letter's sealed address"
    assert sealed_files() <= files and not any(name.startswith("copies/") for name in sealed_files())
    photos_of_ben = len([name for name in before if name.startswith("photos/")])
    assert 0 < len([name for name in sealed_files() if name.startswith("photos/")]) < photos_of_ben
    assert not alive(browser)
    assert not User.objects.filter(pk=ana.pk).exists() and not as_(None).login(username=ana.email, password="x")
    after = rows_with(bens.patient_id, ben.pk, ben.email)
    assert after == bens_rows, "another patient was touched"


def test_drafts_go_unarchived_and_what_was_sent_is_archived(
    ana: User, officer: User, marked_ana: Patient
) -> None:
    carried_out(officer, ask(ana, marked_ana))
    [bundle] = bundles()
    text = b"".join(bundle.values())
    assert f"Dear Ana {WORD}".encode() in text and f"then {WORD}".encode() in text
    assert f"draft {WORD}".encode() not in text
    assert sum(name.endswith(".jpg") for name in bundle) == 3


def test_the_closing_letter_reaches_the_person_and_its_address_goes_with_it(
    ana: User, officer: User, marked_ana: Patient
) -> None:
    carried_out(officer, ask(ana, marked_ana))
    outgoing.outbox.clear()
    drain(patient=False)
    [letter] = [one for one in outgoing.outbox if one.to == [ana.email]]
    [copy] = ArchiveCopy.objects.all()
    body = " ".join(letter.body.split())
    assert f"until {copy.retain_until:%B} {copy.retain_until.day}, {copy.retain_until.year}" in body
    assert "clinic’s own rule of 7 years" in body and WORD not in letter.body
    assert "Our register shows nothing of the record that went" in body and "Square, who took the payment" in body
    mail = OutgoingMail.objects.get(kind="privacy.erased")
    assert mail.state == MailState.SENT and mail.address is None
    assert rows_with(ana.email) == {} and opened_with(ana.email) == {}


@pytest.mark.promise("P41")
def test_the_closing_letter_lists_who_received_what_although_the_register_is_gone(
    ana: User, officer: User, anas: Patient
) -> None:
    lab, doctor = "Lakeside Lab", "Dr. Moe"
    for on, who in ((dt.date(2026, 3, 3), lab), (dt.date(2026, 2, 2), lab), (dt.date(2026, 1, 4), doctor)):
        disclosure_record(
            by=officer.actor, subject_id=anas.pk, purpose=Purpose.CARE, basis=DisclosureBasis.TREATMENT, recipient=who,
            recipient_address="4 Main Street", what="Blood test", on=on,
        )
    carried_out(officer, ask(ana, anas))
    assert not Disclosure.objects.exists()
    waiting = OutgoingMail.objects.get(kind="privacy.erased")
    assert rows_with("Lakeside") == {} and waiting.secret, "what is still to be sent is sealed"
    drain(patient=False)
    body = " ".join(outgoing.outbox[-1].body.split())
    assert "- Lakeside Lab, 4 Main Street: Blood test (2 times, the last on March 3, 2026)" in body
    assert "- Dr. Moe, 4 Main Street: Blood test (January 4, 2026)" in body
    assert "The list of who received something of the record" in body and "One locked copy" not in body, "no consult"
    assert OutgoingMail.objects.get(kind="privacy.erased").secret is None
    assert opened_with("Lakeside") == {}


@pytest.mark.promise("P40")
def test_the_facts_of_the_accounting_are_kept_six_years_for_somebody_who_never_sent_a_consult(
    ana: User, officer: User, anas: Patient
) -> None:
    disclosure_record(
        by=officer.actor, subject_id=anas.pk, purpose=Purpose.LEGAL_DUTY, basis=DisclosureBasis.LAW,
        recipient="Department of Health", what="Name and address", on=dt.date(2026, 3, 3),
    )
    carried_out(officer, ask(ana, anas))
    [facts] = bundles()
    assert json.loads(facts["accounting.json"])["disclosures"][0]["recipient"] == "Department of Health"
    copy = ArchiveCopy.objects.get()
    assert copy.encounter_id is None and copy.retain_until == years_later(today(), 6)
    assert opened_with("Department") == {"outbox.OutgoingMail": 1}, "the last letter, still to be sent"
    assert accounting_keep(Subject(anas.pk)) is None


def test_the_closing_letter_goes_out_to_who_closed_the_sign_in_before(
    ana: User, officer: User, anas: Patient
) -> None:
    from portal.accounts.services import account_close

    request = ask(ana, anas)
    account_close(by=ana.actor)
    carried_out(officer, request)
    drain(patient=False)
    assert outgoing.outbox[-1].to == [ana.email] and "deleted" in outgoing.outbox[-1].body


def test_a_mail_server_that_is_down_undoes_no_deletion(ana: User, officer: User, anas: Patient, settings: Any) -> None:
    settings.EMAIL_BACKEND = "portal.outbox.smtp.SmtpBackend"
    settings.EMAIL_PORT = 1  # nobody listens
    request = carried_out(officer, ask(ana, anas))
    drain(patient=False)
    assert request.state == RequestState.COMPLETED and not Patient.objects.exists()
    assert OutgoingMail.objects.get(kind="privacy.erased").state == MailState.WAITING


def test_the_log_keeps_ids_and_no_names(ana: User, officer: User, marked_ana: Patient) -> None:
    carried_out(officer, ask(ana, marked_ana))
    about = AccessEvent.objects.filter(subject_id=marked_ana.pk)
    assert about.filter(action=Action.ERASE).count() == 1 and about.count() > 10
    assert not about.filter(basis__icontains="ana").exists()


# --- Killed and started again ------------------------------------------------------------------------------


class Killed(BaseException):
    """What SIGKILL looks like from inside: nothing catches it."""


STEPS = [
    pytest.param(erasure, "consults_end", id="before the consults end"),
    pytest.param(erasure, "archive_patient", id="before the copy"),
    pytest.param(archive, "_seal", id="before sealing"),
    pytest.param(archive, "put", id="before the lockbox"),
    pytest.param(archive.ArchiveCopy, "objects.get_or_create", id="between the lockbox and its row"),
    pytest.param(erasure, "archive_verify", id="before reading back"),
    pytest.param(ledger, "_put", id="before the ledger"),
    pytest.param(erasure, "_erase", id="before the removal"),
    pytest.param(erasure, "requests_lapse", id="in the removal"),
    pytest.param(erasure, "erase_all", id="in the removal, before the apps"),
    pytest.param(erasure.mails, "record_erased", id="after the apps, before the letter"),
    pytest.param(erasure, "request_complete", id="before the end"),
]


@pytest.mark.parametrize("after", [False, True], ids=["then", "and just after it"])
@pytest.mark.parametrize(("where", "name"), STEPS)
def test_killed_at_any_step_it_ends_the_same(
    where: Any, name: str, after: bool, ana: User, officer: User, clinician: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = told(ana, clinician).patient
    request = ask(ana, patient)
    request_start(by=officer.actor, request_id=request.pk)
    request_carry_out(by=officer.actor, request_id=request.pk)
    request.refresh_from_db()
    *owners, name = name.split(".")
    for owner in owners:  # looked up now: a model that another test defines makes all managers anew
        where = getattr(where, owner)
    whole = getattr(where, name)

    def dies(*args: Any, **kwargs: Any) -> Any:
        if after:
            whole(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(where, name, dies)
        with pytest.raises(Killed):
            erasure._run(Job.objects.get(pk=request.job_id), lambda *_: None)
    erasure._run(Job.objects.get(pk=request.job_id), lambda *_: None)

    request.refresh_from_db()
    assert request.state == RequestState.COMPLETED and not Patient.objects.exists()
    assert not User.objects.filter(pk=ana.pk).exists()
    assert ArchiveCopy.objects.count() == len(bundles()) == 1
    assert list(ledger_entries()) == [f"erasures/{request.pk.hex}.json"]
    assert OutgoingMail.objects.filter(kind="privacy.erased").count() == 1
    assert AccessEvent.objects.filter(action=Action.ERASE).count() == 1
    assert sealed_files() == set()


@pytest.fixture(autouse=True)
def nothing_sealed_before() -> None:
    import shutil

    shutil.rmtree(settings.SEALED_DIR, ignore_errors=True)


def test_the_same_job_run_again_changes_nothing(ana: User, officer: User, anas: Patient) -> None:
    request = carried_out(officer, ask(ana, anas))
    rows = AccessEvent.objects.count(), OutgoingMail.objects.count()
    erasure._run(Job.objects.get(pk=request.job_id), lambda *_: None)
    assert (AccessEvent.objects.count(), OutgoingMail.objects.count()) == rows


def test_two_workers_on_one_request_have_one_effect(ana: User, officer: User, clinician: User) -> None:
    import threading

    patient = told(ana, clinician).patient
    request = ask(ana, patient)
    request_start(by=officer.actor, request_id=request.pk)
    request_carry_out(by=officer.actor, request_id=request.pk)
    request.refresh_from_db()
    job, errors = Job.objects.get(pk=request.job_id), []
    gate = threading.Barrier(2)

    def one() -> None:
        gate.wait()
        try:
            erasure._run(job, lambda *_: None)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=one) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:  # the slower one found the record gone in its middle: its next try has nothing to do
        erasure._run(job, lambda *_: None)
    request.refresh_from_db()
    assert request.state == RequestState.COMPLETED and len(errors) <= 1
    assert len(bundles()) == ArchiveCopy.objects.count() == 1
    assert OutgoingMail.objects.filter(kind="privacy.erased").count() == 1
    assert AccessEvent.objects.filter(action=Action.ERASE).count() == 1


# --- What is under way when the officer acts ---------------------------------------------------------------


@pytest.mark.parametrize("state", ["sent", "waiting", "taken", "asked", "answered"])
def test_open_consults_end_and_what_has_no_answer_is_paid_back(
    state: str, ana: User, officer: User, clinician: User, anas: Patient
) -> None:
    people = (ana, clinician, anas) if state in ("taken", "asked", "answered") else (ana, anas)
    consult = getattr(consults, state)(*people)
    paid = consult.paid_at is not None
    order = consult.order_id
    carried_out(officer, ask(ana, anas))
    assert not Consult.objects.exists()
    kept = Order.objects.get(pk=order)
    assert kept.subject_id == anas.pk and kept.account_id is None
    refunds = list(Refund.objects.filter(payment__order=kept).values_list("state", "amount_cents"))
    if state == "answered":
        assert refunds == []
    elif paid:
        assert refunds == [(RefundState.WAITING, kept.amount_cents)], "the money is on its way, without the person"
    else:
        assert kept.state == OrderState.CANCELLED and refunds == []
    assert len(bundles()) == (1 if paid else 0), "what was paid was handed in, and is archived"
    drain(patient=False)
    assert ("goes back the way it came" in outgoing.outbox[-1].body) == (paid and state != "answered")
    assert OutgoingMail.objects.filter(state=MailState.WAITING).count() == 0


def test_a_consult_begun_while_the_copy_is_sealed_makes_the_job_begin_again(
    ana: User, officer: User, clinician: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = told(ana, clinician).patient
    request = ask(ana, patient)
    request_start(by=officer.actor, request_id=request.pk)
    request_carry_out(by=officer.actor, request_id=request.pk)
    request.refresh_from_db()
    whole = erasure._archive

    def meanwhile(subject: Any) -> None:
        whole(subject)
        consults.waiting(ana, patient)

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_archive", meanwhile)
        work(request)
    assert request.state == RequestState.CARRYING_OUT and Patient.objects.exists()
    Job.objects.update(run_after=Job.objects.get(pk=request.job_id).created_at)
    work(request)
    assert request.state == RequestState.COMPLETED
    assert ArchiveCopy.objects.values("encounter_id").distinct().count() == 2, "the new one is archived too"
    assert Refund.objects.count() == 1


def test_a_copy_that_is_not_made_yet_comes_first(ana: User, officer: User, anas: Patient) -> None:
    from portal.errors import DomainError

    copy, deletion = copy_asked(ana, anas), ask(ana, anas)
    request_start(by=officer.actor, request_id=deletion.pk)
    with pytest.raises(DomainError, match="copy_first"):
        request_carry_out(by=officer.actor, request_id=deletion.pk)
    work(copy)
    request_carry_out(by=officer.actor, request_id=deletion.pk)
    work(deletion)
    assert deletion.state == RequestState.COMPLETED and not RecordCopy.objects.exists()


def test_a_copy_asked_for_in_the_last_moment_lapses_and_leaves_no_dead_end(
    ana: User, officer: User, anas: Patient
) -> None:
    deletion = ask(ana, anas)
    request_start(by=officer.actor, request_id=deletion.pk)
    request_carry_out(by=officer.actor, request_id=deletion.pk)
    late = copy_asked(ana, anas)
    work(deletion)
    late.refresh_from_db()
    assert late.state == RequestState.WITHDRAWN and late.ended_at
    assert not Job.objects.filter(pk=late.job_id).exists()


def test_an_archive_that_cannot_be_written_stops_the_deletion(
    ana: User, officer: User, clinician: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any) -> Any:
        raise OSError("the store does not answer")

    patient = told(ana, clinician).patient
    request = ask(ana, patient)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "put", down)
        carried_out(officer, request)
        for _ in range(3):
            Job.objects.update(run_after=request.created_at)
            work(request)
    assert request.state == RequestState.IN_PROGRESS and Patient.objects.filter(pk=patient.pk).exists()
    assert Job.objects.get(pk=request.job_id).state == JobState.FAILED and not ArchiveCopy.objects.exists()
    waits = OutgoingMail.objects.filter(kind="privacy.waits", account_id=officer.pk)
    assert waits.filter(once_key__contains="failed").count() == 1
    request_carry_out(by=officer.actor, request_id=request.pk)
    work(request)
    assert request.state == RequestState.COMPLETED and len(bundles()) == 1


def test_an_erasure_that_was_called_off_is_void_in_the_ledger(
    ana: User, officer: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise OSError("no disk")

    request = ask(ana, anas)
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_erase", fails)
        carried_out(officer, request)
        for _ in range(3):
            Job.objects.update(run_after=request.created_at)
            work(request)
    request_withdraw(by=ana.actor, request_id=request.pk)
    assert set(ledger_entries()) == {f"erasures/{request.pk.hex}.json", f"erasures/{request.pk.hex}.void.json"}
    entry = ledger_entries()[f"erasures/{request.pk.hex}.json"]
    assert entry["subject_id"] == str(anas.pk) and entry["account_ids"] == [str(ana.pk)]


def test_a_request_that_is_taken_back_writes_nothing_into_the_ledger(ana: User, anas: Patient) -> None:
    request_withdraw(by=ana.actor, request_id=ask(ana, anas).pk)
    assert ledger_entries() == {}


def test_what_the_privacy_desk_holds_is_removed_twice_like_once(ana: User, anas: Patient) -> None:
    from portal.subjects import Subject

    work(copy_asked(ana, anas))
    request_open(
        by=ana.actor, kind=RequestKind.DELETION, subject_id=anas.pk, account_id=ana.pk, form_key=anas.pk,
        details=f"words {WORD}",
    )
    subject = Subject(anas.pk, (ana.pk,))
    assert erase_for(subject) == {"privacy.RecordCopy": 1} and erase_for(subject) == {}
    assert RightsRequest.objects.filter(subject_id=anas.pk).count() == 2 and opened_with(WORD) == {}
