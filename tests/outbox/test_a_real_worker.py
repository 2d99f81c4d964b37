"""The whole way with a real Celery worker: commit, nudge, broker, worker, mail server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from uuid import uuid4

import pytest
from django.db import connection, transaction

from portal import poke as poke_module
from portal.outbox.models import OutgoingMail
from portal.outbox.services import mail_queue

pytestmark = pytest.mark.django_db(transaction=True)
KIND = "account.closed"


@pytest.fixture
def queue_name(settings):
    settings.POKE_ENABLED = True
    settings.CELERY_TASK_DEFAULT_QUEUE = f"worker-{uuid4().hex}"
    poke_module._sender.cache_clear()
    poke_module.breaker.worked()
    yield settings.CELERY_TASK_DEFAULT_QUEUE
    poke_module._sender.cache_clear()


def start_worker(mail_server, queue_name: str) -> subprocess.Popen[bytes]:
    """A worker of two processes on the test's database, broker and mail server."""
    address, _mark, query = os.environ["DATABASE_URL"].partition("?")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_ENV": "test",
        "DATABASE_URL": f"{address.rpartition('/')[0]}/{connection.settings_dict['NAME']}?{query}",
        "CELERY_QUEUE": queue_name,
        "EMAIL_BACKEND": "portal.outbox.smtp.SmtpBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mail_server.port),
        "MAIL_LEASE_SECONDS": "4",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "portal", "worker", "-c", "2", "--loglevel", "WARNING",
         "--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", queue_name],
        env=environment, start_new_session=True,
    )


def kill(worker: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the worker and its children: nobody tidies up."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(10)


def wait_for(condition, seconds: float = 40) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)


def queue_in_transactions(numbers) -> None:
    for number in numbers:
        with transaction.atomic():
            mail_queue(kind=KIND, address=f"reader{number}@example.org", once_key=f"deed:{number}")
            time.sleep(0.005)  # a worker that looked too early would find nothing


def test_fifty_deeds_with_a_real_worker_are_fifty_mails(mail_server, queue_name):
    """Fault 90."""
    worker = start_worker(mail_server, queue_name)
    try:
        queue_in_transactions(range(50))
        wait_for(lambda: OutgoingMail.objects.filter(state="sent").count() == 50)
    finally:
        kill(worker)
    assert Counter(mail.to[0] for mail in mail_server.mails) == {f"reader{n}@example.org": 1 for n in range(50)}


@pytest.mark.slow
def test_a_worker_killed_and_started_again_delivers_everything(mail_server, queue_name):
    worker = start_worker(mail_server, queue_name)
    try:
        queue_in_transactions(range(40))
        wait_for(lambda: len(mail_server.mails) >= 5)
    finally:
        kill(worker)
    queue_in_transactions(range(40, 50))
    worker = start_worker(mail_server, queue_name)
    try:
        wait_for(lambda: OutgoingMail.objects.filter(state="sent").count() == 50 or _sweep())
    finally:
        kill(worker)
    counts = Counter(mail.to[0] for mail in mail_server.mails)
    assert set(counts) == {f"reader{n}@example.org" for n in range(50)}
    assert sum(counts.values()) <= 52, "each of the two killed processes repeated one mail at most"
    assert len({mail.message_id for mail in mail_server.mails}) == 50


def _sweep() -> bool:
    """What beat does every half minute; the worker does the work."""
    poke_module.poke("outbox.sweep")
    time.sleep(0.3)
    return False
