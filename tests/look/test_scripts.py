"""What the scripts do for people, seen in Chromium on small pages; no server is needed."""

from __future__ import annotations

import io
import mimetypes
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import RequestFactory
from PIL import Image
from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

HOST = "http://portal.test"
PHOTO_WORDS = 'data-sending="Sending" data-failed="Not through" data-refused="Refused" data-unseen="Cannot be shown"'
PHOTO_FORM = f"""<form method="post" action="/send/" data-photo {PHOTO_WORDS}>
<input type="file" name="photo"><div data-preview hidden><img alt="Your photo"></div>
<progress max="100" value="0" hidden></progress><p data-status role="status"></p><button>Send</button></form>"""


class Tab:
    """A page whose server is this object: what was posted, and what to answer next."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.body = ""
        self.posts: list[str] = []
        self.answer: dict[str, Any] | None = {"status": 204}
        page.route("**/*", self._serve)

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(HOST)
        if route.request.method == "POST":
            self.posts.append(path)
            if self.answer is None:
                route.abort()
            else:
                route.fulfill(**self.answer)
        elif path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            assert isinstance(found, str)
            route.fulfill(path=found, content_type=mimetypes.guess_type(found)[0])
        else:
            route.fulfill(body=self.body, content_type="text/html; charset=utf-8")

    def show(self, body: str, *scripts: str) -> None:
        """Open a page with this body and these scripts of the portal."""
        tags = "".join(f'<script type="module" src="/static/portal/{name}"></script>' for name in scripts)
        self.body = f"<!doctype html><html lang='en'><head><title>t</title>{tags}</head><body>{body}</body></html>"
        self.page.goto(f"{HOST}/here/?a=1")


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    context = chromium.new_context()
    yield Tab(context.new_page())
    context.close()


def _jpeg() -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 40), "tan").save(buffer, "JPEG")
    return {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def test_five_presses_send_a_form_once(tab: Tab) -> None:
    tab.show('<form method="post" action="/send/" data-once><button>Send</button></form>', "portal.js")
    tab.page.evaluate("for (let i = 0; i < 5; i++) document.querySelector('form').requestSubmit()")
    tab.page.wait_for_timeout(300)
    assert tab.posts == ["/send/"]


def test_after_a_refusal_the_focus_is_on_the_errors(tab: Tab) -> None:
    tab.show('<div tabindex="-1" data-focus id="errors">Fix this</div><input>', "portal.js")
    tab.page.wait_for_function("document.activeElement.id === 'errors'")


def test_a_password_can_be_shown_and_is_hidden_again_on_sending(tab: Tab) -> None:
    tab.show('<form method="post"><input type="password" name="p"><button>Go</button></form>', "portal.js")
    tab.page.fill("[name=p]", "a long walk")
    tab.page.click("text=Show")
    assert tab.page.get_attribute("[name=p]", "type") == "text"
    assert tab.page.get_attribute("text=Hide", "aria-pressed") == "true"
    tab.page.click("text=Go")
    assert tab.page.get_attribute("[name=p]", "type") == "password"


def test_a_photo_is_shown_before_it_is_sent(tab: Tab) -> None:
    tab.show(PHOTO_FORM, "photo.js")
    tab.page.set_input_files("input", files=[_jpeg()])
    tab.page.wait_for_function("document.querySelector('img').naturalWidth === 30")
    assert tab.page.is_visible("img")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Not through"),
        ({"status": 503, "body": "busy"}, "Not through"),
        ({"status": 200, "body": '<ul class="errorlist"><li>No picture.</li></ul>'}, "No picture."),
        ({"status": 413, "body": "too much"}, "Refused"),
    ],
    ids=["no connection", "server down", "refused with a reason", "refused without"],
)
def test_a_photo_that_did_not_arrive_stays_in_sight_and_can_be_sent_again(
    tab: Tab, answer: dict[str, Any] | None, words: str
) -> None:
    tab.show(PHOTO_FORM, "photo.js")
    tab.page.set_input_files("input", files=[_jpeg()])
    tab.answer = answer
    for press in (1, 2):
        tab.page.click("text=Send")
        tab.page.wait_for_function("w => document.querySelector('[data-status]').textContent === w", arg=words)
        assert len(tab.posts) == press
    assert tab.page.is_visible("img")
    assert not tab.page.is_visible("progress")


def test_a_photo_that_this_browser_cannot_show_can_still_be_sent(tab: Tab) -> None:
    tab.show(PHOTO_FORM, "photo.js")
    heic = {"name": "a.heic", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypheic"}
    tab.page.set_input_files("input", files=[heic])
    tab.page.wait_for_function("document.querySelector('[data-status]').textContent === 'Cannot be shown'")
    assert not tab.page.is_visible("img")
    tab.page.click("text=Send")
    tab.page.wait_for_timeout(200)
    assert tab.posts == ["/send/"]


class _Patient:
    is_staff = False
    is_authenticated = True


def _session_dialog(minutes: int, warn: int, settings: Any) -> str:
    settings.SESSION_PATIENT_IDLE_MINUTES = minutes
    request = RequestFactory().get("/")
    request.user = _Patient()  # type: ignore[assignment]
    return render_to_string(
        "portal/session_end.html", {"request": request, "session_warn_seconds": warn, "csrf_token": "x"}
    )


def _pass(tab: Tab, seconds: int) -> None:
    tab.page.clock.fast_forward(seconds * 1000)
    tab.page.clock.run_for(1100)


def test_before_the_idle_sign_out_there_is_a_warning_and_one_press_stays(tab: Tab, settings: Any) -> None:
    """At least 20 seconds, ten times and more (WCAG 2.2.1, RULES 6.9)."""
    tab.page.clock.install()
    tab.show(_session_dialog(30, 5, settings), "portal.js")
    for press in range(1, 13):
        _pass(tab, 30 * 60 - 22)
        assert not tab.page.is_visible("#session-end")
        _pass(tab, 1)
        left = int(re.findall(r"\d+", tab.page.inner_text("[data-left]"))[0])
        assert 18 <= left <= 20
        tab.page.click("text=Stay signed in")
        tab.page.wait_for_function("!document.querySelector('#session-end').open")
        assert len(tab.posts) == press


def test_after_the_idle_time_the_record_is_covered_and_the_way_back_is_kept(tab: Tab, settings: Any) -> None:
    tab.page.clock.install()
    tab.show("<p>PHI</p>" + _session_dialog(30, 60, settings), "portal.js")
    _pass(tab, 31 * 60)
    assert tab.page.is_visible("text=We signed you out")
    assert not tab.page.is_visible("text=Stay signed in")
    assert tab.page.get_attribute("[data-again]", "href") == "/accounts/login/?next=%2Fhere%2F%3Fa%3D1"
    for _ in range(3):
        tab.page.keyboard.press("Escape")
        tab.page.wait_for_function("document.querySelector('#session-end').open")
    assert tab.page.is_visible("text=We signed you out")


def test_who_types_is_there_and_is_not_signed_out(tab: Tab, settings: Any) -> None:
    tab.page.clock.install()
    tab.show('<form method="post"><textarea></textarea></form>' + _session_dialog(30, 60, settings), "portal.js")
    for _ in range(10):
        _pass(tab, 6 * 60)
        tab.page.press("textarea", "a")
        tab.page.wait_for_timeout(50)
    assert len(tab.posts) >= 9
    assert not tab.page.is_visible("#session-end")
