"""``manage.py erasures_check``: look now whether the erased are still gone (P39). Fails where something is left."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from portal.lockbox.operating import OperatorCommand
from privacy import replay


class Command(OperatorCommand):
    help = "Look for rows of people whom the erasure ledger names, and record the outcome."

    def handle(self, *args: Any, **options: Any) -> None:
        found = replay.erased_check()
        counted = f"{found['looked_at']} of {found['erasures']} erasures looked at"
        if found["with_leftovers"]:
            raise CommandError(f"{counted}: of {found['with_leftovers']} something is left; the log names the requests")
        if not found["erasures"]:
            self.stdout.write("the erasure ledger names nobody whom this database has erased")
            return
        self.stdout.write(f"{counted}: nothing is left of any")
