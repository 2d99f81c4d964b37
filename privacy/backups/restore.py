"""From a backup back to a clinic: open, check, load, and repeat the erasures before anybody looks (P20, P39).

The site stays closed (``privacy.middleware``) until the erasure ledger was read for the restored
database and nothing of it is left to repeat.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import psycopg
from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db.migrations.loader import MigrationLoader

from portal.errors import PortalError
from portal.lockbox import age
from portal.lockbox.store import lockbox
from privacy.backups.dump import load_dump
from privacy.backups.mirror import mirror_storage, walk
from privacy.backups.services import FORMAT, MANIFEST, Backup, backups

Say = Callable[[str], None]


class CannotRestore(PortalError):
    """The backup, the target or the release does not fit; the message says what to do."""


@dataclass
class Restored:
    """What came back: rows by table as the backup counted them, and files by count."""

    backup: Backup
    manifest: dict[str, Any]
    files: int = 0


def choose(name: str = "") -> Backup:
    """The named backup, or the newest whole one. Raises ``CannotRestore``."""
    found = backups()
    if name:
        found = [one for one in found if one.name in (name, f"backups/{name}")]
    if not found:
        raise CannotRestore(f"there is no whole backup{f' named {name}' if name else ''} in the lockbox")
    return found[-1]


def read_manifest(backup: Backup, identity: str) -> dict[str, Any]:
    """The opened manifest. Raises ``CannotOpen`` for the wrong key, ``CannotRestore`` for another format."""
    with lockbox().open(f"{backup.name}/{MANIFEST}", backup.version) as sealed:
        manifest = json.loads(age.open(sealed.read(), identity))
    if manifest.get("format") != FORMAT:
        raise CannotRestore("this backup was written in a format that this release does not know")
    return dict(manifest)


def restore(
    *, backup: Backup, identity: str, database_url: str, sealed: Storage, say: Say = lambda _line: None
) -> Restored:
    """Load a backup into an empty database and an empty store of sealed files.

    Every piece is compared with the manifest before anything is loaded. The database is loaded in
    one transaction: it is whole or stays empty. Raises ``CannotRestore``, ``CannotOpen``, ``ToolFailed``.
    """
    manifest = read_manifest(backup, identity)
    _refuse_newer(manifest)
    refuse_filled(database_url)
    with tempfile.TemporaryFile() as whole:
        for piece in manifest["pieces"]:
            say(f"reading {piece['name']} ({piece['size']:,} bytes)")
            _append(whole, piece)
        whole.seek(0)
        say("loading the database")
        load_dump(cast(BinaryIO, whole), url=database_url, identity=identity, release=int(manifest["postgresql"]))
    restored = Restored(backup, manifest)
    say("bringing back the sealed files")
    _files_back(restored, sealed)
    return restored


def _append(whole: Any, piece: dict[str, Any]) -> None:
    digest = hashlib.sha256()
    with lockbox().open(piece["name"], piece["version"]) as source:
        while chunk := source.read(1024 * 1024):
            digest.update(chunk)
            whole.write(chunk)
    if digest.hexdigest() != piece["sha256"]:
        raise CannotRestore(f"{piece['name']} is damaged: take an older backup (--name)")


def _refuse_newer(manifest: dict[str, Any]) -> None:
    """A release cannot undo what a later one did to the tables; it would start on them and fail somewhere."""
    disk = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    apps = {name.split(".")[0] for name in disk}
    later = sorted(name for name in manifest["migrations"] if name not in disk and name.split(".")[0] in apps)
    if later:
        release = manifest["release"] or "a later one"
        raise CannotRestore(f"this backup is of another release ({release}): install that one; unknown: {later[0]}")


def refuse_filled(database_url: str) -> None:
    """Raises ``CannotRestore`` for a database that holds something, or a server that is too old."""
    with psycopg.connect(database_url) as connection:
        [tables] = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() or (0,)
        [here] = connection.execute("SHOW server_version_num").fetchone() or ("0",)
    if tables:
        raise CannotRestore("the target database is not empty: make a new one (createdb) and name that")
    if int(here) < 150_000:
        raise CannotRestore("the target server is older than PostgreSQL 15")


def _files_back(restored: Restored, sealed: Storage) -> None:
    """Every mirrored file that the store lacks. Names of erased people's files go again with the replay."""
    mirror = mirror_storage()
    for name in walk(mirror):
        if not sealed.exists(name):
            with mirror.open(name) as file:
                sealed.save(name, file)
        restored.files += 1


def manage(*arguments: str, database_url: str, sealed_dir: str, **env: str) -> str:
    """A management command of this release on the restored data; returns what it printed."""
    done = subprocess.run(  # noqa: S603 - our own manage.py
        [sys.executable, "-W", "ignore", "manage.py", *arguments],
        cwd=settings.BASE_DIR, capture_output=True, text=True,
        env={**os.environ, "DATABASE_URL": database_url, "SEALED_DIR": sealed_dir, **env},
    )
    if done.returncode:
        raise CannotRestore(f"manage.py {arguments[0]}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def folder_storage(path: Path) -> Storage:
    """A store of sealed files in a folder, as the settings of the restored site will name it."""
    from portal.crypto.storage import SealedFolder

    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    storage: FileSystemStorage = SealedFolder(location=str(path))
    return storage


def free_bytes(path: Path) -> int:
    """Room on the disk of this path."""
    return shutil.disk_usage(path).free


def own_sealed_storage() -> Storage:
    """The store that this release's settings name."""
    return storages["sealed"]
