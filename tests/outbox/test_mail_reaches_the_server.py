"""From a row to a mail at a real SMTP server."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.outbox import registry
from portal.outbox.delivery import drain, recover, wipe_old_secrets
from portal.outbox.models import MailState, OutgoingMail
from portal.outbox.services import mail_queue
from tests.outbox.server import MailServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("kinds")]


def queue(number: int = 1, **changes):
    return mail_queue(
        **{"kind": "tests.plain", "address": "ana@example.org", "once_key": f"deed:{number}", **changes}
    )


@pytest.mark.promise("P24")
def test_a_mail_is_plain_text_with_an_html_twin_and_nothing_attached(mail_server):
    row = queue(refs={"consult": "c1"})
    assert drain().sent == 1
    (mail,) = mail_server.mails
    message = mail.message
    assert message["Message-ID"] == row.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == "Your plan is ready at Clear Lake Skin"
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative", "text/plain", "text/html",
    ]
    assert not list(message.iter_attachments())
    plain, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "http://localhost:8000/consults/c1" in plain
    assert '<a href="http://localhost:8000/consults/c1">' in html
    assert "12 Lakeshore Drive" in plain and "cannot be switched off" not in plain
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error, row.address) == ("sent", 1, "", None)


def test_the_same_deed_queues_one_mail(mail_server):
    assert queue(1).pk == queue(1, address="ben@example.org").pk
    drain()
    assert [mail.to for mail in mail_server.mails] == [["ana@example.org"]]


def test_a_deed_that_was_rolled_back_leaves_no_mail(mail_server):
    with pytest.raises(RuntimeError), transaction.atomic():
        queue()
        raise RuntimeError
    assert drain().sent == 0
    assert not OutgoingMail.objects.exists()


def test_a_code_is_encrypted_while_it_waits_and_wiped_when_it_is_sent(mail_server):
    from django.db import connection

    row = queue(kind="tests.code", secret={"code": "RXXM-LMTW"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT outbox_outgoingmail::text FROM outbox_outgoingmail")
        stored = cursor.fetchone()[0]
    assert "RXXM" not in stored and "ana@example.org" not in stored
    drain()
    assert "RXXM-LMTW" in mail_server.mails[0].message.get_body(("plain",)).get_content()
    row.refresh_from_db()
    assert row.secret is None


def test_a_changed_address_gets_the_mail_and_the_old_one_does_not(mail_server):
    """Fault 60."""
    account, book = uuid4(), {}
    registry.set_address_book(lambda account_id: book.get(account_id))
    book[account] = "old@example.org"
    queue(account_id=account, address=None)
    book[account] = "new@example.org"
    drain()
    assert [mail.to for mail in mail_server.mails] == [["new@example.org"]]


def test_a_change_of_address_reaches_mails_that_are_already_claimed(mail_server, monkeypatch):
    """A slow server makes a batch last; no address is older than a second."""
    accounts = [uuid4() for _ in range(3)]
    book = dict.fromkeys(accounts, "old@example.org")
    registry.set_address_book(book.get, lambda ids: {key: book[key] for key in ids})
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(registry.time, "monotonic", lambda: next(clock))
    for number, account in enumerate(accounts):
        queue(number, account_id=account, address=None)
    real, changed = MailServer.handle_MAIL, dict.fromkeys(accounts, "new@example.org")

    async def change_meanwhile(self, *arguments):
        book.update(changed)
        return await real(self, *arguments)

    monkeypatch.setattr(MailServer, "handle_MAIL", change_meanwhile)
    drain(seconds=10_000)
    assert [mail.to[0] for mail in mail_server.mails] == ["old@example.org", "new@example.org", "new@example.org"]


def test_a_former_address_can_be_written_to_beside_the_account(mail_server):
    registry.set_address_book(lambda account_id: "new@example.org")
    queue(account_id=uuid4(), address="old@example.org")
    drain()
    assert [mail.to for mail in mail_server.mails] == [["old@example.org"]]


def test_an_account_without_an_address_is_refused_and_says_so(mail_server):
    registry.set_address_book(lambda account_id: None)
    row = queue(account_id=uuid4(), address=None)
    assert drain().sent == 0
    row.refresh_from_db()
    assert (row.state, row.last_error) == (MailState.REFUSED, "no_address")


@pytest.mark.promise("P12")
def test_marketing_without_authorization_is_refused_at_delivery(mail_server, kinds):
    kinds["gate"] = "not_authorized"
    row = queue(kind="tests.offer")
    drain()
    row.refresh_from_db()
    assert (row.state, row.last_error, row.gate_passed) == ("refused", "not_authorized", False)
    assert not mail_server.mails


@pytest.mark.promise("P26")
def test_authorized_marketing_carries_the_way_out(mail_server, kinds):
    row = queue(kind="tests.offer")
    drain()
    message = mail_server.mails[0].message
    assert message["List-Unsubscribe"] == "<https://clinic.example/stop/abc>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "https://clinic.example/stop/abc" in message.get_body(("plain",)).get_content()
    row.refresh_from_db()
    assert row.gate_passed is True


@pytest.mark.promise("P12")
def test_the_database_refuses_sent_marketing_whose_gate_was_not_passed(kinds):
    row = queue(kind="tests.offer")
    with pytest.raises(IntegrityError, match="outbox_marketing_was_authorized"), transaction.atomic():
        OutgoingMail.objects.filter(pk=row.pk).update(state="sent", sent_at=timezone.now(), address=None)


@pytest.mark.promise("P27")
def test_mail_about_the_account_says_that_it_cannot_be_switched_off(mail_server):
    registry.set_address_book(lambda account_id: "ana@example.org")
    queue(account_id=uuid4(), address=None)
    drain()
    assert "cannot be switched off" in mail_server.mails[0].message.get_body(("plain",)).get_content()


def test_sign_in_codes_go_before_newsletters(mail_server, kinds):
    for number in range(30):
        queue(number, kind="tests.offer", address=f"reader{number}@example.org")
    queue(99, kind="tests.code", secret={"code": "1"})
    drain()
    assert mail_server.mails[0].to == ["ana@example.org"]
    assert len(mail_server.mails) == 31


def test_a_mail_for_later_waits_for_its_time(mail_server):
    queue(send_after=timezone.now() + dt.timedelta(hours=3))
    assert drain().sent == 0
    with time_machine.travel(timezone.now() + dt.timedelta(hours=3, minutes=1)):
        assert drain().sent == 1


def test_a_mail_that_would_come_too_late_is_refused(mail_server):
    row = queue(kind="tests.code", secret={"code": "1"}, send_before=timezone.now() - dt.timedelta(seconds=1))
    drain()
    row.refresh_from_db()
    assert (row.state, row.last_error, row.secret) == ("refused", "too_late", None)


def test_a_batch_shares_one_connection(mail_server):
    for number in range(60):
        queue(number, address=f"reader{number}@example.org")
    result = drain()
    assert (result.sent, result.connections, mail_server.connections) == (60, 1, 1)


def test_codes_of_stuck_mails_are_wiped_after_a_day(mail_server):
    row = queue(kind="tests.code", secret={"code": "1"})
    OutgoingMail.objects.update(state=MailState.DEAD)
    assert wipe_old_secrets() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(hours=25)):
        assert wipe_old_secrets() == 1
    row.refresh_from_db()
    assert row.secret is None and row.has_secret


def test_nothing_is_recovered_while_leases_hold(mail_server):
    queue()
    OutgoingMail.objects.update(
        state=MailState.SENDING, lease=uuid4(), leased_until=timezone.now() + dt.timedelta(minutes=1)
    )
    assert recover() == 0
