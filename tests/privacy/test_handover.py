"""P16: what may pass to a new owner is sealed to their key, once; who stays is listed; nothing goes too early."""

from __future__ import annotations

import csv
import datetime as dt
import errno
import json
import re
import tracemalloc
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from portal.errors import DomainError, NotAllowed, StorageUnavailable
from portal.evidence.models import Evidence
from portal.jobs.models import Job, JobState
from portal.jobs.runner import run_job
from portal.permissions import Role
from privacy import merging
from privacy.disclosing.assignments import assignment_call_off
from privacy.handover import content, folder, making
from privacy.handover.models import Handover, HandoverPart, HandoverPerson, SkipReason
from privacy.handover.services import handover_go_on, handover_passed, handover_start
from records.disclosures.models import Disclosure, DisclosureBasis
from records.freezing.models import FreezeReason
from records.freezing.services import freeze
from records.models import Patient
from records.releases.models import ReleaseConsent
from records.restrictions.models import RecipientKind, Restriction, RestrictionBasis
from tests.conftest import account
from tests.consults import building as consults
from tests.privacy.building import ask, carried_out, told
from tests.privacy.handing_over import (
    ACQUIRER,
    IDENTITY,
    KEY,
    assigned,
    begun,
    consents,
    made,
    manifest,
    parts,
    resources,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P16")]
As = Callable[..., Client]


@pytest.fixture(autouse=True)
def outgoing(settings: Any, tmp_path: Any) -> None:
    settings.ASSIGNMENT_DIR = tmp_path / "assignments"


def limited(patient: Patient, *, purpose: str = "", kind: str = RecipientKind.OTHER) -> None:
    """The clinic has agreed not to share this record."""
    Restriction.objects.create(
        patient=patient, request_id=uuid4(), basis=RestrictionBasis.AGREED, recipient_kind=kind,
        purpose=purpose, what="Everything", starts_at=timezone.now() - dt.timedelta(hours=1),
    )


def registered(assignment: Any) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for patient_id in Disclosure.objects.filter(reference=assignment.pk).values_list("patient_id", flat=True):
        found[patient_id] = found.get(patient_id, 0) + 1
    return found


# --- What goes ---------------------------------------------------------------------------------------------


def test_who_consented_goes_as_fhir_and_files_and_the_others_stay(
    ana: User, ben: User, clinician: User, officer: User, anas: Patient, bens: Patient
) -> None:
    told(ana, clinician, anas, word="fernlight")
    told(ben, clinician, bens, word="hollyoak")
    consents(ana, anas)
    assignment = assigned(officer)
    handover = made(officer, assignment)
    assert handover.finished_at is not None
    [files] = parts(handover)
    found = resources(files)
    assert [row["id"] for row in found["Patient"]] == [str(anas.pk)]
    assert {"Encounter", "QuestionnaireResponse", "Media", "Communication", "CarePlan"} <= set(found)
    whole = b"".join(files.values())
    assert b"fernlight" in whole and b"hollyoak" not in whole and str(bens.pk).encode() not in whole
    references_hold(found)
    attachments_are_there(found, files)
    assert files[f"files/{anas.pk}/record.pdf"].startswith(b"%PDF-")
    assert sum(name.startswith(f"files/{anas.pk}/photos/") for name in files) == 3
    stays = HandoverPerson.objects.exclude(skipped="").values_list("subject_id", "skipped")
    assert list(stays) == [(bens.pk, SkipReason.NO_CONSENT)]
    assert registered(assignment) == {anas.pk: 1}


def references_hold(found: dict[str, list[dict[str, Any]]]) -> None:
    """Every reference names a resource of the part by kind and id."""
    there = {f"{kind}/{row['id']}" for kind, rows in found.items() for row in rows}
    for reference in re.findall(r'"reference": "([^"]+)"', json.dumps(found)):
        assert reference in there, reference


def attachments_are_there(found: dict[str, list[dict[str, Any]]], files: dict[str, bytes]) -> None:
    named = re.findall(r'"url": "(files/[^"]+)"', json.dumps(found))
    assert len(named) >= 3 and set(named) <= set(files)


def test_the_register_says_to_whom_and_why_and_the_log_who_did_it(
    ana: User, officer: User, anas: Patient
) -> None:
    consents(ana, anas)
    assignment = assigned(officer)
    made(officer, assignment)
    row = Disclosure.objects.get()
    assert (row.recipient, row.basis, row.purpose) == (ACQUIRER, DisclosureBasis.ASSIGNMENT, "merger")
    assert row.consent == ReleaseConsent.objects.get() and row.recorded_by == officer.pk
    read = AccessEvent.objects.filter(subject_id=anas.pk, action=Action.EXPORT, purpose="merger")
    assert read.count() == 1
    assert Evidence.objects.get(kind=making.EVIDENCE).facts["given"] == 1


def test_a_law_that_the_assignment_names_takes_the_place_of_consent_but_not_of_a_limit(
    ana: User, ben: User, officer: User, anas: Patient, bens: Patient
) -> None:
    limited(bens)
    handover = made(officer, assigned(officer, statute="Minn. Stat. 144.293, subd. 5"))
    assert dict(handover.people.values_list("subject_id", "skipped")) == {
        anas.pk: "", bens.pk: SkipReason.RESTRICTION,
    }


@pytest.mark.promise("P47")
@pytest.mark.parametrize("reason", list(FreezeReason))
def test_a_record_whose_use_is_stopped_stays_whatever_was_signed(
    reason: FreezeReason, ana: User, officer: User, anas: Patient
) -> None:
    consents(ana, anas)
    freeze(by=officer.actor, patient_id=anas.pk, reason=reason, reference=uuid4())
    assignment = assigned(officer)
    handover = made(officer, assignment)
    assert handover.people.get().skipped == SkipReason.STOPPED and registered(assignment) == {}


@pytest.mark.parametrize("about", [{"purpose": "marketing"}, {"kind": RecipientKind.EMPLOYER}])
def test_a_limit_on_something_else_keeps_nobody(
    about: dict[str, str], ana: User, officer: User, anas: Patient
) -> None:
    limited(anas, **about)
    consents(ana, anas)
    assert list(made(officer, assigned(officer)).people.values_list("skipped", flat=True)) == [""]


def test_many_go_in_parts_and_the_list_of_parts_tells_of_nobody_who_stays(
    officer: User, settings: Any, ana: User, anas: Patient
) -> None:
    settings.ASSIGNMENT_PART_PATIENTS = 2
    people = [somebody() for _number in range(4)]
    for user, patient in people[:3]:
        consents(user, patient)
    handover = made(officer, assigned(officer))
    listed = manifest(handover)
    assert listed["patients"] == 3 and sum(part["patients"] for part in listed["parts"]) == 3
    assert listed["counts"]["Patient"] == 3 and len(listed["parts"]) >= 2
    assert [one["sha256"] for one in listed["parts"]] == list(handover.parts.values_list("sha256", flat=True))
    text = json.dumps(listed)
    assert str(anas.pk) not in text and str(people[3][1].pk) not in text and "consent" not in text
    assert sorted(row["id"] for part in parts(handover) for row in resources(part)["Patient"]) == sorted(
        str(patient.pk) for _user, patient in people[:3]
    )


def somebody() -> tuple[User, Patient]:
    user = account(f"p{uuid4().hex[:12]}@example.org", Role.PATIENT, "Pat Lee")
    return user, consults.person(user, given="Pat", family="Lee")


# --- Not before --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"promised": False}, "undertaking_first"), ({"told": False}, "patients_first"),
        ({"passes_on": today() + dt.timedelta(days=9)}, "too_early"),
    ],
)
def test_nothing_goes_too_early(more: dict[str, Any], code: str, officer: User, anas: Patient) -> None:
    assignment = assigned(officer, **more)
    with pytest.raises(DomainError, match=code):
        begun(officer, assignment)
    assert not Handover.objects.exists()


