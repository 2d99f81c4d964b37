"""Long work about a whole record, killed between any two steps: copy, archive, deletion."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from billing.models import Refund
from consults.models import Consult
from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from portal.jobs import runner
from portal.jobs.models import Job, JobState
from portal.lockbox.store import lockbox
from portal.outbox.models import OutgoingMail
from privacy import archive, exports, ledger
from privacy.models import ArchiveCopy, RecordCopy, RequestKind, RightsRequest
from privacy.requests.services import request_carry_out, request_open, request_start
from privacy.requests.state import RequestState
from records.models import Encounter, Patient, Photo
from records.photos import files
from tests.consults import building
from tests.faults.fuse import at_every_step
from tests.faults.stage import HOW, later, somebody, stored, sweep_photo_files
from tests.faults.stem import Named, Stem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quiet")]
Played = tuple[Named, Callable[[int], None]]


@pytest.fixture
def stem(transactional_db: None) -> Iterator[Stem]:
    clean = Stem()
    yield clean
    clean.close()


def work_on(job_id: UUID | None, at: int) -> Job:
    """What beat does once the dead worker's lease has run out."""
    with later(15):
        runner.sweep()
    job = Job.objects.get(pk=job_id)
    assert job.state == JobState.DONE, f"killed at {at}: {job.state} {job.error}"
    assert job.attempts <= 2
    return job


def sweep_copies() -> None:
    with later(120):
        exports.orphans_remove()


def sealed_objects(patient_id: UUID) -> list[str]:
    """What the write-once store holds of a person, checked byte by byte against its rows."""
    rows = list(ArchiveCopy.objects.filter(subject_id=patient_id))
    assert all(lockbox().verify(row.name, row.version, row.sha256) for row in rows)
    return sorted(row.name for row in rows)


@pytest.mark.promise("P32")
@pytest.mark.parametrize("reads", HOW)
def test_a_copy_is_made_once_whatever_kills_its_worker(reads: bool, stem: Stem, clinician: User) -> None:
    user = somebody()
    patient_id = building.answered(user, clinician).patient_id
    sweep_copies()
    before = stored(exports.FOLDER)
    made: set[str] = set()

    def scene() -> Played:
        request = request_open(
            by=user.actor, kind=RequestKind.ACCESS, subject_id=patient_id, account_id=user.pk, form_key=uuid4()
        )

        def holds(at: int) -> None:
            work_on(request.job_id, at)
            request.refresh_from_db()
            assert request.state == RequestState.COMPLETED, f"killed at {at}: {request.state}"
            made.add(RecordCopy.objects.get(request=request).name)
            sweep_copies()
            assert stored(exports.FOLDER) - before == made, f"killed at {at}: more files than copies"
            told = OutgoingMail.objects.filter(kind="privacy.copy_ready", refs__request=str(request.pk))
            assert told.count() == 1, f"killed at {at}: told {told.count()} times"

        return ("portal.jobs.runner.run_job", {"job_id": str(request.job_id)}), holds

    assert at_every_step(scene, burner=stem.burn, reads=reads, stride=7 if reads else 1) > 8


@pytest.mark.promise("P40")
@pytest.mark.parametrize("reads", HOW)
def test_a_consult_is_archived_once_whatever_kills_the_nightly_run(reads: bool, stem: Stem, clinician: User) -> None:
    def scene() -> Played:
        consult = building.answered(somebody(), clinician)
        objects = {name for name, _version in lockbox().names("archive/")}

        def holds(at: int) -> None:
            with later(15):
                counts = archive.archive_nightly()
            assert counts["failed"] == 0, f"killed at {at}"
            [name] = sealed_objects(consult.patient_id)
            assert {name for name, _version in lockbox().names("archive/")} - objects == {name}, f"killed at {at}"
            with later(15):
                assert archive.archive_nightly()["due"] == 0
            for half in Path(settings.LOCKBOX_DIR).glob(".incoming/*"):  # the disk's clock goes on as well
                os.utime(half, (time.time() - 26 * 3600,) * 2)
            with later(26 * 60):  # whatever is put in on the next day clears the dead writer's leftovers away
                lockbox().put(f"tests/next-{uuid4().hex}", b"-", today())
            assert list(Path(settings.LOCKBOX_DIR).glob(".incoming/*")) == [], f"killed at {at}"

        return ("privacy.archive.archive_nightly", {}), holds

    assert at_every_step(scene, burner=stem.burn, reads=reads, stride=7 if reads else 1) >= 7


