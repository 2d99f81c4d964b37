"""Looking after what is kept: a sample read back each week, all names counted each month, attacks (P40).

Each leaves evidence. Names of bundles say nothing about anybody, so a few of the wrong ones stand in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import uuid4

from django.conf import settings

from portal.dates import today
from portal.errors import StorageUnavailable
from portal.evidence.services import evidence_record
from portal.lockbox.store import NotDue, NotKept, lockbox
from privacy.archive import archive_verify
from privacy.models import ArchiveCopy

SAMPLE, INVENTORY, PROOF = "archive.sample", "archive.inventory", "archive.proof"
_NAMED = 20  # wrong ones that are named in the evidence


def archive_sample() -> dict[str, int]:
    """Read back a random sample, and as many that were not read for the longest time.

    ``settings.ARCHIVE_SAMPLE`` of each. A damaged one is sealed anew in the next night.
    """
    kept = ArchiveCopy.objects.filter(destroyed_at__isnull=True, destroying_at__isnull=True)
    chosen = {copy.pk: copy for copy in kept.order_by("verified_at")[: settings.ARCHIVE_SAMPLE]}
    chosen |= {copy.pk: copy for copy in kept.order_by("?")[: settings.ARCHIVE_SAMPLE]}
    wrong, silent = [], 0
    for copy in chosen.values():
        try:
            if not archive_verify(copy):
                wrong.append(copy.name)
        except StorageUnavailable:
            silent += 1
    counts = {"checked": len(chosen), "damaged": len(wrong), "unanswered": silent}
    evidence_record(
        kind=SAMPLE, passed=not wrong and not silent, facts={**counts, "which": _few(wrong)},
        valid_for=dt.timedelta(days=8),
    )
    return counts


def archive_inventory() -> dict[str, int]:
    """Names, versions and sizes of the whole archive, both ways, against the rows.

    ``missing``: a row without its object. ``different``: another size. ``unknown``: an object that
    no row names, such as one that a server spoiled, or that a killed worker left an hour ago.
    """
    rows = {
        (name, version): size
        for name, version, size in ArchiveCopy.objects.filter(destroyed_at__isnull=True)
        .values_list("name", "version", "size").iterator(chunk_size=5000)
    }
    counts, unknown, different = {"rows": len(rows), "objects": 0, "bytes": 0}, [], []
    for found in lockbox().listing("archive/"):
        counts["objects"] += 1
        counts["bytes"] += found.size
        size = rows.pop((found.name, found.version), None)
        if size is None:
            unknown.append(found.name)
        elif size != found.size:
            different.append(found.name)
    ending = set(ArchiveCopy.objects.filter(destroying_at__isnull=False).values_list("name", flat=True))
    missing = [name for name, _version in rows if name not in ending]
    counts |= {"missing": len(missing), "different": len(different), "unknown": len(unknown)}
    _mark(missing + different)
    evidence_record(
        kind=INVENTORY, passed=not missing and not different, valid_for=dt.timedelta(days=33),
        facts={**counts, "which": _few(missing + different), "which_unknown": _few(unknown)},
    )
    return counts


def _mark(names: list[str]) -> None:
    """A copy that is not there does not count: the next night seals the record anew."""
    for copy in ArchiveCopy.objects.filter(name__in=names, damaged_at__isnull=True):
        archive_verify(copy)


def _few(names: Iterable[str]) -> str:
    return " ".join(sorted(names)[:_NAMED])


def archive_prove() -> dict[str, bool]:
    """Put a small object under lock and try to delete, shorten and overwrite it; True: it could not be.

    Objects of earlier proofs go when their day has passed.
    """
    store = lockbox()
    for name, version in list(store.names("proofs/")):
        try:
            store.destroy(name, version)
        except (NotDue, NotKept):
            continue
    receipt = store.put(f"proofs/{uuid4().hex}.txt", b"Nobody can remove this before its day.\n", today())
    found = store.attacks(receipt.name, receipt.version)
    found["intact"] = store.verify(receipt.name, receipt.version, receipt.sha256)
    evidence_record(
        kind=PROOF, passed=all(found.values()), valid_for=dt.timedelta(days=8),
        facts={**found, "store": settings.LOCKBOX_STORE.rsplit(".", 1)[-1]},
    )
    return found
