"""The access matrix: every way to a record, tried by everybody in every relation to it (P21).

The addresses, tasks and commands are listed by the product itself; one that nobody placed fails.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import grimp
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import get_commands, load_command_class
from django.test import Client

from portal.celery import app as celery
from portal.context import SYSTEM
from portal.permissions import Purpose
from records.access import PORTAL_PURPOSES, may_open
from tests.sweeps.access_table import TABLE
from tests.sweeps.doors import COMMANDS, OWN, TASKS
from tests.sweeps.relations import NOT_OF_A_RECORD, OF_A_RECORD, RELATIONS, standing
from tests.sweeps.routes import Route, all_routes
from tests.sweeps.test_urls import ask, browser_of, outcome, undone
from tests.sweeps.world import World, address_of

pytestmark = [pytest.mark.promise("P21")]
Browser = Callable[..., Client]


# Forms that say what is missing before they ask who may: these are sent filled in.
FILLED: dict[str, Callable[[], dict[str, Any]]] = {
    "consults:thread": lambda: {"body": "Hello", "form_key": str(uuid4())},
    "records:documents_of": lambda: {
        "kind": "other", "form_key": str(uuid4()), "document": SimpleUploadedFile("a.pdf", b"%PDF-1.7 hello"),
    },
}


def parts_of(route: Route) -> set[str]:
    return set(re.findall(r"<(?:\w+:)?(\w+)>", route.pattern))


ROUTES = [route for route in all_routes() if parts_of(route) & OF_A_RECORD]


# --- Every way is listed -------------------------------------------------------------------------------------


def test_every_part_of_an_address_is_known_to_name_a_thing_of_a_record_or_not() -> None:
    parts = {part for route in all_routes() for part in parts_of(route)}
    assert parts - OF_A_RECORD - set(NOT_OF_A_RECORD) == set(), "place it in tests/sweeps/relations.py"


def test_no_relation_names_an_address_that_is_gone() -> None:
    named = {name for relation in RELATIONS.values() for name in relation.opens}
    assert named - {route.name for route in ROUTES} == set()


def test_every_address_of_a_record_opens_to_somebody() -> None:
    """A page that nobody is expected to reach is a page that nobody tried."""
    named = {name for relation in RELATIONS.values() for name in relation.opens}
    assert {route.name for route in ROUTES} - named == set()


def our_tasks() -> dict[str, Any]:
    celery.loader.import_default_modules()
    return {name: task for name, task in celery.tasks.items() if not name.startswith("celery.")}


def our_commands() -> dict[str, str]:
    return {name: app for name, app in get_commands().items() if str(app).split(".")[0] in OWN}


def test_every_task_and_every_command_is_placed() -> None:
    assert set(our_tasks()) == set(TASKS), "say in tests/sweeps/doors.py how this task may reach a record"
    assert set(our_commands()) == set(COMMANDS), "say in tests/sweeps/doors.py how this command may reach a record"


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(*OWN, cache_dir=None)


def test_what_is_said_not_to_reach_a_record_imports_nothing_that_could(imports: grimp.ImportGraph) -> None:
    """By the chain of imports, also those inside functions; what comes through a registry is declared."""
    modules = {f"task {name}": task.run.__module__ for name, task in our_tasks().items() if TASKS[name] == "none"}
    modules |= {
        f"command {name}": f"{app}.management.commands.{name}"
        for name, app in our_commands().items() if COMMANDS[name] == "none"
    }
    chains = {
        what: imports.find_shortest_chain(importer=module, imported="records.people.models")
        for what, module in modules.items()
    }
    assert {what: chain for what, chain in chains.items() if chain} == {}


def test_no_task_is_told_who_acts_or_anything_but_ids() -> None:
    """A task acts as the portal itself: whoever could put a message into the queue becomes nobody else by it."""
    loose = [
        f"{name}({parameter})"
        for name, task in our_tasks().items()
        for parameter in inspect.signature(task.run).parameters.values()
        if not parameter.name.endswith("_id")
    ]
    assert loose == []


def test_no_command_takes_a_patient_but_the_one_that_opens_a_sealed_copy() -> None:
    """Commands act as the portal, for whoever holds the machine; none prints a record of somebody named."""
    named = {}
    for name, app in our_commands().items():
        parser = load_command_class(app, name).create_parser("manage.py", name)
        options = {action.dest for action in parser._actions}
        if options & {"patient", "patient_id", "subject", "account", "who", "encounter"}:
            named[name] = options
    assert set(named) <= {"archive_open"}


# --- Everybody tries every one -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_relation_opens_what_the_table_says_and_nothing_else(world: World, as_: Browser) -> None:
    wrong: list[str] = []
    for name, relation in RELATIONS.items():
        user = world.people[relation.persona]
        fresh = browser_of(as_, user)
        with standing(relation, user.pk if user else None, world.things["patient_id"]):
            for route in ROUTES:
                with undone():
                    client = fresh()
                    got = outcome(client, ask(client, route, TABLE[route.name], world))
                expected = relation.opens.get(route.name, "404" if user else "login")
                if got != expected:
                    wrong.append(f"{name} at {route.name}: {got}, and the table says {expected}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.django_db
def test_who_may_only_see_changes_nothing_by_any_address(world: World, as_: Browser) -> None:
    """FIELD_FAULTS 69, 75: what opens to a guardian who may only see, tried with POST."""
    relation = RELATIONS["a guardian who may only see"]
    user = world.people[relation.persona]
    assert user is not None
    fresh, wrong = browser_of(as_, user), []
    with standing(relation, user.pk, world.things["patient_id"]):
        for route in ROUTES:
            if route.name == "privacy:look_report":
                continue  # asking the officer about a look is no change of the record
            with undone():
                got = fresh().post(address_of(route, world), FILLED.get(route.name, dict)()).status_code
            if got not in (404, 405):
                wrong.append(f"{route.name}: {got}")
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.promise("P11")
def test_the_portals_own_work_opens_a_record_only_for_the_purposes_of_tasks(purpose: Purpose) -> None:
    opens = may_open(by=SYSTEM, patient_id=UUID(int=1), purpose=purpose, whole=True)
    assert (opens is not None) == (purpose in PORTAL_PURPOSES)
    assert sorted(PORTAL_PURPOSES) == ["care", "communicating", "legal_duty", "merger", "operations"]
