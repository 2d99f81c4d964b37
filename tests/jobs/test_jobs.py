"""Long work: started once, run under a lease, ended whatever happens, seen by its owner only."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from contextlib import suppress
from uuid import uuid4

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.jobs import registry
from portal.jobs.models import Job, JobState
from portal.jobs.personal_data import erase_for
from portal.jobs.registry import JobKind
from portal.jobs.runner import run_job, sweep
from portal.jobs.services import job_retry, job_start
from portal.permissions import Role
from portal.subjects import Subject

pytestmark = pytest.mark.django_db
ANA = Actor(uuid4(), Role.PATIENT)
BEN = Actor(uuid4(), Role.PATIENT)


class Calls(list):
    """What the test's kind was asked to do, and how it should behave."""

    fail: Exception | None = None
    told: list
    removed: list


@pytest.fixture
def calls():
    calls = Calls()
    calls.told, calls.removed = [], []

    def run(job, progress):
        calls.append(job.pk)
        progress(1, 3, "photos")
        if calls.fail is not None:
            raise calls.fail
        return {"file": "abc"}

    kept = dict(registry._kinds)
    registry.register(
        JobKind(
            "tests.export", run, "Your copy", {"photos": "Collecting photos"}, max_attempts=3,
            done_url=lambda job: f"/copy/{job.pk}/", failed=calls.told.append, expire=calls.removed.append,
        )
    )
    yield calls
    registry._kinds.clear()
    registry._kinds.update(kept)


def start(by=ANA, key="export:1", **changes):
    return job_start(**{"by": by, "kind": "tests.export", "subject_id": None, "ref": None, "once_key": key, **changes})


def later(**span):
    return time_machine.travel(timezone.now() + dt.timedelta(**span))


def test_a_wish_asked_five_times_is_one_job_run_once(calls):
    jobs = {start().pk for _press in range(5)}
    assert len(jobs) == 1
    assert run_job(*jobs) and not run_job(*jobs)
    job = Job.objects.get()
    assert (job.state, job.result, job.percent, len(calls)) == ("done", {"file": "abc"}, 100, 1)


def test_long_work_tells_days_as_the_clinic_does(calls, monkeypatch):
    """It has no reader whose zone counts; Greenwich's would date an evening's letter tomorrow (FIELD_FAULTS 1)."""
    seen = []
    kind = registry.kind_of("tests.export")
    monkeypatch.setitem(
        registry._kinds, "tests.export",
        dataclasses.replace(kind, run=lambda job, progress: seen.append(timezone.localdate()) or {}),
    )
    with time_machine.travel("2026-11-26 01:30:00+00:00", tick=False):  # half past seven at the clinic
        assert run_job(start().pk)
    assert seen == [dt.date(2026, 11, 25)] and timezone.get_current_timezone_name() == "UTC"


def test_a_job_that_fails_is_tried_again_later_and_ends_with_its_owner_told_once(calls):
    calls.fail = ValueError("marker-ZQX")
    job = start()
    for tries in (1, 2):
        run_job(job.pk)
        job.refresh_from_db()
        assert (job.state, job.attempts, job.error) == ("waiting", tries, "ValueError")
        assert not run_job(job.pk), "not before its time"
        Job.objects.update(run_after=timezone.now())
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("failed", 3)
    assert [told.pk for told in calls.told] == [job.pk]
    with later(days=2):
        sweep()
    assert len(calls) == 3 and len(calls.told) == 1


def test_a_rule_that_says_no_ends_it_at_once(calls):
    calls.fail = DomainError("nothing_to_copy", "There is nothing to copy.")
    job = start()
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error, job.attempts) == ("failed", "nothing_to_copy", 1)


def test_a_job_that_kills_its_worker_does_not_come_back_for_ever(calls):
    """The process dies, so nothing is caught: only the lease and the count at claiming are left."""
    calls.fail = SystemExit()
    job = start()
    for hours in range(1, 8):
        with later(hours=hours), suppress(SystemExit):
            sweep()
    job.refresh_from_db()
    assert (job.state, job.error, len(calls)) == ("failed", "worker_lost", 3)
    assert len(calls.told) == 1


def test_the_sweep_finds_what_a_lost_nudge_left(calls):
    start()
    assert sweep() == 1
    assert Job.objects.get().state == "done"


def test_a_worker_that_lost_its_lease_stops_and_overwrites_nothing(calls):
    job = start()

    def slow(job, progress):
        Job.objects.update(lease=uuid4())  # another worker took it
        progress(1, 2, "photos")
        calls.append("went on")
        return {}

    registry.register(JobKind("tests.export", slow))
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result, list(calls)) == ("running", {}, [])


