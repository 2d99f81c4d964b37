"""What a licensed person refused is shown on no way to the record, and each way says so (P37, RULES 1.15-1.17)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.errors import NotVisible
from portal.permissions import Purpose
from privacy.denials import services as denials
from privacy.denials.models import ReviewDecision
from privacy.denials.services import No
from privacy.requests import services as requests
from privacy.requests.models import RequestKind, RightsRequest
from records import vault
from records.access import grant_open
from records.amendments.models import PartKind
from records.documents.models import Document, DocumentKind
from records.documents.services import document_change, document_remove
from records.export.archive_file import build_record_zip
from records.history.models import Entry, Section
from records.history.services import entry_add, entry_remove, section_none, version_of
from records.history.topics import Said, topics_save
from records.models import Answer, GrantKind, Message, Patient, Photo, PhotoState, Plan
from records.vault.documents import open_document, open_document_card, open_documents
from records.vault.part import open_part
from records.withholding.models import Withheld
from records.withholding.services import parts_withhold
from tests.consults import building

As = Callable[[User | None], Client]
WORDS = "left out"


@pytest.fixture
def answered(ana: User, anas: Patient, clinician: User) -> Any:
    """A consult of Ana's with a signed plan."""
    return building.answered(ana, clinician, anas)


def refused(user: User, patient: Patient, officer: User, judge: User, *parts: UUID) -> RightsRequest:
    """A copy that the user asked for, refused in these parts."""
    request = requests.request_open(
        by=user.actor, kind=RequestKind.ACCESS_PAPER, subject_id=patient.pk, account_id=user.pk, form_key=uuid4()
    )
    requests.request_start(by=officer.actor, request_id=request.pk)
    no = No(ground="endangers", withheld="Parts", parts=parts, judged_by=judge.pk, license="MN 1")
    denials.request_refuse(by=officer.actor, request_id=request.pk, no=no)
    return request


def copy_of(user: User, patient: Patient) -> zipfile.ZipFile:
    with build_record_zip(by=user.actor, patient_id=patient.pk, purpose=Purpose.COMMUNICATING) as spool:
        return zipfile.ZipFile(io.BytesIO(spool.read()))


@pytest.mark.promise("P37")
def test_what_a_copy_was_refused_no_page_no_copy_and_no_app_shows_until_a_review_takes_it_back(
    ana: User, anas: Patient, answered: Any, officer: User, clinician: User, other_clinician: User, as_: As,
) -> None:
    plan = Plan.objects.get(encounter_id=answered.encounter_id)
    answer = Answer.objects.filter(encounter_id=answered.encounter_id).order_by("position").first()
    assert answer is not None
    letter = str(plan.letter)
    everything = reverse("fhir:everything")
    pages = [reverse("records:record"), reverse("records:print"), reverse("records:changes"), everything]
    before = [as_(ana).get(page).content.decode() for page in pages]
    assert letter in before[0] and letter in before[1] and str(plan.pk) in before[3]
    assert not any(WORDS in page for page in before[:2])
    request = refused(ana, anas, officer, clinician, plan.pk, answer.pk)
    after = [as_(ana).get(page).content.decode() for page in pages]
    for page in after:
        assert letter not in page and str(plan.pk) not in page and answer.question_text not in page
    assert all("2 parts of this record are left out" in page for page in (after[0], after[1], after[3]))
    assert reverse("privacy:request", args=[request.pk]) in after[0], "the way to a second look"
    found = json.loads(after[3])
    assert found["total"] == sum(1 for entry in found["entry"] if entry["search"]["mode"] == "match")
    with pytest.raises(NotVisible):
        open_part(by=ana.actor, patient_id=anas.pk, kind=PartKind.PLAN, part_id=plan.pk, purpose=Purpose.CARE)
    assert vault.open_plan(by=ana.actor, encounter_id=answered.encounter_id, purpose=Purpose.CARE) is None
    assert vault.open_routine(
        by=ana.actor, patient_id=anas.pk, encounter_id=answered.encounter_id, purpose=Purpose.CARE
    ) is None
    for name in ("plan", "consult", "thread", "home"):  # nothing breaks, and the plan leads to the words about it
        address = reverse(f"consults:{name}", args=[] if name == "home" else [answered.pk])
        shown = as_(ana).get(address, follow=True)
        page = shown.content.decode()
        assert shown.status_code == 200 and letter not in page
        assert ("Your plan is left out" in page) is (name == "plan")
    with copy_of(ana, anas) as copy:
        bundle = json.loads(copy.read("record.fhir.json"))
        assert letter not in json.dumps(bundle) and str(answer.question_text) not in json.dumps(bundle)
        [section] = [s for s in bundle["entry"][0]["resource"]["section"] if s["title"] == "Left out"]
        assert section["emptyReason"]["coding"][0]["code"] == "withheld"
        assert "look at it again" in section["text"]["div"]
        assert "2 parts of this record are left out" in copy.read("README.txt").decode()
    # Whoever treats her sees it all.
    record = vault.open_case(by=clinician.actor, encounter_id=answered.encounter_id, purpose=Purpose.CARE)
    assert record.encounter.plan is not None and str(record.encounter.plan.letter) == letter
    request.refresh_from_db()
    request.state = "carrying_out"
    request.save(update_fields=["state"])
    requests.request_complete(request)
    waiting = denials.review_ask(by=ana.actor, request_id=request.pk)
    review = reverse("admin:privacy_review", args=[waiting.pk])
    assert letter not in as_(other_clinician).get(review).content.decode(), "not before it is theirs"
    denials.review_take(by=other_clinician.actor, denial_id=waiting.pk)
    judged = as_(other_clinician).get(review).content.decode()
    assert "What is left out" in judged and letter in judged and answer.question_text in judged
    denials.review_decide(
        by=other_clinician.actor, denial_id=waiting.pk, decision=ReviewDecision.OVERTURNED, reason="No danger.",
        license="MN 2",
    )
    again = as_(ana).get(pages[0]).content.decode()
    assert letter in again and WORDS not in again


