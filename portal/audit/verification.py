"""Is the access log as it was written? Row by row, and against the digests in the lockbox.

The copies in the lockbox are believed, not the table of digests: whoever can write to the database
can write to that too. Rows newer than the last digest are checked by their own codes alone: that
one of them was taken out shows nowhere. See ``docs/decisions/0156``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber

from portal.audit.chain import END, FIRST, FOLDER, Line, Stretch, Twin, name_of, read, rows_sha256
from portal.audit.macs import COLUMNS, digest_holds, row_holds
from portal.audit.models import AccessEvent, AuditDigest
from portal.dates import today
from portal.evidence.services import evidence_record
from portal.lockbox.store import LockboxError, Store, lockbox

VERIFY_EVIDENCE = "audit.verify"
SHOWN = 50
_CHUNK = 5_000
_ROW = ("number", "transaction_id", "mac", *COLUMNS)
_TWIN_FIELDS = (
    "after_number", "from_transaction", "until_transaction", "first_number", "last_number", "count", "rows_sha256",
    "previous",
)


class Fault(StrEnum):
    """What can be wrong; the value says it after "row 12" or "digest 3"."""

    CODE = "does not match its code: it was changed, or the portal did not write it"
    CHANGED = "is another one than its digest lists"
    MISSING = "is gone, though its digest lists it"
    ADDED = "was put in after its digest was made"
    RENUMBERED = "had another number or transaction when it was written"
    REPEATED = "repeats a row before it"
    UNCOVERED = "lies outside of all digests, where no row can be"
    ROWS = "covers rows that are not as they were"
    DIGEST_GONE = "is in the lockbox, and its row is gone"
    DIGEST_CHANGED = "is not as its copy in the lockbox"
    COPY_GONE = "has no readable, genuine copy in the lockbox"
    CHAIN = "does not follow from the digest before it"


@dataclass(frozen=True)
class Found:
    """One fault. ``row`` is the number of a row of the log, None where a digest itself is at fault."""

    fault: Fault
    row: int | None = None
    digest: int | None = None

    def __str__(self) -> str:
        what = f"digest {self.digest}" if self.row is None else f"row {self.row}"
        beside = f" (digest {self.digest})" if self.row is not None and self.digest is not None else ""
        return f"{what} {self.fault.value}{beside}"


@dataclass
class Report:
    """What a run found. ``rows`` and ``digests`` count what was checked, ``waiting`` the rows that no
    digest covers yet."""

    rows: int = 0
    digests: int = 0
    waiting: int = 0
    seconds: float = 0.0
    faults: list[Found] = field(default_factory=list)

    @property
    def first(self) -> Found | None:
        """The broken row with the lowest number, or else the first broken digest."""
        rows = [found for found in self.faults if found.row is not None]
        if rows:
            return min(rows, key=lambda found: found.row or 0)
        return self.faults[0] if self.faults else None

    def add(self, fault: Fault, row: int | None = None, digest: int | None = None) -> None:
        self.faults.append(Found(fault, row, digest))


@dataclass(frozen=True)
class Link:
    """One digest of the chain. ``version`` is None when the lockbox has no good copy of it."""

    number: int
    stretch: Stretch
    previous: str
    mac: str
    rows_sha256: str
    version: str | None


def audit_verify() -> Report:
    """Check everything, in batches, and record evidence of it. A lockbox that cannot be read raises."""
    begun = time.monotonic()
    report = Report()
    store = lockbox()
    chain = _chain(report, store)
    for link, top in zip(chain, _tops(chain), strict=True):
        _check_rows(report, store, link, top)
    _check_seams(report, chain)
    _check_waiting(report, chain[-1].stretch if chain else Stretch(0, 0, 0))
    _check_places(report)
    report.seconds = round(time.monotonic() - begun, 2)
    _record(report)
    return report


def _chain(report: Report, store: Store) -> list[Link]:
    """All digests in order, each checked against its copy, its row and the one before it."""
    rows = {digest.number: digest for digest in AuditDigest.objects.order_by("number")}
    versions = {int(name.removeprefix(FOLDER)[:12]): version for name, version in store.names(FOLDER)}
    chain: list[Link] = []
    for number in range(1, max([*rows, *versions], default=0) + 1):
        report.digests += 1
        row = rows.get(number) or AuditDigest.objects.filter(number=number).first()  # made just now
        link = _link(report, store, number, row, versions.get(number) or (row.version if row else None))
        if link is None:
            continue
        if not _follows(chain[-1] if chain else None, link):
            report.add(Fault.CHAIN, digest=number)
        chain.append(link)
    return chain


def _link(report: Report, store: Store, number: int, row: AuditDigest | None, version: str | None) -> Link | None:
    """One digest, by its copy in the lockbox where there is a good one, else by its row."""
    twin = _twin(store, number, version)
    if row is None:
        report.add(Fault.DIGEST_GONE, digest=number)
    if twin is None:
        if row is None or row.retain_until >= today():
            report.add(Fault.COPY_GONE, digest=number)
        return None if row is None else Link(number, _stretch(row), row.previous, row.mac, row.rows_sha256, None)
    if row is not None and not _same(row, twin):
        report.add(Fault.DIGEST_CHANGED, digest=number)
    return Link(number, twin.stretch, twin.header["previous"], twin.mac, twin.header["rows_sha256"], version)


def _tops(chain: list[Link]) -> list[int | None]:
    """For each digest the highest number its rows can have: limited where transactions are counted anew later."""
    tops: list[int | None] = []
    top: int | None = None
    floor = chain[-1].stretch.after if chain else 0
    for link in reversed(chain):
        if link.stretch.after != floor:
            top, floor = floor, link.stretch.after
        tops.append(top)
    return tops[::-1]


def _twin(store: Store, number: int, version: str | None) -> Twin | None:
    """The copy in the lockbox, when it is there and its codes say that it is genuine."""
    if version is None:
        return None
    try:
        with store.open(name_of(number), version) as source:
            twin = read(source.read().decode())
    except (LockboxError, FileNotFoundError, ValueError):
        return None
    genuine = digest_holds(twin.signed, twin.mac) and twin.header["number"] == number
    return twin if genuine and rows_sha256(twin.lines) == twin.header["rows_sha256"] else None


def _stretch(row: AuditDigest) -> Stretch:
    return Stretch(row.after_number, row.from_transaction, row.until_transaction)


def _same(row: AuditDigest, twin: Twin) -> bool:
    fields = all(getattr(row, name) == twin.header[name] for name in _TWIN_FIELDS)
    return fields and row.mac == twin.mac and row.at == datetime.fromisoformat(twin.header["at"])


def _follows(before: Link | None, link: Link) -> bool:
    """Stretches leave no gap; a new count of transactions begins at zero, above all rows before."""
    if before is None:
        return (link.previous, link.stretch.start, link.stretch.after) == (FIRST, 0, 0)
    if link.previous != before.mac or link.number != before.number + 1:
        return False
    if link.stretch.after == before.stretch.after:
        return link.stretch.start == before.stretch.until
    return link.stretch.start == 0 and link.stretch.after > before.stretch.after


def _check_rows(report: Report, store: Store, link: Link, top: int | None) -> None:
    """The rows of one digest against the list in the lockbox, or else against their hash alone.

    ``top`` is the highest number that they can have (``_tops``).
    """
    rows = link.stretch.rows() if top is None else link.stretch.rows().filter(number__lte=top)
    twin = _twin(store, link.number, link.version)
    if twin is None:
        lines = [line for line, _holds in _lines(report, rows)]
        if rows_sha256(lines) != link.rows_sha256:
            report.add(Fault.ROWS, digest=link.number)
    else:
        _compare(report, link.number, rows, twin.lines)


def _check_seams(report: Report, chain: list[Link]) -> None:
    """Where transactions were counted anew, no row stands between the last of the old and that."""
    for link, following in pairwise(chain):
        if following.stretch.after != link.stretch.after:
            beyond = AccessEvent.objects.filter(
                number__gt=link.stretch.after, number__lte=following.stretch.after,
                transaction_id__gte=link.stretch.until,
            )
            _add_each(report, Fault.UNCOVERED, beyond)


def _compare(report: Report, digest: int, rows: QuerySet[AccessEvent], expected: list[Line]) -> None:
    missing = {line[0]: line for line in expected}
    strange: list[Line] = []
    for line, holds in _lines(report, rows):
        if missing.get(line[0]) != line:
            strange.append(line)
            continue
        del missing[line[0]]
        if not holds:
            report.add(Fault.CODE, line[0], digest)
    by_mac = {line[2]: line[0] for line in missing.values()}
    for number, _transaction, mac in strange:
        former = by_mac.get(mac)
        if former in missing:
            del missing[former]
            report.add(Fault.RENUMBERED, number, digest)
        elif missing.pop(number, None) is not None:
            report.add(Fault.CHANGED, number, digest)
        else:
            report.add(Fault.ADDED, number, digest)
    for number in sorted(missing):
        report.add(Fault.MISSING, number, digest)


def _lines(report: Report, rows: QuerySet[AccessEvent]) -> Iterator[tuple[Line, bool]]:
    """Each row's line, and whether its code holds."""
    for number, transaction, mac, *columns in rows.values_list(*_ROW).iterator(chunk_size=_CHUNK):
        report.rows += 1
        yield (number, transaction, mac), row_holds(columns, mac)


