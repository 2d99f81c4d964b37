"""The photo pages, with plain posts as without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from consults import services
from consults.models import Consult
from portal.accounts.models import User
from records.models import Photo
from records.photos.models import PhotoState, PhotoView
from tests.consults.building import asked, jpeg, photo, start, waiting

As = Callable[[User | None], Client]


def url(name: str, consult: Consult, *more: Any) -> str:
    return reverse(f"consults:{name}", args=[consult.pk, *more])


def picture(data: bytes | None = None, name: str = "IMG_1.HEIC") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, jpeg() if data is None else data, "application/octet-stream")


def words(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def draft(ana: User) -> Consult:
    return start(ana)


@pytest.mark.parametrize("view", PhotoView.values)
def test_every_view_has_its_coach_and_two_ways_to_send(view: str, draft: Consult, ana: User, as_: As) -> None:
    shown = words(as_(ana).get(url("photo", draft, view)))
    assert shown.count('type="file"') == 2 and shown.count("capture=") == 1
    assert 'enctype="multipart/form-data"' in shown and "<svg" in shown
    assert shown.count(url("photo_send", draft, view)) == 2


def test_five_presses_send_one_photo(draft: Consult, ana: User, as_: As) -> None:
    browser, key = as_(ana), str(uuid4())
    for _ in range(5):
        done = browser.post(url("photo_send", draft, "front"), {"form_key": key, "photo": picture()})
        assert done.url == url("photo", draft, "front")
    assert Photo.objects.count() == 1


def test_a_retake_replaces_the_one_before(draft: Consult, ana: User, as_: As) -> None:
    browser = as_(ana)
    for _ in range(4):
        browser.post(url("photo_send", draft, "front"), {"form_key": str(uuid4()), "photo": picture()})
    assert Photo.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"%PDF-1.4 ...", "document, not a photo"),
        (b"GIF89a......", "moving picture"),
        (b"hello, I am a text", "not a photo we can open"),
        (b"<svg onload=alert(1)>", "not a photo we can open"),
    ],
)
def test_what_is_no_photo_is_refused_in_words_and_leaves_nothing(
    data: bytes, said: str, draft: Consult, ana: User, as_: As
) -> None:
    page = as_(ana).post(
        url("photo_send", draft, "front"), {"form_key": str(uuid4()), "photo": picture(data, "<b>x</b>.jpg")}
    )
    shown = words(page)
    assert page.status_code == 200 and said in shown
    assert 'aria-invalid="true"' in shown and 'role="alert"' in shown and 'href="#id_photo"' in shown
    assert not Photo.objects.exists()


def test_no_file_at_all_says_what_to_do(draft: Consult, ana: User, as_: As) -> None:
    page = as_(ana).post(url("photo_send", draft, "front"), {"form_key": str(uuid4())})
    assert "Please take or choose a photo first" in words(page)


def test_a_store_that_fails_says_so_and_keeps_the_former_photo(
    draft: Consult, ana: User, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo(draft.encounter, "front")

    def broken(*args: Any, **kwargs: Any) -> None:
        raise OSError("no space")

    monkeypatch.setattr("portal.crypto.sealed.write", broken)
    page = as_(ana).post(url("photo_send", draft, "front"), {"form_key": str(uuid4()), "photo": picture()})
    assert "could not save that photo" in words(page)
    assert Photo.objects.count() == 1


def test_the_page_asks_again_only_while_it_waits(draft: Consult, ana: User, as_: As) -> None:
    browser = as_(ana)
    sent = photo(draft.encounter, "front", state=PhotoState.RECEIVED)
    page = words(browser.get(url("photo", draft, "front")))
    assert "hx-get" in page and 'http-equiv="refresh"' in page
    assert "hx-get" in words(browser.get(url("photo_status", draft, "front")))
    sent.delete()
    photo(draft.encounter, "front")
    ready = words(browser.get(url("photo_status", draft, "front")))
    assert "hx-get" not in ready and "We have it" in ready


def test_a_photo_that_turned_out_broken_gives_its_reason_and_another_try(draft: Consult, ana: User, as_: As) -> None:
    photo(draft.encounter, "front", state=PhotoState.REFUSED, code="broken")
    page = words(as_(ana).get(url("photo", draft, "front")))
    assert "damaged or was cut short" in page and 'role="alert"' in page and page.count('type="file"') == 2


def test_an_unknown_view_is_not_there(draft: Consult, ana: User, as_: As) -> None:
    browser = as_(ana)
    for name in ("photo", "photo_send", "photo_status"):
        assert browser.get(url(name, draft, "genital")).status_code == 404


def test_photos_stay_once_they_are_handed_in_and_may_follow_when_asked(
    ana: User, clinician: User, as_: As
) -> None:
    browser, consult = as_(ana), waiting(ana)
    first = consult.encounter.photos.first()
    assert browser.get(url("photo", consult, "front")).url == url("consult", consult)
    browser.post(url("photo_send", consult, "front"), {"form_key": str(uuid4()), "photo": picture()})
    browser.post(url("photo_remove", consult, first.pk))
    assert Photo.objects.count() == 3
    services.consult_withdraw(by=ana.actor, consult_id=consult.pk)
    consult = asked(ana, clinician, consult.patient)
    done = browser.post(url("photo_send", consult, "close_up"), {"form_key": str(uuid4()), "photo": picture()})
    assert done.url == url("photo", consult, "close_up")
    assert consult.encounter.photos.count() == 4
    assert url("thread", consult) in words(browser.get(done.url))
