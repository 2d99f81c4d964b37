"""The officer sees whether the log is whole, and signs each month of it once (RULES 2.7, P55)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from portal.admin_site import readable
from portal.audit.chain import digests_make
from portal.audit.models import AccessEvent, Action, LogReview
from portal.audit.reviews import month_after, month_before, month_counts, month_due, months, review_missing
from portal.audit.services import access_record, log_review_record
from portal.audit.verification import audit_verify
from portal.context import Actor
from portal.crypto.fields import DecryptionError
from portal.dates import today
from portal.demo.clock import ago
from portal.errors import DomainError, NotAllowed
from portal.permissions import Purpose, Role
from tests.audit.conftest import intruder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P21"), pytest.mark.usefixtures("box")]
D = dt.date


def last_month() -> dt.date:
    return month_before(today().replace(day=1))


def look(action: Action, by: Actor) -> None:
    """One row in the middle of last month."""
    with ago(days=(today() - last_month()).days - 14):
        access_record(
            by=by, action=action, purpose=Purpose.OPERATIONS, subject_id=None, object_kind="records.patient",
            object_id=None,
        )


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


@pytest.mark.promise("P55")
def test_a_month_is_counted_without_people_and_signed_once_for_good(officer: Any, support: Any, as_: Any) -> None:
    look(Action.VIEW, officer.actor), look(Action.VIEW, officer.actor), look(Action.SEARCH, officer.actor)
    look(Action.DENIED, support.actor), look(Action.BREAK_GLASS, Actor(None, Role.CLINICIAN))
    counts, first = month_counts(last_month()), last_month()
    assert {name: count for name, count in counts.items() if count} == {
        "looks.officer": 3, "looks.clinician": 1, "searches": 1, "refused": 1, "emergencies": 1, "rows": 5,
    }
    url = reverse("admin:access_log_month", args=[first.year, first.month])
    page = as_(officer).get(url).content.decode()
    assert "Looks that were refused" in page and "Sign the review" in page
    as_(officer).post(url, {"finding": "nothing", "words": "Went through all 5 rows."})
    review = LogReview.objects.get()
    assert (review.reviewed_by, review.month, review.counts["rows"]) == (officer.pk, first, 5)
    page = as_(officer).get(url).content.decode()
    assert "Went through all 5 rows." in page and "Sign the review" not in page
    with pytest.raises(DomainError) as refused:
        log_review_record(by=officer.actor, month=first, finding="nothing", words="Again")
    assert refused.value.code == "reviewed_already"
    with pytest.raises(DatabaseError), transaction.atomic():
        LogReview.objects.update(finding="followed_up")
    assert AccessEvent.objects.filter(action=Action.SIGN, object_kind="audit.review").count() == 1


def test_words_that_cannot_be_read_say_so() -> None:
    class Damaged:
        @property
        def words(self) -> str:
            raise DecryptionError("audit.LogReview.words", "key")

    assert "cannot be read" in readable(Damaged(), "words")


@pytest.mark.promise("P55")
def test_a_running_month_an_empty_word_and_somebody_else_are_refused(officer: Any, support: Any) -> None:
    look(Action.VIEW, officer.actor)
    for month, words, code in ((today().replace(day=1), "All", "month_runs"), (last_month(), " ", "words_missing")):
        with pytest.raises(DomainError) as refused:
            log_review_record(by=officer.actor, month=month, finding="nothing", words=words)
        assert refused.value.code == code
    with pytest.raises(NotAllowed):
        log_review_record(by=support.actor, month=last_month(), finding="nothing", words="All")
    assert not LogReview.objects.exists()


@pytest.mark.promise("P55")
def test_a_month_is_due_after_the_tenth_of_the_next_one(officer: Any) -> None:
    assert month_due() is None and months() == []
    look(Action.VIEW, officer.actor)
    first, next_one = last_month(), month_after(last_month())
    assert review_missing(on=next_one + dt.timedelta(days=9)) is None  # the tenth itself is in time
    assert review_missing(on=next_one + dt.timedelta(days=10)) == first
    log_review_record(by=officer.actor, month=first, finding="nothing", words="All of it")
    assert review_missing(on=next_one + dt.timedelta(days=10)) is None
    assert [month.first for month in months()] == [today().replace(day=1), first]


@pytest.mark.parametrize(
    ("first", "after", "before"),
    [(D(2026, 1, 1), D(2026, 2, 1), D(2025, 12, 1)), (D(2028, 2, 1), D(2028, 3, 1), D(2028, 1, 1)),
     (D(2026, 12, 1), D(2027, 1, 1), D(2026, 11, 1))],
)
def test_months_follow_each_other_over_years(first: dt.date, after: dt.date, before: dt.date) -> None:
    assert month_after(first) == after and month_before(first) == before


@pytest.mark.parametrize("address", ["log/2026/13/", "log/2019/01/", "log/2999/01/"])
def test_a_month_that_is_none_is_not_found(address: str, officer: Any, as_: Any) -> None:
    assert as_(officer).get(f"/admin/{address}").status_code == 404


def test_a_month_that_no_calendar_has_is_not_found(officer: Any, as_: Any) -> None:
    for path in ("99999999999999999999/11", "2026/99999999999999999999", "0/0", "9999/12"):
        assert as_(officer).get(f"/admin/log/{path}/").status_code == 404
