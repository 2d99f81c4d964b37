"""Digests over the access log, each chained to the one before, with a twin in the lockbox.

A row says that it is genuine; a digest says that none is missing and none came later. It covers
whole transactions, those that were over when it was made: a row that a slow transaction commits
afterwards falls into the next digest, whatever its number. ``docs/decisions/0156`` says more.

The twin in the lockbox is written first and its name is the digest's number. Where a run died
between the two, or another run was quicker, the next one finds the name taken and takes that
digest over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Max, QuerySet
from django.utils import timezone

from portal.audit.macs import digest_mac
from portal.audit.models import AccessEvent, AuditDigest
from portal.dates import today, years_later
from portal.evidence.services import evidence_record
from portal.lockbox.store import AlreadyKept, NotKept, Receipt, lockbox

FOLDER = "audit/"
FORMAT = "portal-audit-1"
FIRST = "0" * 64
BATCH = 50_000  # rows a digest; one transaction is never split
DIGEST_EVIDENCE = "audit.digest"
END = 2**63 - 1
_HEADER = (
    "number", "after_number", "from_transaction", "until_transaction", "first_number", "last_number", "count",
    "rows_sha256", "previous", "at",
)

Line = tuple[int, int, str]  # number, transaction, mac


@dataclass(frozen=True)
class Stretch:
    """Rows with ``number > after`` of the transactions from ``start`` up to, not including, ``until``."""

    after: int
    start: int
    until: int

    def rows(self) -> QuerySet[AccessEvent]:
        return AccessEvent.objects.filter(
            number__gt=self.after, transaction_id__gte=self.start, transaction_id__lt=self.until
        ).order_by("transaction_id", "number")


@dataclass(frozen=True)
class Twin:
    """A digest as the lockbox holds it: its text without the code, the code, and the rows' lines."""

    header: dict[str, Any]
    signed: str
    mac: str
    lines: list[Line]

    @property
    def stretch(self) -> Stretch:
        return Stretch(self.header["after_number"], self.header["from_transaction"], self.header["until_transaction"])


def name_of(number: int) -> str:
    return f"{FOLDER}{number:012d}.txt"


def digests_make(*, batch: int = BATCH) -> int:
    """Bring the chain up to date; returns how many digests came to be.

    Raises what the lockbox raises when it cannot keep one: then the row is not written either,
    and the next run begins at the same place. Any number of runs at once make the same chain.
    Records evidence of every run that had something to do, also of one that failed.
    """
    made = adopted = 0
    try:
        while (stretch := _next_stretch(last := AuditDigest.objects.first(), batch)) is not None:
            if _digest(last, stretch):
                made += 1
            else:
                adopted += 1
    except Exception as error:
        _record(made, adopted, type(error).__name__)
        raise
    if made or adopted:
        _record(made, adopted, "")
    return made + adopted


def _record(made: int, adopted: int, failed: str) -> None:
    evidence_record(
        kind=DIGEST_EVIDENCE, passed=not failed, facts={"made": made, "adopted": adopted, "failed": failed},
        valid_for=timedelta(hours=26),
    )


# Only transactions of this database can write to its log: another database of the same server, whose
# transactions are numbered along, may be as slow as it likes. Running ones are seen in two places, since
# one of them may be hidden from this role and the other is filled a moment later.
_OLDEST = """
    WITH top AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS number),
    running AS (
        SELECT backend_xid::text::bigint AS short FROM pg_stat_activity
        WHERE datname = current_database() AND backend_xid IS NOT NULL
        UNION
        SELECT locks.transactionid::text::bigint FROM pg_locks AS locks
        LEFT JOIN pg_stat_activity AS session ON session.pid = locks.pid
        WHERE locks.locktype = 'transactionid' AND locks.mode = 'ExclusiveLock'
        AND (session.datname IS NULL OR session.datname = current_database())
    ),
    whole AS (SELECT number, (number >> 32 << 32) + short AS full_number FROM top, running)
    SELECT LEAST(number, (
        SELECT min(CASE WHEN full_number > number + 2147483648 THEN full_number - 4294967296 ELSE full_number END)
        FROM whole
    )) FROM top
"""


