"""P13, P14: nothing is given to a court without a letter to the patient, or the ground that forbids one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import Client
from django.urls import reverse
from PIL import Image

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from portal.errors import DomainError, NotAllowed, NotVisible
from portal.permissions import Purpose
from portal.subjects import Subject
from privacy.disclosing import personal_data
from privacy.disclosing.models import LegalProcess
from privacy.disclosing.papers import papers_sweep
from privacy.disclosing.services import (
    notices_send,
    process_enter,
    process_give,
    process_refuse,
    process_tell,
)
from privacy.letters.models import Letter, PaperReason
from privacy.looks.selectors import who_looked_lines
from records.access import may_open
from records.disclosures.models import Disclosure
from records.disclosures.services import suspension_lift, suspension_record
from records.models import AccessGrant, Patient

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P13")]
As = Callable[..., Client]


def entered(officer: User, patient: Patient, **more: Any) -> LegalProcess:
    wanted = {
        "kind": "court_order", "received_on": today(), "authority": "Wright County District Court",
        "asked": "All photos of 2026", "form_key": uuid4(), "case_number": "86-CV-26-1", **more,
    }
    return process_enter(by=officer.actor, subject_id=patient.pk, **wanted)


def give(officer: User, row: LegalProcess, **more: Any) -> LegalProcess:
    wanted = {
        "given": "Photos of January 2026", "reason": "Order of January 3, Minn. R. Civ. P. 45", "on": today(),
        "tell": True, **more,
    }
    return process_give(by=officer.actor, process_id=row.pk, **wanted)


def withhold(officer: User, row: LegalProcess, **more: Any) -> LegalProcess:
    wanted = {"tell": False, "withheld": "court_order", "withheld_words": "Order of January 3, Judge Moe", **more}
    return give(officer, row, **wanted)


def letters(patient: Patient) -> list[Letter]:
    return list(Letter.objects.filter(subject_id=patient.pk, kind="legal_process"))


def test_giving_registers_it_and_tells_the_patient_in_one_transaction(
    anas: Patient, ana: User, officer: User
) -> None:
    row = give(officer, entered(officer, anas))
    entry = Disclosure.objects.get()
    assert (row.disclosure_id, entry.reference, entry.purpose, entry.basis) == (
        entry.pk, row.pk, Purpose.LEGAL_PROCESS, "legal_process",
    )
    assert entry.recipient == "Wright County District Court" and entry.what == "Photos of January 2026"
    [letter] = letters(anas)
    assert letter.account_id == ana.pk and row.told_at and row.letter_id == letter.pk
    assert letter.fields["authority"] == "Wright County District Court"
    assert letter.fields["given"] == "Photos of January 2026"


def test_who_has_no_account_is_told_by_post(anas: Patient, officer: User) -> None:
    AccessGrant.objects.filter(patient=anas).delete()
    give(officer, entered(officer, anas))
    [letter] = letters(anas)
    assert letter.account_id is None and letter.paper_reason == PaperReason.NO_ACCOUNT


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"tell": False}, "ground_missing"), ({"tell": False, "withheld": "we_would_rather_not"}, "ground_missing"),
        ({"tell": False, "withheld": "statute"}, "words_missing"),
        (
            {"tell": False, "withheld": "statute", "withheld_words": "x", "withheld_until": dt.date(2020, 1, 1)},
            "end_past",
        ),
        ({"given": " "}, "given_missing"), ({"reason": ""}, "reason_missing"),
        ({"on": dt.date(2999, 1, 1)}, "day_to_come"), ({"on": dt.date(2020, 1, 1)}, "day_before"),
    ],
)
def test_without_letter_or_ground_nothing_is_completed(
    more: dict[str, Any], code: str, anas: Patient, officer: User
) -> None:
    row = entered(officer, anas)
    with pytest.raises(DomainError) as refused:
        give(officer, row, **more)
    row.refresh_from_db()
    assert refused.value.code == code and row.outcome == "" and not Disclosure.objects.exists() and not letters(anas)


def test_the_database_itself_lets_none_be_given_without_either(anas: Patient, officer: User) -> None:
    row = give(officer, entered(officer, anas))
    for change in ({"told_at": None}, {"disclosure_id": None}, {"outcome": "quiet"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            LegalProcess.objects.filter(pk=row.pk).update(**change)


def test_a_withheld_notice_goes_out_by_itself_after_its_last_day_and_once(
    anas: Patient, ana: User, officer: User
) -> None:
    until = today() + dt.timedelta(days=90)
    row = withhold(officer, entered(officer, anas), withheld_until=until)
    assert row.told_at is None and not letters(anas) and Disclosure.objects.count() == 1
    noon = dt.datetime.combine(until, dt.time(18), dt.UTC)
    with time_machine.travel(noon):
        assert notices_send() == 0 and not letters(anas)
    with time_machine.travel(noon + dt.timedelta(days=1)):
        assert notices_send() == 1 and notices_send() == 0
    [letter] = letters(anas)
    row.refresh_from_db()
    assert letter.account_id == ana.pk and row.letter_id == letter.pk and row.told_at


def test_without_an_end_it_waits_until_somebody_says_so(anas: Patient, officer: User) -> None:
    row = withhold(officer, entered(officer, anas))
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=4000)):
        assert notices_send() == 0
    for _press in range(2):
        process_tell(by=officer.actor, process_id=row.pk)
    assert len(letters(anas)) == 1


def test_a_notice_to_somebody_whose_record_is_gone_is_not_tried_for_ever(anas: Patient, officer: User) -> None:
    row = withhold(officer, entered(officer, anas), withheld_until=today())
    LegalProcess.objects.filter(pk=row.pk).update(subject_id=uuid4())
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=3)):
        assert notices_send() == 0
    row.refresh_from_db()
    assert row.withheld_until is None and row.told_at is None


def test_the_record_is_open_to_the_officer_until_it_is_decided(anas: Patient, officer: User) -> None:
    def may() -> bool:
        return may_open(by=officer.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY, whole=True) is not None

    assert not may()
    row = entered(officer, anas)
    assert may()
    process_refuse(by=officer.actor, process_id=row.pk, reason="A subpoena alone does not do in Minnesota")
    assert not may() and not Disclosure.objects.exists()
    with pytest.raises(DomainError) as refused:
        give(officer, row)
    assert refused.value.code == "decided_already"


def test_five_presses_are_one_paper_and_only_the_officer_enters(anas: Patient, officer: User, clinician: User) -> None:
    key = uuid4()
    assert len({entered(officer, anas, form_key=key).pk for _press in range(5)}) == 1
    with pytest.raises(NotAllowed):
        entered(clinician, anas)
    with pytest.raises(NotAllowed):
        give(clinician, LegalProcess.objects.get())
    with pytest.raises(NotVisible):
        process_enter(
            by=officer.actor, subject_id=uuid4(), kind="warrant", received_on=today(), authority="X", asked="Y",
            form_key=uuid4(),
        )


@pytest.mark.promise("P34")
def test_while_suspended_neither_list_nor_log_nor_copy_tells_of_it(anas: Patient, ana: User, officer: User) -> None:
    row = entered(officer, anas)
    suspension_record(
        by=officer.actor, subject_id=anas.pk, reference=row.pk, kind="written", agency="Sheriff", official="Sgt. Moe",
        statement="It would impede us", ends_on=today() + dt.timedelta(days=60), form_key=uuid4(),
    )
    withhold(officer, row, withheld_until=today() + dt.timedelta(days=60))
    def told() -> tuple[int, int, int]:
        copy = personal_data.export_for(Subject(anas.pk))
        looks = [line for line in who_looked_lines(anas.pk) if "outside" in line["what"]]
        return len(copy["disclosures"]), len(copy["legal_papers"]), len(looks)

    assert told() == (0, 0, 0)
    assert len(personal_data.archive_for(Subject(anas.pk))["disclosures"]) == 1
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=62)):
        notices_send()
        assert told() == (1, 1, 1)


@pytest.mark.promise("P34")
def test_no_letter_tells_of_it_while_an_authority_asks_that_nobody_does(
    anas: Patient, ana: User, officer: User, as_: As
) -> None:
    row = entered(officer, anas)
    held = suspension_record(
        by=officer.actor, subject_id=anas.pk, reference=row.pk, kind="written", agency="Sheriff", official="Sgt. Moe",
        statement="It would impede us", ends_on=today() + dt.timedelta(days=60), form_key=uuid4(),
    )
    with pytest.raises(DomainError) as refused:
        give(officer, row)
    assert (refused.value.code, refused.value.field) == ("suspended", "tell") and not Disclosure.objects.exists()
    withhold(officer, row, withheld_until=today() + dt.timedelta(days=9))
    assert as_(officer).post(reverse("admin:legal_tell", args=[row.pk])).status_code == 302 and not letters(anas)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=12)):
        assert notices_send() == 0 and not letters(anas)
    suspension_lift(by=officer.actor, suspension_id=held.pk)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=12)):
        assert notices_send() == 1 and len(letters(anas)) == 1


def test_its_words_and_its_file_go_with_the_person_and_ids_stay(anas: Patient, officer: User) -> None:
    row = give(officer, entered(officer, anas))
    personal_data.erase_for(Subject(anas.pk))
    row.refresh_from_db()
    assert (row.authority, row.asked, row.given, row.reason, row.paper_name) == ("", "", "", "", "")
    assert row.told_at and row.subject_id == anas.pk


# --- The desk ----------------------------------------------------------------------------------------------


def picture() -> SimpleUploadedFile:
    sink = BytesIO()
    Image.new("RGB", (200, 260), "white").save(sink, "PNG")
    return SimpleUploadedFile("order.png", sink.getvalue(), content_type="image/png")


@pytest.fixture
def desk(as_: As, officer: User) -> Client:
    return as_(officer)


@pytest.mark.django_db(transaction=True)
def test_the_officer_takes_a_paper_in_gives_and_the_patient_reads_of_it(
    as_: As, desk: Client, anas: Patient, ana: User
) -> None:
    number = f"{anas.public_id[:4]}-{anas.public_id[4:]}"
    went = desk.post(
        reverse("admin:legal_processes"),
        {
            "person": number, "kind": "warrant", "received_on": today().isoformat(), "authority": "District Court",
            "asked": "Everything", "document": picture(), "form_key": str(uuid4()),
        },
    )
    row = LegalProcess.objects.get()
    page = reverse("admin:legal_process", args=[row.pk])
    assert went.status_code == 302 and went["Location"] == page
    file = desk.get(reverse("admin:legal_file", args=[row.pk]))
    assert file["Content-Type"] == "image/jpeg" and file.content[:2] == b"\xff\xd8"
    assert "attachment" in file["Content-Disposition"]
    shown = desk.get(page).content.decode()
    assert "District Court" in shown and "Everything" in shown
    listed = desk.get(reverse("admin:legal_processes")).content.decode()
    assert number in listed and "District Court" not in listed
    typed = {"given": "The plan", "reason": "The warrant", "on": today().isoformat(), "tell": "no"}
    refused = desk.post(reverse("admin:legal_give", args=[row.pk]), typed)
    assert refused.status_code == 200 and "choose the ground" in refused.content.decode()
    assert desk.post(reverse("admin:legal_give", args=[row.pk]), {**typed, "tell": "yes"}).status_code == 302
    own = as_(ana).get(reverse("privacy:received")).content.decode()
    assert "District Court" in own and "The plan" in own and "A court order, subpoena or warrant" in own
    assert AccessEvent.objects.filter(action=Action.LIST, object_kind="records.disclosure", actor_id=ana.pk).exists()


def test_what_the_officer_writes_down_by_hand_stands_once_and_a_refused_press_costs_nothing(
    desk: Client, anas: Patient
) -> None:
    page = reverse("admin:disclosure_add", args=[anas.pk])
    typed = {
        "on": (today() + dt.timedelta(days=1)).isoformat(), "recipient": "Lakeside", "what": "The plan",
        "purpose": "care", "basis": "emergency", "form_key": str(uuid4()),
    }
    assert "still to come" in desk.post(page, typed).content.decode() and not Disclosure.objects.exists()
    for _press in range(2):
        assert desk.post(page, {**typed, "on": today().isoformat()}).status_code == 302
    assert Disclosure.objects.get().recipient == "Lakeside"
    assert AccessEvent.objects.filter(action=Action.DISCLOSE, subject_id=anas.pk).count() == 1


def test_a_file_without_a_row_is_swept(anas: Patient, settings: Any) -> None:
    from django.core.files.base import ContentFile

    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=3)):
        papers_sweep()  # what other tests of this worker left
    name = storages["sealed"].save("legal/ab/" + "0" * 32, ContentFile(b"x"))
    assert papers_sweep() == 0, "it may be about to get its row"
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=3)):
        assert papers_sweep() == 1
    assert not storages["sealed"].exists(name)


def test_lists_ask_as_little_for_many_as_for_one(desk: Client, anas: Patient, officer: User) -> None:
    from django.test.utils import CaptureQueriesContext

    counts = []
    for more in (1, 9):
        for _number in range(more):
            entered(officer, anas)
        desk.get(reverse("admin:legal_processes"))
        with CaptureQueriesContext(connection) as caught:
            desk.get(reverse("admin:legal_processes"))
        counts.append(len(caught))
    assert counts[0] == counts[1]


@pytest.mark.promise("P14")
def test_each_night_it_is_proven_that_the_register_takes_no_change(anas: Patient, officer: User) -> None:
    from privacy.disclosing.proof import register_prove

    assert register_prove().passed, "an empty register holds nothing wrong"
    give(officer, entered(officer, anas))
    assert register_prove().facts == {"entries": 1, "changes_that_went_through": 0, "not_in_the_log": 0}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # as if the trigger were gone
        broken = register_prove()
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert not broken.passed and broken.facts["changes_that_went_through"] == 2 and Disclosure.objects.count() == 1
