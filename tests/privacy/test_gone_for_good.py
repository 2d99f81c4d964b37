"""P39 in one go: a mark in every field, file and message of a person; after the erasure it is nowhere.

FIELD_FAULTS 80 and 84. Not in a dump of the database, not under any of its keys, not in files, broker, logs,
cache tables or exports. Then yesterday's backup is restored with the shipped command: gone again before the site
answers, while a database restored by hand keeps the site closed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from django.apps import apps
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.files.storage import storages
from django.db import connection, transaction

from portal.crypto import sealed
from portal.jobs.runner import run_job
from portal.logs import JsonFormatter, NoPhiFilter
from portal.outbox.delivery import drain
from privacy import replay
from privacy.backups import drill
from privacy.backups.dump import connection_env, server_release, tool
from privacy.backups.mirror import walk
from privacy.backups.restore import choose, folder_storage, manage, restore
from privacy.backups.services import backup_make
from privacy.models import RightsRequest
from privacy.requests.services import request_open, request_withdraw
from records.models import Patient
from tests.browser.evidence import where
from tests.consults import building as consults
from tests.documents import building as documents
from tests.privacy.building import carried_out
from tests.privacy.conftest import places
from tests.privacy.running_site import answers, files_below, opens, site
from tests.sweeps import test_canary_models as canary
from tests.sweeps.conftest import events, order_of, paid, pay_at_square, people, standin, world
from tests.sweeps.world import World

__all__ = ["events", "order_of", "paid", "pay_at_square", "people", "places", "standin", "world"]
pytestmark = [
    pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places"),
    pytest.mark.promise("P20", "P39", "P05"),
]

MARK, DAY, NUMBER = canary.MARK, canary.DAY.isoformat(), str(canary.NUMBER)
IN_FILES = f"{MARK}insideafile"
MARKS = (MARK, DAY, NUMBER, IN_FILES)
ADDRESS = f"{MARK}mailbox@example.org"


class Lines(logging.Handler):
    """Every line at every level, as production writes it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.kept: list[str] = []
        self.addFilter(NoPhiFilter())
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for noisy in ("asyncio", "PIL", "urllib3", "botocore", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.INFO)
    yield handler.kept
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(autouse=True)
def pictures_that_tell(monkeypatch: pytest.MonkeyPatch, places: None) -> None:
    """Files of the record hold a mark of their own, behind the end of the picture."""
    for building in (consults, documents):
        whole = building.jpeg
        monkeypatch.setattr(building, "jpeg", lambda *args, whole=whole: whole(*args) + IN_FILES.encode())


# --- Whose row is it ---------------------------------------------------------------------------------------


def belongings(*ids: UUID) -> dict[str, list[Any]]:
    """Rows by table that name the person, or a row that does, and so on to the end."""
    known, found = {str(ident) for ident in ids}, {}
    while True:
        before = len(known)
        for model in apps.get_models(include_auto_created=True):
            if not model._meta.managed or model._meta.proxy or model._meta.app_label == "cryptotest":
                continue
            names = [f.attname for f in model._meta.concrete_fields if "UUID" in f.get_internal_type() or f.is_relation]
            mine = [
                row["pk"] for row in model._default_manager.values("pk", *names)
                if known & {str(value) for value in row.values()}
            ]
            found[model._meta.label] = mine
            known |= {str(pk) for pk in mine if isinstance(pk, UUID)}
        if len(known) == before:
            return {label: rows for label, rows in found.items() if rows}


def mark(rows: dict[str, list[Any]]) -> dict[str, int]:
    """Put marks into every sealed column of these rows, behind the triggers; returns how many by table."""
    counts = {}
    for model, columns in canary.sealed_columns():
        label = model._meta.label
        for row in model._default_manager.filter(pk__in=rows.get(label, [])):
            for column in columns:
                former = getattr(row, column.attname)
                value = None if former is None and column.null else canary.marked(column, former)
                if value is None:
                    continue
                token = column.seal_payload(column.dump_checked(value))
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SET LOCAL session_replication_role = replica")
                    cursor.execute(
                        f'UPDATE "{model._meta.db_table}" SET "{column.column}" = %s '
                        f'WHERE "{model._meta.pk.column}" = %s', [token, row.pk],
                    )
                counts[label] = counts.get(label, 0) + 1
    return counts