def oldest_open_transaction() -> int:
    """Every transaction of this database with a lower number is over: its rows are all there, and no more will come."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        return int(cursor.fetchone()[0])


def _next_stretch(last: AuditDigest | None, batch: int) -> Stretch | None:
    """What the next digest covers; None when there is nothing new."""
    now = oldest_open_transaction()
    if last is None:
        return _cut(Stretch(0, 0, now), batch)
    if now >= last.until_transaction:
        return _cut(Stretch(last.after_number, last.until_transaction, now), batch)
    # Transactions are counted anew: the database was moved to another server. First what the old
    # one left over, then a new count above the highest number of the old one.
    left_over = _cut(Stretch(last.after_number, last.until_transaction, END), batch)
    if left_over is not None:
        return left_over
    highest: int = AuditDigest.objects.aggregate(highest=Max("last_number"))["highest"]
    return _cut(Stretch(highest, 0, now), batch)


def _cut(stretch: Stretch, batch: int) -> Stretch | None:
    """The first ``batch`` rows or so of it, in whole transactions; None when it is empty."""
    transactions = stretch.rows().values_list("transaction_id", flat=True)
    first = transactions.first()
    if first is None:
        return None
    beyond = transactions[batch : batch + 1].first()
    if beyond is None:
        return stretch
    return Stretch(stretch.after, stretch.start, max(beyond, first + 1))


def _digest(last: AuditDigest | None, stretch: Stretch) -> bool:
    """Keep one digest in the lockbox, then as a row. False when the lockbox had it already."""
    number = 1 if last is None else last.number + 1
    lines = list(stretch.rows().values_list("number", "transaction_id", "mac"))
    header = _header(number, FIRST if last is None else last.mac, stretch, lines)
    text = write(header, lines)
    try:
        receipt = lockbox().put(
            name_of(number), text.encode(), years_later(today(), settings.AUDIT_RETENTION_YEARS)
        )
        _row(read(text), receipt)
        return True
    except AlreadyKept:
        receipt, twin = take_out(number)
        _row(twin, receipt)
        return False


def _header(number: int, previous: str, stretch: Stretch, lines: list[Line]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "number": number,
        "after_number": stretch.after,
        "from_transaction": stretch.start,
        "until_transaction": stretch.until,
        "first_number": min(line[0] for line in lines),
        "last_number": max(line[0] for line in lines),
        "count": len(lines),
        "rows_sha256": rows_sha256(lines),
        "previous": previous,
        "at": timezone.now().isoformat(),
    }


def rows_sha256(lines: Iterable[Line]) -> str:
    return hashlib.sha256(_lines_text(lines).encode()).hexdigest()


def _lines_text(lines: Iterable[Line]) -> str:
    return "".join(f"{number} {transaction} {mac}\n" for number, transaction, mac in lines)


def write(header: dict[str, Any], lines: list[Line]) -> str:
    """The twin's text: what is signed, its code, and a line for every row (number, transaction, mac)."""
    signed = json.dumps(header, sort_keys=True, separators=(",", ":"))
    return f"{signed}\n{digest_mac(signed)}\n{_lines_text(lines)}"


def read(text: str) -> Twin:
    """Counterpart of ``write``. Raises ``ValueError`` for what is no such text."""
    signed, mac, *rest = text.splitlines()
    header = json.loads(signed)
    if header.get("format") != FORMAT or set(_HEADER) - set(header):
        raise ValueError("not a digest")
    lines = []
    for line in rest:
        number, transaction, row_mac = line.split(" ")
        lines.append((int(number), int(transaction), row_mac))
    return Twin(header, signed, mac, lines)


def take_out(number: int) -> tuple[Receipt, Twin]:
    """The lockbox's own copy of a digest. Raises ``NotKept``, or ``ValueError`` when it is spoilt."""
    store = lockbox()
    name = name_of(number)
    version = dict(store.names(name)).get(name)
    if version is None:
        raise NotKept(name)
    with store.open(name, version) as source:
        return store.receipt(name, version), read(source.read().decode())


def _row(twin: Twin, receipt: Receipt) -> None:
    """The digest as a row, unless another run has just written it."""
    fields = {name: twin.header[name] for name in _HEADER}
    fields["at"] = datetime.fromisoformat(fields["at"])
    AuditDigest.objects.bulk_create(
        [
            AuditDigest(
                **fields, mac=twin.mac, name=receipt.name, version=receipt.version, sha256=receipt.sha256,
                retain_until=receipt.retain_until,
            )
        ],
        ignore_conflicts=True,
    )
