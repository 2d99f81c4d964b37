"""Writes docs/states.md from the tables that the code itself obeys: ``manage.py states``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import override

from consults import state as consults
from portal.permissions import Role
from privacy.incidents import state as incidents
from privacy.requests import state as requests

FILE = "docs/states.md"


@dataclass(frozen=True)
class Machine:
    """One state machine: a noun, its file, its states and actions, its table and who may do what."""

    noun: str
    file: str
    states: Any
    actions: Any
    table: Mapping[tuple[Any, Any], Any]
    roles: Mapping[Any, frozenset[Role]]
    ended: frozenset[Any]
    first: tuple[Any, ...]


MACHINES = (
    Machine(
        "consult", "consults/state.py", consults.ConsultState, consults.ConsultAction, consults.TRANSITIONS,
        consults.ALLOWED_ROLES, consults.ENDED, (consults.ConsultState.DRAFT,),
    ),
    Machine(
        "privacy request", "privacy/requests/state.py", requests.RequestState, requests.RequestAction,
        requests.TRANSITIONS, requests.ALLOWED_ROLES, requests.ENDED,
        (requests.RequestState.RECEIVED, requests.RequestState.IDENTITY),
    ),
    Machine(
        "report of a violation", "privacy/incidents/state.py", incidents.ReportState, incidents.ReportAction,
        incidents.REPORTS, dict.fromkeys(incidents.ReportAction, incidents.OFFICER),
        frozenset({incidents.ReportState.ENDED}), (incidents.ReportState.NEW,),
    ),
    Machine(
        "incident", "privacy/incidents/state.py", incidents.IncidentState, incidents.IncidentAction,
        incidents.INCIDENTS, dict.fromkeys(incidents.IncidentAction, incidents.OFFICER),
        frozenset({incidents.IncidentState.CLOSED}), (incidents.IncidentState.ASSESSING,),
    ),
)


def document() -> str:
    """The whole page: for each machine a diagram and a table of who may do what, in English."""
    with override("en"):
        parts = ["\n".join([*_diagram(machine), "", *_table(machine), ""]) for machine in MACHINES]
        return "\n".join(parts)


def _diagram(machine: Machine) -> list[str]:
    lines = [
        f"# The states of a {machine.noun}",
        f"Made by `manage.py states` from `{machine.file}`; a test fails when it is not current. Whatever is not",
        "drawn is refused, and tests try every action in every state by every role.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *(f"  [*] --> {state.value}" for state in machine.first),
    ]
    lines += [f"  {state.value}: {state.label}" for state in machine.states]
    lines += [
        f"  {start.value} --> {end.value}: {action.value}"
        for (start, action), end in machine.table.items() if start != end
    ]
    lines += [f"  {state.value} --> [*]" for state in machine.states if state in machine.ended]
    return [*lines, "```"]


def _table(machine: Machine) -> list[str]:
    rows = ["| action | in words | from | to | who |", "|---|---|---|---|---|"]
    for action in machine.actions:
        ways = [(start, end) for (start, one), end in machine.table.items() if one is action]
        who = ", ".join(sorted(str(role.label) for role in machine.roles[action]))
        rows.append(
            f"| {action.value} | {action.label} | {', '.join(start.value for start, _end in ways)} "
            f"| {', '.join(dict.fromkeys(end.value for _start, end in ways))} | {who} |"
        )
    return rows


class Command(BaseCommand):
    help = "Write docs/states.md from the tables of transitions; --check only says whether it is current."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        file = Path(settings.BASE_DIR) / FILE
        current = file.exists() and file.read_text() == document()
        if options["check"]:
            self.stdout.write("current" if current else "not current: run manage.py states")
            raise SystemExit(0 if current else 1)
        file.write_text(document())
        self.stdout.write(f"{FILE} written")
