"""Every persona on every page after a yes, and where the browser says no by itself: what is kept in that browser, and
whom it asked (P42, P43). ``test_pages.py`` walks the same pages after a no, and the main journey is lived after one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from portal.demo.stack import Stack
from tests.browser.conftest import Person
from tests.browser.test_pages import NOT_LINKED, TABLES, WALKS, links, route_of, strange_cookies

pytestmark = [pytest.mark.browser, pytest.mark.promise("P42", "P43")]
Somebody = Callable[..., Person]
SAYS_NO: dict[str, Any] = {"extra_http_headers": {"Sec-GPC": "1"}}


@pytest.mark.parametrize("persona", sorted(WALKS))
def test_after_a_yes_nothing_is_kept_but_what_is_listed(persona: str, stack: Stack, somebody: Somebody) -> None:
    person = somebody()
    person.go("/").get_by_role("button", name="Yes, count").click()
    assert kept(person, persona, stack) == []
    assert {cookie["value"] for cookie in person.context.cookies() if cookie["name"] == "choice"} == {"11"}


@pytest.mark.parametrize("persona", ["visitor", "ana", "clinician"])
def test_where_the_browser_says_no_neither(persona: str, stack: Stack, somebody: Somebody) -> None:
    person = somebody(**SAYS_NO)
    assert kept(person, persona, stack) == []
    assert "choice" not in {cookie["name"] for cookie in person.context.cookies()}


def kept(person: Person, persona: str, stack: Stack) -> list[str]:
    """One page of each kind that this persona is led to; what is wrong with the browser after each."""
    email, starts = WALKS[persona]
    if email:
        person.sign_in(email)
    wrong: list[str] = []
    seen: set[str] = set()
    queue, known = deque(starts), set(starts)
    while queue:
        path = queue.popleft()
        name = route_of(path)
        if name is None or name in seen or name in NOT_LINKED or name in TABLES:
            continue
        seen.add(name)
        answer = person.page.goto(f"{person.home}{path}")
        if answer is None or answer.status != 200:
            wrong.append(f"{path}: {answer and answer.status}")
        wrong += strange_cookies(person, path)
        for found in links(person, stack):
            if found not in known:
                known.add(found)
                queue.append(found)
    assert len(seen) > 8, "the walk led nowhere"
    values = " ".join(cookie["value"].lower() for cookie in person.context.cookies())
    assert not any(word in values for word in (email, *email.partition("@")[::2]) if word)
    return wrong


def test_a_switch_at_the_desk_is_a_note_of_the_list(somebody: Somebody) -> None:
    karin = somebody(width=1280)
    karin.sign_in("karin@demo.example")
    karin.go("/admin/consults/")
    notes = karin.page.evaluate("localStorage.setItem('desk-keys', 'off'); Object.keys(localStorage)")
    assert notes == ["desk-keys"] and strange_cookies(karin, "the desk") == []
    karin.page.evaluate("localStorage.setItem('else', 'zq@example.org')")
    assert strange_cookies(karin, "the desk") == ["the desk: the note else"]
    karin.page.evaluate("localStorage.clear()")