def files_of(rows: dict[str, list[Any]]) -> dict[str, bytes]:
    """Names and keys of the sealed files that these rows name."""
    found = {}
    for label, mine in rows.items():
        model = apps.get_model(label)
        names = {field.attname for field in model._meta.concrete_fields}
        pairs = [(name, f"{name.removesuffix('name')}key") for name in names if name.endswith("name")]
        for row in model._default_manager.filter(pk__in=mine):
            found |= {
                getattr(row, name): bytes(getattr(row, key) or b"")
                for name, key in pairs if key in names and getattr(row, name)
            }
    return found


# --- Where could it be -------------------------------------------------------------------------------------


OPENED = """
import json
from tests.privacy.building import opened_with
print("OPENED" + json.dumps({word: opened_with(word) for word in %r}))
"""


def opened(env: dict[str, str] | None = None) -> dict[str, dict[str, int]]:
    """Rows by mark that hold it once every sealed value is opened; here, or in a restored database."""
    from tests.privacy.building import opened_with

    if env is None:
        return {word: opened_with(word) for word in MARKS if opened_with(word)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "shell", "-c", OPENED % (MARKS,)],
        cwd=django_settings.BASE_DIR, env={**os.environ, **env}, capture_output=True, text=True,
    )
    found = re.search(r"OPENED(.*)", done.stdout)
    assert found, done.stderr[-2000:]
    return {word: rows for word, rows in json.loads(found[1]).items() if rows}


def dump(url: str | None = None) -> bytes:
    """The whole database as SQL text, the cache table included."""
    program = str(tool("pg_dump", release=server_release()))
    return subprocess.run([program], env=connection_env(url), capture_output=True, check=True).stdout


def broker() -> list[tuple[str, bytes]]:
    """Every key of every database of the broker, with its value."""
    base, found = os.environ["REDIS_URL"].rsplit("/", 1)[0], []
    for number in range(16):
        client = redis.Redis.from_url(f"{base}/{number}")
        found += [(f"broker {number}", key + (client.dump(key) or b"")) for key in client.scan_iter()]
        client.close()
    return found


def everywhere(lines: list[str]) -> Iterator[tuple[str, bytes]]:
    yield "dump", dump()
    yield from broker()
    yield "logs", "\n".join(lines).encode()
    folders = ("SEALED_DIR", "MIRROR_DIR", "LOCKBOX_DIR")
    yield from files_below(*(Path(getattr(django_settings, name)) for name in folders))


# --- The test ----------------------------------------------------------------------------------------------


def lived(world: World) -> tuple[UUID, RightsRequest]:
    """Ana with one of everything, a mark in all of it, a copy made and her mails sent."""
    ana = world.people["ana"]
    assert ana is not None
    patient_id = world.things["patient_id"]
    canary.rows_of_the_rest(world)
    type(ana).objects.filter(pk=ana.pk).update(email=ADDRESS, display_name=f"{MARK} Okafor")
    rows = belongings(patient_id, ana.pk)
    counts = mark(rows)
    assert sum(counts.values()) > 50, counts
    assert set(counts) >= MARKED, f"nothing was marked in {MARKED - set(counts)}"
    canary.history_of_marks(ana.actor)
    wish = request_open(by=ana.actor, kind="access", subject_id=patient_id, account_id=ana.pk, form_key=UUID(int=7))
    run_job(wish.job_id)
    cache.set("a-limit", str(ana.pk), 600)
    drain()
    for other in RightsRequest.objects.filter(subject_id=patient_id, kind__startswith="access", ended_at=None):
        request_withdraw(by=ana.actor, request_id=other.pk)  # a copy that is still due would have to come first
    return patient_id, RightsRequest.objects.get(pk=world.things["request_id"])


