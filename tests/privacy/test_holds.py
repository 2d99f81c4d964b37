"""P39, P40: while a legal hold stands nothing is deleted or destroyed; when it ends, what waited goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from portal.errors import DomainError, NotAllowed, NotVisible
from portal.outbox.models import OutgoingMail
from privacy import erasure, ledger
from privacy.archive import archive_nightly
from privacy.keeping.destruction import destroy_due
from privacy.keeping.models import LegalHold
from privacy.keeping.selectors import on_hold
from privacy.keeping.services import hold_place, hold_release
from privacy.models import ArchiveCopy, DenialGround, RequestKind, RightsRequest
from privacy.replay import entries
from privacy.requests import services
from privacy.requests.state import RequestState
from records.models import Patient
from tests.consults import building as consults
from tests.privacy.building import ask, carried_out, copy_asked, told, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P39", "P40")]
As = Callable[..., Client]


def hold(officer: User, subject_id: Any, **more: Any) -> LegalHold:
    words = {"reason": "District court, file 27-CV", "review_on": today() + dt.timedelta(days=90), **more}
    return hold_place(by=officer.actor, subject_id=subject_id, **words)


def release(officer: User, row: LegalHold) -> LegalHold:
    return hold_release(by=officer.actor, hold_id=row.pk, why="The case is closed")


@pytest.fixture
def asked(ana: User, clinician: User, officer: User) -> RightsRequest:
    """Ana's deletion, taken on by the officer."""
    request = ask(ana, told(ana, clinician).patient)
    return services.request_start(by=officer.actor, request_id=request.pk)


def carry_out(officer: User, request: RightsRequest) -> RightsRequest:
    return services.request_carry_out(by=officer.actor, request_id=request.pk)


def state(request: RightsRequest) -> tuple[str, bool]:
    request.refresh_from_db()
    return request.state, request.held_at is not None


def is_there(request: RightsRequest) -> bool:
    return Patient.objects.filter(pk=request.subject_id).exists()


def test_a_deletion_waits_for_a_hold_and_goes_on_by_itself_when_it_ends(asked: RightsRequest, officer: User) -> None:
    row = hold(officer, asked.subject_id)
    carry_out(officer, asked)
    assert state(asked) == (RequestState.IN_PROGRESS, True) and asked.job_id is None and is_there(asked)
    release(officer, row)
    assert state(asked) == (RequestState.CARRYING_OUT, False) and asked.job_id
    work(asked)
    assert state(asked) == (RequestState.COMPLETED, False) and not is_there(asked)


def test_of_two_holds_the_last_one_counts(asked: RightsRequest, officer: User) -> None:
    first, second = hold(officer, asked.subject_id), hold(officer, asked.subject_id)
    carry_out(officer, asked)
    release(officer, first)
    assert state(asked) == (RequestState.IN_PROGRESS, True) and on_hold(asked.subject_id)
    release(officer, second)
    assert state(asked) == (RequestState.CARRYING_OUT, False) and not on_hold(asked.subject_id)


def test_what_nobody_wanted_carried_out_does_not_start_when_a_hold_ends(asked: RightsRequest, officer: User) -> None:
    release(officer, hold(officer, asked.subject_id))
    assert state(asked) == (RequestState.IN_PROGRESS, False) and asked.job_id is None


def test_a_copy_that_is_still_due_comes_before_the_deletion_that_goes_on(
    asked: RightsRequest, ana: User, officer: User
) -> None:
    row = hold(officer, asked.subject_id)
    carry_out(officer, asked)
    copy = copy_asked(ana, Patient.objects.get(pk=asked.subject_id))
    release(officer, row)
    assert state(asked) == (RequestState.IN_PROGRESS, True)
    assert OutgoingMail.objects.filter(kind="privacy.waits", account_id=officer.pk).exists()
    work(copy)
    carry_out(officer, asked)
    work(asked)
    assert state(asked) == (RequestState.COMPLETED, False)


def test_a_hold_placed_before_the_worker_comes_stops_it(asked: RightsRequest, officer: User) -> None:
    carry_out(officer, asked)
    row = hold(officer, asked.subject_id)
    work(asked)
    assert state(asked) == (RequestState.IN_PROGRESS, True) and is_there(asked)
    assert list(entries()) == []
    release(officer, row)
    work(asked)
    assert state(asked) == (RequestState.COMPLETED, False)


