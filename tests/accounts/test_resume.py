"""A form sent after the sign-in ended comes back (fault 41), sealed, to its own person, and only then is sent."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from portal.accounts import resume
from portal.accounts.models import User
from portal.audit.models import AccessEvent
from portal.outbox.models import OutgoingMail
from records.models import Answer
from tests.conftest import PASSWORD
from tests.consults.building import answer_all, start
from tests.reading import shown

TARGET = "/account/"
LONG = "My skin burns at night.\r\n\r\nIt began three weeks ago <b>after</b> \"Sun & Sea\" 🌊 & that's all"


def token(page: Any) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert found
    return found[1]


def sealed_in(page: Any) -> str:
    found = re.search(r'name="kept" value="([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return found[1]


def given_back(page: Any) -> dict[str, list[str]]:
    """The fields as a browser would send them from the last page."""
    text = page.content.decode()
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<textarea name="([^"]+)" hidden[^>]*>\n(.*?)</textarea>', text, re.DOTALL):
        fields.setdefault(html.unescape(name), []).append(html.unescape(value))
    return fields


@pytest.fixture
def typed() -> dict[str, Any]:
    key = "0d9f3f63-2f02-4f0b-a4b4-9f1a8b0d3f11"
    return {"answer": LONG, "side": ["left", "right"], "form_key": key, "time_zone": "America/Denver"}


@pytest.fixture
def lost(as_: Any, ana: User, typed: dict[str, Any]) -> tuple[Client, Any]:
    """Ana's browser after she pressed Save on a page whose sign-in was gone, and the answer to that."""
    client = as_(ana, enforce_csrf_checks=True)
    page = client.get(TARGET)
    Session.objects.all().delete()
    return client, client.post(TARGET, {**typed, "csrfmiddlewaretoken": token(page)})


def test_what_was_typed_is_there_after_signing_in_and_one_press_saves_it(
    lost: tuple[Client, Any], ana: User, typed: dict[str, Any]
) -> None:
    client, page = lost
    assert page.status_code == 200 and "What you typed is safe" in page.content.decode()
    back = client.post(
        reverse("accounts:resume"),
        {"kept": sealed_in(page), "login": ana.email, "password": PASSWORD, "csrfmiddlewaretoken": token(page)},
    )
    assert back.status_code == 200 and "Save what I typed" in back.content.decode()
    fields = given_back(back)
    assert fields["answer"] == [LONG] and fields["side"] == ["left", "right"]
    assert fields["form_key"] == [typed["form_key"]]  # still one deed, however often it is pressed
    assert f'action="{TARGET}"' in back.content.decode()

    done = client.post(TARGET, {**fields, "csrfmiddlewaretoken": token(back)})
    assert done.status_code == 302
    ana.refresh_from_db()
    assert ana.time_zone == "America/Denver"


def test_the_text_is_kept_nowhere_on_the_server(lost: tuple[Client, Any], ana: User) -> None:
    _client, page = lost
    assert not Session.objects.exists()
    assert "burns" not in page.content.decode() and "Sea" not in shown(page)
    assert "no-store" in page["Cache-Control"]
    assert not OutgoingMail.objects.exists() and not AccessEvent.objects.exists()
    ana.refresh_from_db()
    assert ana.time_zone == ""


def test_nothing_is_saved_before_the_press(lost: tuple[Client, Any], ana: User) -> None:
    client, page = lost
    client.post(
        reverse("accounts:resume"),
        {"kept": sealed_in(page), "login": ana.email, "password": PASSWORD, "csrfmiddlewaretoken": token(page)},
    )
    ana.refresh_from_db()
    assert ana.time_zone == ""


def test_a_wrong_password_keeps_the_text(lost: tuple[Client, Any], ana: User) -> None:
    client, page = lost
    again = client.post(
        reverse("accounts:resume"),
        {"kept": sealed_in(page), "login": ana.email, "password": "no such", "csrfmiddlewaretoken": token(page)},
    )
    assert again.status_code == 200 and "do not belong together" in again.content.decode()
    assert sealed_in(again) == sealed_in(page) and "burns" not in again.content.decode()


