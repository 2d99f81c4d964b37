"""Every page as each persona in Chromium: no broken rule of the CSP, no axe finding, no sideways scroll.

Each persona walks along the links from where they start, so a page that nobody links to is found
missing. One load is looked at narrow (375 px) and wide (1,280 px), light and dark, and at 320 px.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve, reverse

from portal.demo.people import PASSWORD
from portal.demo.stack import Stack
from privacy.visitors.cookies import table as cookie_table
from tests.browser.conftest import Person, strange_notes
from tests.sweeps.access_table import MODELS, TABLE
from tests.sweeps.routes import all_routes

pytestmark = [pytest.mark.browser, pytest.mark.promise("P19", "P04", "P42", "P43")]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLOUR = ["color-contrast", "link-in-text-block"]  # all that the other scheme can change
A_ROUTE = 3  # states of one page that are looked at: a draft, an answered consult, a closed one

# Each section, and a request of each kind and state, leads on to pages of its own: more of them are opened.
MORE = {"records:section": 6, "privacy:request": 45, "admin:privacy_request": 45}
LOOKED_AT = {"records:section": 6}
TABLES = {f"admin:{model}_change" for model in MODELS}  # one row of a table looks like the next

# Who walks and from where.
WALKS = {
    "visitor": ("", ["/", "/inbox/"]),
    "ana": ("ana@demo.example", ["/home/"]),
    "guardian": ("gwen@demo.example", ["/home/"]),
    "clinician": ("karin@demo.example", ["/admin/", "/account/"]),
    "officer": ("mia@demo.example", ["/admin/", "/account/"]),
    "support": ("sue@demo.example", ["/admin/", "/account/"]),
    "owner": ("olga@demo.example", ["/admin/", "/account/"]),
}
# Pages of consults that Ana has none of, walked as the patient whose consult is in that state.
IN_STATE = {
    "draft": ["", "steps/where/", "steps/since/", "photos/", "photos/front/", "photos/back/", "review/", "withdraw/"],
    "awaiting_payment": ["", "withdraw/"],
    "submitted": ["", "messages/", "withdraw/"],
    "needs_information": ["", "messages/", "photos/", "photos/close_up/"],
    "declined": ["", "messages/"],
    "withdrawn": [""],
    "expired": [""],
}
# Of one's own record: a guardian is led to the child's, which part 5 brings.
GUARDIANS = {"billing:payments", "records:changes", "records:photos", "records:section"}
OF_THE_STATES = {f"consults:{page}" for page in ("step", "photo", "photos", "review", "withdraw")} | {"billing:return"}
# Pages that no link leads to in the demo, with the reason.
NOT_LINKED = {
    "pages:robots": "for robots", "pages:security_txt": "for finders of holes",
    "account_inactive": "only for who signs in to a closed account",
    "account_password_reset_completed": "shown once a reset is through",
    "accounts:closed": "shown to who has just closed the account",
    "account_logout": "signing out is one press everywhere; this page asks once more where a link is typed",
    "mfa_list_webauthn": "there once somebody has a passkey",
    "jobs:status": "linked as long as the work goes on; looked at below",
    "account_reauthenticate": "stands in front of delicate steps",
    "account_reset_password": "behind 'forgot your password' in the sign-in form",
    "admin:jsi18n": "a script of Django's admin",
    "privacy:download": "a file",
    "privacy:letter_file": "a file", "admin:letter_file": "a file",
    "records:photo": "a picture",
    "records:document_file": "a file",
    "admin:legal_file": "a file", "admin:assignment_file": "a file",
    "admin:privacy_handover_stays": "a file",
    "admin:incident_log_file": "a file", "admin:binder_file": "a file",
    "privacy:public_notice": "there while ten or more people cannot be reached",
    "admin:numbers_file": "a file", "admin:visits_file": "a file", "visitors:gpc": "for browsers",
    **dict.fromkeys(("fhir:metadata", "fhir:everything", "fhir:search", "fhir:everything_of"), "for apps"),
    "fhir:resource": "for apps", "privacy:left": "shown to who has just left",
    "admin:privacy_destruction_change": "there once the years of a copy are over",
    "admin:records_merge": "behind a search; looked at below",
    "admin:privacy_override": "beside a limit in force; looked at below",
    "admin:privacy_telling": "on a request that is over; looked at below",
    "consults:photo_status": "a part of a page",
    "records:entry_reveal": "behind a button; tests/browser/test_record_pages.py looks at it",
    "records:record_of": "for who looks after somebody; part 5 brings it",
    **dict.fromkeys(
        [f"records:{page}_of" for page in ("print", "photos", "compare", "changes", "section", "documents")],
        "for who looks after somebody",
    ),
    "admin:consults_decline": "behind a button of the answer form",
}


def test_every_page_that_a_visitor_reaches(stack: Stack, somebody: Callable[..., Person]) -> None:
    walk("visitor", stack, somebody)


@pytest.mark.parametrize("persona", [name for name in WALKS if name != "visitor"])
def test_every_page_that_a_persona_reaches(persona: str, stack: Stack, somebody: Callable[..., Person]) -> None:
    walk(persona, stack, somebody)


def walk(persona: str, stack: Stack, somebody: Callable[..., Person]) -> None:
    email, starts = WALKS[persona]
    person = somebody(width=375)
    if email:  # all of them have said no to counting: everything works all the same (P42)
        person.go("/").get_by_role("button", name="No, do not count").click()
        person.sign_in(email)
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    queue, known = deque(starts), set(starts)
    while queue:
        path = queue.popleft()
        name = route_of(path)
        most = 1 if name in TABLES or path.startswith("/inbox/") else MORE.get(name or "", A_ROUTE)
        if name is None or seen[name] >= most or name in NOT_LINKED:
            continue
        seen[name] += 1
        wrong += look(person, path) if seen[name] <= max(A_ROUTE, LOOKED_AT.get(name, 0)) else passed(person, path)
        for found in links(person, stack):
            if found not in known:
                known.add(found)
                queue.append(found)
    expected = {route.name for route in all_routes() if opens(route.name, persona)} - OF_THE_STATES
    elsewhere = {"ana": set(), "visitor": set(), "guardian": GUARDIANS}.get(persona, {"accounts:close"})
    wrong += [f"no link leads to {name}" for name in sorted(expected - set(seen) - set(NOT_LINKED) - elsewhere)]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("state", sorted(IN_STATE))
def test_every_page_of_a_consult_in_each_state(state: str, stack: Stack, somebody: Callable[..., Person]) -> None:
    with psycopg.connect(stack.env["DATABASE_URL"]) as database:
        found = database.execute(
            "SELECT u.email, c.id, c.order_id FROM consults_consult c JOIN accounts_user u ON u.id = c.account_id"
            " WHERE c.state = %s ORDER BY c.created_at DESC LIMIT 1", [state],
        ).fetchone()
    assert found is not None, f"the demo has no consult that is {state}"
    email, consult, order = found
    person = somebody(width=375)
    person.sign_in(email)
    pages = ["/home/", *(f"/consults/{consult}/{page}" for page in IN_STATE[state])]
    if state == "awaiting_payment":
        pages += [f"/billing/pay/{order}/", f"/billing/pay/{order}/return/"]
    assert [fault for page in pages for fault in look(person, page)] == []


def test_the_page_of_a_merge(stack: Stack, somebody: Callable[..., Person]) -> None:
    with psycopg.connect(stack.env["DATABASE_URL"]) as database:
        (one,), (other,) = database.execute("SELECT id FROM records_patient ORDER BY created_at LIMIT 2").fetchall()
    person = somebody(width=375)
    person.sign_in("mia@demo.example")
    assert look(person, f"/admin/patients/{one}/into/{other}/") == []


def test_the_pages_of_a_limit_in_force_and_of_somebody_to_be_told(
    stack: Stack, somebody: Callable[..., Person]
) -> None:
    with psycopg.connect(stack.env["DATABASE_URL"]) as database:
        limit = database.execute("SELECT id FROM records_restriction WHERE starts_at IS NOT NULL LIMIT 1").fetchone()
        telling = database.execute(
            "SELECT id, request_id FROM records_telling WHERE agreed AND told_at IS NULL LIMIT 1"
        ).fetchone()
    assert limit is not None and telling is not None
    person = somebody(width=375)
    person.sign_in("mia@demo.example")
    wrong = look(person, f"/admin/privacy/limits/{limit[0]}/override/")
    wrong += look(person, reverse("admin:privacy_telling", args=[telling[0]]))
    wrong += look(person, f"/admin/privacy/{telling[1]}/")
    assert wrong == [], "\n".join(wrong)


def test_the_pages_of_a_child_for_who_looks_after_it(stack: Stack, somebody: Callable[..., Person]) -> None:
    with psycopg.connect(stack.env["DATABASE_URL"]) as database:
        children = database.execute(
            "SELECT g.patient_id FROM records_accessgrant g JOIN accounts_user u ON u.id = g.account_id"
            " WHERE u.email = 'gwen@demo.example' AND g.kind = 'guardian' ORDER BY g.starts_at"
        ).fetchall()
    assert len(children) == 2
    person = somebody(width=375)
    person.sign_in("gwen@demo.example")
    wrong = []
    for (child,) in children:
        for page in ("", "print/", "photos/", "changes/", "allergies/", "documents/"):
            wrong += look(person, f"/record/of/{child}/{page}")
        for wish in ("review", "stop", "delete"):
            wrong += look(person, f"/privacy/children/{child}/{wish}/")
    assert wrong == [], "\n".join(wrong)


def test_the_page_of_long_work(stack: Stack, somebody: Callable[..., Person]) -> None:
    with psycopg.connect(stack.env["DATABASE_URL"]) as database:
        found = database.execute(
            "SELECT u.email, j.id FROM jobs_job j JOIN accounts_user u ON u.id = j.owner_id LIMIT 1"
        ).fetchone()
    assert found is not None
    person = somebody(width=375)
    person.sign_in(found[0])
    assert look(person, f"/progress/{found[1]}/") == []


def opens(name: str, persona: str) -> bool:
    access = TABLE.get(name)
    return access is not None and not access.deed and access.gets[persona] == "200"


def route_of(path: str) -> str | None:
    try:
        match = resolve(urlsplit(path).path)
    except Resolver404:
        return None
    return match.view_name or match.route


def links(person: Person, stack: Stack) -> list[str]:
    """Addresses of this portal that the page links to, without what stands after ``?`` and ``#``."""
    raw: list[str] = person.page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    whole = [urljoin(person.page.url, href) for href in raw]
    return [urlsplit(url).path for url in whole if urlsplit(url).netloc == urlsplit(stack.url).netloc]


