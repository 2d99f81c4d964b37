"""The wizard against impatient, lost and hostile hands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from billing.models import Order
from consults.models import Consult
from consults.questionnaire import Kind
from consults.questionnaires import load
from consults.state import ConsultState
from portal.accounts.models import User
from records.models import Answer
from records.photos.models import PhotoState
from tests.consults.building import answer_all, answer_for, person, photo, photos, ready, sent, start

As = Callable[[User | None], Client]
ACNE = load("acne-1")
HOSTILE = "<script>alert(1)</script> ' OR 1=1 -- \u202e{{7*7}}"


def url(name: str, consult: Consult, *more: Any) -> str:
    return reverse(f"consults:{name}", args=[consult.pk, *more])


def words(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def draft(ana: User) -> Consult:
    return start(ana)


@pytest.mark.parametrize("screen", [s for s in ACNE.screens if not s.show_if], ids=lambda screen: screen.id)
def test_each_page_refuses_nonsense_and_keeps_what_was_typed(screen: Any, draft: Consult, ana: User, as_: As) -> None:
    browser = as_(ana)
    answers: dict[str, Any] = {}
    for question in screen.questions:
        texts = {Kind.TEXT: "long " * 500 + "end of it", Kind.NUMBER: "twelve <b>or so</b>"}
        answers[question.id] = texts.get(question.kind, HOSTILE)
    page = browser.post(url("step", draft, screen.id), answers)
    shown = words(page)
    assert page.status_code == 200 and "to fix" in shown and 'role="alert"' in shown
    assert "<script>alert" not in shown
    assert not Answer.objects.exists()
    for question in screen.questions:
        if question.kind is Kind.TEXT:
            assert "end of it" in shown
        if question.kind is Kind.NUMBER:
            assert "twelve &lt;b&gt;or so&lt;/b&gt;" in shown


@pytest.mark.parametrize("screen", [s for s in ACNE.screens if not s.show_if], ids=lambda screen: screen.id)
def test_an_empty_page_says_what_is_missing_or_goes_on(screen: Any, draft: Consult, ana: User, as_: As) -> None:
    page = as_(ana).post(url("step", draft, screen.id), {})
    if any(question.required for question in screen.questions):
        assert page.status_code == 200 and "Please" in words(page)
    else:
        assert page.status_code == 302


def test_a_nul_and_a_lone_surrogate_in_a_text_break_nothing(draft: Consult, ana: User, as_: As) -> None:
    page = as_(ana).post(url("step", draft, "goals"), {"goals": "one\x00two", "else": "fine"})
    assert page.status_code == 200 and "to fix" in words(page)
    assert not Answer.objects.exists()


def test_back_shows_what_was_answered_and_continue_says_when_it_was_saved(draft: Consult, ana: User, as_: As) -> None:
    browser = as_(ana)
    first = url("step", draft, "urgent")
    assert "Saved" not in words(browser.get(first))
    following = browser.post(first, {"urgent_signs": ["none"]})
    page = words(browser.get(following.url))
    assert "Saved" in page and first in page
    ticked = re.findall(r'<input[^>]*value="(\w+)"[^>]*\bchecked', words(browser.get(first)))
    assert ticked == ["none"]


def test_save_and_go_on_later_keeps_the_page_and_finds_the_place_again(draft: Consult, ana: User, as_: As) -> None:
    browser = as_(ana)
    done = browser.post(url("step", draft, "urgent"), {"urgent_signs": ["none"], "later": "1"})
    assert done.url == "/home/" and Answer.objects.count() == 1
    assert "Go on where you stopped" in words(browser.get("/home/"))
    assert url("step", draft, "place") in words(browser.get(url("consult", draft)))


def test_a_changed_answer_leads_back_to_the_review(draft: Consult, ana: User, as_: As) -> None:
    done = as_(ana).post(url("step", draft, "since") + "?to=review", {"since": "weeks", "start_age": "15"})
    assert done.url == url("review", draft)


@pytest.mark.parametrize("screen", ["nothing", "reaction", "medicine_names", "hormones"])
def test_pages_that_are_not_on_the_way_are_not_there(screen: str, draft: Consult, ana: User, as_: As) -> None:
    browser = as_(ana)
    assert browser.get(url("step", draft, screen)).status_code == 404
    assert browser.post(url("step", draft, screen), {"reaction": "x", "reaction_worst": "mild"}).status_code == 404
    assert not Answer.objects.exists()


def test_no_step_can_be_skipped_by_sending_at_once(draft: Consult, ana: User, as_: As) -> None:
    page = as_(ana).post(url("review", draft), {"care": "on", "agreement": "on"})
    draft.refresh_from_db()
    assert page.status_code == 200 and "still need an answer" in words(page) and "Needs an answer" in words(page)
    assert draft.state == ConsultState.DRAFT and not Order.objects.exists()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "one photo from the front"),
        (PhotoState.RECEIVED, "still preparing your photos"),
        (PhotoState.REFUSED, "one photo from the front"),
    ],
)
def test_photos_must_be_there_and_ready(state: str | None, said: str, draft: Consult, ana: User, as_: As) -> None:
    answer_all(ana, draft)
    photos(draft)
    draft.encounter.photos.filter(view="left").delete()
    if state is not None:
        photo(draft.encounter, "left", state=state, code="broken" if state == PhotoState.REFUSED else "")
    page = as_(ana).post(url("review", draft), {"care": "on", "agreement": "on"})
    draft.refresh_from_db()
    assert said in words(page) and draft.state == ConsultState.DRAFT


def test_a_refused_extra_photo_has_to_go_first(ana: User, as_: As) -> None:
    consult, browser = ready(ana), as_(ana)
    extra = photo(consult.encounter, "close_up", state=PhotoState.REFUSED, code="broken")
    assert "could not be used" in words(browser.post(url("review", consult), {"care": "on", "agreement": "on"}))
    browser.post(url("photo_remove", consult, extra.pk))
    assert browser.post(url("review", consult), {"care": "on", "agreement": "on"}).status_code == 302


@pytest.mark.promise("P08")
@pytest.mark.parametrize("ticked", [{}, {"care": "on"}, {"agreement": "on"}, {"notice": "on"}])
def test_nothing_is_ticked_beforehand_and_nothing_goes_without(ticked: dict[str, str], ana: User, as_: As) -> None:
    consult, browser = ready(ana), as_(ana)
    assert "checked" not in words(browser.get(url("review", consult)))
    page = browser.post(url("review", consult), ticked)
    consult.refresh_from_db()
    assert page.status_code == 200 and consult.state == ConsultState.DRAFT


def test_five_presses_on_send_make_one_order(ana: User, as_: As) -> None:
    consult, browser = ready(ana), as_(ana)
    for _ in range(5):
        assert browser.post(url("review", consult), {"care": "on", "agreement": "on"}).status_code == 302
    assert Order.objects.count() == 1


def test_five_presses_on_start_make_one_draft_on_the_page(ana: User, as_: As) -> None:
    person(ana)
    browser, key = as_(ana), str(uuid4())
    ways = {browser.post(reverse("consults:start"), {"form_key": key}).url for _ in range(5)}
    assert len(ways) == 1 and Consult.objects.count() == 1


@pytest.mark.parametrize("key", ["", "nonsense", "<b>"])
def test_start_without_a_proper_key_shows_the_page_again(key: str, ana: User, as_: As) -> None:
    person(ana)
    assert as_(ana).post(reverse("consults:start"), {"form_key": key}).status_code == 200
    assert not Consult.objects.exists()


def test_looking_changes_nothing(ana: User, as_: As) -> None:
    consult, browser = ready(ana), as_(ana)
    consult.refresh_from_db()
    before = (consult.state, consult.changed_at, Answer.objects.count())
    for name in ("consult", "review", "photos", "withdraw", "stop"):
        browser.get(url(name, consult))
        browser.head(url(name, consult))
    for screen in ACNE.path({}):
        browser.get(url("step", consult, screen.id))
    consult.refresh_from_db()
    assert (consult.state, consult.changed_at, Answer.objects.count()) == before
    for name in ("revise",):
        assert browser.get(url(name, consult)).status_code == 405


def test_what_is_sent_can_be_changed_before_paying_and_not_by_its_old_pages(ana: User, as_: As) -> None:
    consult, browser = sent(ana), as_(ana)
    page = browser.post(url("step", consult, "since"), {"since": "long"})
    assert page.url == url("consult", consult)
    assert Answer.objects.get(question_id="since").value["codes"] == ["weeks"]
    assert "was not saved" in browser.get(page.url).content.decode()  # FIELD_FAULTS 36: never lost without a word
    assert browser.post(url("revise", consult)).url == url("review", consult)
    browser.post(url("step", consult, "since"), {"since": "long"})
    assert Answer.objects.get(question_id="since").value["codes"] == ["long"]


@pytest.mark.parametrize(
    ("given", "help_line"),
    [
        ({"urgent": {"urgent_signs": ["breathing"]}}, "tel:911"),
        ({"urgent": {"urgent_signs": ["fever"]}}, "tel:911"),
        ({"mood": {"self_harm": "yes"}}, "tel:988"),
        ({"place": {"state_now": "elsewhere"}}, "license"),
    ],
    ids=["emergency", "fever", "self-harm", "elsewhere"],
)
def test_stop_gives_help_and_no_way_to_send(given: dict[str, Any], help_line: str, ana: User, as_: As) -> None:
    consult, browser = ready(ana), as_(ana)
    (screen, answers), = given.items()
    page = browser.post(url("step", consult, screen), answers)
    assert page.url == url("stop", consult)
    shown = words(browser.get(page.url))
    assert help_line in shown and "<form" not in shown.split("<main")[1].split("</main")[0]
    assert url("step", consult, screen) in shown
    for way in (url("review", consult), url("photos", consult), url("photo", consult, "front"),
                url("step", consult, "where")):
        assert browser.get(way).url == url("stop", consult)
    assert browser.post(url("review", consult), {"care": "on", "agreement": "on"}).url == url("stop", consult)
    consult.refresh_from_db()
    assert consult.state == ConsultState.DRAFT
    assert Answer.objects.count() > 10, "what was answered stays"
    safe = {question.id: answer_for(question, {}) for question in ACNE.screen(screen).questions}
    assert browser.post(url("step", consult, screen), safe).url != url("stop", consult)
    assert browser.get(url("review", consult)).status_code == 200


def test_urgent_advice_shows_and_never_blocks(ana: User, as_: As) -> None:
    consult, browser = ready(ana), as_(ana)
    page = browser.post(url("step", consult, "looks"), {"looks": ["bumps"], "spot": "yes"})
    assert page.url == url("step", consult, "tried")
    assert "looked at in person" in words(browser.get(page.url))
    assert browser.post(url("review", consult), {"care": "on", "agreement": "on"}).status_code == 302


def test_the_emergency_words_stand_on_every_page_of_the_way(ana: User, as_: As) -> None:
    consult, browser = ready(ana), as_(ana)
    ways = [url("step", consult, screen.id) for screen in ACNE.path({})]
    ways += [url(name, consult) for name in ("review", "photos", "consult")] + [url("photo", consult, "front")]
    for way in [*ways, reverse("consults:start"), reverse("consults:messages")]:
        assert 'class="sos"' in words(browser.get(way)), way


def test_an_answer_that_cannot_be_read_is_asked_again(ana: User, as_: As) -> None:
    consult, browser = ready(ana), as_(ana)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # past the history trigger: the row is damaged
        cursor.execute("UPDATE records_answer SET value = 'damaged' WHERE question_id = 'allergies'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    page = words(browser.get(url("review", consult)))
    assert "Needs an answer" in page
    assert "still need an answer" in words(browser.post(url("review", consult), {"care": "on", "agreement": "on"}))
    assert browser.post(url("step", consult, "allergies"), {"allergies": ["none"]}).status_code == 302
    assert browser.post(url("review", consult), {"care": "on", "agreement": "on"}).status_code == 302
