"""What the running site shows about itself: counters that name nobody, and a no that is kept (P09, P42)."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client

from portal.agreements.services import policies_publish
from portal.dates import today
from privacy.promises import PROMISES
from privacy.visitors import proof
from privacy.visitors.cookies import Cookie
from privacy.visitors.models import VisitCount
from privacy.visitors.tasks import visitors_prove

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P09", "P42")]


def serve(request: httpx.Request) -> httpx.Response:
    """The application answers, without a network between."""
    sent = {name: value for name, value in request.headers.items() if name in ("cookie", "sec-gpc")}
    answer = Client(headers=sent).get(request.url.path)
    headers = [*answer.items(), *(("Set-Cookie", cookie.OutputString()) for cookie in answer.cookies.values())]
    return httpx.Response(answer.status_code, headers=headers, content=answer.content)


@pytest.fixture
def the_site(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    policies_publish()
    settings.SITE_URL = "http://localhost"
    monkeypatch.setattr(proof.httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(serve)))


def counter(**changes: Any) -> None:
    good = {"day": today(), "page": "pages:home", "family": "Chrome", "stay": 0, "views": 3}
    VisitCount.objects.create(**{**good, **changes})


def test_good_counters_and_good_pages_are_proof_of_their_promises(the_site: None) -> None:
    counter()
    visitors_prove()
    found = proof.counters_prove()
    assert found.passed and found.facts == {
        "rows": 1, "rows_not_listed": 0, "columns_not_listed": 0, "rows_too_old_removed": 0,
    }
    found = proof.cookies_prove()
    assert found.passed and found.facts["wrong"] == 0
    assert found.facts["pages"] == 3 * len(proof.public_paths()) >= 3 * 6
    live = {promise.id: promise.live for promise in PROMISES}
    assert (live["P09"], live["P42"]) == ((proof.COUNTERS,), (proof.COOKIES,))


def test_a_page_that_is_not_on_the_list_is_no_proof() -> None:
    counter(page="consults:plan")
    found = proof.counters_prove()
    assert not found.passed and found.facts["rows_not_listed"] == 1


def test_a_column_too_many_is_no_proof() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{VisitCount._meta.db_table}" ADD COLUMN address text')
    assert not proof.counters_prove().passed


def test_old_counters_go_with_the_look_at_night(settings: Any) -> None:
    counter(day=today() - dt.timedelta(days=settings.VISITS_KEEP_DAYS + 1))
    assert proof.counters_prove().facts["rows_too_old_removed"] == 1


def test_a_cookie_that_is_not_listed_is_found(the_site: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "table", lambda: [Cookie("session", "", "", "", "")])
    found = proof.cookies_prove()
    assert not found.passed and found.facts["wrong"] > 0


def _told(body: str, **headers: str) -> httpx.Response:
    return httpx.Response(200, text=body, headers=headers, request=httpx.Request("GET", "http://localhost/"))


@pytest.mark.parametrize(
    ("body", "who", "fault"),
    [
        ('<section data-ask>', "declined", "asks again"), ('<section data-ask>', "gpc", "asks again"),
        ('<script src="/x.js" data-visit="/v/">', "declined", "counts without a yes"),
        ('<script src="/x.js" data-visit="/v/">', "new", "counts without a yes"),
        ('<img alt="" src="https://pixel.example/1.gif">', "new", "loads from elsewhere"),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', "new", "loads from elsewhere"),
    ],
)
def test_what_no_page_may_do_is_found(settings: Any, body: str, who: str, fault: str) -> None:
    settings.SITE_URL = "http://localhost"
    assert proof._faults(_told(body), who) == [fault]
    assert proof._faults(_told("<section data-ask>"), "new") == []


def test_a_site_that_does_not_answer_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    monkeypatch.setattr(proof.httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(away)))
    found = proof.cookies_prove()
    assert not found.passed and found.facts["unreachable"] == 1
