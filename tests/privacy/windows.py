"""Windows onto the running portal for the browser tests of the privacy desk: opened, watched, and looked at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from playwright.sync_api import Browser, Page

from portal.accounts.models import User

Window = Callable[..., Page]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHOTS = os.environ.get("SHOTS", "")


def windows(chromium: Browser, live_server: Any, as_: Any) -> Iterator[Window]:
    """``window(ana, width=375)``; at the end nothing may have been blocked or have failed."""
    complaints: list[str] = []
    contexts = []

    def make(user: User | None, *, width: int = 375, dark: bool = False, js: bool = True) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 812}, java_script_enabled=js,
            color_scheme="dark" if dark else "light",
        )
        if user is not None:
            name = django_settings.SESSION_COOKIE_NAME
            cookie = as_(user).cookies[name].value
            context.add_cookies([{"name": name, "value": cookie, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def look(window: Window, user: User | None, paths: dict[str, str]) -> None:
    """Each page narrow and wide, light and dark: axe is content and nothing scrolls sideways."""
    wrong = []
    for width, dark in ((375, False), (1280, False), (375, True), (1280, True), (320, False)):
        page = window(user, width=width, dark=dark)
        for name, path in paths.items():
            page.goto(path)
            wrong += _faults(page, name, width, dark)
            _shot(page, name, width, dark)
    assert wrong == [], "\n".join(wrong)


def seen(page: Page, name: str) -> None:
    """The page as it stands in a walk: axe and width on a light phone and a dark desk; then the walk goes on."""
    was = page.viewport_size or {"width": 375, "height": 812}
    wrong = []
    for width, dark in ((375, False), (1280, True), *(((1280, False), (375, True)) if SHOTS else ())):
        page.set_viewport_size({"width": width, "height": 812})
        page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
        if dark == (width == 1280):
            wrong += _faults(page, name, width, dark)
        _shot(page, name, width, dark)
    page.set_viewport_size(was)
    page.emulate_media(color_scheme="light")
    assert wrong == [], "\n".join(wrong)


def _faults(page: Page, name: str, width: int, dark: bool) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
    wrong = [f"{name} {width} dark {dark}: {one['id']} {one['nodes'][0]['html'][:150]}" for one in found]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        wrong.append(f"{name}: scrolls sideways at {width}")
    return wrong


def _shot(page: Page, name: str, width: int, dark: bool) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}-{width}{'-dark' if dark else ''}.png", full_page=True)
