"""``manage.py erasures_replay``: repeat the ledger's erasures in a restored database (P39)."""

from __future__ import annotations

from typing import Any

from portal.lockbox.operating import OperatorCommand
from privacy import replay


class Command(OperatorCommand):
    help = "Erase again whoever the erasure ledger names; the site opens only after this."

    def handle(self, *args: Any, **options: Any) -> None:
        count = replay.replay()
        self.stdout.write(f"{count} erasures repeated; the ledger holds nothing more for this database")
