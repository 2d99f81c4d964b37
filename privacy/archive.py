"""The seven-year archive: one sealed, write-once bundle a patient and consult (P40).

A bundle is a tar, sealed to the archive's public keys, so that whoever writes it cannot read
it; any ``age`` program with the private key opens it. It is read back after writing, and its
row tells whether the record has changed since.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from portal.dates import today
from portal.evidence.services import evidence_record
from portal.lockbox.store import AlreadyKept, Damaged, NotKept, Receipt, Store, lockbox
from privacy.dossier import BESIDES, archive_of, subject_of
from privacy.keeping.bundles import bundle_write
from privacy.models import ArchiveCopy, ArchiveReason
from privacy.retention import retain_until
from privacy.selectors import encounters_to_archive, last_service, sent_encounters
from records.export.bundle import record_files
from records.models import Encounter

_log = logging.getLogger(__name__)
EVIDENCE = "archive.nightly"
TOGETHER = 25  # bundles that share one flush; so many are sealed again after a power cut
SPOILED_MOST = 5  # so many spoiled objects under one bundle's names, and something else is wrong
# Whole files of their own in the bundle; what the other apps hold goes together into one.
_NAMED = {
    "agreements": "agreements.json", "privacy": "requests.json", "disclosing": "accounting.json",
    "incidents": "reports.json", "audit": "access-log.json",
}
# They go on changing while the record stays the same: the log by this very copy, the other by
# mails and sign-ins. They never make a new copy due.
_MOVING = frozenset({"access-log.json", "held.json"})


def archive_encounter(
    *, encounter: Encounter, reason: ArchiveReason, under_new_keys: bool = False
) -> ArchiveCopy | None:
    """Seal one consult of a patient into the lockbox, unless a copy with this very content is there.

    Reads the record as the portal itself, which the access log shows. None when the time to keep
    it has passed already. Raises the lockbox's errors (``Damaged`` …): then there is no row, and
    the next run tries again. Killed anywhere, started twice, it ends with one object and one row.
    ``under_new_keys``: a copy that is sealed to other keys than today's does not count.
    """
    sealing = _seal(lockbox(), encounter, under_new_keys=under_new_keys)
    return _note(sealing, reason) if sealing is not None else None


@dataclass(frozen=True)
class _Sealing:
    """What is in the lockbox and not yet in a row: a new object, or a copy that was there."""

    encounter: Encounter
    read_at: dt.datetime
    content: str = ""
    keys: str = ""
    receipt: Receipt | None = None
    there: ArchiveCopy | None = None


class _There(Exception):
    """A copy with this content is kept already; what was sealed meanwhile is thrown away."""

    def __init__(self, copy: ArchiveCopy) -> None:
        self.copy = copy


def keep_until(encounter: Encounter) -> dt.date:
    """So long after the patient's last service, be it in this consult or a later one."""
    last = last_service(encounter.patient_id)
    return retain_until(birth_date=encounter.patient.birth_date, last_service=last)


def current_keys() -> tuple[str, ...]:
    """Short hashes of the public keys that new bundles are sealed to: ids for lists, no secrets."""
    return tuple(sorted(key_id(key) for key in settings.ARCHIVE_RECIPIENTS))


def key_id(recipient: str) -> str:
    """How lists name a public key."""
    return hashlib.sha256(recipient.encode()).hexdigest()[:12]


def _kept(encounter: Encounter, content: str, until: dt.date, *, under_new_keys: bool) -> ArchiveCopy | None:
    """A copy with this content, kept long enough: where its day is too early, the day is moved."""
    copies = ArchiveCopy.objects.filter(
        encounter_id=encounter.pk, content_sha256=content, damaged_at=None, destroying_at=None
    )
    if under_new_keys:
        copies = copies.filter(key_ids=",".join(current_keys()))
    copy = copies.order_by("-retain_until").first()
    if copy is not None and copy.retain_until < until and not archive_extend(copy, until):
        return None
    return copy


