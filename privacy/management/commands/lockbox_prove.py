"""``manage.py lockbox_prove``: try to delete, shorten and overwrite a locked object, and record the outcome (P40)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from portal.lockbox.operating import OperatorCommand
from privacy.keeping.inventory import archive_prove


class Command(OperatorCommand):
    help = "Try to delete, shorten and overwrite something in the archive's store; fails where one of it worked."

    def handle(self, *args: Any, **options: Any) -> None:
        found = archive_prove()
        for deed, refused in found.items():
            self.stdout.write(f"{deed}: {'held' if refused else 'NOT HELD'}")
        if not all(found.values()):
            raise CommandError("the store does not keep what it is given")
