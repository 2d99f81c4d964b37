"""My record in Chromium: photos laid over each other without a mouse, paper, and nothing left after signing out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import Page

from portal.demo.stack import Stack
from tests.browser.conftest import Person
from tests.browser.test_pages import axe, focus_is_seen, tab_to

pytestmark = [pytest.mark.browser, pytest.mark.promise("P31")]

ANA = "ana@demo.example"
PAGES = ["/record/", "/record/print/", "/record/photos/", "/record/photos/?view=left", "/record/photos/compare/"]
Somebody = Callable[..., Person]


@pytest.fixture
def ana(somebody: Somebody) -> Person:
    person = somebody(width=375)
    person.sign_in(ANA)
    return person


def until(page: Page, truth: str, *, seconds: float = 10) -> None:
    """Wait for an expression; Playwright's own waiting evaluates text in the page, which the page's policy forbids."""
    for _ in range(int(seconds * 20)):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(50)
    raise AssertionError(truth)


def line_at(page: Page) -> float:
    """Where the line between the two pictures stands, in percent from the left, as it is drawn."""
    return float(page.evaluate("""() => {
        const box = document.querySelector('.sliding').getBoundingClientRect();
        const line = document.querySelector('.divide').getBoundingClientRect();
        return 100 * (line.left - box.left) / box.width;
    }"""))


def shown(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.querySelector('.sliding figure')).clipPath"))


# --- Two photos compared: keyboard, buttons, finger (RULES 6.8) ---------------------------------------------


def test_the_line_moves_by_keys_by_buttons_and_by_a_finger(ana: Person) -> None:
    page = ana.go("/record/photos/compare/")
    page.wait_for_selector(".sliding")
    assert line_at(page) == pytest.approx(50, abs=1)
    tab_to(ana, "#line")
    before = shown(page)
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert line_at(page) == pytest.approx(60, abs=1) and shown(page) != before
    says = page.get_attribute("#line", "aria-valuetext") or ""
    assert re.fullmatch(r"60 percent of \w{3} \d+, \d{4}", says)
    page.keyboard.press("Home")
    assert line_at(page) == pytest.approx(0, abs=1)
    for button, place in ((0, 100), (2, 0), (1, 50)):
        page.locator("[data-to]").nth(button).click()
        assert line_at(page) == pytest.approx(place, abs=1)
    page.locator(".sliding").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, 0)")
    box = page.locator(".sliding").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + 40)  # one press is enough, nobody must drag
    assert line_at(page) == pytest.approx(25, abs=2)
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60, steps=5)
    page.mouse.up()
    assert line_at(page) == pytest.approx(80, abs=2)
    page.mouse.move(box["x"] + 10, box["y"] + 60)
    assert line_at(page) == pytest.approx(80, abs=2), "let go is let go"
    assert ana.violations() == []


def test_another_photo_is_chosen_in_place_and_a_reload_shows_the_same_two(ana: Person) -> None:
    page = ana.go("/record/photos/compare/")
    page.wait_for_selector(".sliding")
    options = page.locator("#before option").all_inner_texts()
    assert len(options) == 4 and page.locator("[data-apart]").count() == 1
    page.select_option("#before", index=1)
    assert page.locator(".sliding figcaption").first.inner_text() == options[1]
    assert page.locator("[data-to='100']").inner_text() == options[1]
    assert options[1] in (page.get_attribute("#line", "aria-valuetext") or "")
    assert options[1] in (page.locator("a[data-large]").first.get_attribute("data-large") or "")
    source = page.locator(".sliding img").first.get_attribute("src")
    assert source == page.locator("#before option").nth(1).get_attribute("data-src")
    page.reload()
    page.wait_for_selector(".sliding")
    assert page.locator(".sliding img").first.get_attribute("src") == source
    until(page, "[...document.querySelectorAll('.sliding img')].every(i => i.naturalWidth > 100)")


def test_without_javascript_the_two_stand_side_by_side_and_can_be_chosen(somebody: Somebody) -> None:
    person = somebody(width=375, java_script_enabled=False)
    person.sign_in(ANA)
    page = person.go("/record/photos/compare/")
    left, right = (page.locator(".compare figure").nth(number).bounding_box() for number in (0, 1))
    assert left and right and left["x"] + left["width"] <= right["x"] + 1 and abs(left["y"] - right["y"]) < 2
    assert not page.locator("#line").is_visible()
    page.select_option("#after", index=2)
    person.press("Show these two")
    assert "after=" in page.url and page.locator("#after option[selected]").inner_text() in page.inner_text(".compare")


# --- One photo large -----------------------------------------------------------------------------------------


def test_a_photo_is_seen_large_and_the_next_without_a_mouse(ana: Person) -> None:
    page = ana.go("/record/photos/")
    tab_to(ana, "a[data-large]")
    first = page.evaluate("document.activeElement.dataset.large")
    page.keyboard.press("Enter")
    page.wait_for_selector("#larger[open]")
    assert page.inner_text("#larger-words") == first
    assert page.locator("[data-step='-1']").is_disabled()
    page.keyboard.press("ArrowRight")
    second = page.inner_text("#larger-words")
    assert second != first and focus_is_seen(ana)
    until(page, "document.querySelector('#larger img').naturalWidth > 100")
    page.get_by_role("button", name="Full size").click()
    assert page.get_attribute("[data-full]", "aria-pressed") == "true"
    assert page.evaluate("document.querySelector('.pane').scrollWidth > document.querySelector('.pane').clientWidth")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#larger-words") == second, "in full size the keys move about in the picture"
    assert axe(page, "/record/photos/", "a photo large") == []
    page.keyboard.press("Escape")
    page.wait_for_selector("#larger:not([open])", state="attached")
    assert page.evaluate("document.activeElement.dataset.large") == second
    assert page.evaluate("document.querySelector('#larger img').hasAttribute('src')") is False
    assert ana.violations() == []


# --- Every page, every look ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_no_page_breaks_a_rule_light_or_dark_small_or_large(path: str, ana: Person) -> None:
    """RULES 6.10: also at 320 px, and at 400 % zoom of a laptop's window, nothing scrolls sideways."""
    page, wrong = ana.go(path), []
    page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")
    for width, height in ((375, 780), (1280, 900)):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            wrong += axe(page, path, f"{width} {scheme}")
    for width, height in ((320, 780), (320, 256)):
        page.set_viewport_size({"width": width, "height": height})
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong.append(f"{path}: {wide} px wide at {width} px")
    assert wrong + ana.violations() == []


