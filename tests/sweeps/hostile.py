"""What an attacker types into forms, and every form that anybody is shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

from django.test import Client
from django.urls import Resolver404, resolve
from lxml import html

from tests.sweeps.access_table import PERSONAS, TABLE
from tests.sweeps.routes import all_routes
from tests.sweeps.world import World, address_of

# One of each kind. Bytes go as they are: half a letter is no text at all.
WORDS: dict[str, str | bytes] = {
    "a NUL": "one\x00two",
    "half a pair": b"one\xed\xa0\x80two",
    "no UTF-8": b"\xff\xfe\xc3",
    "right to left": "\u202eone\u2066two",
    "a long text": "Zq " * 60_000,
    "blanks": " \t\r\n ",
    "blanks that are not seen": "\u200b\u2060\u3164",
    "lines of a header": "one\r\nBcc: zq@example.org",
    "a tag": "<script>zq()</script>'\"",
    "a template": "{{ 7|add:7 }}{% debug %}%s%(x)s{0}",
    "a path": "../../../etc/passwd\x7f",
    "a query": "' OR 1=1; --",
    "a list": "[]",
    "a formula": "=1+1",
}
NUMBERS: dict[str, str | bytes] = {
    "minus one": "-1",
    "far below": "-99999999999999999999",
    "far above": "99999999999999999999",
    "too many digits": "9" * 5_000,
    "not a number": "NaN",
    "without end": "Infinity",
    "a huge power": "1e999999999",
    "a float": "0.001",
    "digits of Egypt": "٣٤",
    "a digit in a ring": "①",
    "two as a power": "²",
}
DAYS: dict[str, str | bytes] = {
    "the first day": "0001-01-01",
    "the last day": "9999-12-31",
    "no day": "2026-02-30",
    "year nought": "0000-00-00",
    "the first minute": "0001-01-01T00:00",
    "the last minute": "9999-12-31T23:59",
    "an hour that was skipped": "2026-03-08T02:30",
}
IDS: dict[str, str | bytes] = {
    "nobody": "00000000-0000-0000-0000-000000000000",
    "a URN": "urn:uuid:00000000-0000-0000-0000-000000000000",
}
TYPED = "Zq words"  # what stands in each text of a form that is filled in as it should be
FORM = "application/x-www-form-urlencoded"
HOSTILE = {**WORDS, **NUMBERS, **DAYS, **IDS}


@dataclass
class Form:
    """A form as somebody is shown it: where it goes, and what a browser would send."""

    persona: str
    route: str
    page: str
    address: str
    fields: dict[str, list[str | bytes]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def body(fields: dict[str, list[str | bytes]]) -> str:
    """As a browser sends it, but with any bytes."""
    return "&".join(
        f"{quote_from_bytes(as_bytes(name))}={quote_from_bytes(as_bytes(value))}"
        for name, values in fields.items() for value in values
    )


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def forms_shown(world: World, browser: Callable[[str], Client]) -> Iterator[Form]:
    """Every form that is sent by POST, once for each set of its fields; each page as the first who may open it."""
    seen = set()
    for route in all_routes():
        access = TABLE[route.name]
        persona = next((one for one in PERSONAS if access.gets[one] == "200"), None)
        if persona is None or access.deed or route.name == "account_logout":
            continue
        response = browser(persona).get(address_of(route, world))
        if response.streaming or "html" not in response.headers.get("Content-Type", ""):
            continue
        for found in forms_of(response.content.decode(), response.request["PATH_INFO"], persona):
            key = (found.route, frozenset(found.fields))
            if key not in seen:
                seen.add(key)
                yield found


def forms_of(text: str, page: str, persona: str) -> Iterator[Form]:
    tree = html.fromstring(text)
    for element in tree.iter("form"):
        if (element.get("method") or "get").lower() != "post":
            continue
        inside = list(element.iter("input", "select", "textarea", "button"))
        if element.get("id"):
            inside += tree.xpath("//*[@form=$id]", id=element.get("id"))
        for address in {element.get("action") or page, *(e.get("formaction") for e in inside if e.get("formaction"))}:
            try:
                route = resolve(urlsplit(address).path).view_name
            except Resolver404:
                continue
            form = Form(persona, route, page, address)
            for one in inside:
                add(form, one)
            yield form


def add(form: Form, one: Any) -> None:
    name, kind = one.get("name"), (one.get("type") or one.tag).lower()
    if not name or name == "csrfmiddlewaretoken" or kind in ("submit", "button"):
        return
    before = form.fields.get(name)
    if one.tag == "select":
        options = [o.get("value", o.text or "") for o in one.iter("option")]
        chosen = [o.get("value", "") for o in one.iter("option") if o.get("selected") is not None]
        value = next((v for v in [*chosen, *options] if v), "")
    elif kind in ("radio", "checkbox"):
        value = before[0] if before else one.get("value", "on")
        kind = "choice"
    else:
        value = one.text or "" if one.tag == "textarea" else one.get("value", "")
        value = value.strip() or likely(kind, name)
    form.fields[name], form.kinds[name] = [value], kind


def likely(kind: str, name: str) -> str:
    """Something that such a field takes."""
    today = dt.date.today()
    known = {
        "date": today.isoformat(), "datetime-local": f"{today}T09:00", "number": "1", "email": "zq@example.org",
        "tel": "320 555 0199", "month": f"{today:%Y-%m}", "url": "https://zq.example/",
    }
    parts = {"_month": "4", "_day": "4", "_year": "1970"}
    return next((value for end, value in parts.items() if name.endswith(end)), known.get(kind, TYPED))
