"""The desk of stuck mail in the admin."""

from __future__ import annotations

import pytest

from portal.outbox.models import OutgoingMail
from portal.outbox.selectors import counts_by_state, marketing_without_authorization, oldest_wait
from portal.outbox.services import mail_queue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kinds")]


@pytest.fixture
def stuck():
    mail = mail_queue(kind="tests.plain", address="ana@example.org", once_key="a:1")
    OutgoingMail.objects.update(state="dead", last_error="smtp_550", attempts=1)
    return mail


def test_support_sees_what_is_stuck_and_why_but_neither_address_nor_words(stuck, support, as_):
    page = as_(support).get("/admin/mail/").content.decode()
    assert "Your plan is ready at Clear Lake Skin" in page and "takes no mail for this address" in page
    assert "smtp_550" in page and "Send again" in page
    assert "ana@example.org" not in page


def test_support_sends_it_again_by_post_only(stuck, support, as_):
    browser = as_(support)
    assert browser.get(f"/admin/mail/{stuck.pk}/again/").status_code == 405
    assert OutgoingMail.objects.get().state == "dead"
    assert browser.post(f"/admin/mail/{stuck.pk}/again/").status_code == 302
    assert OutgoingMail.objects.get().state == "waiting"
    page = browser.post(f"/admin/mail/{stuck.pk}/again/", follow=True).content.decode()
    assert "This mail is not stuck" in page


def test_others_do_not_find_the_desk(stuck, ana, clinician, owner, as_):
    for persona in (ana, clinician, owner):
        assert as_(persona).get("/admin/mail/").status_code in (302, 404)
        assert as_(persona).post(f"/admin/mail/{stuck.pk}/again/").status_code in (302, 404)
    assert OutgoingMail.objects.get().state == "dead"


def test_the_list_of_mails_shows_no_address(stuck, officer, as_):
    browser = as_(officer)
    for url in ("/admin/outbox/outgoingmail/", f"/admin/outbox/outgoingmail/{stuck.pk}/change/"):
        page = browser.get(url)
        assert page.status_code == 200
        assert "ana@example.org" not in page.content.decode()


def test_the_numbers_of_the_outbox_are_right(stuck):
    assert counts_by_state() == {"waiting": 0, "sending": 0, "sent": 0, "dead": 1, "refused": 0}
    assert oldest_wait().total_seconds() == 0
    mail_queue(kind="tests.plain", address="ana@example.org", once_key="a:2")
    assert oldest_wait().total_seconds() > 0
    assert marketing_without_authorization() == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("outcome_unknown", "may have arrived"), ("not_sendable", "cannot be right"), ("smtp_451", "later"),
        ("line_TimeoutError", "later"), ("render_KeyError", "not be written"), ("unknown_kind", "not be written"),
    ],
)
def test_each_reason_is_told_in_words(stuck, support, as_, code, words):
    OutgoingMail.objects.update(last_error=code)
    assert words in as_(support).get("/admin/mail/").content.decode()
