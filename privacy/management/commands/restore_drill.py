"""``manage.py restore_drill``: restore the newest backup into a scratch database and prove that it opens (P20)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from portal.lockbox import age
from portal.lockbox.operating import OperatorCommand
from privacy.backups.drill import drill
from privacy.backups.restore import choose


class Command(OperatorCommand):
    help = "Restore a backup beside the clinic, count its rows, open a sample, and record the evidence."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--identity", required=True, type=Path, help="file with the backup's private key")
        parser.add_argument("--name", default="", help="which backup; the newest when not given")
        parser.add_argument("--database", default="", help="an empty database, where this role may not make one")

    def handle(self, *args: Any, **options: Any) -> None:
        facts = drill(
            backup=choose(options["name"]), identity=age.identity_in(options["identity"]),
            database_url=options["database"], say=self.stdout.write,
        )
        self.stdout.write(
            f"{facts['backup']} comes back: {facts['rows']} rows in {facts['tables']} tables, {facts['files']} files; "
            f"{facts['values_opened']} values and {facts['files_opened']} files opened; "
            f"{facts['took_seconds']} s. "
            "All of it is thrown away again; the evidence is kept."
        )
