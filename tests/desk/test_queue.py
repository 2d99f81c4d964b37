"""The queue: least necessary, ordered by promise, and as quick with many rows as with few."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consults.desk import selectors
from consults.models import Consult
from consults.state import ConsultState
from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.permissions import Purpose
from records.models import Encounter
from tests.desk.building import Case, taken, waiting
from tests.reading import shown

pytestmark = pytest.mark.django_db(transaction=True)


def _queue(client: Any, query: str = "") -> str:
    return _queue_page(client, query).content.decode()


def _queue_page(client: Any, query: str = "") -> Any:
    response = client.get(reverse("admin:consults_queue") + query)
    assert response.status_code == 200
    return response


@pytest.mark.promise("P21", "S2")
def test_a_waiting_case_shows_the_least_that_tells_cases_apart(clinician: User, as_: Any) -> None:
    case = waiting(given="Ana", family="Okafor", answers={"else": "my very own words"})
    response = _queue_page(as_(clinician))
    page = response.content.decode()
    assert "Ana O." in page and "Acne" in page
    assert "Okafor" not in page and "my very own words" not in page and "2001" not in shown(response)
    front = case.encounter.photos.get(view="front")
    assert reverse("records:photo", args=[front.pk, "thumb"]) in page
    assert reverse("records:photo", args=[front.pk, "image"]) not in page


def test_the_case_that_is_due_first_stands_first_and_a_late_one_says_so(clinician: User, as_: Any) -> None:
    waiting(given="Later", family="One", due_in=20)
    waiting(given="Late", family="One", due_in=-2)
    waiting(given="Soon", family="One", due_in=3.2)
    page = _queue(as_(clinician))
    assert page.index("Late O.") < page.index("Soon O.") < page.index("Later O.")
    assert "late by 2 h" in page and "in 3 h" in page


def test_the_desk_shows_waiting_own_and_answered_cases_apart(clinician: User, other_clinician: User) -> None:
    free, mine, others = waiting(), taken(clinician), taken(other_clinician)
    queue = selectors.queue(by=clinician.actor)
    assert [card.consult.pk for card in queue.waiting] == [free.id]
    assert [card.consult.pk for card in queue.mine] == [mine.id]
    assert others.id not in {card.consult.pk for card in [*queue.waiting, *queue.mine, *queue.lately]}
    Consult.objects.filter(pk=mine.id).update(state=ConsultState.ANSWERED, answered_at=timezone.now())
    queue = selectors.queue(by=clinician.actor)
    assert ([card.consult.pk for card in queue.lately], queue.mine) == ([mine.id], [])


def test_a_patient_who_was_answered_before_is_marked_as_follow_up(clinician: User) -> None:
    first = taken(clinician)
    Consult.objects.filter(pk=first.id).update(state=ConsultState.ANSWERED, answered_at=timezone.now())
    again = waiting(user=first.user, patient=first.patient)
    fresh = waiting()
    marks = {card.consult.pk: card.follow_up for card in selectors.queue(by=clinician.actor).waiting}
    assert marks == {again.id: True, fresh.id: False}


@pytest.mark.promise("P11", "P21")
def test_each_case_shown_on_the_queue_leaves_a_trace_for_care(clinician: User, as_: Any) -> None:
    cases = [waiting(), waiting()]
    _queue(as_(clinician))
    traces = AccessEvent.objects.filter(actor_id=clinician.pk, action=Action.LIST)
    assert {trace.subject_id for trace in traces} == {case.patient.pk for case in cases}
    assert {trace.purpose for trace in traces} == {Purpose.CARE.value}


def test_the_queue_takes_as_many_queries_for_fifty_rows_as_for_one(clinician: User, as_: Any) -> None:
    client = as_(clinician)
    waiting()
    mine = taken(clinician)
    _queue(client)  # the session's first touch of the minute
    with CaptureQueriesContext(connection) as few:
        _queue(client)
    _many(23)
    held = _many(25, base=mine)
    Consult.objects.filter(pk__in=[row.pk for row in held]).update(
        state=ConsultState.IN_REVIEW, assigned_to=clinician.pk
    )
    with CaptureQueriesContext(connection) as many:
        page = _queue(client)
    assert page.count('class="queue wide"') == 2 and page.count("<li><a href=") >= 50
    assert len(many) == len(few), [query["sql"][:90] for query in many]


def _many(number: int, *, base: Case | None = None, state: str = ConsultState.SUBMITTED) -> list[Consult]:
    """Rows for measuring: consults of one patient, in one statement each table."""
    if number == 0:
        return []
    case = base or waiting()
    now, fresh = timezone.now(), number if base else number - 1
    encounters = Encounter.objects.bulk_create(
        [Encounter(patient=case.patient, concern="acne", submitted_at=now) for _ in range(fresh)]
    )
    return Consult.objects.bulk_create([
        Consult(
            encounter=encounter, patient=case.patient, account_id=case.user.pk, questionnaire="acne-1", state=state,
            submitted_at=now, consented_at=now, paid_at=now, answered_at=now if state == "answered" else None,
            assigned_to=case.user.pk if state != "submitted" else None,
            due_at=now + dt.timedelta(minutes=number % 7 + place),
        )
        for place, encounter in enumerate(encounters)
    ])


def test_paging_by_key_shows_every_case_once_and_in_order(clinician: User) -> None:
    _many(60)
    seen: list[Any] = []
    after = ""
    for _page in range(9):
        queue = selectors.queue(by=clinician.actor, after=after)
        seen += [card.consult.pk for card in queue.waiting]
        after = queue.later
        if not after:
            break
    assert seen == list(selectors.waiting().values_list("pk", flat=True))
    assert len(seen) == 60


@pytest.mark.parametrize("nonsense", ["~", "2026-01-01~x", "x" * 400, "2026-01-01T00:00:00~" + "0" * 32, "%00"])
def test_a_made_up_page_key_is_the_first_page(clinician: User, as_: Any, nonsense: str) -> None:
    waiting(given="Ana")
    assert "Ana O." in _queue(as_(clinician), f"?after={nonsense}")


def test_the_count_stops_at_more_than_a_hundred(clinician: User, as_: Any) -> None:
    _many(130)
    with CaptureQueriesContext(connection) as queries:
        assert selectors.waiting_count() == 101
    assert "LIMIT 101" in queries[0]["sql"]
    assert "100+" in _queue(as_(clinician))


def test_the_queue_reads_its_partial_index_and_sorts_nothing(clinician: User) -> None:
    case = waiting()
    _many(4000, base=case, state=ConsultState.ANSWERED)
    _many(1500, base=case)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE consults_consult")
    lately = selectors.answered_by(case.user.pk)[: selectors.LATELY].explain()
    assert "consult_lately" in lately and "Seq Scan" not in lately, lately
    middle = selectors.waiting()[700]
    for rows in (selectors.waiting(), selectors.waiting(after=(middle.due_at, middle.pk))):
        plan = rows[: selectors.PAGE + 1].explain()
        assert "consult_queue" in plan, plan
        assert "Sort" not in plan and "Seq Scan" not in plan, plan


@pytest.mark.parametrize("persona", ["support", "officer", "owner", "ana", "guardian"])
@pytest.mark.promise("P21")
def test_only_clinicians_see_the_queue(request: pytest.FixtureRequest, as_: Any, persona: str) -> None:
    waiting()
    response = as_(request.getfixturevalue(persona)).get(reverse("admin:consults_queue"))
    assert response.status_code == 404
