"""A delicate step that asks for the password once more gives back what was typed meanwhile (FIELD_FAULTS 41, P18)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.outbox.models import OutgoingMail
from tests.accounts.test_resume import given_back, sealed_in, token
from tests.conftest import PASSWORD

WORDS = "Please close it.\r\nI move to another town, and my new clinic is there."
TARGET = "/account/close/"
RESUME = "/account/resume/"


@pytest.fixture
def writing(as_: Any, ana: User) -> Client:
    """Ana's browser on the page of a delicate step; she confirmed her password six minutes ago."""
    client: Client = as_(ana, enforce_csrf_checks=True)
    client.get(TARGET)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 360}]
    session.save()
    return client


@pytest.fixture
def asked(writing: Client) -> tuple[Client, Any]:
    """The same, after the press on the button, with the page that came back."""
    page = writing.get("/account/")
    return writing, writing.post(TARGET, {"sure": "on", "words": WORDS, "csrfmiddlewaretoken": token(page)})


def say(client: Client, page: Any, **more: str) -> Any:
    return client.post(
        reverse("accounts:resume"), {"kept": sealed_in(page), "csrfmiddlewaretoken": token(page), **more}
    )


def test_the_password_once_more_and_one_press_send_what_was_typed(asked: tuple[Client, Any], ana: User) -> None:
    client, page = asked
    assert page.status_code == 200 and "once more" in page.content.decode() and "another town" not in str(page.content)
    ana.refresh_from_db()
    assert ana.is_active
    back = say(client, page, password=PASSWORD)
    assert given_back(back)["words"] == [WORDS] and "another town" in back.content.decode()
    ana.refresh_from_db()
    assert ana.is_active  # nothing is done before the press
    done = client.post(TARGET, {**given_back(back), "csrfmiddlewaretoken": token(back)})
    assert done.status_code == 302 and "/reauthenticate/" not in done["Location"]


def test_a_wrong_password_keeps_it_and_too_many_tries_do_too(asked: tuple[Client, Any]) -> None:
    client, page = asked
    statuses = set()
    for _ in range(12):
        again = say(client, page, password="not this one, no")
        assert sealed_in(again) == sealed_in(page) and "another town" not in again.content.decode()
        statuses.add(again.status_code)
    assert statuses == {200, 429}


def test_going_on_without_the_proof_only_leads_round(asked: tuple[Client, Any], ana: User) -> None:
    client, page = asked
    back = say(client, page)
    once_more = client.post(TARGET, {**given_back(back), "csrfmiddlewaretoken": token(back)})
    assert sealed_in(once_more) and "once more" in once_more.content.decode()
    ana.refresh_from_db()
    assert ana.is_active


def test_the_text_is_kept_nowhere_on_the_server(asked: tuple[Client, Any]) -> None:
    client, _page = asked
    assert "another town" not in str(dict(client.session)) and WORDS not in str(dict(client.session))
    assert Session.objects.count() == 1 and not OutgoingMail.objects.exists()


def test_another_person_at_the_same_machine_does_not_get_it(asked: tuple[Client, Any], as_: Any, ben: User) -> None:
    _client, page = asked
    his = as_(ben).post(reverse("accounts:resume"), {"kept": sealed_in(page), "password": PASSWORD})
    assert his.status_code == 410 and "another town" not in his.content.decode()


def test_where_there_is_nothing_typed_the_usual_page_asks(writing: Client) -> None:
    page = writing.get("/account/")
    for sent in ({"sure": ""}, {"form_key": "0d9f3f63-2f02-4f0b-a4b4-9f1a8b0d3f11"}):
        answer = writing.post(TARGET, {**sent, "csrfmiddlewaretoken": token(page)})
        assert answer.status_code == 302 and "/reauthenticate/" in answer["Location"]


@pytest.mark.parametrize("name", ["privacy:incident_report", "privacy:complaint"])
def test_a_visitor_whose_page_went_stale_needs_no_account_to_get_the_words_back(name: str) -> None:
    """They signed in and out in another tab meanwhile; a report needs no name, so it must not ask for one."""
    visitor = Client(enforce_csrf_checks=True)
    visitor.get(reverse(name))
    answer = visitor.post(
        reverse(name), {"words": WORDS, "csrfmiddlewaretoken": "x" * 64}, headers={"Origin": "http://testserver"}
    )
    assert answer.status_code == 403 and given_back(answer)["words"] == [WORDS]
    assert 'name="login"' not in answer.content.decode()
    again = visitor.post(reverse(name), {**given_back(answer), "csrfmiddlewaretoken": token(answer)})
    assert again.status_code == 200  # it arrived, and says what is still missing
