"""One running clinic and one Chromium for the whole browser suite, watched for rule breaks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request

from portal.demo.people import PASSWORD
from portal.demo.stack import BASE, Stack, free_port
from privacy.visitors.cookies import table as cookie_table

PATIENTS = 20  # enough for every state of a consult
SHOTS = BASE / "test-results"

_TELL = """
window.__csp = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.__csp.push(event.violatedDirective + ' ' + event.blockedURI));
"""


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole portal as processes, filled with made-up people; removed at the end."""
    running = Stack(
        name=f"tests-browser-{os.getpid()}", web_port=free_port(), standin_port=free_port(), throwaway=True
    )
    try:
        running.start_services()
        running.prepare()
        running.spawn("square")
        running.seed(PATIENTS)
        for name in ("web", "worker", "beat"):
            running.spawn(name)
        running.wait_ready()
        yield running
    finally:
        running.close()


@dataclass
class Person:
    """Somebody at a browser. ``faults`` is what the browser saw that no page may do."""

    context: BrowserContext
    page: Page
    home: str
    standin: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(path if path.startswith("http") else f"{self.home}{path}")
        return self.page

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.go("/accounts/login/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(re.compile(r"/(home|welcome|admin)/$"))

    def press(self, name: str, *, exact: bool = False) -> None:
        self.page.get_by_role("button", name=name, exact=exact).first.click()

    def shot(self, name: str) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def violations(self) -> list[str]:
        return [f"{self.page.url}: {text}" for text in self.page.evaluate("window.__csp || []")]


def watch(person: Person) -> None:
    """Note each error in the console, each script error, each answer 5xx and each foreign request."""
    own = {urlsplit(person.home).netloc, urlsplit(person.standin).netloc}

    def asked(request: Request) -> None:
        if request.url.startswith(("http:", "https:", "ws:")) and urlsplit(request.url).netloc not in own:
            person.faults.append(f"asked a foreign host: {request.url}")

    person.page.on("request", asked)
    person.page.on("pageerror", lambda error: person.faults.append(f"{person.page.url}: script error {error}"))
    person.page.on(
        "console",
        lambda line: person.faults.append(f"{person.page.url}: {line.text}")
        if line.type == "error" and "Content Security Policy" in line.text else None,
    )
    person.page.on(
        "response",
        lambda answer: person.faults.append(f"{answer.url}: {answer.status}") if answer.status >= 500 else None,
    )


@pytest.fixture
def somebody(stack: Stack, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Person]]:
    """``somebody(width=375)`` opens a fresh browser; what it did wrong fails the test at its end."""
    opened: list[Person] = []

    def make(*, width: int = 375, dark: bool = False, **options: Any) -> Person:
        context = chromium.new_context(
            viewport={"width": width, "height": 780}, color_scheme="dark" if dark else "light",
            locale="en-US", accept_downloads=True, reduced_motion="reduce", **options,
        )
        context.set_default_timeout(15_000)
        context.add_init_script(_TELL)
        person = Person(context, context.new_page(), stack.url, f"http://localhost:{stack.standin_port}")
        watch(person)
        opened.append(person)
        return person

    yield make
    for person in opened:
        person.faults += [f"kept in the browser: {what}" for what in strange_notes(person)]
    for number, person in enumerate(opened):
        person.shot(f"end-{request.node.name[:60]}-{number}")  # where it stood, for whoever looks for a failure
        person.context.close()
    assert [fault for person in opened for fault in person.faults] == []


def strange_notes(person: Person) -> list[str]:
    """What this browser holds that the page of cookies does not list, or that tells something (P42, P43)."""
    listed = {row.name for row in cookie_table()}
    state = person.context.storage_state()
    held = [(cookie["name"], cookie["value"]) for cookie in state["cookies"]]
    held += [(note["name"], note["value"]) for origin in state["origins"] for note in origin["localStorage"]]
    return [name for name, value in held if name not in listed or not value.isalnum()]


def corpus_folder() -> Path | None:
    """Real phone photos, where they are at hand; in CI they must be."""
    folder = Path(os.environ.get("CORPUS_DIR", str(BASE.parent / "shared" / "corpus")))
    if (folder / "MANIFEST.csv").exists():
        return folder
    if os.environ.get("CI"):
        pytest.fail("the upload corpus is missing; set CORPUS_DIR")
    return None
