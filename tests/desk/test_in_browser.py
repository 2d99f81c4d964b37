"""The desk in Chromium: by keys, by hand without JavaScript, on a phone, and with no complaint of any kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from consults.services import consult_take
from consults.state import ConsultState
from portal.accounts.models import User
from portal.demo.pictures import Sitter, picture
from tests.desk.building import Case, taken, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.promise("S2")]

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 812}


@pytest.fixture
def desk(chromium: Browser, live_server: Any, as_: Any, clinician: User) -> Iterator[Callable[..., Page]]:
    """Opens windows of the clinician's browser. At the end nothing may have been blocked or have failed."""
    complaints: list[str] = []
    contexts = []

    def window(user: User | None = None, **options: Any) -> Page:
        client = as_(user or clinician)
        name = django_settings.SESSION_COOKIE_NAME
        context = chromium.new_context(base_url=live_server.url, **{"viewport": WIDE, **options})
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        return page

    yield window
    for context in contexts:
        context.close()
    assert complaints == []


def pictures(number: int, marks: int = 24) -> dict[str, bytes | None]:
    return {view: picture(Sitter(number, marks), view, size=(450, 600)) for view in ("front", "left", "right")}


def follow_up(clinician: User) -> Case:
    """A case with an earlier one, so that there is something to compare."""
    first = taken(clinician, pictures=pictures(1, 46))
    again = waiting(
        user=first.user, patient=first.patient, pictures=pictures(1, 22), due_in=3.2,
        answers={"tried": ["retinoid"], "allergies": ["clindamycin"], "reaction": "Bad diarrhea"},
    )
    consult_take(by=clinician.actor, consult_id=again.id)
    return again


def at(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def test_the_whole_way_from_queue_to_sent_answer_without_javascript(desk: Callable[..., Page]) -> None:
    case = waiting(pictures=pictures(2))
    page = desk(java_script_enabled=False)
    page.goto(at("consults_queue"))
    page.get_by_role("link", name="Ana O.").click()
    page.get_by_role("button", name="Take this case").click()
    page.get_by_label("Start from a template").select_option(label="Gentle plan: azelaic acid")
    page.get_by_role("button", name="Fill in").click()
    expect(page.get_by_label("Letter to the patient")).to_have_value(beginning_with("Thank you for the clear photos"))
    page.get_by_label("Right picture").select_option(label="Right side")
    page.get_by_role("button", name="Show these").click()
    expect(page.locator("[data-compare] figcaption").nth(1)).to_have_text("Right side · now")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#plan-preview")).to_contain_text("Azelaic acid 15% gel")
    page.get_by_role("button", name="Sign and send").click()
    expect(page.get_by_role("alert")).to_contain_text("Tick this once you have looked at them all.")
    page.get_by_label("I have looked at all photos and answers.").check()
    page.get_by_role("button", name="Sign and send").click()
    expect(page.get_by_text("Signed and sent.")).to_be_visible()
    assert case.state == ConsultState.ANSWERED


def beginning_with(words: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(words))


def test_keys_turn_compare_and_enlarge_pictures_but_never_while_typing(
    desk: Callable[..., Page], clinician: User
) -> None:
    case, page = follow_up(clinician), desk()
    page.goto(at("consults_case", case.id))
    captions = page.locator("[data-compare] figcaption")
    expect(captions.nth(0)).to_have_text("Front · now")
    page.keyboard.press("ArrowRight")
    expect(captions.nth(0)).to_have_text("Left side · now")
    expect(captions.nth(1)).to_contain_text("Left side")
    page.keyboard.press("c")
    expect(page.locator("[data-compare] figure").nth(1)).to_be_hidden()
    page.keyboard.press("z")
    expect(page.get_by_role("dialog", name="Photo, large")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_role("dialog", name="Photo, large")).to_be_hidden()
    page.get_by_label("Letter to the patient").press_sequentially("cznjk")
    expect(page.get_by_label("Letter to the patient")).to_have_value("cznjk")
    expect(captions.nth(0)).to_have_text("Left side · now")


def test_keys_can_be_turned_off_and_stay_off(desk: Callable[..., Page], clinician: User) -> None:
    case, page = follow_up(clinician), desk()
    page.goto(at("consults_case", case.id))
    page.get_by_role("button", name="Turn the keys off").click()
    page.reload()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-compare] figcaption").nth(0)).to_have_text("Front · now")
    page.get_by_role("button", name="Turn the keys on").click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-compare] figcaption").nth(0)).to_have_text("Left side · now")


