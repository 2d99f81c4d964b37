"""Open every encrypted value once, and say where one cannot be read."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.evidence.unreadable import unreadable_check


class Command(BaseCommand):
    """``manage.py unreadable_check``: exit code 1 and the places when a value cannot be read."""

    help = "Try every encrypted value of the database (or, with --rows, some of each table)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rows", type=int, default=None, help="this many rows of a table, by chance")

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = unreadable_check(rows=options["rows"])
        said = f"{outcome.checked} values opened, {outcome.mended} of them mended since"
        if outcome.unreadable:
            places = "\n".join(f"- {table}.{column} of {row} ({why})" for table, column, row, why in outcome.found[:50])
            raise CommandError(f"{outcome.unreadable} values cannot be read ({said}):\n{places}")
        self.stdout.write(said)
