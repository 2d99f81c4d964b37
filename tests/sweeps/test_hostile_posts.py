"""Every form of the product, sent as no browser would: nothing breaks, nothing absurd is kept, nothing typed is lost.

The forms are those that the pages of the world show, so a new one is tried by itself. Whatever a form
did is taken back before the next. ``make slow`` tries every word in every field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from tests.sweeps import hostile
from tests.sweeps.access_table import PERSONAS, TABLE
from tests.sweeps.hostile import DAYS, HOSTILE, NUMBERS, WORDS, Form
from tests.sweeps.routes import Route, all_routes
from tests.sweeps.test_urls import browser_of, undone
from tests.sweeps.world import World, address_of

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P19")]
Browser = Callable[..., Client]
Sent = dict[str, list[str | bytes]]

FORM = "application/x-www-form-urlencoded"
TEXTS = ("text", "textarea", "tel", "email", "search", "url")
OF_DAYS = ("date", "datetime-local", "month")
ABSURD = {
    "number": ("minus one", "far below", "far above", "not a number", "without end", "a float"),
    "date": ("the first day", "the last day", "no day", "year nought"),
    "datetime-local": ("the first minute", "the last minute", "no day"),
}
# Fields that another one on the same form switches off, or whose fault is told on the page that it leads back to.
UNREAD = {
    ("privacy:consents", "expires_on"): "the consent has no end: its box is ticked",
    ("admin:consent_paper", "expires_on"): "the consent has no end: its box is ticked",
    ("admin:legal_give", "withheld_until"): "the patient is told",
    ("admin:incident_report_join", "number"): "a message on the page of the report",
}

# Bodies that are no form, by what they say they are.
BODIES: list[tuple[str, bytes]] = [
    ("application/json", b'{"a": [1, {"b": null}]}'),
    ("multipart/form-data", b"no boundary was named"),
    ("multipart/form-data; boundary=zq", b'--zq\r\nContent-Disposition: form-data; name="photo"; filename="\x00.pdf'),
    ("text/plain; charset=utf-7", b"\xff\xfe"),
    (FORM, b"words=" + b"z" * 3_000_000),
    (FORM, b"&".join(b"f%d=1" % number for number in range(2_000))),
    (FORM, b"&&=%&%00=%00&form_key[]=1;b=2"),
]


class Sender:
    """Sends one form as its persona, looks at what follows, and takes everything back."""

    def __init__(self, world: World, as_: Browser) -> None:
        self.browsers = {persona: browser_of(as_, user) for persona, user in world.people.items()}
        self.wrong: list[str] = []

    def send(self, form: Form, fields: Sent, said: str) -> int:
        place = f"{form.persona} at {form.route}, {said}"
        with undone():
            client = self.browsers[form.persona]()
            answer = client.generic("POST", form.address, hostile.body(fields), content_type=FORM)
            self.note(answer.status_code >= 500, f"{place}: {answer.status_code}")
            if answer.status_code in (301, 302, 303) and answer["Location"].startswith("/"):
                after = client.get(answer["Location"])
                self.note(after.status_code >= 500, f"{place}: then {after.status_code} at {answer['Location']}")
            if answer.status_code in (301, 302, 303):
                after = client.get(form.page)
                self.note(after.status_code >= 500, f"{place}: then {after.status_code} at {form.page}")
            if answer.status_code == 200 and not answer.streaming and fields:
                page = answer.content.decode()
                for name, values in fields.items():
                    lost = form.kinds[name] in ("text", "textarea") and values == [hostile.TYPED]
                    lost = lost and hostile.TYPED not in page and "<form" in page and f'name="{name}"' in page
                    self.note(lost, f"{place}: what was typed as {name} is gone")
            return int(answer.status_code)

    def send_raw(self, form: Form, kind: str, body: bytes) -> None:
        with undone():
            answer = self.browsers[form.persona]().generic("POST", form.address, body, content_type=kind)
        self.note(answer.status_code >= 500, f"{form.route}: {answer.status_code} for {kind} {body[:40]!r}")

    def note(self, wrong: bool, said: str) -> None:
        if wrong:
            self.wrong.append(said)

    def absurd(self, form: Form, name: str, what: str) -> None:
        """A day or a number that cannot be meant is never taken."""
        status = self.send(form, {**form.fields, name: [HOSTILE[what]]}, f"{name} is {what}")
        self.note(status == 302 and (form.route, name) not in UNREAD, f"{form.route} took {what} as {name}")


@pytest.fixture
def sender(world: World, as_: Browser, settings: Any) -> Sender:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 100_000
    return Sender(world, as_)


def every_form(world: World, sender: Sender) -> list[Form]:
    found = list(hostile.forms_shown(world, lambda persona: sender.browsers[persona]()))
    assert len(found) > 120
    return found


def texts_of(form: Form) -> list[str]:
    return [name for name, kind in form.kinds.items() if kind in TEXTS]


def test_no_form_breaks_or_keeps_what_cannot_be_meant(world: World, sender: Sender) -> None:
    for number, form in enumerate(every_form(world, sender)):
        sender.send(form, {}, "nothing at all")
        texts = texts_of(form)
        odd = {name: WORDS["half a pair"] if name in texts else NUMBERS["too many digits"] for name in form.fields}
        sender.send(form, {name: [word] for name, word in odd.items()}, "every field is odd")
        sender.send_raw(form, *BODIES[number % len(BODIES)])
        for name, kind in form.kinds.items():
            for what in ABSURD.get(kind, ())[:2]:
                sender.absurd(form, name, what)
    assert sender.wrong == [], "\n".join(sender.wrong)


@pytest.mark.slow
def test_no_field_of_any_form_breaks_by_any_word(world: World, sender: Sender) -> None:
    for form in every_form(world, sender):
        texts = texts_of(form)
        sender.send(form, form.fields, "as a browser sends it")
        for kind, body in BODIES:
            sender.send_raw(form, kind, body)
        for what, word in WORDS.items():
            if texts:
                sender.send(form, {**form.fields, **{name: [word] for name in texts}}, f"every text is {what}")
        for name, said, values in each_field(form):
            sender.send(form, {**form.fields, name: values}, f"{name} {said}")
        for name, kind in form.kinds.items():
            for what in ABSURD.get(kind, ()):
                sender.absurd(form, name, what)
    assert sender.wrong == [], "\n".join(sender.wrong)


IN_A_PATH = (
    "%00", "99999999999999999999", "-1", "%D9%A3", "%ED%A0%80", "..%2F..%2Fetc", "x" * 3_000, "%0d%0aSet-Cookie:a=b",
    "9999", "0",
)


@pytest.mark.slow
def test_no_address_breaks_by_what_stands_in_it(world: World, sender: Sender) -> None:
    """Parts that are no UUID, and a query that no page of ours writes, as somebody who may open the page."""
    wrong = []
    for route in all_routes():
        access = TABLE[route.name]
        persona = next((one for one in PERSONAS if access.gets[one] == "200"), None)
        parts = [part for part in PART.finditer(route.pattern) if part["kind"] != "uuid"]
        if persona is None or access.deed:
            continue
        good = address_of(route, world)
        asked = [f"{good}?{'&'.join(f'{name}=%00%ED%A0%80' for name in ASKED)}&{NUMBERED}"]
        for part in parts:
            asked += [spoilt(route, part, word, world) for word in IN_A_PATH]
        for address in asked:
            with undone():
                answer = sender.browsers[persona]().get(address)
            if answer.status_code >= 500:
                wrong.append(f"{persona} at {address[:120]}: {answer.status_code}")
    assert wrong == [], "\n".join(wrong)


def spoilt(route: Route, part: re.Match[str], word: str, world: World) -> str:
    """The route's address with this word in place of one part."""
    pattern = f"{route.pattern[:part.start()]}\n{route.pattern[part.end():]}"
    return "/" + PART.sub(lambda found: world.thing(route, found["name"]), pattern).replace("\n", word)


PART = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
# What pages of the product look for in a query: words, and numbers.
ASKED = (
    "q", "o", "next", "from", "to", "since", "until", "before", "after", "kind", "part", "state", "person", "who",
    "did", "own", "ticket", "first", "second", "view", "sort", "owner", "late", "code", "show", "_type", "_format",
)
NUMBERED = "page=-99999999999999999999&p=99999999999999999999&days=-1&look=%D9%A3&year=99999999999999999999"


def each_field(form: Form) -> Iterator[tuple[str, str, list[str | bytes]]]:
    """One field after the other: what it is, is said to be, and holds."""
    for name, kind in form.kinds.items():
        words = DAYS if kind in OF_DAYS else NUMBERS if kind == "number" else {}
        few = ("a NUL", "half a pair", "a list", "digits of Egypt", "a digit in a ring", "too many digits", "nobody")
        words = {**words, **{what: HOSTILE[what] for what in few}}
        if kind in TEXTS:
            words = {what: WORDS[what] for what in ("a NUL", "a long text", "blanks")}
        yield from ((name, f"is {what}", [value]) for what, value in words.items())
        yield name, "is there twice", [*form.fields[name], hostile.TYPED]
        yield name, "is not there", []