def _check_waiting(report: Report, last: Stretch) -> None:
    """The rows that no digest covers yet, by their own codes."""
    for line, holds in _lines(report, Stretch(last.after, last.until, END).rows()):
        report.waiting += 1
        if not holds:
            report.add(Fault.CODE, line[0])


def _check_places(report: Report) -> None:
    """No row stands twice, below the first number, or in a transaction that has never been."""
    _add_each(report, Fault.UNCOVERED, AccessEvent.objects.filter(Q(number__lt=1) | Q(transaction_id__lt=0)))
    again = Window(RowNumber(), partition_by="event_id", order_by="number")
    twice = AccessEvent.objects.annotate(nth=again).filter(nth__gt=1)
    _add_each(report, Fault.REPEATED, twice)


def _add_each(report: Report, fault: Fault, rows: QuerySet[AccessEvent]) -> None:
    for number in rows.order_by("number").values_list("number", flat=True)[:SHOWN]:
        report.add(fault, number)


def _record(report: Report) -> None:
    """Counts, and the number of the first broken row: nothing about a person."""
    first = report.first
    evidence_record(
        kind=VERIFY_EVIDENCE,
        passed=not report.faults,
        facts={
            "rows": report.rows, "digests": report.digests, "waiting": report.waiting,
            "faults": len(report.faults), "first": "" if first is None else str(first),
            "took_seconds": report.seconds,
        },
        valid_for=timedelta(hours=36),
    )