# Where a person's words stand, at least; whatever else has sealed words of hers is marked by itself.
MARKED = {
    "privacy.LookReport", "privacy.RightsRequest", "records.Answer", "records.Assessment",
    "records.Disclosure", "records.Document", "records.Entry", "records.Message", "records.Patient", "records.Plan",
    "records.ReleaseConsent",
}


def test_every_trace_of_a_person_goes_and_no_restore_brings_any_back(
    world: World, lines: list[str], settings: Any, tmp_path: Path
) -> None:
    settings.POKE_ENABLED = True
    officer = world.people["officer"]
    assert officer is not None
    patient_id, request = lived(world)
    mine = files_of(belongings(patient_id))
    assert len(mine) >= 8 and any(IN_FILES.encode() in sealed.read(name, key) for name, key in mine.items() if key)
    assert set(opened()) >= {MARK, DAY}, "the marks are nowhere, so this would prove nothing"
    assert where([ADDRESS], everywhere(lines)) == [f"{ADDRESS} in dump"], "the one thing in clear: the sign-in address"
    yesterday = backup_make()["backup"]
    settings.POKE_ENABLED = False

    carried_out(officer, request)
    drain(patient=False)

    assert request.state == "completed" and not Patient.objects.filter(pk=patient_id).exists()
    assert opened() == {}
    assert where([*MARKS, ADDRESS], everywhere(lines)) == []
    assert broker() and len(lines) > 20
    assert set(mine).isdisjoint(walk(storages["sealed"])), "her files, or an export of them, are still there"
    backup_make()  # tonight's backup knows nothing of her either
    restored_by_hand(yesterday, patient_id, tmp_path / "hand")
    restored_by_command(yesterday, patient_id, tmp_path / "command", set(mine))
    assert replay.erased_check() == {"erasures": 1, "looked_at": 1, "with_leftovers": 0}


def restored_by_hand(backup: str, patient_id: UUID, sealed_dir: Path) -> None:
    """A dump that was only loaded brings her back; so the site stays closed until the ledger was replayed."""
    with drill._scratch("") as url:
        restore(
            backup=choose(backup), identity=django_settings.BACKUP_IDENTITY, database_url=url,
            sealed=folder_storage(sealed_dir),
        )
        where_it_is = {"DATABASE_URL": url, "SEALED_DIR": str(sealed_dir)}
        assert set(opened(where_it_is)) >= {MARK, DAY}, "yesterday's backup does not hold her"
        with site(**where_it_is) as address:
            status, text = answers(address)
            assert status == 503 and "back soon" in text
            assert answers(address, "/")[0] == 503
            manage("erasures_replay", database_url=url, sealed_dir=str(sealed_dir))
            assert opens(address)
        assert opened(where_it_is) == {}
        assert not _rows(url, patient_id)


def restored_by_command(backup: str, patient_id: UUID, sealed_dir: Path, mine: set[str]) -> None:
    """The shipped command loads, repeats the erasure, and only then is there a site that answers."""
    identity = sealed_dir.parent / "backup-identity.txt"
    identity.write_text(django_settings.BACKUP_IDENTITY)
    with drill._scratch("") as url:
        done = subprocess.run(
            [
                sys.executable, "-W", "ignore", "manage.py", "restore", "--identity", str(identity), "--name", backup,
                "--database", url, "--sealed", str(sealed_dir),
            ],
            cwd=django_settings.BASE_DIR, capture_output=True, text=True,
        )
        assert done.returncode == 0 and "1 erasures repeated" in done.stdout, done.stdout + done.stderr
        where_it_is = {"DATABASE_URL": url, "SEALED_DIR": str(sealed_dir)}
        assert opened(where_it_is) == {} and not _rows(url, patient_id)
        assert where([*MARKS, ADDRESS], [("dump", dump(url)), *files_below(sealed_dir)]) == []
        assert mine.isdisjoint(walk(folder_storage(sealed_dir))), "a file of hers came back and stays"
        with site(**where_it_is) as address:
            assert answers(address)[0] == 200


def _rows(url: str, patient_id: UUID) -> list[Any]:
    with psycopg.connect(url) as connected:
        return connected.execute("SELECT id FROM records_patient WHERE id = %s", [patient_id]).fetchall()