def archive_extend(copy: ArchiveCopy, until: dt.date) -> bool:
    """Keep the object longer, then say so in its row. False, and it no longer counts, if it is not there."""
    try:
        lockbox().extend(copy.name, copy.version, until)
    except (NotKept, Damaged):
        ArchiveCopy.objects.filter(pk=copy.pk, damaged_at=None).update(damaged_at=timezone.now())
        return False
    ArchiveCopy.objects.filter(pk=copy.pk, retain_until__lt=until).update(retain_until=until)
    return True


def _seal(store: Store, encounter: Encounter, *, under_new_keys: bool = False) -> _Sealing | None:
    """The object, or the copy that makes it needless; None where nothing has to be kept any more."""
    read_at, until = timezone.now(), keep_until(encounter)
    if until < today():
        # Looked at, so that no later night looks again for as long as nothing changes.
        ArchiveCopy.objects.filter(encounter_id=encounter.pk, read_at__lt=read_at).update(read_at=read_at)
        return None
    keys, content = ",".join(current_keys()), ""

    def fill(sink: BinaryIO, ending: str) -> str:
        """Under a name that only this content gets: random to anybody else."""
        nonlocal content
        content = _write_bundle(sink, encounter)
        kept = _kept(encounter, content, until, under_new_keys=under_new_keys)
        if kept is not None:
            raise _There(kept)
        return f"archive/{uuid5(encounter.pk, f'{content} {until} {keys}').hex}{ending}"

    try:
        receipt = put(store, fill, until, ended=_ended_names(encounter))
    except _There as found:
        return _Sealing(encounter, read_at, there=found.copy)
    return _Sealing(encounter, read_at, content, keys, receipt)


def _note(sealing: _Sealing, reason: ArchiveReason) -> ArchiveCopy:
    """The row of what was sealed. The object must be sure to last by now."""
    encounter, receipt, read_at = sealing.encounter, sealing.receipt, sealing.read_at
    copy = sealing.there
    if receipt is not None:
        copy, _made = ArchiveCopy.objects.get_or_create(
            name=receipt.name,
            defaults={
                "subject_id": encounter.patient_id, "encounter_id": encounter.pk, "reason": reason,
                "version": receipt.version, "sha256": receipt.sha256, "content_sha256": sealing.content,
                "size": receipt.size, "retain_until": receipt.retain_until, "read_at": read_at,
                "verified_at": timezone.now(), "key_ids": sealing.keys,
            },
        )
    assert copy is not None
    ArchiveCopy.objects.filter(pk=copy.pk, read_at__lt=read_at).update(read_at=read_at)
    copy.refresh_from_db()
    return copy


def _ended_names(encounter: Encounter) -> set[str]:
    """Names whose row says that their object was lost, spoiled or destroyed: they are not used again."""
    ended = Q(damaged_at__isnull=False) | Q(destroying_at__isnull=False)
    return set(ArchiveCopy.objects.filter(ended, encounter_id=encounter.pk).values_list("name", flat=True))


def put(
    store: Store, fill: Callable[[BinaryIO, str], str], until: dt.date, *, ended: Collection[str] = ()
) -> Receipt:
    """Keep it; what a killed worker, or a faster one, put under this name counts as well.

    What lies there and is spoiled can be neither mended nor removed: the next name is taken.
    """
    name = ""

    def fill_free(sink: BinaryIO) -> str:
        nonlocal name
        name = fill(sink, ending)
        if name in ended:
            raise AlreadyKept(name)
        return name

    for number in range(1, SPOILED_MOST + 2):
        ending = f"{'' if number == 1 else f'-{number}'}.tar.age"
        try:
            return store.keep(fill_free, until)
        except AlreadyKept:
            for found, version in store.names(name):
                if found == name and name not in ended and (receipt := _whole(store, name, version, until)) is not None:
                    return receipt
    raise Damaged(name)


