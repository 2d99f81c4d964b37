"""Cookies and counting as a visitor's browser sees them (P09, P42): yes, no, and a browser that says no."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Request

from portal.demo.stack import Stack
from tests.browser.conftest import Person, watch
from tests.browser.test_pages import axe

pytestmark = [pytest.mark.browser, pytest.mark.promise("P09", "P42")]
Somebody = Callable[..., Person]
NOBODY_ELSES = "Mozilla/5.0 (Windows NT 10.0; MSIE 11.0)"  # a family of which the demo has no visits
_SAYS_NO = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"


def counted(stack: Stack, page: str) -> int:
    """Visits of this page in a browser that the demo has none of."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as database:
        row = database.execute(
            "SELECT coalesce(sum(views), 0) FROM privacy_visitcount WHERE family = 'Internet Explorer' AND page = %s",
            [page],
        ).fetchone()
    assert row is not None
    return int(row[0])


def becomes(stack: Stack, page: str, number: int) -> bool:
    """The counter reaches this number within some seconds: a browser sends when it likes."""
    ends = time.monotonic() + 8
    while time.monotonic() < ends:
        if counted(stack, page) == number:
            return True
        time.sleep(0.1)
    return False


def told(person: Person) -> list[str]:
    """What the browser sends to the counter."""
    sent: list[str] = []

    def asked(request: Request) -> None:
        if request.url.endswith("/cookies/visit/"):
            sent.append(request.post_data or "")

    person.context.on("request", asked)
    return sent


@pytest.fixture
def ivy(stack: Stack, chromium: Browser) -> Iterator[Person]:
    """Somebody whose browser says it is a person's, also in what it sends when it leaves a page.

    That last message bears the browser's own name, not the one that a context of a test gives it.
    """
    browser = chromium.browser_type.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=["--no-sandbox", f"--user-agent={NOBODY_ELSES}"],
    )
    context = browser.new_context(viewport={"width": 375, "height": 780}, locale="en-US")
    person = Person(context, context.new_page(), stack.url, f"http://localhost:{stack.standin_port}")
    watch(person)
    yield person
    browser.close()
    assert person.faults == []


def test_after_a_yes_each_visit_adds_one_and_after_a_no_none(stack: Stack, ivy: Person) -> None:
    sent = told(ivy)
    ivy.go("/")
    assert ivy.page.get_by_role("button", name="Yes, count").is_visible()
    ivy.go("/how-it-works/")
    ivy.press("Yes, count")
    ivy.page.wait_for_selector("script[data-visit]", state="attached")
    ivy.page.wait_for_load_state("load")
    assert not ivy.page.locator("[data-ask]").count()
    before = {page: counted(stack, page) for page in ("pages:how_it_works", "pages:home", "accounts:profile")}
    ivy.go("/")
    assert becomes(stack, "pages:how_it_works", before["pages:how_it_works"] + 1)
    ivy.go("/cookies/")
    assert becomes(stack, "pages:home", before["pages:home"] + 1)
    ivy.page.go_back()
    ivy.go("/cookies/")
    assert becomes(stack, "pages:home", before["pages:home"] + 2), "also out of the kept page"
    ivy.sign_in("ana@demo.example")
    ivy.go("/account/")
    ivy.go("/home/")
    assert becomes(stack, "accounts:profile", before["accounts:profile"] + 1)
    ivy.go("/cookies/")
    ivy.press("No, do not count")
    ivy.go("/account/")
    ivy.go("/home/")
    time.sleep(1)
    assert counted(stack, "accounts:profile") == before["accounts:profile"] + 1
    assert all({part.split("=")[0] for part in body.split("&")} == {"page", "stay"} for body in sent)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_no_takes_one_press_and_is_kept(somebody: Somebody, scripts: bool) -> None:
    person = somebody(java_script_enabled=scripts)
    person.go("/questions/")
    person.press("No, do not count")
    person.page.wait_for_selector("[data-ask]", state="detached")
    for path in ("/questions/", "/", "/accounts/login/"):
        person.go(path)
        assert not person.page.locator("[data-ask]").count()
    assert {cookie["name"] for cookie in person.context.cookies()} <= {"choice", "csrf"}


@pytest.mark.parametrize("how", ["header", "script"])
def test_a_browser_that_says_no_is_neither_asked_nor_counted(stack: Stack, somebody: Somebody, how: str) -> None:
    options: dict[str, Any] = {"extra_http_headers": {"Sec-GPC": "1"}} if how == "header" else {}
    person = somebody(**options)
    if how == "script":
        person.context.add_init_script(_SAYS_NO)
    sent = told(person)
    person.go("/")
    assert not person.page.get_by_role("button", name="Yes, count").is_visible()
    person.go("/cookies/")
    assert person.page.get_by_text("Your browser tells us not to track you").is_visible()
    assert not person.page.get_by_role("button", name="Yes, count").is_visible()
    assert axe(person.page, "/cookies/", f"told no by {how}") == []
    # Even an old yes does not count any more.
    person.context.add_cookies([{"name": "choice", "value": "11", "url": person.home}])
    person.go("/questions/")
    person.go("/")
    person.page.wait_for_timeout(500)
    assert sent == []


@pytest.mark.parametrize(("width", "height"), [(320, 480), (375, 780), (1280, 720)])
def test_the_notice_covers_nothing_and_no_focus_lands_under_it(
    somebody: Somebody, width: int, height: int
) -> None:
    """WCAG 2.4.11: what has the focus can be seen, all the way down the page and back."""
    person = somebody(width=width)
    page = person.page
    page.set_viewport_size({"width": width, "height": height})
    person.go("/")
    assert page.evaluate("getComputedStyle(document.querySelector('[data-ask]')).position") == "static"
    boxes = [page.get_by_role("button", name=name).bounding_box() for name in ("No, do not count", "Yes, count")]
    assert boxes[0] and boxes[1] and abs(boxes[0]["width"] - boxes[1]["width"]) < 1
    assert abs(boxes[0]["height"] - boxes[1]["height"]) < 1
    for key in ("Tab", "Shift+Tab"):
        for _press in range(30):
            page.keyboard.press(key)
            assert page.evaluate(_IN_SIGHT), page.evaluate("document.activeElement.outerHTML")[:200]


_IN_SIGHT = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at.id === 'main') return true;
  const box = at.getBoundingClientRect();
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
  const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  return top !== null && (at.contains(top) || top.contains(at));
}"""
