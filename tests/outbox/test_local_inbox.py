"""The demo's inbox page: every mail can be read there, and nowhere else."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection

from portal.outbox.delivery import drain
from portal.outbox.inbox import find, newest
from portal.outbox.services import mail_queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("kinds")]
BACKEND = "portal.outbox.inbox.LocalInboxBackend"


@pytest.fixture
def inbox(settings, tmp_path):
    settings.LOCAL_INBOX_DIR = str(tmp_path / "inbox")
    settings.EMAIL_BACKEND = BACKEND
    return tmp_path / "inbox"


def test_a_delivered_mail_can_be_read_on_the_page_by_anybody_at_the_demo(inbox, client):
    row = mail_queue(kind="tests.plain", address="ana@example.org", once_key="a:1", refs={"consult": "c7"})
    assert drain().sent == 1
    (mail,) = newest()
    assert (mail.to, mail.message_id) == ("ana@example.org", row.message_id)
    page = client.get("/inbox/")
    assert "Your plan is ready at Clear Lake Skin" in page.content.decode()
    letter = client.get(f"/inbox/{mail.name}/").content.decode()
    assert 'href="http://localhost:8000/consults/c7"' in letter
    assert "no-store" in page.headers["Cache-Control"]


def test_one_address_can_be_picked_out(inbox, client):
    for name in ("ana", "ben"):
        mail_queue(kind="tests.plain", address=f"{name}@example.org", once_key=f"a:{name}")
    drain()
    page = client.get("/inbox/?to=ben@example.org").content.decode()
    assert "to ben@example.org" in page and "to ana@example.org" not in page


def test_words_of_a_mail_are_shown_as_text_and_not_as_markup(inbox, client):
    mail_queue(kind="tests.code", address="ana@example.org", once_key="a:2", secret={"code": "<script>x</script>"})
    drain()
    letter = client.get(f"/inbox/{newest()[0].name}/").content.decode()
    assert "<script>x" not in letter and "&lt;script&gt;x" in letter


@pytest.mark.parametrize("name", ["..%2f..%2fsecret", "x", "20260101T000000000000-" + "0" * 32, ".hidden"])
def test_only_names_of_delivered_mails_open(inbox, client, name):
    inbox.mkdir()
    (inbox.parent / "secret.eml").write_text("Subject: secret\n\nsecret")
    assert client.get(f"/inbox/{name}/").status_code == 404
    assert find("../secret") is None


@pytest.mark.parametrize(("folder", "production"), [("", False), ("set", True)])
def test_without_a_folder_and_in_production_there_is_no_inbox(settings, tmp_path, client, folder, production):
    settings.LOCAL_INBOX_DIR = str(tmp_path) if folder else ""
    settings.PRODUCTION = production
    assert client.get("/inbox/").status_code == 404
    assert client.get("/inbox/20260101T000000000000-" + "0" * 32 + "/").status_code == 404
    with pytest.raises(ImproperlyConfigured):
        get_connection(BACKEND).send_messages([EmailMessage("s", "b", "a@example.org", ["b@example.org"])])
