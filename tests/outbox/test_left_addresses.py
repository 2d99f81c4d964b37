"""An address that left is never written to again, by no mail but the last; kept as a keyed hash (P28)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core import mail as mailbox
from django.db import connection

from portal.accounts.models import User
from portal.outbox.delivery import drain
from portal.outbox.leaving import address_come_back, address_leave, hashes_of, left_of
from portal.outbox.models import Category, LeftAddress, MailState, OutgoingMail
from portal.outbox.registry import Mail, Rendered, register
from portal.outbox.services import mail_queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P28")]
ADDRESS = "leaver@example.org"


@pytest.fixture(autouse=True)
def kinds() -> None:
    words = Rendered(text="Hello")
    register(Mail("test.plain", Category.OPERATIONAL, lambda _mail: words, "A word"))
    register(Mail("test.code", Category.SECURITY, lambda _mail: words, "A code"))
    register(Mail("test.news", Category.MARKETING, lambda _mail: Rendered(
        text="News", unsubscribe_url="https://portal.example/off"), "News", gate=lambda _mail: ""))
    register(Mail("test.farewell", Category.OPERATIONAL, lambda _mail: words, "Goodbye", farewell=True))


def sent(kind: str, **to: Any) -> OutgoingMail:
    row = mail_queue(kind=kind, once_key=f"{kind}:{uuid4()}", **to)
    drain()
    row.refresh_from_db()
    return row


@pytest.mark.parametrize("kind", ["test.plain", "test.code", "test.news"])
@pytest.mark.parametrize("written", [ADDRESS, "Leaver@Example.org"])
def test_no_mail_of_any_kind_leaves_for_it(kind: str, written: str) -> None:
    address_leave(ADDRESS)
    row = sent(kind, address=written)
    assert (row.state, row.last_error, row.address) == (MailState.REFUSED, "left", None)
    assert mailbox.outbox == []
    assert sent(kind, address="other@example.org").state == MailState.SENT


def test_what_waited_when_it_left_is_refused_too() -> None:
    row = mail_queue(kind="test.plain", once_key="before", address=ADDRESS)
    address_leave(ADDRESS)
    drain()
    row.refresh_from_db()
    assert (row.state, row.last_error) == (MailState.REFUSED, "left")


def test_an_account_with_such_an_address_gets_nothing(ana: User) -> None:
    address_leave(ana.email)
    assert sent("test.plain", account_id=ana.pk).last_error == "left"


def test_only_the_last_mail_still_goes() -> None:
    address_leave(ADDRESS)
    assert sent("test.farewell", address=ADDRESS).state == MailState.SENT
    assert [mail.to for mail in mailbox.outbox] == [[ADDRESS]]


def test_a_batch_asks_once_however_many_left(django_assert_num_queries: Any) -> None:
    address_leave(ADDRESS)
    with django_assert_num_queries(1):
        assert left_of([ADDRESS, *(f"p{number}@example.org" for number in range(50))]) == {ADDRESS}


def test_nothing_of_the_address_is_kept_but_a_hash_under_a_key_of_its_own(settings: Any) -> None:
    address_leave(ADDRESS)
    address_leave(ADDRESS.upper())
    assert LeftAddress.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM outbox_leftaddress t")
        (row,) = cursor.fetchone()
    assert "leaver" not in row and hashes_of(ADDRESS)[0] in row
    before = hashes_of(ADDRESS)
    settings.SECRET_KEY, settings.SEARCH_HMAC_KEY = "x" * 50, ["y" * 50]
    assert hashes_of(ADDRESS) == before, "other keys change and it is still found"
    settings.LEFT_HMAC_KEY = ["z" * 50]
    assert left_of([ADDRESS]) == set()
    settings.LEFT_HMAC_KEY = ["a new one" * 6, *["z" * 50], "development-only-left-key"]
    assert left_of([ADDRESS]) == {ADDRESS}, "a new key goes in front, and the old ones stay"


def test_who_comes_back_is_written_to_again() -> None:
    address_leave(ADDRESS)
    assert address_come_back(" Leaver@example.org ") is True
    assert address_come_back(ADDRESS) is False
    assert sent("test.plain", address=ADDRESS).state == MailState.SENT
