"""My record shows each section at once, says what is not there, and goes on paper (P31, P07)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from records.access import grant_open
from records.history.models import Entry, Section
from records.history.services import entry_add, section_none
from records.history.topics import Said, topics_save
from records.messages.models import Message
from records.people.models import GrantKind
from records.photos.models import PhotoState, PhotoView
from records.photos.selectors import PhotoCard
from records.templatetags.record_ui import letters, said, shots
from records.vault import AnswerView, MessageView
from tests.bench.served.records import somebody
from tests.records.building import Kept, broken, person

pytestmark = pytest.mark.django_db
As = Callable[[User | None], Client]
RECORD, PRINT = reverse("records:record"), reverse("records:print")
NUMBER = "S530-014-871-2204"


def add(user: User, kept: Kept, section: Section, number: str = "", private: bool = False, **values: str) -> Entry:
    return entry_add(
        by=user.actor, patient_id=kept.id, section=section, values=values, number=number, private=private,
        form_key=uuid4(),
    )


@pytest.fixture
def told(anas: Kept, ana: User) -> Kept:
    """Ana has filled every section."""
    add(ana, anas, Section.ALLERGIES, substance="Penicillin", reaction="Hives", severity="severe", note="As a child")
    add(ana, anas, Section.MEDICATIONS, name="Cetirizine", kind="over_the_counter", dose="10 mg", how="In spring",
        since="2019", status="stopped", reason="It made me tired")
    add(ana, anas, Section.CONDITIONS, name="Eczema", since="2004", status="past", note="Behind the knees",
        private=True)
    add(ana, anas, Section.IDENTIFIERS, kind="drivers_license", issuer="Minnesota", number=NUMBER)
    topics_save(by=ana.actor, patient_id=anas.id, section=Section.HISTORY, answers={"sun": Said(text="I burn fast")})
    topics_save(by=ana.actor, patient_id=anas.id, section=Section.PRIVATE, answers={"mood": Said(text="A bit low")})
    return anas


def part(text: str, anchor: str) -> str:
    """The words of one section of the page, without markup."""
    found = re.search(rf'<section id="{anchor}".*?</section>', text, flags=re.DOTALL)
    assert found, anchor
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found[0]))


@pytest.mark.promise("P31", "P07")
@pytest.mark.parametrize("page", [RECORD, PRINT])
def test_each_section_stands_on_the_page(page: str, as_: As, told: Kept, ana: User) -> None:
    text = as_(ana).get(page).content.decode()
    for anchor, words in {
        "allergies": ("Penicillin", "Severe", "Hives", "As a child", "Last checked:"),
        "medications": ("Cetirizine", "10 mg", "Bought without a prescription", "2019", "Stopped", "It made me tired"),
        "conditions": ("Eczema", "Over", "2004", "Behind the knees", "Private"),
        "history": ("You and the sun", "I burn fast"),
        "private": ("Mood", "A bit low", "parent or guardian"),
        "identifiers": ("Driver", "Minnesota", "2204"),
    }.items():
        assert [word for word in words if word not in part(text, anchor)] == [], anchor
    assert NUMBER not in text and "S530" not in text, "a number stays covered until it is asked for"


@pytest.mark.promise("P31", "P06")
def test_each_section_leads_to_where_it_is_changed(as_: As, told: Kept, ana: User) -> None:
    text = as_(ana).get(RECORD).content.decode()
    for section in Section:
        assert f'href="{reverse("records:section", args=[section])}"' in text, section
    for name in ("contact", "photos", "compare", "print", "changes"):
        if name != "compare":  # there is only one photo
            assert f'href="{reverse(f"records:{name}")}"' in text, name
    assert reverse("privacy:who_looked") in text and reverse("privacy:copy") in text
    paper = as_(ana).get(PRINT).content.decode()
    assert reverse("records:section", args=["allergies"]) not in paper


def test_nothing_said_is_not_the_same_as_said_to_be_none(as_: As, anas: Kept, ana: User) -> None:
    before = part(as_(ana).get(RECORD).content.decode(), "conditions")
    assert "Nothing stands here yet" in before and "Add an illness" in before
    section_none(by=ana.actor, patient_id=anas.id, section=Section.CONDITIONS)
    text = as_(ana).get(RECORD).content.decode()
    assert re.search(r"You said that there are none\. \w{3} \d+, \d{4}", part(text, "conditions"))
    assert "Nothing stands here yet" in part(text, "allergies")


@pytest.mark.promise("P17", "P31")
def test_one_entry_that_cannot_be_read_says_so_and_its_neighbours_stay(as_: As, told: Kept, ana: User) -> None:
    other = add(ana, told, Section.ALLERGIES, substance="Nickel", severity="mild")
    broken(Entry, "value", pk=other.pk)
    broken(Entry, "value", section="medications", code="")
    text = as_(ana).get(RECORD).content.decode()
    allergies, medicines = part(text, "allergies"), part(text, "medications")
    assert "Penicillin" in allergies and allergies.count("cannot be read") == 1
    assert medicines.count("cannot be read") == 1 and "Prescribed" not in medicines and "gAAAA" not in text


@pytest.mark.promise("P31", "P21")
def test_a_guardian_sees_the_record_without_what_is_private(
    as_: As, told: Kept, ana: User, guardian: User
) -> None:
    """RULES 4.14: not even whether there is anything."""
    grant_open(by=ana.actor, patient_id=told.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    for page in (reverse("records:record_of", args=[told.id]), RECORD, PRINT):
        text = as_(guardian).get(page).content.decode()
        assert "Penicillin" in text and "Are you pregnant?" not in text
        assert "Eczema" not in text and "A bit low" not in text
        assert "There may be answers here that stay between Ana Okafor and the clinic" in part(text, "private")


@pytest.mark.promise("P31", "P21")
def test_printing_is_written_down_as_printing(as_: As, told: Kept, ana: User) -> None:
    page = as_(ana).get(PRINT)
    event = AccessEvent.objects.order_by("-number").first()
    assert event is not None and (event.action, event.subject_id) == (Action.PRINT, told.id)
    text = page.content.decode()
    assert page["Cache-Control"] == "private, no-store"
    assert "Record of Ana Okafor" in text and "Dear Ana" in text and "Does it hurt?" in text
    assert len(re.findall("<details", text)) == len(re.findall("<details[^>]* open", text)) > 0, "nothing is folded"
    line = re.search(r"data-every-page>([^<]*)<", text)
    assert line and "Ana Okafor" in line[1] and re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", line[1])


@pytest.mark.promise("P21")
def test_nobody_else_prints_it(as_: As, told: Kept, ben: User, guardian: User, clinician: User, officer: User) -> None:
    for stranger in (ben, guardian, clinician, officer):
        assert as_(stranger).get(reverse("records:print_of", args=[told.id])).status_code == 404
    assert as_(ben).get(PRINT).status_code == 404, "no record yet"


def test_the_newest_consult_is_open_and_the_others_fold_with_everything_in_them(as_: As) -> None:
    user = somebody(consults=3, photos=3, messages=6)
    text = as_(user).get(RECORD).content.decode()
    folds = re.findall(r'<details class="card fold"( open)?>', text)
    assert folds == [" open", "", ""]
    assert text.count("It gets a bit dry around the mouth") >= 3 * 16 + 6


@pytest.mark.promise("P31")
def test_a_full_record_takes_no_more_than_twelve_statements(as_: As) -> None:
    """20 consults, 120 photos, 200 messages; session, user and access log are counted in."""
    user = somebody(consults=20, photos=120, messages=200)
    browser = as_(user)
    browser.get(RECORD)
    for page in (RECORD, PRINT):
        with CaptureQueriesContext(connection) as captured:
            text = browser.get(page).content.decode()
        asked = [query["sql"] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]
        assert len(asked) <= 12, "\n".join(asked)
        assert text.count("/thumb/") >= 120 and text.count('class="fold"') == 0
    assert Message.objects.count() == 200


# --- The lists that are written in Python ----------------------------------------------------------------


def _card(state: PhotoState, **more: Any) -> PhotoCard:
    base: dict[str, Any] = {
        "id": uuid4(), "view": PhotoView.FRONT, "state": state, "received_at": _noon(), "reason": "", "width": 3,
        "height": 4,
    }
    return PhotoCard(**base | more)


def _noon() -> dt.datetime:
    return dt.datetime(2026, 7, 4, 17, 5, tzinfo=dt.UTC)


def test_a_photo_in_a_list_shows_itself_or_why_not() -> None:
    ready, waiting = _card(PhotoState.READY), _card(PhotoState.RECEIVED)
    refused = _card(PhotoState.REFUSED, reason="Too <small>")
    html = shots([ready, waiting, refused])
    assert html.count("<li>") == 3 and html.count("<img") == 1
    assert f'src="{reverse("records:photo", args=[ready.id, "thumb"])}"' in html
    assert f'href="{reverse("records:photo", args=[ready.id, "image"])}"' in html
    assert 'alt="Photo: Front" width="3" height="4" loading="lazy"' in html and "Jul 4, 2026" in html
    assert 'data-large="Front, Jul 4, 2026"' in html
    assert "Being prepared" in html and "Too &lt;small&gt;" in html


def test_words_of_people_are_shown_as_words_in_the_lists() -> None:
    """FIELD_FAULTS 9."""
    answer = AnswerView("q", "Why <b>?", 1, {"text": "<script>1</script>"}, False, _noon())
    assert said([answer]) == '<dt>Why &lt;b&gt;?</dt><dd class="said">&lt;script&gt;1&lt;/script&gt;</dd>'
    assert ">–<" in said([AnswerView("q", "Why?", 1, {"text": ""}, False, _noon())])
    mine, theirs = uuid4(), uuid4()
    rows = [
        MessageView(uuid4(), uuid4(), "<i>hi</i>", from_staff, author, name, _noon(), None)
        for from_staff, author, name in (
            (False, mine, "Ana <b>"), (False, theirs, ""), (False, theirs, "Gwen & Co"), (True, theirs, "Karin <b>"),
        )
    ]

    class Request:
        account_id = mine

    with timezone.override("America/Chicago"):
        html = letters({"request": Request()}, rows)
    assert html.count("&lt;i&gt;hi&lt;/i&gt;") == 4 and html.count('class="mine"') == 3
    names = re.findall(r'class="hint">(.*?) · <time', html)
    assert names == ["You", "Patient", "Gwen &amp; Co", "Karin &lt;b&gt;"]
    assert "Jul 4, 2026, 12:05 p.m." in html


def test_without_a_record_there_is_nothing_to_print_and_with_an_empty_one_each_part_says_what_to_do(
    as_: As, ben: User
) -> None:
    person(ben, given="Ben")
    text = as_(ben).get(RECORD).content.decode()
    for anchor in (*Section.values, "documents", "photos"):
        assert "Nothing stands here yet" in part(text, anchor), anchor
    assert "There are no consults yet" in text
    assert as_(ben).get(PRINT).status_code == 200