def passed(person: Person, path: str) -> list[str]:
    """A page that is opened for its links only: others like it were looked at."""
    answer = person.page.goto(f"{person.home}{path}")
    return [] if answer is not None and answer.status == 200 else [f"{path}: {answer and answer.status}"]


def look(person: Person, path: str) -> list[str]:
    """What is wrong with one page, in words."""
    page = person.page
    page.set_viewport_size({"width": 375, "height": 780})
    page.emulate_media(color_scheme="light")
    answer = page.goto(f"{person.home}{path}")
    if answer is None or answer.status != 200:
        return [f"{path}: {answer and answer.status}"]
    wrong = [] if page.title().strip() else [f"{path}: no title"]
    wrong += outbound(person, path) + strange_cookies(person, path)
    wrong += axe(page, path, "375 light")
    page.emulate_media(color_scheme="dark")
    wrong += axe(page, path, "375 dark", rules=OF_COLOUR)
    for width in (320, 375):
        page.set_viewport_size({"width": width, "height": 780})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            wrong.append(f"{path}: scrolls sideways at {width} px, {wide} px wide")
    page.set_viewport_size({"width": 1280, "height": 900})
    wrong += axe(page, path, "1280 dark")
    page.emulate_media(color_scheme="light")
    wrong += axe(page, path, "1280 light", rules=OF_COLOUR)
    return wrong + person.violations()


