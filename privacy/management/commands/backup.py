"""``manage.py backup``: a backup now, beside the nightly one (P20)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from privacy.backups.services import backup_make, backups


class Command(BaseCommand):
    help = "Make a sealed backup of the database, and bring the mirror of the sealed files up to date."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--list", action="store_true", help="only list the whole backups that are kept")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            for backup in backups():
                self.stdout.write(f"{backup.name}  {backup.made_at:%Y-%m-%d %H:%M} UTC")
            return
        facts = backup_make()
        if not facts:
            raise CommandError("another backup is running")
        self.stdout.write(
            f"{facts['backup']}: {facts['rows']} rows, {facts['bytes']:,} bytes sealed, "
            f"{facts['files_mirrored']} files mirrored, in {facts['took_seconds']} s"
        )
