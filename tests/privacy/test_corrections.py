"""A correction from the wish to the letter: granted, refused, disputed, reviewed, told to others (P33, P37, P38)."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from portal.accounts.models import User
from portal.context import SYSTEM
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from privacy.corrections import services as corrections
from privacy.denials import services as denials
from privacy.denials.grounds import AMENDMENT, BY_KIND
from privacy.denials.models import Denial, ReviewDecision
from privacy.denials.selectors import reviews_for, withheld_from
from privacy.denials.services import No
from privacy.dossier import merge_all
from privacy.letters.models import Letter
from privacy.requests import services as requests
from privacy.requests.models import Channel, RequestKind, RightsRequest
from records import vault
from records.access import grant_close, grant_open, may_open
from records.amendments.models import AmendmentPaper, PaperKind, PartKind, Telling
from records.disclosures.models import Disclosure, DisclosureBasis
from records.disclosures.services import disclosure_record
from records.export.archive_file import build_record_zip
from records.models import Encounter, GrantKind, Patient, Plan
from records.vault.notes import notes_of
from records.vault.papers import Notes
from tests.consults import building

As = Callable[[User | None], Client]
WISH = {"words": "I was never allergic to nickel.", "reason": "My test of 2020 was negative."}


@pytest.fixture
def answered(ana: User, anas: Patient, clinician: User) -> Any:
    """A consult of Ana's with a signed plan."""
    return building.answered(ana, clinician, anas)


@pytest.fixture
def plan(answered: Any) -> Plan:
    return Plan.objects.get(encounter_id=answered.encounter_id)


def asked(user: User, patient: Patient, plan: Plan) -> RightsRequest:
    return corrections.correction_ask(
        by=user.actor, patient_id=patient.pk, part=(PartKind.PLAN, plan.pk), form_key=uuid4(), **WISH
    )


def taken(user: User, patient: Patient, plan: Plan, officer: User) -> RightsRequest:
    request = asked(user, patient, plan)
    return requests.request_start(by=officer.actor, request_id=request.pk)


def refused(user: User, patient: Patient, plan: Plan, officer: User, **more: Any) -> RightsRequest:
    request = taken(user, patient, plan, officer)
    denials.request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="accurate", **more))
    request.refresh_from_db()
    return request


def notes(patient: Patient) -> Notes:
    """What stands beside the parts of a record."""
    return notes_of(patient.pk, grant=GrantKind.PORTAL)


def shown(as_: As, user: User, path: str) -> str:
    """The words of a page."""
    text = as_(user).get(path).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.mark.promise("P33")
@pytest.mark.promise("P38")
def test_an_accepted_correction_stands_beside_the_part_and_the_original_stays(
    ana: User, anas: Patient, plan: Plan, officer: User, clinician: User, answered: Any, as_: As
) -> None:
    before = Plan.objects.filter(pk=plan.pk).values().get()
    disclosure_record(
        by=officer.actor, subject_id=anas.pk, purpose=Purpose.CARE, basis=DisclosureBasis.EMERGENCY,
        recipient="Dr. North", recipient_address="1 Main St\nBig Lake, MN 55309", what="The plan", on=today(),
    )
    request = taken(ana, anas, plan, officer)
    corrections.correction_accept(by=officer.actor, request_id=request.pk, words="The patient has no nickel allergy.")
    request.refresh_from_db()
    assert request.state == "completed"
    after = Plan.objects.filter(pk=plan.pk).values().get()
    assert str(before["letter"]) == str(after["letter"]) and before["updated_at"] == after["updated_at"]
    assert [paper.words for paper in notes(anas).amendments] == ["The patient has no nickel allergy."]
    for user, path in (
        (ana, "/record/"), (ana, f"/consults/{answered.pk}/plan/"), (clinician, f"/admin/consults/{answered.pk}/"),
        (clinician, f"/admin/patients/{anas.pk}/record/"),
    ):
        assert "The patient has no nickel allergy." in shown(as_, user, path), path
    letter = Letter.objects.get(kind="amendment.made")
    assert "no nickel allergy" in json.dumps(letter.content) and letter.account_id == ana.pk
    [telling] = Telling.objects.filter(request_id=request.pk)
    assert (telling.name, telling.agreed) == ("Dr. North", None)
    with pytest.raises(DomainError, match="not_agreed"):
        corrections.telling_send(by=officer.actor, telling_id=telling.pk)
    corrections.telling_choose(
        by=ana.actor, request_id=request.pk, agreed=[telling.pk], name="Lake Pharmacy",
        address="2 Main St\nBig Lake, MN",
    )
    corrections.telling_send(by=officer.actor, telling_id=telling.pk)
    corrections.telling_send(by=officer.actor, telling_id=telling.pk)
    told = Letter.objects.get(kind="amendment.told")
    assert told.recipient["name"] == "Dr. North" and told.paper == "to_print"
    assert Disclosure.objects.filter(reference=telling.pk).count() == 1
    assert {row.name: row.agreed for row in Telling.objects.filter(request_id=request.pk)} == {
        "Dr. North": True, "Lake Pharmacy": True,
    }


