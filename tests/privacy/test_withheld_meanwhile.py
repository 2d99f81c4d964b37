"""A part that is refused while a copy is being made is not in that copy: the copy is made once more (P37)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any
from uuid import uuid4

import pytest

from portal.accounts.models import User
from portal.crypto import sealed
from portal.jobs.models import Job
from portal.jobs.runner import run_job
from privacy import exports
from privacy.copies import preparing
from privacy.copies.models import PrintCopy
from privacy.copies.services import copy_prepare
from privacy.models import RecordCopy
from privacy.requests import services as requests
from privacy.requests.models import RequestKind, RightsRequest
from records.models import Patient, Plan
from records.withholding.services import parts_withhold
from tests.consults import building

pytestmark = [pytest.mark.promise("P37"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def plan(ana: User, anas: Patient, clinician: User) -> Plan:
    """A signed plan of Ana's."""
    return Plan.objects.get(encounter_id=building.answered(ana, clinician, anas).encounter_id)


def refusing_once(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, officer: User, part: Plan) -> None:
    """The first reading of the record for a copy is overtaken by a refusal of this part."""
    read = getattr(room, name)

    def overtaken(*args: Any, **named: Any) -> Any:
        found = read(*args, **named)
        monkeypatch.setattr(room, name, read)
        parts_withhold(by=officer.actor, patient_id=part.patient_id, request_id=uuid4(), part_ids=[part.pk])
        return found

    monkeypatch.setattr(room, name, overtaken)


def again(job: Job) -> None:
    """The job failed once and waits; its pause is over."""
    job.refresh_from_db()
    assert job.state == "waiting" and job.attempts == 1
    Job.objects.filter(pk=job.pk).update(run_after=job.created_at - dt.timedelta(seconds=1))
    run_job(job.pk)


def test_the_own_copy(monkeypatch: pytest.MonkeyPatch, ana: User, anas: Patient, officer: User, plan: Plan) -> None:
    row = requests.request_open(
        by=ana.actor, kind=RequestKind.ACCESS, subject_id=anas.pk, account_id=ana.pk, form_key=uuid4()
    )
    refusing_once(monkeypatch, exports, "_zip", officer, plan)
    job = Job.objects.get(pk=RightsRequest.objects.get(pk=row.pk).job_id)
    run_job(job.pk)
    assert not RecordCopy.objects.exists(), "it holds the plan"
    again(job)
    copy = RecordCopy.objects.get()
    _rows, pieces = exports.copy_open(by=ana.actor, copy_id=copy.pk)
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as found:
        assert str(plan.pk) not in found.read("record.fhir.json").decode()
    assert sealed.orphans_remove(exports.FOLDER, lambda: RecordCopy.objects.values_list("name", flat=True)) == 0


def test_the_printed_copy(
    monkeypatch: pytest.MonkeyPatch, ana: User, anas: Patient, officer: User, plan: Plan
) -> None:
    row = requests.request_open(
        by=ana.actor, kind=RequestKind.ACCESS_PAPER, subject_id=anas.pk, account_id=ana.pk, form_key=uuid4()
    )
    requests.request_start(by=officer.actor, request_id=row.pk)
    refusing_once(monkeypatch, preparing, "_read", officer, plan)
    copy_prepare(by=officer.actor, request_id=row.pk)
    job = Job.objects.get(pk=PrintCopy.objects.get().job_id)
    run_job(job.pk)
    assert PrintCopy.objects.get().made_at is None, "it holds the plan"
    again(job)
    assert PrintCopy.objects.get().made_at is not None
