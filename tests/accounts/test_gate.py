"""The gate: neutral questions, an answer at once, and nothing kept (P02, P45, P46)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts import gate
from portal.accounts.models import User
from portal.audit.models import AccessEvent
from tests.accounts.conftest import gate_answers
from tests.reading import shown

NOON = "2026-03-01 18:00:00+00:00"  # noon at the clinic


def answer(**answers: Any) -> Any:
    client = Client()
    client.raise_request_exception = True
    response = client.post(reverse("accounts:start"), gate_answers(**answers))
    assert "session" not in client.cookies
    return response


@pytest.mark.promise("P45")
@pytest.mark.promise("P46")
@pytest.mark.parametrize(
    ("born", "ending"),
    [
        (dt.date(2013, 3, 2), "too_young"),  # 13 tomorrow
        (dt.date(2013, 3, 1), "needs_guardian"),  # 13 today
        (dt.date(2008, 3, 2), "needs_guardian"),  # 18 tomorrow
        (dt.date(2008, 3, 1), "adult"),  # 18 today
        (dt.date(2008, 2, 29), "adult"),  # born on 29 February: the birthday is 1 March this year
        (dt.date(2012, 2, 29), "needs_guardian"),  # 13 since 1 March 2025
        (dt.date(2026, 3, 1), "too_young"),  # born today
        (dt.date(1900, 1, 1), "adult"),
    ],
)
def test_the_age_decides_what_happens_on_the_very_day(born: dt.date, ending: str) -> None:
    with time_machine.travel(NOON, tick=False):
        response = answer(born=born)
    if ending == "adult":
        assert response.status_code == 302 and "ticket=" in response["Location"]
    else:
        assert response.status_code == 200
        assert next(t.name for t in response.templates) == f"accounts/{ending}.html"


@pytest.mark.parametrize(
    ("clock", "age"),
    [("2026-02-28 18:00:00+00:00", gate.AgeAnswer.NEEDS_GUARDIAN), (NOON, gate.AgeAnswer.ADULT)],
)
def test_somebody_born_on_29_february_is_adult_from_1_march(clock: str, age: gate.AgeAnswer) -> None:
    with time_machine.travel(clock, tick=False):
        assert gate.age_answer(dt.date(2008, 2, 29)) is age


def test_the_day_that_counts_is_the_clinics_not_the_servers() -> None:
    """At 02:00 in Greenwich on 1 March it is still 28 February at the clinic."""
    with time_machine.travel("2026-03-01 02:00:00+00:00", tick=False):
        assert gate.age_answer(dt.date(2008, 3, 1)) is gate.AgeAnswer.NEEDS_GUARDIAN


@pytest.mark.promise("P02")
@pytest.mark.promise("P45")
@pytest.mark.parametrize(
    "answers",
    [
        {"born": dt.date(2020, 1, 1)}, {"born": dt.date(2011, 1, 1)}, {"state": "elsewhere"},
        {"privacy_policy": None}, {},
    ],
)
def test_whatever_is_answered_nothing_is_kept(answers: dict[str, Any]) -> None:
    before = _rows()
    with CaptureQueriesContext(connection, ) as queries:
        answer(**answers)
    written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == []
    assert _rows() == before and not Session.objects.exists()


def _rows() -> int:
    return User.objects.count() + AccessEvent.objects.count() + Session.objects.count()


def test_a_child_is_refused_whatever_else_is_ticked_or_not() -> None:
    page = answer(born=dt.date(2020, 1, 1), privacy_policy=None, terms_of_service=None, state=None)
    text = shown(page)
    assert "Nothing that you wrote was kept" in text
    said = text.split("<main")[1].split("</main>")[0]
    assert "13" not in said and "2020" not in said


@pytest.mark.promise("P46")
def test_a_minor_is_told_to_ask_a_parent_or_guardian() -> None:
    text = answer(born=dt.date(2011, 1, 1)).content.decode()
    assert "ask a parent or guardian" in text and "Nothing that you wrote was kept" in text


def test_the_question_of_age_has_no_default_and_no_hint() -> None:
    page = shown(Client().get(reverse("accounts:start")))
    assert 'value="19' not in page and 'value="20' not in page
    for word in ("13", "18", "adult", "at least", "years old"):
        assert word not in page.split("<main")[1].split("</main>")[0]


@pytest.mark.promise("P01")
@pytest.mark.parametrize("missing", ["privacy_policy", "terms_of_service"])
def test_nobody_passes_without_agreeing_to_each_text(missing: str) -> None:
    page = answer(**{missing: None})
    assert page.status_code == 200
    assert missing in page.context["form"].errors
    assert page.context["form"]["birth_date"].subwidgets  # what was typed stands there still
    assert 'value="1990"' in page.content.decode()


@pytest.mark.promise("P01")
def test_the_boxes_are_not_ticked_and_the_texts_can_be_read_first() -> None:
    page = Client().get(reverse("accounts:start")).content.decode()
    assert not re.search(r"<input[^>]*\bchecked", page)
    for slug in ("privacy-policy", "terms-of-service"):
        url = reverse("pages:policy", args=[slug])
        assert url in page and Client().get(url).status_code == 200


def test_somebody_in_a_state_without_our_clinicians_hears_it_kindly() -> None:
    text = answer(state="elsewhere").content.decode()
    assert "We cannot help online there yet" in text and "Minnesota" in text


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"birth_date_month": "2", "birth_date_day": "30"}, "There is no such day"),
        ({"birth_date_day": "x"}, "as numbers"),
        ({"birth_date_month": ""}, "month"),
        ({"birth_date_year": "2999"}, "has not come yet"),
        ({"birth_date_year": "90"}, "all four numbers"),
        ({"birth_date_year": "1990; DROP TABLE"}, "as numbers"),
        ({"birth_date_month": "", "birth_date_day": "", "birth_date_year": ""}, "Fill in your birth date"),
        ({"birth_date_month": "13"}, "valid choice"),
        ({"state": ""}, "Choose where you are"),
        ({"state": "ZZ"}, "valid choice"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(answers: dict[str, str], sentence: str) -> None:
    response = Client().post(reverse("accounts:start"), {**gate_answers(), **answers})
    assert response.status_code == 200
    assert sentence in response.content.decode()


def test_the_ticket_holds_no_birth_date_and_nothing_of_the_person() -> None:
    location = answer()["Location"]
    content = signing.loads(parse_qs(urlsplit(location).query)["ticket"][0], salt="accounts.gate")
    assert set(content) == {"adult", "policies"} and content["adult"] is True


def test_somebody_signed_in_needs_no_gate(as_: Any, ana: User) -> None:
    assert as_(ana).get(reverse("accounts:start"))["Location"] == "/home/"


def test_the_answers_are_never_cached() -> None:
    cache.clear()
    assert "no-store" in answer(born=dt.date(2020, 1, 1))["Cache-Control"]


def test_a_form_with_nothing_in_it_asks_for_everything() -> None:
    page = Client().post(reverse("accounts:start")).content.decode()
    assert "Fill in your birth date" in page and "Choose where you are" in page