@pytest.mark.promise("P37")
def test_a_refused_correction_becomes_a_packet_that_goes_wherever_the_part_goes(
    ana: User, anas: Patient, plan: Plan, officer: User, clinician: User, answered: Any, as_: As
) -> None:
    request = refused(ana, anas, plan, officer, explain="Your chart shows the rash.")
    corrections.statement_write(by=ana.actor, request_id=request.pk, words="The rash was from soap.")
    corrections.statement_write(by=ana.actor, request_id=request.pk, words="The rash was from soap.")
    with pytest.raises(DomainError, match="statement_there"):
        corrections.statement_write(by=ana.actor, request_id=request.pk, words="Something else.")
    corrections.rebuttal_write(by=officer.actor, request_id=request.pk, words="We tested it in 2021.")
    [dispute] = notes(anas).disputes
    assert [paper.kind for paper in dispute.papers] == ["request", "denial", "statement", "rebuttal"]
    assert dispute.part_id == plan.pk
    for user, path in (
        (ana, "/record/"), (ana, "/record/print/"), (ana, f"/consults/{answered.pk}/plan/"),
        (clinician, f"/admin/consults/{answered.pk}/"), (clinician, f"/admin/patients/{anas.pk}/record/"),
    ):
        page = shown(as_, user, path)
        for words in (*WISH.values(), "Your chart shows the rash.", "The rash was from soap.", "We tested it in 2021."):
            assert words in page, (path, words)
    copied = Letter.objects.get(kind="amendment.rebuttal")
    assert copied.account_id == ana.pk and "We tested it in 2021." in json.dumps(copied.content)
    with build_record_zip(by=ana.actor, patient_id=anas.pk, purpose=Purpose.COMMUNICATING) as spool:
        files = zipfile.ZipFile(io.BytesIO(spool.read()))
    bundle = json.loads(files.read("record.fhir.json"))
    papers = [
        entry["resource"] for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Communication" and "category" in entry["resource"]
    ]
    assert [one["about"] for one in papers] == [[{"reference": f"urn:uuid:{plan.pk}"}]] * 4
    said = [part["contentString"] for one in papers for part in one["payload"]]
    assert "The rash was from soap." in said and "We tested it in 2021." in said
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(files.read("record.pdf"))).pages
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))
    assert "Corrections and disagreements" in text and "The rash was from soap." in text and "see note 1" in text


def test_the_letter_of_a_no_has_everything_that_the_law_wants(
    ana: User, anas: Patient, plan: Plan, officer: User, settings: Any
) -> None:
    request = taken(ana, anas, plan, officer)
    for name in ("CLINIC_OFFICER_NAME", "CLINIC_PHONE"):
        kept = getattr(settings, name)
        setattr(settings, name, "")
        with pytest.raises(DomainError, match="letter_field"):
            denials.request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="accurate"))
        setattr(settings, name, kept)
    with pytest.raises(DomainError, match="ground_missing"):
        denials.request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="retention_law"))
    assert not Denial.objects.exists() and not Letter.objects.filter(kind="denied.amendment").exists()
    denials.request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="accurate"))
    letter = json.dumps(Letter.objects.get(kind="denied.amendment").content)
    for words in (
        str(AMENDMENT[3].words), "had no part in this answer", settings.CLINIC_OFFICER_NAME, settings.CLINIC_PHONE,
        "Secretary of the U.S. Department of Health and Human Services", "write down why you disagree",
        "your request and this letter stay with this part", WISH["words"],
    ):
        assert words in letter, words