def test_progress_keeps_the_lease(calls):
    job = start()
    seen = []

    def long(job, progress):
        for step in range(3):
            Job.objects.update(leased_until=timezone.now())
            progress(step, 3, f"step{step}")
            seen.append(Job.objects.get().leased_until - timezone.now() > dt.timedelta(minutes=4))
        return {}

    registry.register(JobKind("tests.export", long))
    run_job(job.pk)
    assert seen == [True] * 3


def test_a_kind_that_is_gone_ends_as_failed(calls):
    job = start()
    registry._kinds.clear()
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "unknown_kind")


def test_a_result_is_kept_for_its_time_and_then_removed(calls):
    job = start()
    run_job(job.pk)
    assert sweep() == 0
    with later(days=8):
        assert sweep() == 1
    job.refresh_from_db()
    assert (job.state, job.result) == ("expired", {})
    assert [removed.pk for removed in calls.removed] == [job.pk]


def test_its_owner_may_start_over_what_failed_or_expired_and_nobody_else(calls):
    job = start()
    with pytest.raises(DomainError, match="job_not_over"):
        job_retry(by=ANA, job_id=job.pk)
    calls.fail = DomainError("x", "x")
    run_job(job.pk)
    calls.fail = None
    for other in (BEN, Actor(None, Role.SYSTEM), Actor(uuid4(), Role.OFFICER)):
        with pytest.raises(NotVisible):
            job_retry(by=other, job_id=job.pk)
    assert job_retry(by=ANA, job_id=job.pk).state == "waiting"
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == ("done", 1, "")


def test_words_where_a_code_is_due_and_unknown_kinds_are_refused(calls):
    with pytest.raises(ValueError):
        start(key="Ana's export")
    with pytest.raises(LookupError):
        start(kind="tests.nothing")


@pytest.mark.promise("P39")
def test_an_erasure_takes_the_persons_jobs(calls):
    subject, account = uuid4(), ANA.account_id
    start(subject_id=subject)
    start(key="export:2")
    start(by=BEN, key="export:3")
    assert erase_for(Subject(subject, (account,))) == {"jobs.Job": 2}
    assert Job.objects.get().once_key == "export:3"


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_run_a_job_once(calls):
    job = start()
    ran = []

    def work():
        ran.append(run_job(job.pk))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(ran) == [False, False, False, True] and len(calls) == 1


class TestThePage:
    def test_the_owner_sees_how_far_it_is_and_htmx_gets_the_card_alone(self, calls, ana, as_):
        job = start(by=Actor(ana.pk, Role.PATIENT))
        Job.objects.update(
            state=JobState.RUNNING, lease=uuid4(), leased_until=timezone.now(), done=1, total=4, message="photos"
        )
        page = as_(ana).get(f"/progress/{job.pk}/").content.decode()
        assert 'value="25"' in page and "Collecting photos" in page and "hx-get" in page
        assert '<noscript><meta http-equiv="refresh"' in page
        card = as_(ana).get(f"/progress/{job.pk}/", headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in card and 'value="25"' in card

    def test_a_finished_job_leads_to_its_result_and_stops_asking(self, calls, ana, as_):
        job = start(by=Actor(ana.pk, Role.PATIENT))
        run_job(job.pk)
        page = as_(ana).get(f"/progress/{job.pk}/").content.decode()
        assert f"/copy/{job.pk}/" in page and "hx-get" not in page and "http-equiv" not in page

    def test_a_failed_one_says_so_and_can_be_started_over(self, calls, ana, as_):
        calls.fail = DomainError("x", "x")
        job = start(by=Actor(ana.pk, Role.PATIENT))
        run_job(job.pk)
        browser = as_(ana)
        assert "Try again" in browser.get(f"/progress/{job.pk}/").content.decode()
        assert browser.get(f"/progress/{job.pk}/again/").status_code == 405
        assert browser.post(f"/progress/{job.pk}/again/").status_code == 302
        assert Job.objects.get().state == "waiting"

    @pytest.mark.promise("P21")
    def test_everybody_else_finds_nothing(self, calls, ana, ben, officer, as_):
        job = start(by=Actor(ana.pk, Role.PATIENT))
        for persona in (ben, officer):
            assert as_(persona).get(f"/progress/{job.pk}/").status_code == 404
            assert as_(persona).post(f"/progress/{job.pk}/again/").status_code == 404
        assert as_(None).get(f"/progress/{job.pk}/").status_code == 302