def _whole(store: Store, name: str, version: str, until: dt.date) -> Receipt | None:
    """The receipt of what lies there, read back, unless it is spoiled or goes too early."""
    try:
        receipt = store.receipt(name, version)
    except (NotKept, Damaged):
        return None
    return receipt if receipt.retain_until >= until and store.verify(name, version, receipt.sha256) else None


def _write_bundle(sink: BinaryIO, encounter: Encounter) -> str:
    """Write the sealed bundle; returns the hash over its files, those that go on changing left out."""
    hashes = bundle_write(
        sink, _files(encounter.patient_id, encounter.pk), recipients=settings.ARCHIVE_RECIPIENTS,
        manifest=lambda _hashes: {
            "format": "portal-archive-1",
            "subject_id": str(encounter.patient_id),
            "encounter_id": str(encounter.pk),
            "clinic": settings.CLINIC_LEGAL_NAME,
            "made_at": timezone.now().isoformat(timespec="seconds"),
        },
    )
    lasting = {name: digest for name, digest in hashes.items() if name not in _MOVING}
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()


def _files(patient_id: UUID, encounter_id: UUID) -> Iterator[tuple[str, bytes]]:
    yield from record_files(patient_id=patient_id, encounter_id=encounter_id)
    held = archive_of(subject_of(patient_id), BESIDES)
    for app, name in _NAMED.items():
        yield name, _json(held.pop(app))
    yield "held.json", _json(held)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, default=str, ensure_ascii=False).encode()


def archive_patient(*, patient_id: UUID, reason: ArchiveReason) -> list[ArchiveCopy]:
    """A copy of every consult that was ever sent and must still be kept. Drafts are not archived."""
    copies = [archive_encounter(encounter=encounter, reason=reason) for encounter in sent_encounters(patient_id)]
    return [copy for copy in copies if copy is not None]


def archive_nightly(*, most: int = 1000) -> dict[str, int]:
    """Copies of finished or changed consults; one that fails does not stop the others.

    Leaves evidence: how many were due, sealed, found unchanged, failed.
    """
    counts = {"due": 0, "sealed": 0, "unchanged": 0, "failed": 0}
    ids = list(encounters_to_archive().values_list("pk", flat=True)[:most])
    for start in range(0, len(ids), TOGETHER):
        _batch(ids[start : start + TOGETHER], counts)
    evidence_record(
        kind=EVIDENCE, passed=counts["failed"] == 0, facts=dict(counts), valid_for=dt.timedelta(hours=36)
    )
    return counts


def _batch(ids: list[UUID], counts: dict[str, int]) -> None:
    """Seal some, wait once until all of them are sure to last, then write their rows."""
    store, begun, sealed = lockbox(), timezone.now(), []
    try:
        with store.together():
            for encounter in Encounter.objects.select_related("patient").filter(pk__in=ids).order_by("opened_at", "pk"):
                counts["due"] += 1
                try:
                    sealed.append(_seal(store, encounter))
                except Exception:
                    _log.exception("archive copy failed for encounter %s", encounter.pk)
                    counts["failed"] += 1
    except OSError:
        _log.exception("the archive's store could not be flushed")
        counts["failed"] += len(sealed)
        return
    for one in sealed:
        copy = _note(one, ArchiveReason.NIGHTLY) if one is not None else None
        counts["sealed" if copy is not None and copy.sealed_at >= begun else "unchanged"] += 1


def archive_verify(copy: ArchiveCopy) -> bool:
    """The sealed bytes are in the lockbox and unchanged. If not, the next night seals the record anew."""
    good = lockbox().verify(copy.name, copy.version, copy.sha256)
    rows = ArchiveCopy.objects.filter(pk=copy.pk)
    if good:
        rows.update(verified_at=timezone.now(), damaged_at=None)
    else:
        rows.filter(damaged_at=None).update(damaged_at=timezone.now())
    return good