def test_too_many_tries_do_not_lose_the_text_either(lost: tuple[Client, Any], ana: User) -> None:
    client, page = lost
    statuses = set()
    for _ in range(31):
        again = client.post(
            reverse("accounts:resume"),
            {"kept": sealed_in(page), "login": ana.email, "password": "no", "csrfmiddlewaretoken": token(page)},
        )
        assert sealed_in(again) == sealed_in(page)
        statuses.add(again.status_code)
    assert statuses == {200, 429}


def test_without_signing_in_the_text_is_not_shown(lost: tuple[Client, Any]) -> None:
    client, page = lost
    again = client.post(reverse("accounts:resume"), {"kept": sealed_in(page), "csrfmiddlewaretoken": token(page)})
    assert "burns" not in again.content.decode() and sealed_in(again) == sealed_in(page)


def test_signing_in_in_another_tab_works_too(lost: tuple[Client, Any], ana: User) -> None:
    """That makes the token of the first page stale; its button still brings the text back."""
    client, page = lost
    login = client.get(reverse("account_login"))
    client.post(
        reverse("account_login"), {"login": ana.email, "password": PASSWORD, "csrfmiddlewaretoken": token(login)}
    )
    back = client.post(
        reverse("accounts:resume"), {"kept": sealed_in(page), "csrfmiddlewaretoken": token(page)},
        headers={"Origin": "http://testserver"},
    )
    assert given_back(back)["answer"] == [LONG]
    assert client.post(TARGET, {**given_back(back), "csrfmiddlewaretoken": token(back)}).status_code == 302


def test_somebody_with_a_second_step_finishes_in_a_new_tab(as_: Any, ana: User) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time

    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(ana, secret)
    client = as_(ana, enforce_csrf_checks=True)
    page = client.get(TARGET)
    Session.objects.all().delete()
    page = client.post(TARGET, {"answer": LONG, "csrfmiddlewaretoken": token(page)})
    half = client.post(
        reverse("accounts:resume"),
        {"kept": sealed_in(page), "login": ana.email, "password": PASSWORD, "csrfmiddlewaretoken": token(page)},
    )
    text = half.content.decode()
    assert "Finish signing in" in text and reverse("mfa_authenticate") in text and "burns" not in text

    tab = client.get(reverse("mfa_authenticate"))
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    answer = client.post(reverse("mfa_authenticate"), {"code": code, "csrfmiddlewaretoken": token(tab)})
    assert answer.status_code == 302
    back = client.post(
        reverse("accounts:resume"), {"kept": sealed_in(half), "csrfmiddlewaretoken": token(half)},
        headers={"Origin": "http://testserver"},
    )
    assert given_back(back)["answer"] == [LONG]


def test_another_person_does_not_get_the_text(as_: Any, ana: User, ben: User, typed: dict[str, Any]) -> None:
    """The sign-in ran out by its limit, so the server still knew whose form it was."""
    with time_machine.travel("2026-03-01 18:00:00+00:00", tick=False) as clock:
        client = as_(ana)
        client.get(TARGET)
        clock.shift(dt.timedelta(minutes=45))
        page = client.post(TARGET, typed)
        assert "What you typed is safe" in page.content.decode()
        answer = client.post(
            reverse("accounts:resume"), {"kept": sealed_in(page), "login": ben.email, "password": PASSWORD}
        )
        assert answer.status_code == 410 and "burns" not in answer.content.decode()
        mine = Client().post(
            reverse("accounts:resume"), {"kept": sealed_in(page), "login": ana.email, "password": PASSWORD}
        )
        assert given_back(mine)["answer"] == [LONG]


def test_after_an_hour_it_is_gone(as_: Any, ana: User, typed: dict[str, Any]) -> None:
    with time_machine.travel("2026-03-01 18:00:00+00:00", tick=False) as clock:
        page = Client().post(TARGET, typed)
        clock.shift(dt.timedelta(hours=1, seconds=1))
        late = as_(ana).post(reverse("accounts:resume"), {"kept": sealed_in(page)})
    assert late.status_code == 410 and "once more" in late.content.decode()


@pytest.mark.parametrize("kept", ["", "gAAAAAnonsense", "x" * 5000])
def test_a_made_up_seal_opens_nothing(as_: Any, ana: User, kept: str) -> None:
    assert as_(ana).post(reverse("accounts:resume"), {"kept": kept}).status_code == 410


