"""``manage.py archive_open NAME --identity FILE --to DIR``: one bundle of the archive, opened by hand (P40).

For the officer, on a machine that holds the archive's private key: the servers don't. Each file is
compared with the bundle's manifest, and the opening stands on the access log.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.lockbox import age
from portal.lockbox.store import LockboxError, lockbox
from portal.permissions import Purpose
from privacy.models import ArchiveCopy


class Command(BaseCommand):
    help = "Open one bundle of the archive with the private key, into an empty folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the bundle's name, as the admin's list of archive copies shows it")
        parser.add_argument("--identity", required=True, type=Path, help="file with the private key")
        parser.add_argument("--to", required=True, type=Path, help="folder to make; must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        name, folder = options["name"], Path(options["to"])
        if folder.exists():
            raise CommandError(f"{folder} is there already: name a new folder")
        identity = _identity(Path(options["identity"]))
        row = ArchiveCopy.objects.filter(name=name).first()
        if row is not None:
            access_record(
                by=SYSTEM, action=Action.EXPORT, purpose=Purpose.LEGAL_DUTY, subject_id=row.subject_id,
                object_kind="privacy.archive", object_id=row.pk, basis="archive_open", durable=True,
            )
        with tempfile.TemporaryFile() as plain:
            _open(name, identity, plain)
            count = _unpack(plain, folder)
        self.stdout.write(f"{count} files, each as the manifest says, in {folder}")


def _identity(file: Path) -> str:
    """The first key line of the file; ``age-keygen`` writes comments above it."""
    lines = [line.strip() for line in file.read_text().splitlines()] if file.is_file() else []
    keys = [line for line in lines if line.startswith("AGE-SECRET-KEY-")]
    if not keys:
        raise CommandError(f"{file} holds no private key")
    return keys[0]


def _open(name: str, identity: str, plain: Any) -> None:
    store = lockbox()
    version = dict(store.names(name)).get(name)
    if version is None:
        raise CommandError("there is no bundle of this name")
    try:
        with store.open(name, version) as sealed:
            age.open_stream(sealed, plain, identity)
    except (age.CannotOpen, LockboxError) as error:
        raise CommandError("the bundle is damaged, or sealed to another key") from error
    plain.seek(0)


def _unpack(plain: Any, folder: Path) -> int:
    """Write the files out and compare each with the manifest; returns how many."""
    folder.mkdir(parents=True, mode=0o700)
    with tarfile.open(fileobj=plain) as tar:
        tar.extractall(folder, filter="data")
    hashes = json.loads((folder / "manifest.json").read_bytes())["sha256"]
    wrong = [name for name, digest in hashes.items() if _sha256(folder / name) != digest]
    if wrong:
        raise CommandError(f"not as the manifest says: {', '.join(sorted(wrong))}")
    return len(hashes)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
