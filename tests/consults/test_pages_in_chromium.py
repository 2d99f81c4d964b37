"""The patient's pages in a real browser: a phone, with and without JavaScript, and axe over each."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from consults import services
from consults.models import Consult
from portal.accounts.models import User
from portal.agreements.services import policies_publish
from records.models import Photo
from records.photos.processing import photo_process
from tests.consults.building import answered, asked, jpeg, person, start, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ready_site(settings: Any) -> None:
    """Policies published; no worker is nudged."""
    settings.POKE_ENABLED = False
    policies_publish()


@pytest.fixture
def phone(ready_site: None, chromium: Browser, live_server: Any, as_: Any) -> Any:
    """``phone(ana)`` is a page on Ana's phone; what its console complains of is in ``page.trouble``."""

    def open_page(user: User, *, js: bool = True, width: int = 375) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 812}, java_script_enabled=js
        )
        session = as_(user).cookies["session"].value
        context.add_cookies([{"name": "session", "value": session, "url": live_server.url}])
        page = context.new_page()
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page.trouble = trouble  # type: ignore[attr-defined]
        return page

    return open_page


def every_page(ana: User, clinician: User) -> list[str]:
    patient = person(ana)
    old = answered(ana, clinician, patient)
    services.consult_message(by=clinician.actor, consult_id=old.pk, body="How is it?", form_key=uuid4())
    open_question, queued, draft = asked(ana, clinician, patient), waiting(ana, patient), start(ana, patient)
    ways = ["", "steps/urgent/", "steps/since/", "steps/looks/", "steps/mood/", "steps/goals/", "photos/front/",
            "photos/left/", "photos/close_up/", "photos/back/", "photos/", "review/", "withdraw/"]
    return [
        "/home/", "/messages/", "/consults/start/", f"/consults/{open_question.pk}/",
        f"/consults/{open_question.pk}/messages/", f"/consults/{old.pk}/plan/", f"/consults/{queued.pk}/",
        *[f"/consults/{draft.pk}/{way}" for way in ways],
    ]


def test_no_page_breaks_a_rule_of_axe_or_scrolls_sideways_at_320(phone: Any, ana: User, clinician: User) -> None:
    page, found = phone(ana, width=320), []
    for path in every_page(ana, clinician):
        page.goto(path)
        found += [f"{path}: {rule['id']}" for rule in Axe().run(page).response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            found.append(f"{path}: scrolls sideways")
    assert found == [] and page.trouble == []


def test_after_a_refusal_the_summary_has_the_focus(phone: Any, ana: User) -> None:
    consult, page = start(ana), phone(ana)
    page.goto(f"/consults/{consult.pk}/steps/urgent/")
    page.get_by_role("button", name="Continue").click()
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert Axe().run(page).response["violations"] == []


def picture(folder: Path, data: bytes) -> str:
    file = folder / "IMG_0001.jpg"
    file.write_bytes(data)
    return str(file)


def test_a_photo_goes_up_with_words_for_each_step(phone: Any, ana: User, tmp_path: Path) -> None:
    consult: Consult = start(ana)
    page: Page = phone(ana)
    page.goto(f"/consults/{consult.pk}/photos/front/")
    assert page.locator("button.send:visible").count() == 0, "nothing to send yet"
    page.set_input_files("#id_photo", picture(tmp_path, b"no photo at all"))
    page.locator("button.send:visible").click()
    page.get_by_text("not a photo we can open").first.wait_for()
    assert not Photo.objects.exists()
    page.set_input_files("#id_photo", picture(tmp_path, jpeg()))
    page.locator("button.send:visible").click()
    page.get_by_text("getting it ready").wait_for()
    photo_process(photo_id=Photo.objects.get().pk)
    page.get_by_text("We have it").wait_for(timeout=6000)  # the page asked again by itself
    assert page.locator("#photo-status .coach img").evaluate("image => image.naturalWidth") > 0
    assert page.trouble == []  # type: ignore[attr-defined]


def test_a_photo_goes_up_without_javascript(phone: Any, ana: User, tmp_path: Path) -> None:
    consult: Consult = start(ana)
    page: Page = phone(ana, js=False)
    page.goto(f"/consults/{consult.pk}/photos/left/")
    page.set_input_files("#id_photo_camera", picture(tmp_path, jpeg()))
    page.locator("button.send:visible").click()
    assert "getting it ready" in page.inner_text("main")
    photo_process(photo_id=Photo.objects.get().pk)
    page.reload()
    assert "We have it" in page.inner_text("main")


def test_the_page_that_was_left_is_there_on_the_way_back(phone: Any, ana: User) -> None:
    consult, page = start(ana), phone(ana)
    page.goto(f"/consults/{consult.pk}/steps/urgent/")
    page.get_by_label("None of these").check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/steps/place/")
    page.go_back()
    assert page.get_by_label("None of these").is_checked()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/steps/place/")
    page.get_by_role("link", name="Back").click()
    assert page.get_by_label("None of these").is_checked()
