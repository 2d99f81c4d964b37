"""P16: the undertaking first, then the patients, then what may go; each record that goes stands in the register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail as outgoing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.utils import IntegrityError
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.dates import today
from portal.errors import DomainError, NotAllowed
from portal.outbox.delivery import drain
from portal.outbox.models import OutgoingMail
from privacy.disclosing import assignments as services
from privacy.disclosing.models import Assignment
from privacy.disclosing.papers import Paper
from privacy.handover.choosing import left_out
from privacy.handover.models import SkipReason
from privacy.letters.models import Letter
from privacy.requests.services import request_deny, request_start, request_withdraw
from records.models import AccessGrant, ConsentKind, Disclosure, Patient
from records.releases.services import consent_give
from tests.privacy.building import ask
from tests.privacy.handing_over import assigned
from tests.privacy.test_legal_papers import picture

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P16")]
As = Callable[..., Client]
PAPER = Paper("legal/ab/" + "0" * 32, b"k" * 32, "application/pdf")


def entered(officer: User, **more: Any) -> Assignment:
    wanted = {
        "acquirer": "North Shore Clinics Inc.", "acquirer_address": "9 Pier Road\nDuluth, MN 55802",
        "passes_on": today() + dt.timedelta(days=90), "form_key": uuid4(), **more,
    }
    return services.assignment_enter(by=officer.actor, **wanted)


def undertaken(officer: User, row: Assignment) -> Assignment:
    return services.undertaking_record(
        by=officer.actor, assignment_id=row.pk, signed_by="Pat Berg, CEO", signed_on=today(), paper=PAPER
    )


def told(officer: User, row: Assignment) -> Assignment:
    services.patients_tell(by=officer.actor, assignment_id=undertaken(officer, row).pk)
    services.patients_told()
    row.refresh_from_db()
    return row


def test_nothing_goes_before_the_promise_is_here_and_all_patients_are_told(anas: Patient, officer: User) -> None:
    row = entered(officer)

    def refused() -> str:
        with pytest.raises(DomainError) as error:
            services.releasable(assignment=Assignment.objects.get(), subject_ids=[anas.pk])
        return str(error.value.code)

    assert refused() == "undertaking_first"
    with pytest.raises(DomainError) as error:
        services.patients_tell(by=officer.actor, assignment_id=row.pk)
    assert error.value.code == "undertaking_first"
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.update(telling_at="2026-01-01T00:00:00Z")
    undertaken(officer, row)
    assert refused() == "patients_first"
    services.assignment_call_off(by=officer.actor, assignment_id=row.pk)
    assert refused() == "called_off"


def test_every_patient_is_told_once_by_mail_or_by_letter(anas: Patient, bens: Patient, officer: User) -> None:
    AccessGrant.objects.filter(patient=bens).delete()
    row = undertaken(officer, entered(officer))
    services.patients_tell(by=officer.actor, assignment_id=row.pk)
    while services.patients_told(most=1):
        pass
    row.refresh_from_db()
    assert row.told_at and services.patients_told() == 0
    assert OutgoingMail.objects.filter(kind="privacy.assignment").count() == 1
    assert Letter.objects.get(kind="assignment").subject_id == bens.pk
    drain()
    [mail] = outgoing.outbox
    assert "North Shore Clinics Inc., 9 Pier Road, Duluth" in mail.body and "North Shore" not in mail.subject


def test_who_became_a_patient_since_hears_of_it_too_until_the_first_record_has_gone(
    anas: Patient, bens: Patient, officer: User
) -> None:
    row = told(officer, entered(officer))
    Patient.objects.filter(pk=bens.pk).update(created_at=row.told_at + dt.timedelta(hours=1))
    Letter.objects.all().delete()
    OutgoingMail.objects.filter(subject_id=bens.pk).delete()
    assert services.patients_told() == 1 and services.patients_told() == 0
    assert OutgoingMail.objects.filter(kind="privacy.assignment", subject_id=bens.pk).count() == 1
    services.assignment_entries(by=officer.actor, assignment=row, subject_ids=[anas.pk], what="The whole record")
    Patient.objects.filter(pk=bens.pk).update(created_at=row.told_at + dt.timedelta(hours=2))
    assert services.patients_told() == 0


def test_without_a_statute_only_those_who_consented_go(
    anas: Patient, ana: User, bens: Patient, officer: User
) -> None:
    row = told(officer, entered(officer))
    consent_give(
        by=ana.actor, patient_id=anas.pk, kind=ConsentKind.NEW_OWNER, recipient="north shore clinics inc",
        what="My record", signed_name="Ana Okafor", form_key=uuid4(),
    )
    assert services.releasable(assignment=row, subject_ids=[anas.pk, bens.pk]) == ([anas.pk], [bens.pk])
    row.statute = "Minn. Stat. 144.999"
    assert services.releasable(assignment=row, subject_ids=[anas.pk, bens.pk]) == ([anas.pk, bens.pk], [])


@pytest.mark.promise("P14")
def test_each_record_that_goes_stands_once_in_the_register(anas: Patient, bens: Patient, officer: User) -> None:
    row = told(officer, entered(officer))
    for people in ([anas.pk], [anas.pk, bens.pk], [bens.pk]):
        services.assignment_entries(by=officer.actor, assignment=row, subject_ids=people, what="The whole record")
    entries = Disclosure.objects.order_by("recorded_at")
    assert {(entry.patient_id, entry.purpose, entry.basis) for entry in entries} == {
        (anas.pk, "merger", "assignment"), (bens.pk, "merger", "assignment"),
    }
    assert len(entries) == 2 and entries[0].recipient == "North Shore Clinics Inc."
    with pytest.raises(DomainError) as error:
        services.assignment_call_off(by=officer.actor, assignment_id=row.pk)
    assert error.value.code == "gone_already"


def test_only_the_officer_and_only_ahead(officer: User, owner: User) -> None:
    with pytest.raises(NotAllowed):
        entered(owner)
    for more, code in (
        ({"acquirer": " "}, "acquirer_missing"), ({"acquirer_address": ""}, "address_missing"),
        ({"passes_on": dt.date(2020, 1, 1)}, "day_past"),
    ):
        with pytest.raises(DomainError) as error:
            entered(officer, **more)
        assert error.value.code == code
    key = uuid4()
    assert len({entered(officer, form_key=key).pk for _press in range(3)}) == 1


def test_the_officer_walks_through_it(as_: As, anas: Patient, officer: User) -> None:
    desk = as_(officer)
    day = (today() + dt.timedelta(days=30)).isoformat()
    typed = {"acquirer": "North Shore", "acquirer_address": "9 Pier Road", "passes_on": day, "form_key": str(uuid4())}
    assert desk.post(reverse("admin:assignments"), typed).status_code == 302
    row = Assignment.objects.get()
    page, promise = (reverse(f"admin:{name}", args=[row.pk]) for name in ("assignment", "assignment_promise"))
    bad = SimpleUploadedFile("x.pdf", b"no pdf at all")
    answer = desk.post(promise, {"signed_by": "Pat", "signed_on": today().isoformat(), "document": bad})
    assert answer.status_code == 200 and "not a document" in answer.content.decode()
    assert desk.post(
        promise, {"signed_by": "Pat", "signed_on": today().isoformat(), "document": picture()}
    ).status_code == 302
    assert desk.get(reverse("admin:assignment_file", args=[row.pk])).content[:2] == b"\xff\xd8"
    desk.post(reverse("admin:assignment_tell", args=[row.pk]))
    services.patients_told()
    shown = desk.get(page).content.decode()
    assert "Records can go now" in shown and "Pat" in shown
    assert "North Shore" in desk.get(reverse("admin:assignments")).content.decode()


@pytest.mark.promise("P39", "P41")
def test_who_asked_to_be_deleted_is_given_to_nobody_before_that_is_decided(
    ana: User, ben: User, officer: User, anas: Patient, bens: Patient
) -> None:
    """Nothing that left the clinic can be deleted; who took the wish back goes like anybody else."""
    assignment = assigned(officer, statute="Minn. Stat. 144.293, subd. 5")
    wishes = [ask(user, patient) for user, patient in ((ana, anas), (ben, bens))]
    assert left_out(assignment, [anas.pk, bens.pk]) == dict.fromkeys([anas.pk, bens.pk], SkipReason.DELETION)
    request_withdraw(by=ben.actor, request_id=wishes[1].pk)
    assert left_out(assignment, [anas.pk, bens.pk]) == {anas.pk: SkipReason.DELETION}
    request_start(by=officer.actor, request_id=wishes[0].pk)
    request_deny(by=officer.actor, request_id=wishes[0].pk, ground="legal_hold", letter="A court told us to keep it.")
    assert left_out(assignment, [anas.pk]) == {anas.pk: SkipReason.DELETION}, "it begins when the hold ends"