def outbound(person: Person, path: str) -> list[str]:
    """Links out of the portal that do not say where they lead, hand something over, or open a window (P04)."""
    found: list[list[str]] = person.page.eval_on_selector_all(
        "a[href]", "all => all.map(a => [a.href, a.rel, a.target, a.parentElement.textContent])"
    )
    own = urlsplit(person.home).netloc
    wrong = []
    for href, rel, target, words in found:
        url = urlsplit(href)
        if url.scheme in ("mailto", "tel") or url.netloc == own:
            continue
        named = f"leads to {(url.hostname or '').removeprefix('www.')}, which has its own privacy policy" in words
        if not named or {"noopener", "noreferrer"} - set(rel.split()) or target or url.query or url.scheme != "https":
            wrong.append(f"{path}: a link out to {href}")
    return wrong


def strange_cookies(person: Person, path: str) -> list[str]:
    """Cookies and notes that the table does not list, that tell something, or that a script could read (P42, P43)."""
    wrong = [f"the note {name}" for name in strange_notes(person)]
    wrong += [f"the cookie {cookie['name']}" for cookie in person.context.cookies() if not cookie["httpOnly"]]
    if person.page.evaluate("document.cookie"):
        wrong.append("a script can read a cookie")
    of_the_tab: list[str] = person.page.evaluate("Object.keys(sessionStorage)")
    wrong += [f"the note {name}" for name in of_the_tab if name not in {row.name for row in cookie_table()}]
    return [f"{path}: {what}" for what in wrong]