def test_every_kind_of_part_is_kept_back_and_cannot_be_changed_by_who_does_not_see_it(
    ana: User, anas: Patient, answered: Any, officer: User, clinician: User,
) -> None:
    allergy = entry_add(
        by=ana.actor, patient_id=anas.pk, section=Section.ALLERGIES, form_key=uuid4(),
        values={"substance": "Nickel", "severity": "mild"},
    )
    number = entry_add(
        by=ana.actor, patient_id=anas.pk, section=Section.IDENTIFIERS, values={"kind": "medical_id"},
        number="A123456", form_key=uuid4(),
    )
    removed = entry_add(
        by=ana.actor, patient_id=anas.pk, section=Section.CONDITIONS, form_key=uuid4(),
        values={"name": "Rosacea", "status": "active"},
    )
    entry_remove(by=ana.actor, entry_id=removed.pk, seen=version_of(removed))
    topics_save(by=ana.actor, patient_id=anas.pk, section=Section.HISTORY, answers={"operations": Said(text="One")})
    [topic] = Entry.objects.filter(patient_id=anas.pk, section=Section.HISTORY, code="operations")
    document = Document.objects.create(
        patient_id=anas.pk, kind=DocumentKind.LAB_RESULT, title="Blood", form_key=uuid4(), uploaded_by=ana.pk,
        quarantine_name="n", quarantine_key=b"k",
    )
    message = Message.objects.create(
        encounter_id=answered.encounter_id, patient_id=anas.pk, author_id=clinician.pk, from_staff=True, body="Call us",
        form_key=uuid4(),
    )
    parts = [allergy.pk, number.pk, removed.pk, topic.pk, document.pk, message.pk]
    refused(ana, anas, officer, clinician, *parts)
    record = vault.open_record(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    assert not {str(part) for part in parts} & set(repr(record).replace("'", " ").split())
    assert (record.sections.allergies, record.sections.identifiers, record.documents) == ((), (), ())
    assert [one.count for one in record.withheld] == [6]
    assert open_documents(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE) == ()
    thread = vault.open_thread(by=ana.actor, encounter_id=answered.encounter_id, purpose=Purpose.CARE)
    assert message.pk not in {one.id for one in thread}
    page = vault.open_section(by=ana.actor, patient_id=anas.pk, section=Section.CONDITIONS, purpose=Purpose.CARE)
    assert page.removed == ()
    changes = vault.open_changes(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    assert not any(word in repr(changes.lines) for word in ("Rosacea", "Nickel", "Blood"))
    for deed in (
        lambda: vault.reveal_identifier(by=ana.actor, identifier_id=number.pk, purpose=Purpose.CARE),
        lambda: entry_remove(by=ana.actor, entry_id=allergy.pk, seen=version_of(allergy)),
        lambda: open_document_card(by=ana.actor, document_id=document.pk, purpose=Purpose.CARE),
        lambda: open_document(by=ana.actor, document_id=document.pk, variant="file", purpose=Purpose.CARE),
        lambda: document_change(by=ana.actor, document_id=document.pk, kind="lab_result", title="X", dated=None),
        lambda: document_remove(by=ana.actor, document_id=document.pk),
    ):
        with pytest.raises(NotVisible):
            deed()
    section_none(by=ana.actor, patient_id=anas.pk, section=Section.ALLERGIES)  # a no would tell of it
    assert topics_save(by=ana.actor, patient_id=anas.pk, section=Section.HISTORY, answers={"operations": Said()}) == 0
    assert Entry.objects.filter(pk=topic.pk).exists() and Entry.objects.filter(pk=allergy.pk).exists()
    seen = vault.open_record(by=clinician.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    assert [one.substance for one in seen.sections.allergies] == ["Nickel"] and not seen.withheld
    assert not seen.sections.stated_none, "what stands there outweighs the word"


def test_what_a_guardian_was_refused_the_patient_still_sees(
    ana: User, anas: Patient, answered: Any, guardian: User, officer: User, clinician: User, as_: As
) -> None:
    plan = Plan.objects.get(encounter_id=answered.encounter_id)
    grant_open(by=officer.actor, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    parts_withhold(
        by=officer.actor, patient_id=anas.pk, request_id=uuid4(), part_ids=[plan.pk], asked_by=guardian.pk,
        guardians_only=True,
    )
    assert vault.open_record(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE).withheld == ()
    theirs = vault.open_record(by=guardian.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    assert theirs.encounters[0].plan is None and [one.count for one in theirs.withheld] == [1]
    page = as_(guardian).get(reverse("records:record_of", args=[anas.pk])).content.decode()
    assert "1 part of this record is left out" in page


def test_the_same_part_twice_is_kept_back_once_and_a_second_answer_stands_alone(
    ana: User, anas: Patient, answered: Any, officer: User, clinician: User
) -> None:
    plan = Plan.objects.get(encounter_id=answered.encounter_id)
    request = refused(ana, anas, officer, clinician, plan.pk)
    again = parts_withhold(by=officer.actor, patient_id=anas.pk, request_id=request.pk, part_ids=[plan.pk, plan.pk])
    assert again == 0 and Withheld.objects.filter(part_id=plan.pk, ended_at=None).count() == 1
    [row] = Withheld.objects.all()
    assert (row.asked_by, row.guardians_only, row.patient_id) == (ana.pk, False, anas.pk)


def test_home_neither_shows_the_photo_nor_announces_the_message_that_is_kept_back(
    ana: User, anas: Patient, answered: Any, officer: User, clinician: User, as_: As,
) -> None:
    """A broken picture, or news that nobody can read, would tell that something is kept back, and not why."""
    photo = Photo.objects.filter(encounter_id=answered.encounter_id, view="front").latest("received_at")
    Photo.objects.filter(pk=photo.pk).update(state=PhotoState.READY)
    message = Message.objects.create(
        encounter_id=answered.encounter_id, patient_id=anas.pk, author_id=clinician.pk, from_staff=True, body="Call us",
        form_key=uuid4(),
    )
    home = as_(ana).get(reverse("consults:home")).content.decode()
    assert str(photo.pk) in home and "New message" in home
    parts_withhold(by=officer.actor, patient_id=anas.pk, request_id=uuid4(), part_ids=[photo.pk, message.pk])
    home = as_(ana).get(reverse("consults:home")).content.decode()
    assert str(photo.pk) not in home and "New message" not in home
    as_(ana).get(reverse("consults:thread", args=[answered.pk]))
    message.refresh_from_db()
    assert message.read_at is None, "she has not seen it"