@pytest.mark.promise("P37")
def test_the_reviewer_is_a_clinician_who_had_no_part_in_the_no(
    ana: User, anas: Patient, plan: Plan, officer: User, clinician: User, other_clinician: User, as_: As
) -> None:
    request = refused(ana, anas, plan, officer)
    with pytest.raises(NotVisible):
        denials.review_take(by=clinician.actor, denial_id=Denial.objects.get().pk)  # nobody has asked yet
    page = as_(ana).post(f"/privacy/requests/{request.pk}/review/", {"words": "Please look at my test."})
    assert page.status_code == 302
    denial = Denial.objects.get()
    Denial.objects.filter(pk=denial.pk).update(judged_by=clinician.pk)
    with pytest.raises(DomainError, match="same_person"):
        denials.review_take(by=clinician.actor, denial_id=denial.pk)
    for who in (officer.pk, clinician.pk):
        with pytest.raises(IntegrityError), transaction.atomic():
            Denial.objects.filter(pk=denial.pk).update(reviewer_id=who, review_taken_at=denial.decided_at)
    assert as_(clinician).get(f"/admin/reviews/{denial.pk}/").status_code == 404
    assert as_(officer).get("/admin/reviews/").status_code == 404
    before = shown(as_, other_clinician, f"/admin/reviews/{denial.pk}/")
    assert "Please look at my test." not in before and WISH["words"] not in before
    assert as_(other_clinician).post(f"/admin/reviews/{denial.pk}/take/").status_code == 302
    page_words = shown(as_, other_clinician, f"/admin/reviews/{denial.pk}/")
    assert "Please look at my test." in page_words and WISH["words"] in page_words
    opens = {"by": other_clinician.actor, "patient_id": anas.pk, "whole": True}
    assert may_open(purpose=Purpose.LEGAL_DUTY, **opens) is GrantKind.REVIEW
    assert may_open(purpose=Purpose.CARE, **opens) is None
    done = as_(other_clinician).post(
        f"/admin/reviews/{denial.pk}/", {"decision": "overturned", "reason": "The test is clear.", "license": "MN 123"}
    )
    assert done.status_code == 302
    request.refresh_from_db()
    assert request.state == "in_progress" and notes(anas).disputes == ()
    assert may_open(purpose=Purpose.LEGAL_DUTY, **opens) is None
    told = Letter.objects.get(kind="denied.reviewed")
    assert told.account_id == ana.pk and "The test is clear." in json.dumps(told.content)
    corrections.correction_accept(by=officer.actor, request_id=request.pk, words="No allergy.")
    request.refresh_from_db()
    assert request.state == "completed" and [paper.words for paper in notes(anas).amendments] == ["No allergy."]


def test_an_upheld_no_stays_with_the_part_with_what_the_reviewer_found(
    ana: User, anas: Patient, plan: Plan, officer: User, clinician: User
) -> None:
    request = refused(ana, anas, plan, officer)
    denial = denials.review_ask(by=ana.actor, request_id=request.pk)
    denials.review_take(by=clinician.actor, denial_id=denial.pk)
    decide = {"by": clinician.actor, "denial_id": denial.pk, "decision": ReviewDecision.UPHELD}
    with pytest.raises(DomainError, match="reason_missing"):
        denials.review_decide(reason=" ", license="MN 1", **decide)
    with pytest.raises(DomainError, match="license_missing"):
        denials.review_decide(reason="It is right.", license="", **decide)
    denials.review_decide(reason="It is right.", license="MN 1", **decide)
    request.refresh_from_db()
    [dispute] = notes(anas).disputes
    assert request.state == "denied" and [paper.kind for paper in dispute.papers] == ["request", "denial", "upheld"]
    with pytest.raises(NotVisible):
        denials.review_decide(reason="Again.", license="MN 1", **decide)


