"""The patient's pages, as a browser without JavaScript meets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from consults.models import Consult
from consults.questionnaires import load
from consults.state import ConsultState
from portal.accounts.models import User
from records.models import Patient, Photo
from records.photos.models import REQUIRED_VIEWS
from tests.consults.building import answer_for, answers_now, jpeg, photo

As = Callable[[User | None], Client]


def url(name: str, consult: Consult, *more: Any) -> str:
    return reverse(f"consults:{name}", args=[consult.pk, *more])


def new_patient(browser: Client) -> None:
    page = browser.get("/home/")
    assert page.url == "/welcome/"
    sent = {
        "given_name": "Ana", "family_name": "Okafor", "state": "MN", "phone": "",
        "birth_date_month": "4", "birth_date_day": "4", "birth_date_year": "1990",
    }
    done = browser.post("/welcome/", sent)
    assert done.status_code == 302 and done.url == "/home/"


@pytest.mark.promise("S1", "P06")
def test_from_welcome_to_payment_without_a_script(ana: User, as_: As) -> None:
    browser = as_(ana)
    new_patient(browser)
    assert Patient.objects.get().full_name == "Ana Okafor"
    assert "Let us look at your skin" in browser.get("/home/").content.decode()
    assert browser.get("/consults/start/").status_code == 200
    page = browser.post("/consults/start/", {"form_key": str(uuid4())})
    consult = Consult.objects.get()
    assert page.url == url("step", consult, "urgent")
    screen = load(consult.questionnaire).screens[0]
    while True:
        shown = browser.get(page.url)
        assert shown.status_code == 200
        asked = screen.asked(answers_now(consult))
        page = browser.post(page.url, {question.id: answer_for(question, {}) for question in asked})
        assert page.status_code == 302
        if "/steps/" not in page.url:
            break
        screen = load(consult.questionnaire).screen(page.url.split("/")[-2])
    assert page.url == url("photo", consult, "front")
    for view in REQUIRED_VIEWS:
        assert browser.get(url("photo", consult, view.value)).status_code == 200
        sent = browser.post(
            url("photo_send", consult, view.value),
            {"form_key": str(uuid4()), "photo": SimpleUploadedFile("x.jpg", jpeg(), "image/jpeg")},
        )
        assert sent.url == url("photo", consult, view.value)
        assert "getting it ready" in browser.get(sent.url).content.decode()
    Photo.objects.all().delete()
    for view in REQUIRED_VIEWS:
        photo(consult.encounter, view.value)
    assert browser.get(url("photos", consult)).status_code == 200
    assert browser.get(url("review", consult)).status_code == 200
    done = browser.post(url("review", consult), {"care": "on", "agreement": "on"})
    consult.refresh_from_db()
    assert consult.state == ConsultState.AWAITING_PAYMENT
    assert done.url == reverse("billing:pay", args=[consult.order_id])
    assert browser.get(url("consult", consult)).status_code == 200
