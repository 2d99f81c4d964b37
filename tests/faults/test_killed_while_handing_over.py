"""The export for a new owner, killed between any two steps: everybody once, in a part and in the register (P16)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from portal.accounts.models import User
from portal.jobs import runner
from portal.jobs.models import Job, JobState
from privacy.dossier import erase_all, subject_of
from privacy.handover import folder, making
from privacy.handover.models import Handover
from records.disclosures.models import Disclosure
from records.models import Patient
from tests.consults import building
from tests.faults.fuse import at_every_step
from tests.faults.stage import later, somebody, twice
from tests.faults.stem import Named, Stem
from tests.privacy.handing_over import assigned, begun, consents, manifest, parts, resources

pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quiet"), pytest.mark.promise("P16"),
]
IN_A_PART = 2


@pytest.fixture
def stem(transactional_db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stem]:
    settings.ASSIGNMENT_DIR, settings.ASSIGNMENT_PART_PATIENTS = tmp_path / "assignments", IN_A_PART
    monkeypatch.setenv("TEST_ASSIGNMENT_DIR", str(settings.ASSIGNMENT_DIR))
    monkeypatch.setenv("ASSIGNMENT_PART_PATIENTS", str(IN_A_PART))
    clean = Stem()
    yield clean
    clean.close()


def people(count: int, acquirer: str) -> list[Patient]:
    """Patients who consent to this new owner."""
    made = []
    for _number in range(count):
        user = somebody()
        patient = building.person(user, given="Pat", family="Lee")
        consents(user, patient, acquirer=acquirer)
        made.append(patient)
    return made


def all_once(handover: Handover, patients: list[Patient], at: int) -> None:
    """Each person in one part, whose file opens, and once in the register; the list of parts fits."""
    handover.refresh_from_db()
    assert handover.finished_at is not None, f"killed at {at}"
    ids = sorted(str(patient.pk) for patient in patients)
    files = parts(handover)
    assert sorted(row["id"] for one in files for row in resources(one)["Patient"]) == ids, f"killed at {at}"
    register = Counter(Disclosure.objects.filter(reference=handover.assignment_id).values_list("patient_id", flat=True))
    assert register == Counter({patient.pk: 1 for patient in patients}), f"killed at {at}: {register}"
    listed = manifest(handover)["parts"]
    assert [one["name"] for one in listed] == sorted(file.name for file in _files(handover)), f"killed at {at}"
    assert not list(folder.place_of(handover.pk).glob("*.half")), f"killed at {at}: half a part is left"


def _files(handover: Handover) -> list[Path]:
    return list(folder.place_of(handover.pk).glob("part-*"))


def away(patients: list[Patient]) -> None:
    """The next scene has people of its own only."""
    with transaction.atomic():
        for patient in patients:
            erase_all(subject_of(patient.pk))


@pytest.mark.parametrize(
    ("reads", "stride"),
    [
        pytest.param(False, 4, id="some"), pytest.param(False, 1, id="traces", marks=pytest.mark.slow),
        pytest.param(True, 29, id="statements", marks=pytest.mark.slow),
    ],
)
def test_everybody_is_sealed_and_registered_once_whatever_kills_the_worker(
    reads: bool, stride: int, stem: Stem, officer: User
) -> None:
    def scene() -> tuple[Named, Callable[[int], None]]:
        acquirer = f"New owner {uuid4().hex}"
        patients = people(3, acquirer)
        handover = begun(officer, assigned(officer, acquirer=acquirer))

        def holds(at: int) -> None:
            with later(45):
                runner.sweep()
            job = Job.objects.get(pk=handover.job_id)
            assert job.state == JobState.DONE, f"killed at {at}: {job.state} {job.error}"
            all_once(handover, patients, at)
            away(patients)

        return ("portal.jobs.runner.run_job", {"job_id": str(handover.job_id)}), holds

    assert at_every_step(scene, burner=stem.burn, reads=reads, stride=stride) > 10


def test_two_workers_at_once_make_one_export(officer: User, settings: Any, tmp_path: Path) -> None:
    settings.ASSIGNMENT_DIR, settings.ASSIGNMENT_PART_PATIENTS = tmp_path / "assignments", IN_A_PART
    patients = people(3, "Two at once")
    handover = begun(officer, assigned(officer, acquirer="Two at once"))

    def run() -> str:
        try:
            making.make(handover.pk, lambda *_: None)
        except making.Busy:
            return "busy"
        return "made"

    assert "made" in twice(run)
    all_once(handover, patients, 0)
