"""The dashboard, messages, the plan, and that none of it opens to the wrong person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consults import services
from consults.models import Consult
from consults.urls import urlpatterns
from portal.accounts.models import User
from portal.outbox.letters import build
from portal.outbox.models import OutgoingMail
from portal.outbox.registry import MailContext, mail_of
from tests.consults.building import answered, asked, earlier, person, ready, sent, start, taken, waiting

As = Callable[[User | None], Client]


def url(name: str, consult: Consult, *more: Any) -> str:
    return reverse(f"consults:{name}", args=[consult.pk, *more])


def words(response: Any) -> str:
    return str(response.content.decode())


def queries(browser: Client, path: str) -> list[str]:
    """The statements of one page, without the marks of transactions."""
    browser.get(path)  # the first look writes when the session was last seen
    with CaptureQueriesContext(connection) as caught:
        assert browser.get(path).status_code == 200
    marks = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
    return [query["sql"] for query in caught.captured_queries if not query["sql"].startswith(marks)]


def test_somebody_new_is_welcomed_and_then_shown_how_to_start(ana: User, as_: As) -> None:
    browser = as_(ana)
    assert browser.get("/home/").url == "/welcome/"
    assert browser.get("/consults/start/").url == "/welcome/"
    person(ana)
    page = words(browser.get("/home/"))
    assert "Start a consult" in page and "Ana" in page
    assert browser.get("/welcome/").url == "/home/"


@pytest.mark.promise("S1")
def test_the_dashboard_shows_the_plan_as_morning_and_evening(ana: User, clinician: User, as_: As) -> None:
    consult = answered(ana, clinician)
    services.consult_message(by=clinician.actor, consult_id=consult.pk, body="How is it going?", form_key=uuid4())
    page = words(as_(ana).get("/home/"))
    for shown in ("Morning", "Lukewarm water", "Evening", "Adapalene 0.1%", "week 1 of 8", "New message"):
        assert shown in page
    assert "How is it going" not in page, "words of a message stand in its thread only"


@pytest.mark.parametrize("hour, greeting", [(6, "Good morning"), (13, "Good afternoon"), (21, "Good evening")])
def test_the_greeting_goes_by_the_reader_s_own_clock(
    hour: int, greeting: str, ana: User, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(ana)
    moment = timezone.localtime().replace(hour=hour)
    monkeypatch.setattr("consults.views.patient.timezone.localtime", lambda *args: moment)
    assert greeting in words(as_(ana).get("/home/"))


def test_the_dashboard_takes_ten_queries_at_most_and_as_many_at_twenty(ana: User, clinician: User, as_: As) -> None:
    patient = person(ana)
    answered(ana, clinician, patient)
    browser = as_(ana)
    one = queries(browser, "/home/")
    for _ in range(19):
        earlier(ana, clinician, patient)
    twenty = queries(browser, "/home/")
    assert len(one) == len(twenty) <= 10, "\n".join(twenty)
    assert len(queries(browser, "/messages/")) <= 6


def test_the_list_of_threads_shows_no_words_and_counts_what_is_new(ana: User, clinician: User, as_: As) -> None:
    consult, browser = asked(ana, clinician), as_(ana)
    page = words(browser.get("/messages/"))
    assert "1 new" in page and "hurt at night" not in page and url("thread", consult) in page
    assert "hurt at night" in words(browser.get(url("thread", consult)))
    assert "1 new" not in words(browser.get("/messages/"))


@pytest.mark.promise("S3")
def test_five_presses_send_one_message_and_the_question_is_answered(ana: User, clinician: User, as_: As) -> None:
    consult, browser, key = asked(ana, clinician), as_(ana), str(uuid4())
    assert "A clinician has a question" in words(browser.get(url("thread", consult)))
    for _ in range(5):
        page = browser.post(url("thread", consult), {"form_key": key, "body": "Only when I touch it."})
        assert page.status_code == 302
    consult.refresh_from_db()
    assert consult.state == "in_review" and consult.encounter.messages.filter(from_staff=False).count() == 1


@pytest.mark.parametrize(
    ("body", "said"), [("", "write your message first"), ("   ", "write your message first"), ("y" * 5001, "5001")]
)
def test_a_message_that_cannot_go_stays_on_the_page(
    body: str, said: str, ana: User, clinician: User, as_: As
) -> None:
    consult = taken(ana, clinician)
    page = as_(ana).post(url("thread", consult), {"form_key": str(uuid4()), "body": body})
    assert page.status_code == 200 and said in words(page)
    assert not consult.encounter.messages.exists()
    if body.strip():
        assert body in words(page)


def test_a_message_of_marks_is_shown_as_typed(ana: User, clinician: User, as_: As) -> None:
    consult, browser = taken(ana, clinician), as_(ana)
    browser.post(url("thread", consult), {"form_key": str(uuid4()), "body": "<img src=x onerror=alert(1)>\nsecond"})
    page = words(browser.get(url("thread", consult)))
    assert "&lt;img src=x" in page and "<img src=x" not in page


def test_a_finished_thread_takes_no_new_words(ana: User, clinician: User, as_: As) -> None:
    consult, browser = answered(ana, clinician), as_(ana)
    services.consult_close(by=clinician.actor, consult_id=consult.pk)
    assert "<textarea" not in words(browser.get(url("thread", consult)))
    page = browser.post(url("thread", consult), {"form_key": str(uuid4()), "body": "Anybody there?"})
    assert page.status_code == 200 and not consult.encounter.messages.exists()


def test_the_plan_is_there_once_it_is_signed_and_not_before(ana: User, clinician: User, as_: As) -> None:
    from tests.consults.building import write_plan

    consult, browser = taken(ana, clinician), as_(ana)
    write_plan(clinician, consult)
    assert browser.get(url("plan", consult)).status_code == 404
    services.consult_answer(by=clinician.actor, consult_id=consult.pk)
    page = words(browser.get(url("plan", consult)))
    for shown in ("Dear Ana, here is your plan.", "Stop if it burns.", "Karin Lind", "Acne vulgaris, moderate"):
        assert shown in page


STATES: dict[str, Callable[[User, User], Consult]] = {
    "draft": lambda ana, _: ready(ana), "awaiting_payment": lambda ana, _: sent(ana),
    "submitted": lambda ana, _: waiting(ana), "in_review": taken, "needs_information": asked, "answered": answered,
    "withdrawn": lambda ana, _: services.consult_withdraw(by=ana.actor, consult_id=waiting(ana).pk),
}


@pytest.mark.parametrize("state", STATES)
def test_every_page_of_a_consult_answers_in_every_state(
    state: str, ana: User, clinician: User, as_: As
) -> None:
    consult, browser = STATES[state](ana, clinician), as_(ana)
    assert consult.state == state
    for page in ("/home/", "/messages/", url("consult", consult)):
        assert browser.get(page).status_code == 200, page
    for path in every_path(consult):
        assert browser.get(path).status_code in (200, 302, 404, 405), path
        assert browser.post(path, {"form_key": "x"}).status_code in (200, 302, 404, 405), path


def every_path(consult: Consult) -> list[str]:
    """Each address under a consult, filled in."""
    values = {"consult_id": consult.pk, "screen_id": "urgent", "view": "front", "photo_id": uuid4()}
    picture = consult.encounter.photos.first()
    if picture is not None:
        values["photo_id"] = picture.pk
    found = []
    for pattern in urlpatterns:
        wanted = pattern.pattern.converters
        if "consult_id" in wanted:
            found.append(reverse(f"consults:{pattern.name}", kwargs={name: values[name] for name in wanted}))
    return found


@pytest.mark.promise("P21")
@pytest.mark.parametrize("who", ["ben", "guardian", "clinician", "officer", "support", "owner"])
def test_the_wrong_person_finds_nothing_under_any_address(
    who: str, ana: User, as_: As, request: pytest.FixtureRequest
) -> None:
    consult = ready(ana)
    other: User = request.getfixturevalue(who)
    if who == "ben":
        person(other, given="Ben", family="Tran")
    browser = as_(other)
    paths = every_path(consult)
    assert len(paths) > 10
    for path in paths:
        assert browser.get(path).status_code in (404, 405), path
        assert browser.post(path, {"form_key": str(uuid4()), "care": "on", "agreement": "on"}).status_code in (
            404, 405,
        ), path
    consult.refresh_from_db()
    assert consult.state == "draft" and consult.encounter.photos.count() == 3


def test_a_visitor_is_asked_to_sign_in(ana: User, as_: As) -> None:
    consult = ready(ana)
    for path in [*every_path(consult), "/home/", "/welcome/", "/messages/", "/consults/start/"]:
        page = as_(None).get(path)
        assert page.status_code in (302, 405) and "/login/" in page.headers.get("Location", "/login/"), path


def test_two_people_of_one_name_and_birth_date_stay_two(ana: User, ben: User, as_: As) -> None:
    person(ana, given="John", family="Doe")
    theirs = ready(ben, person(ben, given="John", family="Doe"))
    browser = as_(ana)
    assert str(theirs.pk) not in words(browser.get("/home/")) + words(browser.get("/messages/"))
    assert browser.get(url("consult", theirs)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"given_name": "", "family_name": ""}, "One name is enough"),
        ({"birth_date_month": "2", "birth_date_day": "30"}, "no such day"),
        ({"birth_date_year": "3000"}, "not come yet"),
        ({"birth_date_year": "18O0"}, "numbers"),
        ({"birth_date_year": "2016"}, "under 13"),
        ({"birth_date_year": "2011"}, "parent or guardian"),
        ({"state": "XX"}, "choose a state from the list"),
        ({"state": ""}, "state where you live"),
        ({"phone": "call me"}, "digits"),
        ({"given_name": "x" * 201}, "at most 200"),
    ],
)
def test_the_welcome_refuses_nonsense_and_keeps_what_was_typed(
    fields: dict[str, str], said: str, ana: User, as_: As
) -> None:
    good = {
        "given_name": "Ngũgĩ", "family_name": "O’Brien", "state": "MN", "phone": "",
        "birth_date_month": "4", "birth_date_day": "4", "birth_date_year": "1970",
    }
    page = as_(ana).post("/welcome/", good | fields)
    assert page.status_code == 200 and said in words(page)
    for name, typed in (good | fields).items():
        if typed and name not in ("state", "birth_date_month"):
            assert f'value="{typed}"' in words(page)
    assert as_(ana).get("/home/").url == "/welcome/"


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_birth_date_stays_the_day_that_was_typed(zone: str, ana: User, as_: As) -> None:
    from records.models import Patient

    ana.time_zone = zone
    ana.save()
    as_(ana).post("/welcome/", {
        "given_name": "Ana", "family_name": "", "state": "MN", "phone": "",
        "birth_date_month": "4", "birth_date_day": "4", "birth_date_year": "1970",
    })
    assert Patient.objects.get().birth_date.isoformat() == "1970-04-04"


@pytest.mark.promise("P24")
def test_no_mail_of_a_consult_tells_what_it_is_about(ana: User, clinician: User) -> None:
    consult = asked(ana, clinician)
    services.consult_message(by=ana.actor, consult_id=consult.pk, body="ZQXWORD hurts", form_key=uuid4())
    services.consult_message(by=clinician.actor, consult_id=consult.pk, body="ZQXWORD it will", form_key=uuid4())
    answered(ana, clinician, consult.patient)
    start(ana, consult.patient)
    from consults import mails

    for make in (mails.closed, mails.withdrawn, mails.declined, mails.expired, mails.overdue, mails.reminder):
        make(consult)
    rows = list(OutgoingMail.objects.filter(kind__startswith="consults."))
    assert len({row.kind for row in rows}) >= 10
    for row in rows:
        message = as_sent(row)
        text = f"{message.subject}\n{message.body}\n{message.alternatives[0].content}"
        for word in ("ZQXWORD", "Okafor", "acne", "Acne", "Adapalene", "$"):
            assert word not in text, (row.kind, word)
        assert "/consults/" in text or ("/home/" in text and not message.attachments)


def as_sent(row: OutgoingMail) -> EmailMultiAlternatives:
    """The mail as it leaves."""
    mail = mail_of(row.kind)
    return build(row, mail, mail.render(MailContext(row.refs, {}, row.account_id)), "somebody@example.org")
