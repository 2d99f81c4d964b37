"""``python -m tests.bench [name …]``: measure, print a table, exit 1 when a goal is missed.

Each module of this package with ``rows() -> list[BenchRow]`` is a set of rows; names choose
modules. A module with ``NEEDS_DATABASE = True`` gets the migrated test database.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import time
from types import ModuleType

from tests.bench.row import BenchRow


def modules(chosen: list[str]) -> list[ModuleType]:
    """The modules with rows, in the order of their names. Raises ``SystemExit`` for an unknown name."""
    package = importlib.import_module("tests.bench")
    names = sorted(entry.name for entry in pkgutil.iter_modules(package.__path__) if entry.name != "__main__")
    unknown = set(chosen) - set(names)
    if unknown:
        raise SystemExit(f"no such bench: {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    found = (importlib.import_module(f"tests.bench.{name}") for name in names if not chosen or name in chosen)
    return [module for module in found if hasattr(module, "rows")]


def table(rows: list[BenchRow]) -> str:
    head = ("work", "floor", "", "ours", "ratio", "goal", "", "")
    lines = [head] + [
        (
            row.name, row.floor_label, f"{row.floor:.1f} {row.unit}", f"{row.ours:.1f} {row.unit}", f"{row.ratio:.2f}",
            row.goal_text, "met" if row.met else "MISSED", row.extra,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    right = (2, 3, 4)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def measure(found: list[ModuleType]) -> list[BenchRow]:
    """All rows, one module after the other, within the test database where one asks for it."""
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment

    database = any(getattr(module, "NEEDS_DATABASE", False) for module in found)
    setup_test_environment()
    name = connection.settings_dict["NAME"]
    if database:
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    rows: list[BenchRow] = []
    try:
        for module in found:
            began = time.monotonic()
            new = module.rows()
            rows += new
            print(table(new), file=sys.stderr)  # what was measured is not lost when a later one breaks
            print(f"{module.__name__.rpartition('.')[2]}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    finally:
        if database:
            connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()
    return rows


def main() -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from tests.services import stop_services

    try:
        rows = measure(modules(sys.argv[1:]))
    finally:
        stop_services()
    print(table(rows))
    missed = [row.name for row in rows if not row.met]
    print(f"{len(rows) - len(missed)} of {len(rows)} goals met")
    return 1 if missed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