def test_a_hold_placed_in_the_last_moment_stops_the_removal_and_calls_the_ledger_off(
    asked: RightsRequest, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(officer, asked)
    holds: list[LegalHold] = []
    put = ledger.erasure_put

    def late(request_id: Any, subject: Any) -> None:
        put(request_id, subject)
        if not holds:
            holds.append(hold(officer, asked.subject_id))

    monkeypatch.setattr(erasure.ledger, "erasure_put", late)
    work(asked)
    assert state(asked) == (RequestState.IN_PROGRESS, True) and is_there(asked)
    assert list(entries()) == [], "a restore must not delete what a court wants kept"
    release(officer, holds[0])
    work(asked)
    assert state(asked) == (RequestState.COMPLETED, False) and not is_there(asked)
    assert [entry.request_id for entry in entries()] == [asked.pk], "what was done at last is repeated"


def test_a_deletion_refused_for_a_hold_comes_back_when_it_ends(asked: RightsRequest, officer: User, ana: User) -> None:
    row = hold(officer, asked.subject_id)
    services.request_deny(
        by=officer.actor, request_id=asked.pk, ground=DenialGround.LEGAL_HOLD, letter="A court told us to keep it."
    )
    with time_machine.travel(timezone.now() + dt.timedelta(days=200)):
        release(officer, row)
        again = RightsRequest.objects.exclude(pk=asked.pk).get(kind=RequestKind.DELETION)
        assert (again.state, again.account_id, again.received_on) == (RequestState.RECEIVED, ana.pk, today())
        assert (again.due_on - again.received_on).days == 30
        told_to = set(OutgoingMail.objects.filter(refs__request=str(again.pk)).values_list("kind", "account_id"))
        assert ("privacy.received", ana.pk) in told_to and ("privacy.waits", officer.pk) in told_to
        carried_out(officer, again)
    assert not is_there(asked)


@pytest.mark.parametrize("ground", [DenialGround.IDENTITY, DenialGround.RETENTION_LAW])
def test_a_deletion_refused_for_another_reason_stays_refused(
    ground: DenialGround, asked: RightsRequest, officer: User
) -> None:
    row = hold(officer, asked.subject_id)
    services.request_deny(by=officer.actor, request_id=asked.pk, ground=ground, letter="No.")
    release(officer, row)
    assert RightsRequest.objects.filter(kind=RequestKind.DELETION).count() == 1


def test_a_hold_keeps_copies_of_the_erased_past_their_day(ana: User, clinician: User, officer: User) -> None:
    consult = told(ana, clinician)
    carried_out(officer, ask(ana, consult.patient))
    row = hold(officer, consult.patient_id)
    copy = ArchiveCopy.objects.get(subject_id=consult.patient_id)
    with time_machine.travel(dt.datetime.combine(copy.retain_until, dt.time(), dt.UTC) + dt.timedelta(days=40)):
        assert destroy_due()["due"] == 0
        release(officer, row)
        assert destroy_due() == {"due": 1, "destroyed": 1, "kept": 0, "held": 0, "failed": 0}


def test_a_hold_placed_while_the_run_is_at_it_is_heeded(
    ana: User, clinician: User, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from privacy.keeping import destruction

    told(ana, clinician)
    archive_nightly()
    copy = ArchiveCopy.objects.get()
    due = destruction.copies_due

    def then_hold() -> Any:
        rows = list(due())
        hold(officer, copy.subject_id)
        return rows

    monkeypatch.setattr(destruction, "copies_due", then_hold)
    with time_machine.travel(dt.datetime.combine(copy.retain_until, dt.time(), dt.UTC) + dt.timedelta(days=40)):
        assert destroy_due() == {"due": 1, "destroyed": 0, "kept": 0, "held": 1, "failed": 0}
    copy.refresh_from_db()
    assert copy.destroying_at is None and copy.destroyed_at is None


# --- Who, and what is asked for ------------------------------------------------------------------------------


def test_only_officers_hold_and_release(ana: User, clinician: User, support: User, owner: User, officer: User) -> None:
    patient = consults.person(ana)
    row = hold(officer, patient.pk)
    for user in (ana, clinician, support, owner):
        with pytest.raises(NotAllowed):
            hold(user, patient.pk)
        with pytest.raises(NotAllowed):
            release(user, row)
    assert LegalHold.objects.filter(released_at__isnull=True).count() == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [({"reason": "  "}, "reason_missing"), ({"review_on": dt.date(2020, 1, 1)}, "review_past")],
)
def test_a_hold_needs_a_reason_and_a_day_ahead(words: dict[str, Any], code: str, ana: User, officer: User) -> None:
    patient = consults.person(ana)
    with pytest.raises(DomainError) as refused:
        hold(officer, patient.pk, **words)
    assert refused.value.code == code and not LegalHold.objects.exists()


def test_nobody_unknown_is_held(officer: User) -> None:
    with pytest.raises(NotVisible):
        hold(officer, uuid4())


def test_a_hold_stands_on_the_log_and_its_words_are_sealed(ana: User, officer: User) -> None:
    patient = consults.person(ana)
    row = release(officer, hold(officer, patient.pk, reason="ZQX-secret"))
    deeds = AccessEvent.objects.filter(object_id=row.pk).values_list("action", "actor_id", "subject_id")
    assert set(deeds) == {(Action.CREATE, officer.pk, patient.pk), (Action.CHANGE, officer.pk, patient.pk)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(r)::text FROM privacy_legalhold AS r")
        assert "ZQX-secret" not in cursor.fetchone()[0]


def test_releasing_twice_changes_nothing(ana: User, officer: User) -> None:
    row = release(officer, hold(officer, consults.person(ana).pk))
    assert hold_release(by=officer.actor, hold_id=row.pk, why="again").released_at == row.released_at
    assert AccessEvent.objects.filter(object_id=row.pk, action=Action.CHANGE).count() == 1


def test_the_words_of_a_hold_go_with_the_person(asked: RightsRequest, officer: User) -> None:
    row = release(officer, hold(officer, asked.subject_id))
    carry_out(officer, asked)
    work(asked)
    row.refresh_from_db()
    assert (row.reason, row.release_reason) == ("", "") and row.subject_id == asked.subject_id


# --- The desk ------------------------------------------------------------------------------------------------


def place(client: Client, **typed: str) -> Any:
    day = (today() + dt.timedelta(days=30)).isoformat()
    return client.post(reverse("admin:privacy_holds"), {"reason": "Court, file 27", "review_on": day, **typed})


def test_the_officer_places_a_hold_by_the_record_s_number_and_ends_it(as_: As, ana: User, officer: User) -> None:
    patient, client = consults.person(ana), as_(officer)
    number = f"{patient.public_id[:4].lower()}-{patient.public_id[4:]}"
    went = place(client, person=number)
    row = LegalHold.objects.get()
    page = reverse("admin:privacy_hold", args=[row.pk])
    assert went.status_code == 302 and went["Location"] == page and row.subject_id == patient.pk
    assert "Court, file 27" in client.get(page).content.decode()
    listed = client.get(reverse("admin:privacy_holds")).content.decode()
    assert patient.public_id[:4] in listed and "Court, file 27" not in listed
    assert client.post(page, {"why": "Closed"}).status_code == 200 and on_hold(patient.pk), "the box was not ticked"
    assert client.post(page, {"why": "Closed", "sure": "on"}).status_code == 302 and not on_hold(patient.pk)
    assert "Closed" in client.get(page).content.decode()


@pytest.mark.parametrize("person", ["", "ABCD-2345", "00000000-0000-0000-0000-000000000001", "nonsense"])
def test_a_wrong_number_holds_nobody(person: str, as_: As, officer: User) -> None:
    answer = place(as_(officer), person=person)
    assert answer.status_code == 200 and not LegalHold.objects.exists()
    assert "error" in answer.content.decode()


def test_the_request_s_page_says_that_a_hold_stands(as_: As, asked: RightsRequest, officer: User) -> None:
    client, page = as_(officer), reverse("admin:privacy_request", args=[asked.pk])
    assert f"person={asked.subject_id}" in client.get(page).content.decode()
    hold(officer, asked.subject_id)
    assert "A legal hold stands on this record" in client.get(page).content.decode()
    client.post(reverse("admin:privacy_carry_out", args=[asked.pk]), {"sure": "yes"})
    assert "goes on by itself when it ends" in client.get(page).content.decode()
    assert state(asked) == (RequestState.IN_PROGRESS, True)


def test_a_hold_to_be_looked_at_is_counted_on_the_officer_s_home(as_: As, ana: User, officer: User) -> None:
    from privacy.keeping.selectors import holds_to_review

    hold(officer, consults.person(ana).pk)
    assert holds_to_review() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=91)):
        assert holds_to_review() == 1
        assert "Look at it again" in as_(officer).get(reverse("admin:privacy_holds")).content.decode()


def test_the_list_asks_as_little_for_many_as_for_one(as_: As, ana: User, officer: User) -> None:
    client, patient = as_(officer), consults.person(ana)
    counts = []
    for more in (1, 9):
        for _number in range(more):
            hold(officer, patient.pk)
        client.get(reverse("admin:privacy_holds"))
        with CaptureQueriesContext(connection) as caught:
            client.get(reverse("admin:privacy_holds"))
        counts.append(len(caught))
    assert counts[0] == counts[1]
