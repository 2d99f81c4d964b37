"""FIELD_FAULTS 86: every page, every form and every task is made to fail, with a word of its own in every field.

Then the word is looked for: in the log, the answer, mails, messages to workers, cookies, the rows that
keep why something failed, and wherever else a table holds text in clear.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery.app.trace import build_tracer
from celery.backends.base import DisabledBackend
from django.apps import apps
from django.core import mail as mailbox
from django.db import DataError, connection
from django.template.backends.django import Template
from django.test import Client

from portal.celery import app as celery
from tests.sweeps import hostile
from tests.sweeps.access_table import PERSONAS, TABLE
from tests.sweeps.routes import all_routes
from tests.sweeps.test_access_matrix import our_tasks
from tests.sweeps.test_canary import Traces, Watched, rows_in_clear, traces
from tests.sweeps.test_canary_models import FOUND, mark_everything
from tests.sweeps.test_urls import undone
from tests.sweeps.world import World, address_of

__all__ = ["traces"]
pytestmark = [pytest.mark.django_db, pytest.mark.promise("P05", "P17")]
Browser = Callable[..., Client]

MARKED = "zqxrow"
WORD = f"zqxerror|zqxform|{FOUND}"
# Tasks that ask the database nothing first, and those that find nothing to write here.
UNREAD = {"privacy.lockbox_prove"}
IDLE = {
    "accounts.purge_unverified", "billing.reconcile", "consults.sweep", "jobs.run", "privacy.incident_notices",
    "privacy.incidents_watch", "privacy.letters_tidy", "privacy.notices", "privacy.sweep", "records.documents.process",
    "records.documents.sweep", "records.photos.process", "records.photos.sweep",
}
NOTES = ("audit_accessevent", "django_session", "portal_cache", "usersessions_usersession")


@contextmanager
def failing(kind: str) -> Iterator[list[str]]:
    """Statements that ``kind`` names fail as PostgreSQL does it, quoting the row. Yields those that did."""
    failed: list[str] = []

    def run(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql)
        first = text.lstrip().partition(" ")[0].upper()
        hit = first in ("INSERT", "UPDATE", "DELETE") if kind == "write" else first == "SELECT"
        if hit and not any(f'"{table}"' in text for table in NOTES):
            failed.append(text)
            raise DataError(f"zqxerror: Failing row contains ({params})")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(run):
        yield failed


def quiet(traces: Traces) -> None:
    assert traces.holding(WORD) == []
    for message in mailbox.outbox:
        assert not re.search(WORD, f"{message.subject}\n{message.body}\n{message.extra_headers}")


def test_every_page_that_breaks_keeps_quiet(
    world: World, as_: Browser, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_everything()
    render = Template.render

    def fail(self: Template, context: Any = None, request: Any = None) -> Any:
        if self.template.name in ("500.html", "404.html"):
            return render(self, context, request)
        raise RuntimeError(f"zqxerror: {MARKED} {context}")

    monkeypatch.setattr(Template, "render", fail)
    broken = 0
    for persona, user in world.people.items():
        client = Watched(traces, raise_request_exception=False)
        client.cookies = as_(user).cookies
        for route in all_routes():
            access = TABLE[route.name]
            if access.deed or access.gets[persona] != "200" or route.name == "account_logout":
                continue
            answer = client.get(address_of(route, world))
            if answer.status_code == 500:
                broken += 1
                assert not re.search(WORD, answer.content.decode()), route.name
    assert broken > 150
    assert sum("RuntimeError" in line for line in traces.logs) >= broken, "an error was not logged at all"
    quiet(traces)


def test_every_form_that_breaks_keeps_quiet(world: World, as_: Browser, traces: Traces) -> None:
    browsers = {persona: as_(world.people[persona], raise_request_exception=False) for persona in PERSONAS}
    broken = set()
    for form in list(hostile.forms_shown(world, lambda persona: browsers[persona])):
        words = {
            name: [f"zqxform{name}" if kind in ("text", "textarea", "search", "password") else value]
            for (name, [value]), kind in zip(form.fields.items(), form.kinds.values(), strict=True)
        }
        client = Watched(traces, raise_request_exception=False)
        client.cookies = browsers[form.persona].cookies.copy()
        with undone(), failing("write") as failed:
            answer = client.generic(
                "POST", form.address, hostile.body(words), content_type="application/x-www-form-urlencoded"
            )
        if answer.status_code == 500:
            assert failed, f"{form.route} breaks without help"
            broken.add(form.route)
            assert not re.search(WORD, answer.content.decode()), form.route
    assert len(broken) > 50
    assert sum("DataError" in line for line in traces.logs) >= len(broken)
    quiet(traces)


def a_row(task: str, parameter: str, world: World) -> Any:
    """An id that the task could be given."""
    tables = {
        "billing.process_webhook": "billing.WebhookEvent", "billing.refund_send": "billing.Refund",
        "privacy.incident_freeze": "privacy.IncidentReport",
    }
    if task in tables:
        return apps.get_model(tables[task])._default_manager.first().pk
    found = world.things[parameter]
    return getattr(found, "pk", found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["read", "write"])
def test_every_task_that_breaks_keeps_quiet(kind: str, world: World, traces: Traces) -> None:
    mark_everything()
    whole = set()
    for name, task in our_tasks().items():
        ids = [str(a_row(name, parameter, world)) for parameter in inspect.signature(task.run).parameters]
        with failing(kind) as failed:
            build_tracer(name, task, app=celery)("a-task", ids, {}, {"id": "a-task", "args": ids, "hostname": "here"})
        if not failed:
            whole.add(name)
    assert whole <= (UNREAD if kind == "read" else IDLE)
    quiet(traces)
    assert rows_in_clear(WORD) == []
    assert isinstance(celery.backend, DisabledBackend), "a result would keep the words of an error"
