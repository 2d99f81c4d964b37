"""``manage.py restore``: a backup into an empty database, with the erasures since it repeated (P20, P39)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.lockbox import age
from portal.lockbox.operating import OperatorCommand
from privacy.backups.restore import CannotRestore, choose, folder_storage, manage, own_sealed_storage, restore


class Command(OperatorCommand):
    help = "Restore a backup into an empty database and the sealed files into an empty folder."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--identity", required=True, type=Path, help="file with the backup's private key")
        parser.add_argument("--database", required=True, help="address of an empty database (postgresql://…)")
        parser.add_argument("--name", default="", help="which backup; the newest when not given (see backup --list)")
        parser.add_argument("--sealed", type=Path, help="folder for the sealed files; else the store of the settings")

    def handle(self, *args: Any, **options: Any) -> None:
        identity = age.identity_in(options["identity"])
        sealed = folder_storage(options["sealed"]) if options["sealed"] else own_sealed_storage()
        restored = restore(
            backup=choose(options["name"]), identity=identity, database_url=options["database"], sealed=sealed,
            say=self.stdout.write,
        )
        where = {"database_url": options["database"], "sealed_dir": str(options["sealed"] or settings.SEALED_DIR)}
        self.stdout.write("bringing the tables to this release")
        manage("migrate", "--no-input", "-v", "0", **where)
        self.stdout.write("repeating the erasures since the backup")
        self.stdout.write(manage("erasures_replay", **where).strip())
        self.stdout.write("looking whether the keys at hand open it")
        opened = json.loads(manage("restore_check", "--sample", str(settings.DRILL_SAMPLE), **where))
        self.stdout.write(
            f"{restored.backup.name} is back: {sum(restored.manifest['rows'].values())} rows, {restored.files} files; "
            f"{opened['values']} values and {opened['files']} files opened."
        )
        if opened["missing"]:
            self.stdout.write(f"{opened['missing']} files that the database names lie neither here nor in the mirror.")
        if opened["unreadable"]:
            raise CannotRestore(
                f"it is loaded, but this cannot be opened: {', '.join(opened['unreadable'])}. "
                "Put the keys of that time into the settings (docs/backups.md, the keys)."
            )
        self.stdout.write("Point DATABASE_URL at it, run audit_digest once, and start the site.")
