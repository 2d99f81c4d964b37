"""The officer sees whether the log is whole, and keeps that somebody has gone through it (RULES 2.7)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from portal.audit.chain import digests_make
from portal.audit.models import LogReview
from portal.audit.services import log_review_record
from portal.audit.verification import audit_verify
from portal.dates import today
from portal.errors import DomainError, NotAllowed
from tests.audit.conftest import intruder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P21"), pytest.mark.usefixtures("box")]


def test_the_page_tells_of_a_whole_log_and_names_the_first_broken_row(looks: Any, officer: Any, as_: Any) -> None:
    browser = as_(officer)
    assert "not checked yet" in browser.get(reverse("admin:access_log_state")).content.decode()
    rows = looks(3)
    digests_make()
    audit_verify()
    assert "No row was changed" in browser.get(reverse("admin:access_log_state")).content.decode()
    with intruder() as cursor:
        cursor.execute("DELETE FROM audit_accessevent WHERE number = %s", [rows[1]])
    audit_verify()
    page = browser.get(reverse("admin:access_log_state")).content.decode()
    assert f"row {rows[1]} is gone" in page
    assert "1 waiting" in browser.get(reverse("admin:index")).content.decode()


def test_a_review_is_kept_with_who_which_days_and_what_was_found(officer: Any, as_: Any) -> None:
    day = today() - dt.timedelta(days=7)
    answer = as_(officer).post(
        reverse("admin:access_log_reviewed"), {"first_day": day, "last_day": today(), "finding": "nothing"}, follow=True
    )
    review = LogReview.objects.get()
    assert (review.reviewed_by, review.first_day, review.last_day) == (officer.pk, day, today())
    assert "Nothing out of the ordinary" in answer.content.decode()
    with pytest.raises(DatabaseError), transaction.atomic():
        LogReview.objects.update(finding="followed_up")


@pytest.mark.parametrize(("first", "last", "code"), [(0, -1, "days_reversed"), (0, 1, "day_to_come")])
def test_days_that_cannot_have_been_reviewed_are_refused(first: int, last: int, code: str, officer: Any) -> None:
    days = [today() + dt.timedelta(days=number) for number in (first, last)]
    with pytest.raises(DomainError) as refused:
        log_review_record(by=officer.actor, first_day=days[0], last_day=days[1], finding="nothing")
    assert refused.value.code == code and not LogReview.objects.exists()


def test_only_who_may_see_the_log_can_review_it(support: Any) -> None:
    with pytest.raises(NotAllowed):
        log_review_record(by=support.actor, first_day=today(), last_day=today(), finding="nothing")