def test_each_part_of_the_record_is_one_press_away(ana: Person) -> None:
    page = ana.go("/record/")
    for link in page.locator(".parts a").all():
        target = (link.get_attribute("href") or "").removeprefix("#")
        link.click()
        top = page.evaluate("id => document.getElementById(id).getBoundingClientRect().top", target)
        end = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
        assert -2 <= top < 200 or end, target
    # The address of an older consult opens its fold.
    links: list[str] = page.eval_on_selector_all("[id^=consult-]", "all => all.map(part => part.id)")
    ana.go("/home/")
    ana.go(f"/record/#{links[-1]}")
    assert page.locator(f"#{links[-1]}").is_visible()


@pytest.mark.promise("P07")
def test_a_number_is_covered_until_one_asks_and_again_on_a_reload(ana: Person) -> None:
    page = ana.go("/record/identifiers/")
    assert "S530-014-871-2204" not in page.content()
    ana.press("Show the number")
    page.wait_for_url("**/show/")
    assert page.get_by_text("S530-014-871-2204").is_visible()
    assert axe(page, "the number", "375 light") == [] and ana.violations() == []
    ana.go(page.url)
    assert "S530-014-871-2204" not in page.content() and axe(page, "the question", "375 light") == []


# --- Paper ---------------------------------------------------------------------------------------------------


def test_on_paper_the_name_stands_on_every_page_and_nothing_is_folded(ana: Person) -> None:
    page = ana.go("/record/print/")
    until(page, "[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    paper = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
    pages = [paper[number].get_textpage().get_text_range() for number in range(len(paper))]
    assert len(pages) >= 4
    for number, words in enumerate(pages, start=1):
        assert re.search(r"Ana Okafor · [0-9A-Z]{4}-[0-9A-Z]{4}", words), number
        assert f"{number} / {len(pages)}" in words
    whole = " ".join(" ".join(pages).split())
    for words in ("Penicillin", "dry around the mouth", "Which state are you in right now?", "Prescription"):
        assert words in whole, words
    assert "Messages" not in pages[0] and "Not for emergencies" not in whole, "no navigation on paper"


# --- After signing out (FIELD_FAULTS 48) ---------------------------------------------------------------------


@pytest.mark.promise("P19")
@pytest.mark.parametrize("path", PAGES)
def test_after_signing_out_back_shows_nothing(path: str, ana: Person, stack: Stack) -> None:
    page = ana.go(path)
    assert page.request.get(f"{ana.home}{path}").headers["cache-control"] == "private, no-store"
    inside = page.inner_text("main")
    ana.go("/accounts/logout/")
    with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        ana.press("Sign out")
    assert sent.value.all_headers()["clear-site-data"] == '"cache", "storage"'
    page.wait_for_load_state()
    for _ in range(2):
        page.go_back()
        page.wait_for_load_state()
    now = page.inner_text("body")
    assert inside not in now and "Okafor" not in now and "Penicillin" not in now
    assert page.locator("img[src*='/record/photos/']").count() == 0


def test_a_picture_is_not_kept_either(ana: Person) -> None:
    page = ana.go("/record/photos/")
    kept: list[Any] = page.eval_on_selector_all(".gallery img", "all => all.map(image => image.src)")
    answer = page.request.get(kept[0])
    assert answer.status == 200 and answer.headers["cache-control"] == "private, no-store"
    ana.go("/accounts/logout/")
    ana.press("Sign out")
    assert page.request.get(kept[0], max_redirects=0).status == 302