def test_one_chord_signs_and_what_is_missing_gets_the_focus(desk: Callable[..., Page], clinician: User) -> None:
    case, page = taken(clinician, pictures=pictures(3)), desk()
    page.goto(at("consults_case", case.id))
    page.get_by_label("Letter to the patient").fill("Dear Ana")
    page.keyboard.press("Control+Enter")
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("Say what you found before you sign.")
    expect(alert).to_be_focused()
    expect(page.get_by_label("Letter to the patient")).to_have_value("Dear Ana")


def test_a_line_can_be_added_and_is_kept(desk: Callable[..., Page], clinician: User) -> None:
    case, page = taken(clinician, pictures=pictures(3)), desk()
    page.goto(at("consults_case", case.id))
    evening = page.get_by_role("group", name="Evening")
    evening.get_by_role("button", name="Add a line").click()
    lines = evening.locator("[data-line]")
    expect(lines).to_have_count(5)
    expect(lines.nth(4).get_by_placeholder("What")).to_be_focused()
    lines.nth(4).get_by_placeholder("What").fill("Moisturizer")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    expect(page.get_by_role("group", name="Evening").get_by_placeholder("What").nth(0)).to_have_value("Moisturizer")


def test_leaving_with_unsaved_words_asks_first(desk: Callable[..., Page], clinician: User) -> None:
    case, page = taken(clinician, pictures=pictures(3)), desk()
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.goto(at("consults_case", case.id))
    page.get_by_label("Letter to the patient").press_sequentially("Half a thought")
    page.get_by_role("link", name="Consults").first.click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    expect(page.get_by_label("Letter to the patient")).to_have_value("Half a thought")
    page.get_by_role("textbox", name="Message").fill("Do you use a scrub?")
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_text("Message sent.")).to_be_visible()
    expect(page.get_by_label("Letter to the patient")).to_have_value("Half a thought")
    assert asked == ["beforeunload"]


def test_photos_stay_in_sight_while_the_answer_is_scrolled(desk: Callable[..., Page], clinician: User) -> None:
    case, page = follow_up(clinician), desk()
    page.goto(at("consults_case", case.id))
    page.get_by_role("button", name="Sign and send").scroll_into_view_if_needed()
    expect(page.locator("[data-compare]")).to_be_in_viewport()
    expect(page.locator(".who")).to_be_in_viewport()


@pytest.mark.parametrize("size", [WIDE, PHONE, {"width": 320, "height": 640}], ids=["wide", "phone", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_the_desk_is_fit_for_everyone(
    desk: Callable[..., Page], clinician: User, support: User, size: dict[str, int], scheme: str
) -> None:
    case, free = follow_up(clinician), waiting(pictures=pictures(5))
    page = desk(viewport=size, color_scheme=scheme)
    addresses = [
        at("index"), at("consults_queue"), at("consults_case", free.id), at("consults_case", case.id),
        at("consults_case", case.id) + "?template=moderate", at("consults_decline", case.id),
    ]
    for address in addresses:
        _fit(page, address, size)
    staff = desk(support, viewport=size, color_scheme=scheme)
    for address in (at("index"), at("accounts_user_changelist"), at("accounts_user_change", clinician.pk)):
        _fit(staff, address, size)


def _fit(page: Page, address: str, size: dict[str, int]) -> None:
    page.goto(address)
    found = Axe().run(page).response["violations"]
    assert [(row["id"], row["nodes"][0]["html"]) for row in found] == [], address
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], address