def test_passwords_tokens_and_files_are_not_carried_along(as_: Any, ana: User) -> None:
    page = Client().post(
        TARGET,
        {"answer": LONG, "password": "s3cret", "photo": SimpleUploadedFile("a.jpg", b"\xff\xd8", "image/jpeg")},
    )
    assert "choose them again" in page.content.decode()
    kept = resume.unseal(sealed_in(page), account="")
    assert kept is not None and kept.had_files and [name for name, _ in kept.fields] == ["answer"]


def test_an_empty_form_just_leads_to_sign_in() -> None:
    answer = Client().post(TARGET, {"answer": ""})
    assert answer.status_code == 302 and answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}])
def test_a_call_from_a_script_is_not_answered_with_a_page(headers: dict[str, str]) -> None:
    answer = Client().post(TARGET, {"answer": LONG}, headers=headers)
    assert answer.status_code == 302


def test_a_far_too_long_text_leads_to_sign_in_as_usual() -> None:
    import random

    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=1_400_000))
    assert Client().post(TARGET, {"answer": noise}).status_code == 302


def test_a_stale_page_of_somebody_signed_in_is_not_lost_either(as_: Any, ana: User) -> None:
    """Signed out and in again in another tab: the token of the old page no longer fits."""
    client = as_(ana, enforce_csrf_checks=True)
    page = client.get(TARGET)
    old = token(page)
    login = Client(enforce_csrf_checks=True)
    client.cookies["csrf"] = login.get(reverse("account_login")).cookies["csrf"].value
    answer = client.post(
        TARGET, {"time_zone": "America/Denver", "answer": LONG, "csrfmiddlewaretoken": old},
        headers={"Origin": "http://testserver"},
    )
    assert answer.status_code == 403  # refused: nothing was done
    ana.refresh_from_db()
    assert ana.time_zone == ""
    done = client.post(TARGET, {**given_back(answer), "csrfmiddlewaretoken": token(answer)})
    assert done.status_code == 302
    ana.refresh_from_db()
    assert ana.time_zone == "America/Denver"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_form_from_another_site_gets_nothing_to_press(as_: Any, ana: User, origin: str) -> None:
    client = as_(ana, enforce_csrf_checks=True)
    client.get(TARGET)
    answer = client.post(
        TARGET, {"time_zone": "America/Denver", "csrfmiddlewaretoken": "x" * 64},
        headers={"Origin": origin} if origin else {},
    )
    assert answer.status_code == 403 and not given_back(answer)
    assert "Denver" not in answer.content.decode()


def test_the_answers_of_a_consult_are_there_after_signing_in_anew(as_: Any, ana: User) -> None:
    """The trial of fault 41, to the letter: fill in, lose the session row, press Continue."""
    consult = start(ana)
    answer_all(ana, consult)
    url = reverse("consults:step", args=[consult.pk, "goals"])
    client = as_(ana, enforce_csrf_checks=True)
    page = client.get(url)
    Session.objects.all().delete()
    page = client.post(url, {"goals": LONG, "else": "Nothing else, thank you.", "csrfmiddlewaretoken": token(page)})
    back = client.post(
        reverse("accounts:resume"),
        {"kept": sealed_in(page), "login": ana.email, "password": PASSWORD, "csrfmiddlewaretoken": token(page)},
    )
    done = client.post(url, {**given_back(back), "csrfmiddlewaretoken": token(back)})
    assert done.status_code == 302
    kept = {row.question_id: row.value for row in Answer.objects.filter(encounter_id=consult.encounter_id)}
    assert "burns at night" in str(kept["goals"]) and "Nothing else" in str(kept["else"])


def test_the_consult_of_another_person_takes_nothing(as_: Any, ana: User, ben: User) -> None:
    """Ben signs in on the page that Ana left behind: the text goes nowhere, her consult is not his."""
    consult = start(ana)
    url = reverse("consults:step", args=[consult.pk, "goals"])
    page = Client().post(url, {"goals": LONG})
    client = Client()
    back = client.post(
        reverse("accounts:resume"), {"kept": sealed_in(page), "login": ben.email, "password": PASSWORD}
    )
    assert client.post(url, given_back(back)).status_code == 404
    assert not Answer.objects.filter(question_id="goals").exists()
