"""``manage.py promises``: every promise with its tests and its live proof."""

from __future__ import annotations

import ast
import datetime as dt
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from privacy.promises import PROMISES, TESTS_FILE, promise_states


def find_tests(folder: Path) -> dict[str, list[str]]:
    """Tests below ``folder`` that are marked ``@pytest.mark.promise("P07", …)``, by promise."""
    found: dict[str, list[str]] = {promise.id: [] for promise in PROMISES}
    for file in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(file.read_text())
        everywhere = [name for node in tree.body if isinstance(node, ast.Assign) for name in _marks(node.value)]
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = [name for mark in node.decorator_list for name in _marks(mark)]
                for name in dict.fromkeys([*everywhere, *marks]):
                    found.setdefault(name, []).append(f"{file.relative_to(folder).as_posix()}::{node.name}")
    return {name: sorted(set(tests)) for name, tests in found.items() if tests}


def _marks(node: ast.AST) -> list[str]:
    """Promise ids in one decorator or in a module's ``pytestmark``."""
    names: list[str] = []
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "promise":
            names += [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return names


def _moment(at: dt.datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"


class Command(BaseCommand):
    help = "Show every promise with its tests and its live proof."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="write down which tests prove which promise")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            tests = find_tests(settings.BASE_DIR / "tests")
            TESTS_FILE.write_text(json.dumps(tests, indent=1, sort_keys=True) + "\n")
            self.stdout.write(f"{len(tests)} of {len(PROMISES)} promises have a test.")
            return
        for state in promise_states():
            proofs = "; ".join(
                f"{proof.kind} {'holds' if proof.holds else 'MISSING'} {_moment(proof.recorded_at)}"
                for proof in state.proofs
            )
            line = f"{state.promise.id:>4}  {state.tests:>3} tests  {proofs or '-':<48} {state.promise.text}"
            self.stdout.write(line)
