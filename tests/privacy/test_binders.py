"""P55: binders are asked for once, list without a query a row, name staff only, and leave nothing behind."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.crypto import sealed
from portal.dates import today
from portal.jobs.models import Job, JobState
from privacy.models import RightsRequest
from privacy.requests.models import RequestStep
from privacy.requests.services import request_open
from privacy.safeguards import making
from privacy.safeguards.binding import request_sections
from privacy.safeguards.models import Binder
from privacy.safeguards.selectors import binders
from records.intake import files

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P55")]
As = Callable[..., Client]


@pytest.fixture
def question(ana: User, anas: Any) -> RightsRequest:
    return request_open(
        by=ana.actor, kind="question", subject_id=anas.pk, account_id=ana.pk, form_key=uuid4(), details="Who reads it?"
    )


def kept(by: User, *, name: str = "", days: int = 1, **of: Any) -> Binder:
    return Binder.objects.create(
        asked_by=by.pk, name=name, expires_at=timezone.now() + dt.timedelta(days=days), **(of or {"year": 2026})
    )


def test_while_it_is_made_asking_again_gives_the_one_that_is_coming(
    question: RightsRequest, officer: User, as_: As
) -> None:
    desk, url = as_(officer), reverse("admin:binder_of_request", args=[question.pk])
    pages = {desk.post(url)["Location"] for _press in range(3)}
    assert pages == {reverse("admin:binder", args=[Binder.objects.get().pk])}
    Job.objects.filter(kind=making.JOB_KIND).update(state=JobState.FAILED, finished_at=timezone.now())
    desk.post(url)
    assert Binder.objects.count() == 2, "one that failed stops nobody"
    assert desk.post(reverse("admin:binder_of_request", args=[uuid4()])).status_code == 404


def test_a_list_of_binders_asks_for_their_titles_at_once(
    question: RightsRequest, officer: User, django_assert_num_queries: Any
) -> None:
    for request_id in (question.pk, uuid4(), uuid4()):
        kept(officer, request_id=request_id)
    kept(officer)
    with django_assert_num_queries(2):
        titles = [title for _row, title in making.titled(binders()[:50])]
    assert sorted(titles) == sorted(
        ["Binder of the year 2026", "Binder: A question about privacy", *["Binder: a request that is gone"] * 2]
    )


def test_it_names_staff_and_nobody_of_the_family_and_says_grounds_in_words(
    question: RightsRequest, officer: User, guardian: User
) -> None:
    User.objects.filter(pk=guardian.pk).update(display_name="Gwen Tran")
    User.objects.filter(pk=officer.pk).update(display_name="Olga Reyes")
    for who in (guardian, officer):
        RequestStep.objects.create(
            request=question, action="", state=question.state, by_id=who.pk, by_role=who.role, at=timezone.now()
        )
    question.kind, question.denial_ground = "deletion", "retention_law"
    facts, steps = request_sections(question)[:2]
    assert steps.table is not None
    by = [row[3] for row in steps.table.rows]
    assert by[1:] == ["Parent or guardian: who asked", "Compliance officer: Olga Reyes"]
    ground = dict(facts.facts)["Ground of a refusal"]
    assert " " in ground and "retention_law" not in ground


def test_years_go_back_as_far_as_such_papers_are_kept(settings: Any) -> None:
    this = today().year
    assert making.years() == [this - back for back in range(7)]
    settings.RISK_KEEP_YEARS = 8
    assert making.years()[-1] == this - 8


def test_files_that_no_row_names_go_and_a_store_that_refuses_stops_nothing(
    officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, fresh, known = (sealed.write(b"x", folder=making.FOLDER).name for _file in range(3))
    store: Any = storages["sealed"]
    for name in (lost, known):
        os.utime(store.path(name), (time.time() - 7200,) * 2)
    kept(officer, name=known)
    assert making.binders_expire() >= 1
    assert [store.exists(name) for name in (lost, fresh, known)] == [False, True, True]
    late = [kept(officer, name=name, days=-1) for name in (fresh, lost)]

    def refuses(_name: str) -> None:
        raise OSError("the store is away")

    monkeypatch.setattr(files.sealed, "delete", refuses)
    assert making.binders_expire() == 2
    assert not Binder.objects.filter(pk__in=[row.pk for row in late]).exists(), "what is left of one is swept later"