def _gone(patient_id: UUID, user: User, consults: list[Consult], names: set[str], at: int) -> None:
    """Nothing of the person where the portal works: no row, no account, no file."""
    assert not Patient.objects.filter(pk=patient_id).exists(), f"killed at {at}"
    assert not Encounter.objects.filter(patient_id=patient_id).exists()
    assert not User.objects.filter(pk=user.pk).exists()
    assert not Consult.objects.filter(pk__in=[consult.pk for consult in consults]).exists()
    assert not RecordCopy.objects.filter(subject_id=patient_id).exists()
    sweep_photo_files()
    sweep_copies()
    assert stored(files.KEPT, exports.FOLDER).isdisjoint(names), f"killed at {at}: files are left"


def _person_with_all(clinician: User) -> tuple[User, list[Consult]]:
    """Somebody with an answered consult, a paid one without an answer, and a copy to download."""
    user = somebody()
    first = building.answered(user, clinician)
    second = building.waiting(user, Patient.objects.get(pk=first.patient_id))
    request = request_open(
        by=user.actor, kind=RequestKind.ACCESS, subject_id=first.patient_id, account_id=user.pk, form_key=uuid4()
    )
    runner.run_job(request.job_id)
    return user, [first, second]


@pytest.mark.promise("P39", "P40")
@pytest.mark.parametrize(
    ("reads", "stride"),
    [
        pytest.param(False, 5, id="some"),
        pytest.param(False, 1, id="traces", marks=pytest.mark.slow),
        pytest.param(True, 131, id="statements", marks=pytest.mark.slow),
    ],
)
def test_a_deletion_ends_the_same_whatever_kills_its_worker(
    reads: bool, stride: int, stem: Stem, clinician: User, officer: User
) -> None:
    def scene() -> Played:
        user, consults = _person_with_all(clinician)
        patient_id = consults[0].patient_id
        objects = {name for name, _version in lockbox().names("archive/")}
        request = request_open(
            by=user.actor, kind=RequestKind.DELETION, subject_id=patient_id, account_id=user.pk, form_key=uuid4()
        )
        request_start(by=officer.actor, request_id=request.pk)
        request = request_carry_out(by=officer.actor, request_id=request.pk)
        names = {name for photo in Photo.objects.filter(patient_id=patient_id) for name in files.names_of(photo)}
        names |= set(RecordCopy.objects.filter(subject_id=patient_id).values_list("name", flat=True))

        def holds(at: int) -> None:
            work_on(request.job_id, at)
            assert RightsRequest.objects.get(pk=request.pk).state == RequestState.COMPLETED, f"killed at {at}"
            _gone(patient_id, user, consults, names, at)
            kept = Counter(ArchiveCopy.objects.filter(subject_id=patient_id).values_list("encounter_id", flat=True))
            assert kept == {consult.encounter_id: 1 for consult in consults}, f"killed at {at}: {kept}"
            found = {name for name, _version in lockbox().names("archive/")} - objects
            assert found == set(sealed_objects(patient_id)), f"killed at {at}: an object without its row"
            assert len(list(lockbox().names(ledger._entry(request.pk)))) == 1
            _told_once(request, user, at)

        return ("portal.jobs.runner.run_job", {"job_id": str(request.job_id)}), holds

    assert at_every_step(scene, burner=stem.burn, reads=reads, stride=stride) > 15


def _told_once(request: RightsRequest, user: User, at: int) -> None:
    """One closing letter, one line in the access log, one way back for the money."""
    letters = OutgoingMail.objects.filter(kind="privacy.erased", once_key=f"privacy.erased:{request.pk}")
    assert letters.count() == 1, f"killed at {at}: {letters.count()} letters"
    erased = AccessEvent.objects.filter(action=Action.ERASE, object_id=request.pk)
    assert erased.count() == 1, f"killed at {at}"
    refunds = Refund.objects.filter(payment__order__subject_id=request.subject_id)
    assert refunds.count() == 1, f"killed at {at}: given back {refunds.count()} times"