def test_what_was_called_off_does_not_begin(officer: User, anas: Patient) -> None:
    assignment = assigned(officer)
    assignment_call_off(by=officer.actor, assignment_id=assignment.pk)
    with pytest.raises(DomainError, match="called_off"):
        begun(officer, assignment)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "key_missing"), ("age1notakey", "key_wrong"), (str(IDENTITY), "key_private"),
        ("ssh-ed25519 AAAA", "key_wrong"),
    ],
    ids=["none", "cut short", "private", "of another kind"],
)
def test_only_a_public_key_is_taken(key: str, code: str, officer: User) -> None:
    with pytest.raises(DomainError, match=code):
        handover_start(by=officer.actor, assignment_id=assigned(officer).pk, recipient_key=key)


def test_a_second_key_is_refused_and_the_same_one_begins_nothing_twice(officer: User, anas: Patient) -> None:
    assignment = assigned(officer)
    assert begun(officer, assignment) == begun(officer, assignment) and Job.objects.count() == 1
    import pyrage

    other = str(pyrage.x25519.Identity.generate().to_public())
    with pytest.raises(DomainError, match="key_other"):
        handover_start(by=officer.actor, assignment_id=assignment.pk, recipient_key=other)


def test_only_officers_begin_it(support: User, owner: User, clinician: User, officer: User) -> None:
    assignment = assigned(officer)
    for user in (support, owner, clinician):
        with pytest.raises(NotAllowed):
            begun(user, assignment)


