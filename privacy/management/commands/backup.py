"""``manage.py backup``: a backup now, beside the nightly one (P20)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from portal.lockbox.operating import OperatorCommand
from privacy.backups.services import backup_make, backups


class Command(OperatorCommand):
    help = "Make a sealed backup of the database, and bring the mirror of the sealed files up to date."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--list", action="store_true", help="only list the whole backups that are kept")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        facts = backup_make()
        if not facts:
            raise CommandError("another backup is running; backup --list shows it when it is whole")
        self.stdout.write(
            f"{facts['backup']}: {facts['rows']} rows, {facts['bytes']:,} bytes sealed, "
            f"{facts['files_mirrored']} files mirrored, in {facts['took_seconds']} s; kept until {facts['kept_until']}"
        )

    def _list(self) -> None:
        found = backups()
        for backup in found:
            self.stdout.write(f"{backup.name}  {backup.made_at:%Y-%m-%d %H:%M} UTC")
        if not found:
            raise CommandError("there is no whole backup in the lockbox")
        hours = (timezone.now() - found[-1].made_at).total_seconds() / 3600
        self.stdout.write(f"{len(found)} whole backups; the newest is {hours:.1f} h old")
