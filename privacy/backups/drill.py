"""Proving that a backup comes back: restored beside the clinic, counted, opened, thrown away (P20, RULES 2.9)."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
from django.conf import settings
from psycopg import sql

from portal.evidence.services import evidence_record
from privacy.backups.dump import connection_parts
from privacy.backups.restore import Backup, CannotRestore, Say, folder_storage, manage, refuse_filled, restore
from privacy.backups.services import row_counts

EVIDENCE = "backup.drill"


def drill(*, backup: Backup, identity: str, database_url: str = "", say: Say = lambda _line: None) -> dict[str, Any]:
    """Restore into a scratch database and folder, count, open a sample of everything, leave evidence.

    ``database_url`` names an empty database where the clinic's own role may not make one. A drill
    that finds something wrong leaves evidence of that, and raises ``CannotRestore``.
    """
    begun = time.monotonic()
    facts: dict[str, Any] = {"backup": backup.name}
    try:
        with _scratch(database_url) as url, tempfile.TemporaryDirectory() as folder:
            facts |= _try(backup, identity, url, Path(folder) / "sealed", say)
    except Exception as error:
        facts |= {"wrong": type(error).__name__, "took_seconds": round(time.monotonic() - begun, 1)}
        _evidence(facts, passed=False)
        raise
    facts["took_seconds"] = round(time.monotonic() - begun, 1)
    _evidence(facts, passed=True)
    return facts


def _try(backup: Backup, identity: str, url: str, sealed: Path, say: Say) -> dict[str, Any]:
    restored = restore(backup=backup, identity=identity, database_url=url, sealed=folder_storage(sealed), say=say)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        rows = row_counts(cursor)
    wrong = sorted(name for name, count in restored.manifest["rows"].items() if rows.get(name) != count)
    if wrong:
        raise CannotRestore(f"not as many rows as were saved in: {', '.join(wrong)}")
    where = {"database_url": url, "sealed_dir": str(sealed)}
    manage("migrate", "--no-input", "-v", "0", **where)
    say("opening a sample of every field and file")
    opened = json.loads(manage("restore_check", "--sample", str(settings.DRILL_SAMPLE), **where))
    if opened["unreadable"]:
        raise CannotRestore(f"cannot be opened: {', '.join(opened['unreadable'])}")
    if opened["missing"]:
        raise CannotRestore(f"{opened['missing']} files that the database names are not in the mirror")
    say("repeating the erasures since the backup")
    manage("erasures_replay", **where)
    return {
        "rows": sum(rows.values()), "tables": len(rows), "files": restored.files, "values_opened": opened["values"],
        "files_opened": opened["files"],
        "backup_age_hours": round((dt.datetime.now(tz=dt.UTC) - backup.made_at).total_seconds() / 3600, 1),
    }


def _evidence(facts: dict[str, Any], *, passed: bool) -> None:
    evidence_record(kind=EVIDENCE, passed=passed, facts=facts, valid_for=dt.timedelta(days=settings.DRILL_DAYS))


@contextmanager
def _scratch(database_url: str) -> Iterator[str]:
    """An empty database: the given one, emptied again, or one that is made for this and dropped afterwards."""
    if database_url:
        refuse_filled(database_url)
        try:
            yield database_url
        finally:
            _empty(database_url)
        return
    parts = connection_parts()
    name = f"portal_drill_{uuid4().hex[:12]}"
    with psycopg.connect(_address(parts, "postgres"), autocommit=True) as server:
        try:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            raise CannotRestore(
                "this role may not make a database: have an empty one made for it, and name it with --database"
            ) from None
        try:
            yield _address(parts, name)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _empty(url: str) -> None:
    """Nothing of the clinic stays in the database that was lent for the drill."""
    with psycopg.connect(url, autocommit=True) as server:
        for (name,) in server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            server.execute(sql.SQL("DROP TABLE IF EXISTS public.{} CASCADE").format(sql.Identifier(name)))
        functions = server.execute(
            "SELECT p.proname, pg_get_function_identity_arguments(p.oid) FROM pg_proc AS p"
            " WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS"
            " (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')"
        ).fetchall()
        for name, arguments in functions:
            server.execute(sql.SQL("DROP FUNCTION public.{}({})").format(sql.Identifier(name), sql.SQL(arguments)))


def _address(parts: dict[str, str], database: str) -> str:
    """A ``postgresql://`` address of another database on the clinic's own server, for any reader of addresses."""
    who = quote(parts.get("user", ""), safe="")
    password = f":{quote(parts['password'], safe='')}" if parts.get("password") else ""
    query = {name: parts[name] for name in ("host", "port", "sslmode", "sslrootcert") if parts.get(name)}
    return f"postgresql://{who}{password}@/{database}?{urlencode(query)}"
