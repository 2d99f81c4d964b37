"""``manage.py archive_open NAME --identity FILE --to DIR``: one bundle of the archive, opened by hand (P40).

``manage.py archive_open --person ID`` lists the names of one person's bundles, newest first. For the
officer, on a machine that holds the archive's private key: the servers don't. Each file is compared
with the bundle's manifest, and the opening stands on the access log.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.core.management.base import CommandError

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.dates import clinic_day
from portal.lockbox import age
from portal.lockbox.operating import OperatorCommand
from portal.lockbox.store import NotKept, lockbox
from portal.permissions import Purpose
from privacy.models import ArchiveCopy
from privacy.selectors import archive_copies
from records.export.archive_file import SealedSpool


class Command(OperatorCommand):
    help = "Open one bundle of the archive with the private key, into an empty folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="the bundle's name, as the admin's list of archive copies shows it")
        parser.add_argument("--person", type=UUID, help="list this person's bundles instead; the record's long id")
        parser.add_argument("--identity", type=Path, help="file with the private key")
        parser.add_argument("--to", type=Path, help="folder to make; must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["person"]:
            self._list(options["person"])
            return
        if not (options["name"] and options["identity"] and options["to"]):
            raise CommandError("a name, --identity and --to are needed; --person lists names")
        name, folder = options["name"], Path(options["to"])
        if folder.exists():
            raise CommandError(f"{folder} is there already: name a new folder")
        identity = age.identity_in(Path(options["identity"]))
        row = ArchiveCopy.objects.filter(name=name).first()
        if row is not None and row.destroyed_at is not None:
            raise CommandError(f"this bundle was destroyed on {clinic_day(row.destroyed_at)}, when its time had passed")
        if row is not None:
            _logged(row.subject_id, row.pk)
        with SealedSpool() as plain:  # in clear it lies in the folder only, never in a temporary file
            _open(name, row.version if row else None, identity, plain)
            manifest = _unpack(plain, folder)
        if row is None:  # the database does not know it, as after a disaster: the bundle says whose it is
            _logged(UUID(manifest["subject_id"]), None)
        self.stdout.write(
            f"{len(manifest['sha256'])} files, each as the manifest says, in {folder}: "
            f"sealed {manifest['made_at'][:10]}, person {manifest['subject_id']}. "
            "They lie there in clear: remove the folder when you are done."
        )

    def _list(self, subject_id: UUID) -> None:
        rows = archive_copies(subject_id).filter(destroyed_at__isnull=True)
        for row in rows:
            damaged = ", damaged" if row.damaged_at else ""
            self.stdout.write(f"{row.name} sealed {clinic_day(row.sealed_at)}, kept until {row.retain_until}{damaged}")
        self.stdout.write(f"{len(rows)} bundles" if rows else "no bundle of this person; is it the record's long id?")


def _logged(subject_id: UUID, copy_id: UUID | None) -> None:
    access_record(
        by=SYSTEM, action=Action.EXPORT, purpose=Purpose.LEGAL_DUTY, subject_id=subject_id,
        object_kind="privacy.archive", object_id=copy_id, basis="archive_open", durable=True,
    )


def _open(name: str, version: str | None, identity: str, plain: SealedSpool) -> None:
    store = lockbox()
    version = version or dict(store.names(name)).get(name)
    if version is None:
        raise CommandError("there is no bundle of this name; --person ID lists the names of one person's bundles")
    try:
        with store.open(name, version) as sealed:
            age.open_stream(sealed, cast(BinaryIO, plain), identity)
    except NotKept:
        raise CommandError("our list has this bundle, the store has not: tell the officer") from None
    except age.CannotOpen:
        keys = ArchiveCopy.objects.filter(name=name).values_list("key_ids", flat=True).first()
        under = f" (it is sealed to {keys}; see archive_rotate)" if keys else ""
        raise CommandError(f"the bundle is damaged, or sealed to another key than yours{under}") from None
    plain.rewind()


def _unpack(plain: SealedSpool, folder: Path) -> dict[str, Any]:
    """Write the files out and compare each with the manifest, which is returned. All or none stay."""
    folder.mkdir(parents=True, mode=0o700)
    try:
        with tarfile.open(fileobj=cast(BinaryIO, io.BufferedReader(plain)), mode="r|") as tar:
            tar.extractall(folder, filter="data")
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
        wrong = [name for name, digest in manifest["sha256"].items() if _sha256(folder / name) != digest]
    except BaseException as error:
        shutil.rmtree(folder)
        if isinstance(error, tarfile.TarError | FileNotFoundError | ValueError | KeyError):
            raise CommandError("the bundle is not a whole archive") from error
        raise
    if wrong:
        shutil.rmtree(folder)
        raise CommandError(f"not as the manifest says: {', '.join(sorted(wrong))}")
    return manifest


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
