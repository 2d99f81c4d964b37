"""``manage.py backup_keys --to FOLDER``: the keys, sealed to their own keeper, apart from the data (P20)."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from portal.evidence.services import evidence_record
from portal.lockbox import age
from portal.lockbox.operating import OperatorCommand

# Without them a restored clinic reads no record, proves no log, finds no name, and mails people who left.
NAMES = ("FIELD_ENCRYPTION_KEY", "AUDIT_HMAC_KEY", "SEARCH_HMAC_KEY", "LEFT_HMAC_KEY", "SECRET_KEY")


class Command(OperatorCommand):
    help = "Seal the keys of fields, log, search and left addresses to KEYS_RECIPIENTS, apart from all data."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--to", required=True, type=Path, help="folder for the sealed keys")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["to"].resolve()
        if not settings.KEYS_RECIPIENTS:
            raise CommandError("KEYS_RECIPIENTS is empty: name the public key of whoever keeps the keys")
        if set(settings.KEYS_RECIPIENTS) & {*settings.BACKUP_RECIPIENTS, *settings.ARCHIVE_RECIPIENTS}:
            raise CommandError("KEYS_RECIPIENTS opens backups too: keys and data must not open with one key")
        for place in (settings.SEALED_DIR, settings.LOCKBOX_DIR, settings.MIRROR_DIR, settings.ASSIGNMENT_DIR):
            if folder.is_relative_to(Path(place).resolve()):
                raise CommandError("that folder holds data: keep the keys apart from it")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys = {name: getattr(settings, name) for name in NAMES}
        target = folder / f"portal-keys-{timezone.now():%Y%m%dT%H%M%S}.json.age"
        closed = age.seal(json.dumps(keys).encode(), settings.KEYS_RECIPIENTS)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(closed)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:  # half a file of keys would be taken for a whole one
            target.unlink(missing_ok=True)
            raise
        evidence_record(
            kind="backup.keys", passed=True, facts={"keys": len(NAMES)}, valid_for=dt.timedelta(days=settings.KEYS_DAYS)
        )
        self.stdout.write(f"{target}: {len(NAMES)} keys; only the keeper's private key opens it (age -d -i KEY FILE)")
