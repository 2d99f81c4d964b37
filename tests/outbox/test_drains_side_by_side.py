"""Several drains at once, and workers killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from django.db import connection, connections

from portal.outbox.delivery import drain, recover
from portal.outbox.models import OutgoingMail
from portal.outbox.services import mail_queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("kinds")]


def queue_many(count: int) -> None:
    for number in range(count):
        mail_queue(kind="tests.plain", address=f"reader{number}@example.org", once_key=f"deed:{number}")


def run_in_threads(*works) -> None:
    failures = []

    def guarded(work):
        try:
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


def test_four_drains_at_once_send_each_mail_once(mail_server):
    queue_many(200)
    run_in_threads(*[drain] * 4)
    assert Counter(mail.to[0] for mail in mail_server.mails) == {f"reader{n}@example.org": 1 for n in range(200)}
    assert set(OutgoingMail.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_five_presses_queue_one_mail(mail_server):
    """Fault 44: the same deed from five connections at once."""
    run_in_threads(*[lambda: mail_queue(kind="tests.plain", address="a@example.org", once_key="press:1")] * 5)
    assert OutgoingMail.objects.count() == 1
    drain()
    assert len(mail_server.mails) == 1


def test_a_mail_that_was_erased_while_its_batch_went_out_is_not_sent(mail_server, monkeypatch):
    """P39: an erasure does not wait for a newsletter to end."""
    from portal.outbox import delivery

    queue_many(5)
    real = delivery.send_one

    def send_and_erase(row, line, addresses):
        OutgoingMail.objects.exclude(pk=row.pk).filter(state="sending").delete()
        return real(row, line, addresses)

    monkeypatch.setattr(delivery, "send_one", send_and_erase)
    assert drain().sent == 1


# The child joins the parent's test database; its settings module finds the servers in the environment.
CHILD = """
import django
django.setup()
from django.conf import settings
from django.db import connections
connections["default"].settings_dict["NAME"] = "{database}"
settings.EMAIL_BACKEND = "portal.outbox.smtp.SmtpBackend"
settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", {port}
from portal.outbox import delivery, registry
from tests.outbox.conftest import _plain
registry.register(registry.Mail("tests.plain", "operational", _plain, "Your plan is ready"))
print("ready", flush=True)
delivery.drain(seconds=60)
"""


def start_drain(mail_server) -> subprocess.Popen[str]:
    """A worker process of its own that drains the test's outbox."""
    code = CHILD.format(database=connection.settings_dict["NAME"], port=mail_server.port)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize("after", [1, 7, 23])
def test_a_worker_killed_in_mid_batch_loses_no_mail_and_repeats_one_at_most(mail_server, settings, after):
    settings.MAIL_LEASE_SECONDS = 120
    queue_many(60)
    child = start_drain(mail_server)
    while len(mail_server.mails) < after:
        time.sleep(0.001)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    assert OutgoingMail.objects.filter(state="sending").exists(), "it was killed in the middle"
    OutgoingMail.objects.filter(state="sending").update(leased_until="2026-01-01T00:00Z")
    drain()
    counts = Counter(mail.to[0] for mail in mail_server.mails)
    assert set(counts) == {f"reader{n}@example.org" for n in range(60)}, "none was lost"
    assert sum(counts.values()) <= 61, "one was repeated at most"
    assert len({mail.message_id for mail in mail_server.mails}) == 60
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {"sent"}


def test_a_worker_killed_between_the_servers_yes_and_the_commit_repeats_that_mail_once(mail_server, monkeypatch):
    from portal.outbox import delivery

    queue_many(1)
    real = delivery._step
    monkeypatch.setattr(delivery, "_put_back", lambda batch, server_down: None)

    def killed(*, done, begin):
        if done is not None:
            raise SystemExit
        return real(done=done, begin=begin)

    for _life in range(2):
        monkeypatch.setattr(delivery, "_step", killed)
        with pytest.raises(SystemExit):
            drain()
        OutgoingMail.objects.filter(state="sending").update(leased_until="2026-01-01T00:00Z")
    monkeypatch.setattr(delivery, "_step", real)
    drain()
    row = OutgoingMail.objects.get()
    assert (row.state, row.last_error) == ("dead", "outcome_unknown")
    assert [mail.message_id for mail in mail_server.mails] == [row.message_id] * 2, "twice at most"


def test_recover_tells_begun_mails_from_those_that_only_stood_in_the_batch(mail_server):
    queue_many(2)
    first, second = OutgoingMail.objects.order_by("once_key")
    past = "2026-01-01T00:00Z"
    OutgoingMail.objects.update(state="sending", lease=first.pk, leased_until=past)
    OutgoingMail.objects.filter(pk=first.pk).update(begun_at=past, attempts=1)
    assert recover() == 2
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.repeats, second.state, second.repeats) == ("waiting", 1, "waiting", 0)


def test_a_database_that_restarts_in_mid_drain_repeats_nothing(mail_server, monkeypatch):
    from portal.outbox import delivery

    queue_many(6)
    real = delivery.send_one

    def send_then_cut(row, line, addresses):
        sent = real(row, line, addresses)
        if len(mail_server.mails) == 3:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid = cursor.fetchone()[0]
            run_in_threads(lambda: connections["default"].cursor().execute("SELECT pg_terminate_backend(%s)", [pid]))
        return sent

    monkeypatch.setattr(delivery, "send_one", send_then_cut)
    drain()
    assert Counter(mail.to[0] for mail in mail_server.mails) == {f"reader{n}@example.org": 1 for n in range(6)}
