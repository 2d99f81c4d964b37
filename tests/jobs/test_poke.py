"""The nudge: after commit, never late, never an error, whatever state the broker is in."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.db import transaction

from portal import poke as poke_module
from portal.poke import breaker, poke

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def closed_breaker(settings):
    settings.POKE_ENABLED = True
    breaker.worked()
    yield
    breaker.worked()


@pytest.fixture
def queue(settings):
    """The messages that wait at the broker, oldest first, in a queue of the test's own."""
    settings.CELERY_TASK_DEFAULT_QUEUE = f"q{uuid4().hex}"
    poke_module._sender.cache_clear()
    client = redis.Redis.from_url(settings.REDIS_URL)
    yield lambda: [json.loads(raw) for raw in reversed(client.lrange(settings.CELERY_TASK_DEFAULT_QUEUE, 0, -1))]
    client.delete(settings.CELERY_TASK_DEFAULT_QUEUE)
    poke_module._sender.cache_clear()


@pytest.fixture
def dead_broker(settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def mute_broker(settings):
    """Takes connections and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken = []
    threading.Thread(target=lambda: [taken.append(listener.accept()) for _ in range(99)], daemon=True).start()
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
    yield
    listener.close()


def seconds(deed):
    started = time.monotonic()
    deed()
    return time.monotonic() - started


def test_a_nudge_carries_the_tasks_name_and_one_id_and_nothing_else(queue):
    ident = uuid4()
    poke("jobs.run", ident)
    (message,) = queue()
    assert message["headers"]["task"] == "jobs.run"
    assert message["headers"]["argsrepr"] == repr((str(ident),))


def test_a_nudge_waits_for_the_commit_and_dies_with_a_rollback(queue):
    """Fault 90: the worker must not look before the row is there."""
    with transaction.atomic():
        poke("outbox.drain")
        assert queue() == []
    assert len(queue()) == 1
    with pytest.raises(RuntimeError), transaction.atomic():
        poke("outbox.drain")
        raise RuntimeError
    assert len(queue()) == 1


def test_equal_nudges_of_one_transaction_are_sent_once(queue):
    ident = uuid4()
    with transaction.atomic():
        for _mail in range(100):
            poke("outbox.drain")
        poke("jobs.run", ident)
        poke("jobs.run", uuid4())
    assert [message["headers"]["task"] for message in queue()] == ["outbox.drain", "jobs.run", "jobs.run"]


def test_a_nudge_of_a_savepoint_that_was_rolled_back_does_not_swallow_a_later_one(queue):
    with transaction.atomic():
        with pytest.raises(RuntimeError), transaction.atomic():
            poke("outbox.drain")
            raise RuntimeError
        poke("outbox.drain")
    assert len(queue()) == 1


def test_a_dead_broker_costs_a_request_a_moment_once_and_then_nothing(dead_broker, caplog):
    assert seconds(lambda: poke("outbox.drain")) < 1.2
    assert seconds(lambda: [poke("outbox.drain") for _ in range(100)]) < 0.1
    assert "poke outbox.drain failed" in caplog.text


def test_a_broker_that_never_answers_costs_about_a_second_once(mute_broker):
    assert seconds(lambda: poke("outbox.drain")) < 2
    assert seconds(lambda: [poke("outbox.drain") for _ in range(100)]) < 0.1


def test_a_broker_that_falls_silent_later_costs_about_a_second_once(settings):
    """The connection stands already; the other end just stops talking (a frozen machine)."""
    from urllib.parse import urlsplit

    broker = urlsplit(settings.REDIS_URL)
    listener = socket.create_server(("127.0.0.1", 0))
    talking = threading.Event()
    talking.set()

    def carry(source, sink):
        while data := source.recv(65536):
            talking.wait()
            sink.sendall(data)

    def serve():
        while True:
            inner, _address = listener.accept()
            outer = socket.create_connection((broker.hostname, broker.port))
            for pair in ((inner, outer), (outer, inner)):
                threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
    poke("outbox.drain")
    assert breaker.allows(), "the first one went through"
    talking.clear()
    assert seconds(lambda: poke("outbox.drain")) < 2
    assert seconds(lambda: [poke("outbox.drain") for _ in range(100)]) < 0.1
    talking.set()


def test_the_breaker_closes_again_when_the_broker_is_back(dead_broker, queue, settings, monkeypatch):
    poke("outbox.drain")
    settings.CELERY_BROKER_URL = settings.REDIS_URL
    poke("outbox.drain")
    assert queue() == [], "the breaker is open"
    moved = time.monotonic() + 11
    monkeypatch.setattr(poke_module.time, "monotonic", lambda: moved)
    poke("outbox.drain")
    poke("outbox.drain")
    assert len(queue()) == 2


def test_nudges_can_be_switched_off(queue, settings):
    settings.POKE_ENABLED = False
    poke("outbox.drain")
    assert queue() == []


def test_no_nudge_asks_the_broker_to_wait():
    """FIELD_FAULTS 87: a message for later is handed out again each hour; what is for later is a time in a row."""
    waits = re.compile(r"\b(?:countdown|eta)\s*=|\.apply_async\(|\.delay\(|\.retry\(|autoretry_for")
    base = Path(__file__).resolve().parents[2]
    found = [
        str(file.relative_to(base)) for room in ("portal", "records", "billing", "consults", "privacy")
        for file in (base / room).rglob("*.py") if waits.search(file.read_text())
    ]
    assert found == []