def test_what_another_provider_amended_is_a_task_that_cannot_be_refused(
    anas: Patient, plan: Plan, officer: User, as_: As
) -> None:
    sent = {"form_key": str(uuid4()), "patient_number": anas.public_id, "provider": "Lake Clinic", "told": "No nickel."}
    desk = as_(officer)
    assert desk.post("/admin/privacy/inbound/", {**sent, "patient_number": "22222222"}).status_code == 200
    assert desk.post("/admin/privacy/inbound/", sent).status_code == 302
    request = RightsRequest.objects.get()
    assert (request.channel, request.kind, request.account_id) == (Channel.CLINIC, RequestKind.AMENDMENT, None)
    requests.request_start(by=officer.actor, request_id=request.pk)
    with pytest.raises(DomainError, match="part_missing"):
        denials.request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="accurate"))
    form = {
        "form_key": str(uuid4()), "part": f"plan:{plan.pk}", "words": "No nickel allergy.", "reason": "Their test.",
        "told_by": "Lake Clinic",
    }
    assert desk.post(f"/admin/privacy/{request.pk}/part/", form).status_code == 302
    with pytest.raises(DomainError, match="must_amend"):
        denials.request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="accurate"))
    assert desk.post(f"/admin/privacy/{request.pk}/amend/", {"words": "No nickel allergy."}).status_code == 302
    request.refresh_from_db()
    assert request.state == "completed" and len(notes(anas).amendments) == 1


def test_the_patients_pages_from_the_wish_to_the_statement(
    ana: User, ben: User, bens: Patient, anas: Patient, plan: Plan, officer: User, as_: As, settings: Any
) -> None:
    settings.STATEMENT_MAX_SIGNS = 20
    form = {"form_key": str(uuid4()), "part": f"plan:{plan.pk}", **WISH}
    hers = as_(ana)
    assert f"plan:{plan.pk}" in hers.get("/privacy/correct/").content.decode()
    assert as_(ben).get(f"/privacy/correct/{anas.pk}/").status_code == 404
    assert as_(ben).post("/privacy/correct/", form).status_code == 200  # not a part of his record
    for _press in range(3):
        assert hers.post("/privacy/correct/", form).status_code == 302
    request = RightsRequest.objects.get()
    assert AmendmentPaper.objects.count() == 1
    assert hers.get(f"/privacy/requests/{request.pk}/disagree/").status_code == 404
    desk = as_(officer)
    requests.request_start(by=officer.actor, request_id=request.pk)
    assert WISH["words"] in desk.get(f"/admin/privacy/{request.pk}/").content.decode()
    assert desk.post(f"/admin/privacy/{request.pk}/refuse/", {"ground": "accurate"}).status_code == 302
    address = f"/privacy/requests/{request.pk}/disagree/"
    assert hers.post(address, {"words": "x" * 21}).status_code == 200
    assert as_(ben).post(address, {"words": "mine"}).status_code == 404
    assert hers.post(address, {"words": "I do not agree."}).status_code == 302
    assert desk.post(f"/admin/privacy/{request.pk}/rebut/", {"words": "We looked again."}).status_code == 302
    page = hers.get(f"/privacy/requests/{request.pk}/").content.decode()
    assert "I do not agree." in page and "We looked again." in page