# --- What happens meanwhile --------------------------------------------------------------------------------


def test_a_consent_that_is_taken_back_while_it_is_sealed_counts(
    ana: User, officer: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    consents(ana, anas)
    assignment = assigned(officer)
    keep = folder.keep

    def meanwhile(*args: Any) -> Any:
        ReleaseConsent.objects.update(revoked_at=timezone.now() - dt.timedelta(days=1), revoked_by=ana.pk)
        return keep(*args)

    monkeypatch.setattr(making.folder, "keep", meanwhile)
    handover = made(officer, assignment)
    assert registered(assignment) == {} and parts(handover) == []
    assert handover.people.get().skipped == SkipReason.NO_CONSENT


@pytest.mark.promise("P47")
def test_a_record_that_is_stopped_while_it_is_sealed_stays_as_stopped_and_the_others_go(
    ana: User, ben: User, officer: User, anas: Patient, bens: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Access refuses it for a merger from then on; the list says why, and not that it cannot be read."""
    consents(ana, anas)
    consents(ben, bens)
    assignment = assigned(officer)
    chosen = making.left_out

    def then_stopped(*args: Any) -> Any:
        found = chosen(*args)
        freeze(by=officer.actor, patient_id=anas.pk, reason=FreezeReason.CHILD_REPORT, reference=assignment.pk)
        return found

    monkeypatch.setattr(making, "left_out", then_stopped)
    handover = made(officer, assignment)
    assert dict(handover.people.values_list("subject_id", "skipped")) == {anas.pk: SkipReason.STOPPED, bens.pk: ""}
    assert registered(assignment) == {bens.pk: 1}
    assert AccessEvent.objects.filter(action=Action.DENIED, subject_id=anas.pk, purpose="merger").exists()


def test_nothing_more_goes_in_once_it_was_handed_over(
    ana: User, ben: User, officer: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command was begun again for somebody new; meanwhile the officer said that all is handed over."""
    consents(ana, anas)
    assignment = assigned(officer)
    handover = made(officer, assignment)
    late = consults.person(ben, given="Ben", family="Tran")
    consents(ben, late)
    keep = folder.keep

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(making.folder, "keep", keep)
        handover_passed(by=officer.actor, handover_id=handover.pk)
        return keep(*args)

    monkeypatch.setattr(making.folder, "keep", meanwhile)
    with pytest.raises(DomainError, match="passed"):
        making.make(handover.pk, lambda *_: None)
    assert registered(assignment) == {anas.pk: 1} and not folder.place_of(handover.pk).exists()


def test_one_record_that_cannot_be_read_stops_no_other(
    officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [somebody() for _number in range(3)]
    for user, patient in people:
        consents(user, patient)
    bad = people[1][1].pk
    whole = content.open_record

    def breaks(*, patient_id: Any, **more: Any) -> Any:
        if patient_id == bad:
            raise ValueError("a value of it makes no sense")
        return whole(patient_id=patient_id, **more)

    monkeypatch.setattr(content, "open_record", breaks)
    handover = made(officer, assigned(officer))
    assert handover.people.get(subject_id=bad).skipped == SkipReason.UNREADABLE
    assert handover.people.filter(skipped="").count() == 2 and len(resources(parts(handover)[0])["Patient"]) == 2


@pytest.mark.parametrize("trouble", [OperationalError("gone"), OSError(5, "no answer"), StorageUnavailable()])
def test_what_is_not_the_record_s_fault_keeps_nobody_out(
    trouble: Exception, ana: User, officer: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    consents(ana, anas)
    assignment = assigned(officer)

    def breaks(**_: Any) -> Any:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(content, "open_record", breaks)
        handover = made(officer, assignment)
    assert not HandoverPerson.objects.exists() and handover.finished_at is None
    Job.objects.update(run_after=timezone.now())
    run_job(handover.job_id)  # type: ignore[arg-type]
    assert registered(assignment) == {anas.pk: 1}


def test_a_full_disk_leaves_no_row_and_the_next_try_goes_on(
    ana: User, officer: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    consents(ana, anas)
    assignment = assigned(officer)
    with monkeypatch.context() as patch:
        def full(*_: Any, **__: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(making, "bundle_write", full)
        handover = made(officer, assignment)
        assert handover.finished_at is None and Job.objects.get(pk=handover.job_id).state == JobState.WAITING
    assert registered(assignment) == {} and not HandoverPart.objects.exists() and parts(handover) == []
    Job.objects.update(run_after=timezone.now())
    run_job(handover.job_id)  # type: ignore[arg-type]
    assert registered(assignment) == {anas.pk: 1} and len(parts(handover)) == 1


@pytest.mark.promise("P39")
def test_who_is_deleted_leaves_the_parts_that_still_lie_here(
    ana: User, ben: User, officer: User, anas: Patient, bens: Patient
) -> None:
    consents(ana, anas)
    consents(ben, bens)
    assignment = assigned(officer)
    handover = made(officer, assignment)
    assert len(resources(parts(handover)[0])["Patient"]) == 2
    carried_out(officer, ask(ana, anas))
    assert parts(handover) == [] and not HandoverPerson.objects.filter(subject_id=anas.pk).exists()
    handover.refresh_from_db()
    assert handover.finished_at is None
    handover = handover_go_on(by=officer.actor, handover_id=handover.pk)
    run_job(handover.job_id)  # type: ignore[arg-type]
    [files] = parts(handover)
    assert [row["id"] for row in resources(files)["Patient"]] == [str(bens.pk)]
    assert registered(assignment) == {bens.pk: 1}, "sealed anew, and registered once"


@pytest.mark.promise("P39", "P41")
def test_once_it_is_handed_over_the_files_are_gone_and_a_deletion_tells_of_it(
    ana: User, officer: User, anas: Patient
) -> None:
    consents(ana, anas)
    handover = made(officer, assigned(officer))
    handover_passed(by=officer.actor, handover_id=handover.pk)
    assert not folder.place_of(handover.pk).exists()
    carried_out(officer, ask(ana, anas))
    assert not HandoverPerson.objects.exists() and HandoverPart.objects.get().patients == 1


def test_it_is_not_handed_over_before_it_is_made(ana: User, officer: User, anas: Patient) -> None:
    handover = begun(officer, assigned(officer))
    with pytest.raises(DomainError, match="not_finished"):
        handover_passed(by=officer.actor, handover_id=handover.pk)


def test_two_records_that_become_one_are_sealed_as_one(
    ana: User, ben: User, officer: User, anas: Patient, bens: Patient
) -> None:
    consents(ana, anas)
    consents(ben, bens)
    handover = made(officer, assigned(officer))
    merging.records_merge(
        by=officer.actor, old_id=anas.pk, new_id=bens.pk, typed=anas.public_id, reason="One person."
    )
    assert parts(handover) == [] and not HandoverPerson.objects.exists()


# --- By hand and on the page -------------------------------------------------------------------------------


def test_the_command_lists_begins_and_goes_on(
    ana: User, ben: User, officer: User, anas: Patient, bens: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    consents(ana, anas)
    assignment = assigned(officer)
    call_command("assignment_export")
    assert f"{assignment.pk}  passes on {assignment.passes_on}  ready" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--officer"):
        call_command("assignment_export", str(assignment.pk), recipient=KEY)
    call_command("assignment_export", str(assignment.pk), recipient=KEY, officer=officer.email)
    said = capsys.readouterr().out
    assert "1 records in 1 parts" in said and f"{bens.public_id}  No signed consent" in said
    call_command("assignment_export", str(assignment.pk))
    assert registered(assignment) == {anas.pk: 1} and "sealed" not in capsys.readouterr().err


def test_the_officer_begins_it_on_the_page_sees_who_stays_and_hands_it_over(
    as_: As, ana: User, ben: User, officer: User, anas: Patient, bens: Patient
) -> None:
    consents(ana, anas)
    assignment = assigned(officer)
    page = reverse("admin:privacy_handover", args=[assignment.pk])
    browser = as_(officer)
    assert page in browser.get(reverse("admin:assignment", args=[assignment.pk])).content.decode()
    wrong = browser.post(page, {"recipient_key": "age1no", "sure": "on"})
    assert "no public key of age" in wrong.content.decode() and not Handover.objects.exists()
    assert browser.post(page, {"recipient_key": KEY, "sure": "on"}).status_code == 302
    handover = Handover.objects.get()
    assert "It starts in a moment" in browser.get(page).content.decode()
    run_job(handover.job_id)  # type: ignore[arg-type]
    shown = browser.get(page).content.decode()
    assert bens.public_id in shown and "part-0001.tar.age" in shown and anas.public_id not in shown
    file = browser.get(reverse("admin:privacy_handover_stays", args=[assignment.pk]))
    stays = b"".join(file.streaming_content).decode()  # type: ignore[attr-defined]
    assert [row[0] for row in csv.reader(StringIO(stays.lstrip("\ufeff")))] == ["record", bens.public_id]
    browser.post(reverse("admin:privacy_handover_passed", args=[assignment.pk]), {})
    handover.refresh_from_db()
    assert handover.passed_at is None, "without the box nothing is handed over"
    browser.post(reverse("admin:privacy_handover_passed", args=[assignment.pk]), {"sure": "on"})
    handover.refresh_from_db()
    assert handover.passed_at is not None and "Handed over on" in browser.get(page).content.decode()


@pytest.mark.slow
def test_memory_stays_flat_however_many_go(officer: User, settings: Any) -> None:
    """A part of 40 records takes no more than one of 10: photos go one by one."""
    settings.ASSIGNMENT_PART_PATIENTS = 100

    def peak(count: int) -> int:
        people = [somebody() for _number in range(count)]
        acquirer = f"New owner {uuid4().hex}"
        for user, patient in people:
            consult = consults.start(user, patient)
            for _view in range(3):
                row = consults.photo(consult.encounter, "close_up")
                heavy(row)
            consents(user, patient, acquirer=acquirer)
        assignment = assigned(officer, acquirer=acquirer)
        handover = begun(officer, assignment)
        tracemalloc.start()
        try:
            making.make(handover.pk, lambda *_: None)
            assert handover.parts.get().size > count * 3 * 400_000, "the photos are not in it"
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2)
    few, many = peak(10), peak(40)
    assert many < few + 6_000_000, (few, many)


def heavy(photo: Any) -> None:
    """A file as heavy as a phone's."""
    import os

    from portal.crypto import sealed

    ref = sealed.write(consults.jpeg() + os.urandom(400_000), folder="photos")
    type(photo).objects.filter(pk=photo.pk).update(image_name=ref.name, image_key=ref.key)