def axe(page: Any, path: str, how: str, *, rules: list[str] | None = None) -> list[str]:
    """axe's findings, in words: all its rules for the tags, or only the named ones."""
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    results = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": only})
    return [
        f"{path} ({how}): {found['id']} at {[node['target'] for node in found['nodes']][:3]}"
        for found in results.response["violations"]
    ]


def test_a_page_that_does_not_exist_is_a_page_all_the_same(somebody: Callable[..., Person]) -> None:
    person = somebody(width=375)
    answer = person.page.goto(f"{person.home}/nothing/here/")
    assert answer is not None and answer.status == 404
    assert axe(person.page, "/nothing/here/", "375 light") == [] and person.violations() == []


# --- Without a mouse -------------------------------------------------------------------------------------


def focus_is_seen(person: Person) -> bool:
    """The focused element is on the screen and has an outline or a shadow that it has only now."""
    return bool(person.page.evaluate("""() => {
        const at = document.activeElement;
        if (!at || at === document.body) return false;
        const style = getComputedStyle(at), around = at.closest('label');
        const ringed = (s) => (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none';
        return ringed(style) || (around !== null && ringed(getComputedStyle(around)));
    }"""))


def tab_to(person: Person, selector: str, *, most: int = 40) -> None:
    """Press Tab until this element has the focus; each stop on the way must be visible."""
    for _ in range(most):
        person.page.keyboard.press("Tab")
        assert focus_is_seen(person), person.page.evaluate("document.activeElement.outerHTML")[:200]
        if person.page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never reached {selector}")


def test_signing_in_and_the_first_step_of_a_consult_need_no_mouse(
    stack: Stack, somebody: Callable[..., Person]
) -> None:
    stack.manage("shell", "-c", _KAY)
    kay = somebody(width=1280)
    page = kay.page
    kay.go("/accounts/login/")
    if not page.evaluate("document.activeElement.matches('[name=login]')"):
        tab_to(kay, "[name=login]")
    page.keyboard.type("kay@demo.example")
    tab_to(kay, "[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/home/")
    kay.go("/consults/start/")
    tab_to(kay, "main form button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/steps/urgent/")
    tab_to(kay, "input[name=urgent_signs][value=none]")
    page.keyboard.press("Space")
    tab_to(kay, "main form button:not([name])")
    page.keyboard.press("Enter")
    page.wait_for_url("**/steps/place/")
    page.keyboard.press("Tab")
    tab_to(kay, "input[name=state_now]")
    page.keyboard.press("Space")
    assert page.locator("input[name=state_now]:checked").count() == 1
    assert kay.violations() == []


_KAY = """
import datetime as dt
from portal.demo.clinic import account
from portal.permissions import Role
from consults.services import person_register
kay = account("kay@demo.example", "Kay Storm", Role.PATIENT)
person_register(by=kay.actor, given_name="Kay", family_name="Storm", birth_date=dt.date(1990, 1, 1), state="MN")
"""
_OWNER = """
from portal.demo.clinic import account
from portal.permissions import Role
from privacy.archive import archive_nightly
account("olga@demo.example", "Olga Berg", Role.OWNER)
archive_nightly()
"""


@pytest.fixture(scope="module", autouse=True)
def owner_and_archive(stack: Stack) -> None:
    """What the demo has not from the start: the clinic's owner, and copies in the archive."""
    stack.manage("shell", "-c", _OWNER)


def test_the_reasons_for_pages_without_a_link_name_pages_that_exist() -> None:
    assert set(NOT_LINKED) <= {route.name for route in all_routes()}
    assert all(re.search(r"\w{4}", why) for why in NOT_LINKED.values())