def test_notes_about_private_parts_are_kept_from_a_guardian(
    ana: User, anas: Patient, guardian: User, officer: User
) -> None:
    from records.history.models import Entry, Section
    from records.history.topics import Said, topics_save

    topics_save(
        by=ana.actor, patient_id=anas.pk, section=Section.PRIVATE, answers={"pregnancy": Said(choice="no")}
    )
    entry = Entry.objects.get(patient=anas, section=Section.PRIVATE, code="pregnancy")
    request = corrections.correction_ask(
        by=ana.actor, patient_id=anas.pk, part=(PartKind.ENTRY, entry.pk), form_key=uuid4(), **WISH
    )
    requests.request_start(by=officer.actor, request_id=request.pk)
    denials.request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="accurate"))
    grant_open(by=SYSTEM, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    hers = vault.open_notes(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    theirs = vault.open_notes(by=guardian.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    assert len(hers.disputes) == 1 and not theirs


def test_papers_never_change_and_go_with_the_person_alone(ana: User, anas: Patient, bens: Patient, plan: Plan) -> None:
    asked(ana, anas, plan)
    from django.db import ProgrammingError

    from portal.subjects import Subject
    from records.changes import Basis, basis
    from records.personal_data import erase_for

    for deed in (
        lambda: AmendmentPaper.objects.update(kind=PaperKind.DENIAL), lambda: AmendmentPaper.objects.all().delete()
    ):
        with pytest.raises(ProgrammingError), transaction.atomic():
            deed()
    with transaction.atomic(), basis(Basis.ERROR_CORRECTION, by=SYSTEM):
        merge_all(Subject(anas.pk, (ana.pk,)), Subject(bens.pk))
    assert AmendmentPaper.objects.get().patient_id == bens.pk
    assert erase_for(Subject(bens.pk))["records.AmendmentPaper"] == 1
    assert not Encounter.objects.filter(patient_id=bens.pk).exists()


@pytest.mark.parametrize(
    ("kind", "codes", "reviewable"),
    [
        (RequestKind.ACCESS, ["excluded", "inmate", "research", "privacy_act", "confidential_source"], False),
        (RequestKind.ACCESS, ["endangers", "harms_other", "representative"], True),
        (RequestKind.AMENDMENT, ["not_ours", "not_in_record", "not_open", "accurate"], False),
        (RequestKind.DELETION, ["retention_law", "legal_hold"], False),
    ],
)
def test_the_grounds_are_closed_lists_with_the_flags_of_the_law(
    kind: RequestKind, codes: list[str], reviewable: bool
) -> None:
    found = {ground.code: ground for ground in BY_KIND[kind]}
    assert set(codes) <= set(found)
    for code in codes:
        ground = found[code]
        assert (ground.reviewable, ground.judged) == (reviewable, reviewable) and len(str(ground.words)) > 40
        assert not ground.judged or ground.rest
    if kind == RequestKind.AMENDMENT:
        assert len(found) == 4


def test_a_judged_refusal_names_a_licensed_clinician_and_gives_all_the_rest(
    ana: User, anas: Patient, officer: User, clinician: User
) -> None:
    request = RightsRequest(kind=RequestKind.ACCESS_PAPER, subject_id=anas.pk, account_id=ana.pk)

    def check(**more: Any) -> Any:
        return denials._ground(request, No(**{"ground": "endangers", "parts": (uuid4(),), **more}))

    for code, given in (
        ("rest_is_given", {}),
        ("parts_missing", {"withheld": "One note", "parts": ()}),
        ("parts_missing", {"ground": "inmate", "withheld": "One note", "parts": ()}),
        ("judge_missing", {"withheld": "One note"}),
        ("judge_missing", {"withheld": "One note", "judged_by": officer.pk, "license": "MN 1"}),
        ("license_missing", {"withheld": "One note", "judged_by": clinician.pk}),
    ):
        with pytest.raises(DomainError, match=code):
            check(**given)
    assert check(withheld="One note", judged_by=clinician.pk, license="MN 1").reviewable


def test_a_copy_leaves_out_what_was_refused_and_nothing_else(
    ana: User, anas: Patient, answered: Any, plan: Plan, officer: User, clinician: User
) -> None:
    from records.export.withheld import without

    record = vault.open_record(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    [encounter] = record.encounters
    answer = encounter.answers[0]
    less = without(record, {plan.pk, answer.id})
    assert less.encounters[0].plan is None and less.encounters[0].answers == encounter.answers[1:]
    assert less.encounters[0].photos == encounter.photos and less.patient == record.patient
    assert without(record, set()) is record
    request = requests.request_open(
        by=ana.actor, kind=RequestKind.ACCESS_PAPER, subject_id=anas.pk, account_id=ana.pk, form_key=uuid4()
    )
    requests.request_start(by=officer.actor, request_id=request.pk)
    no = No(ground="endangers", withheld="One note", parts=(plan.pk,), judged_by=clinician.pk, license="MN 1")
    denial = denials.request_refuse(by=officer.actor, request_id=request.pk, no=no)
    assert withheld_from(request.pk) == {plan.pk} and denial.in_part
    request.refresh_from_db()
    assert (request.state, request.in_part) == ("in_progress", True)  # all the rest is still to be given
    letter = json.dumps(Letter.objects.get(kind="denied.request").content)
    assert "One note" in letter and "You get everything else." in letter and "Karin Lind, license MN 1" in letter


def test_a_second_no_and_a_second_review_add_to_the_first_and_take_nothing_from_it(
    ana: User, anas: Patient, answered: Any, plan: Plan, officer: User, clinician: User, other_clinician: User,
    django_assert_num_queries: Any,
) -> None:
    request = requests.request_open(
        by=ana.actor, kind=RequestKind.ACCESS_PAPER, subject_id=anas.pk, account_id=ana.pk, form_key=uuid4()
    )
    requests.request_start(by=officer.actor, request_id=request.pk)
    also = uuid4()
    for part in (plan.pk, also):
        no = No(ground="endangers", withheld="One note", parts=(part,), judged_by=clinician.pk, license="MN 1")
        denials.request_refuse(by=officer.actor, request_id=request.pk, no=no)
    assert withheld_from(request.pk) == {plan.pk, also}
    request.refresh_from_db()
    request.state = "carrying_out"
    request.save(update_fields=["state"])
    requests.request_complete(request)
    for decision in ReviewDecision:
        waiting = denials.review_ask(by=ana.actor, request_id=request.pk)
        assert withheld_from(request.pk) == {plan.pk, also}
        with pytest.raises(DomainError, match="same_person"):
            denials.review_take(by=clinician.actor, denial_id=waiting.pk)
        with django_assert_num_queries(1) as asked_for:
            assert list(reviews_for(clinician.actor)) == []
        assert "denial_letter" not in asked_for.captured_queries[0]["sql"]
        denials.review_take(by=other_clinician.actor, denial_id=waiting.pk)
        denials.review_decide(
            by=other_clinician.actor, denial_id=waiting.pk, decision=decision, reason="I read it.", license="MN 2"
        )
    assert withheld_from(request.pk) == frozenset()


def test_a_review_that_waits_for_proof_is_nobodys_and_the_record_is_closed_again(
    ana: User, anas: Patient, plan: Plan, officer: User, other_clinician: User
) -> None:
    request = refused(ana, anas, plan, officer)
    waiting = denials.review_ask(by=ana.actor, request_id=request.pk)
    denials.review_take(by=other_clinician.actor, denial_id=waiting.pk)
    assert may_open(by=other_clinician.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) == GrantKind.REVIEW
    requests.identity_ask(by=officer.actor, request_id=request.pk)
    assert may_open(by=other_clinician.actor, patient_id=anas.pk, purpose=Purpose.LEGAL_DUTY) is None
    assert not reviews_for(other_clinician.actor).exists()
    with pytest.raises(NotVisible):
        denials.review_take(by=other_clinician.actor, denial_id=waiting.pk)


def test_who_looks_after_nobody_any_more_is_not_shown_who_holds_the_record(
    guardian: User, anas: Patient, plan: Plan, officer: User, as_: As
) -> None:
    grant_open(by=SYSTEM, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    request = taken(guardian, anas, plan, officer)
    corrections.correction_accept(by=officer.actor, request_id=request.pk, words="No allergy.")
    page = f"/privacy/requests/{request.pk}/"
    assert "Whom shall we tell?" in shown(as_, guardian, page) and as_(guardian).get(f"{page}tell/").status_code == 200
    grant_close(by=SYSTEM, patient_id=anas.pk, kind=GrantKind.GUARDIAN)
    assert "Whom shall we tell?" not in shown(as_, guardian, page)
    assert as_(guardian).get(f"{page}tell/").status_code == 404
