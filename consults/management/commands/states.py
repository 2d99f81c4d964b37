"""Writes docs/states.md from the table that the code itself obeys: ``manage.py states``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import override

from consults.state import ALLOWED_ROLES, ENDED, TRANSITIONS, ConsultAction, ConsultState

FILE = "docs/states.md"


def document() -> str:
    """The whole page: a diagram and a table of who may do what, in English."""
    with override("en"):
        return "\n".join([*_diagram(), "", *_table(), ""])


def _diagram() -> list[str]:
    lines = [
        "# The states of a consult",
        "Made by `manage.py states` from `consults/state.py`; a test fails when it is not current. Whatever is not",
        "drawn is refused, and tests try every action in every state by every role.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"  [*] --> {ConsultState.DRAFT.value}",
    ]
    lines += [f"  {state.value}: {state.label}" for state in ConsultState]
    lines += [f"  {start.value} --> {end.value}: {action.value}" for (start, action), end in TRANSITIONS.items()]
    lines += [f"  {state.value} --> [*]" for state in ConsultState if state in ENDED]
    return [*lines, "```"]


def _table() -> list[str]:
    rows = ["| action | in words | from | to | who |", "|---|---|---|---|---|"]
    for action in ConsultAction:
        ways = [(start, end) for (start, one), end in TRANSITIONS.items() if one is action]
        who = ", ".join(sorted(str(role.label) for role in ALLOWED_ROLES[action]))
        rows.append(
            f"| {action.value} | {action.label} | {', '.join(start.value for start, _end in ways)} "
            f"| {', '.join(dict.fromkeys(end.value for _start, end in ways))} | {who} |"
        )
    return rows


class Command(BaseCommand):
    help = "Write docs/states.md from the table of transitions; --check only says whether it is current."

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
