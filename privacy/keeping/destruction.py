"""The end of an archive copy: when its time has passed and no hold stands, with a certificate (P40).

Four steps, each of which may be repeated: the end is decided (in the row, under the hold's lock),
the store destroys, the certificate is filed in the lockbox, and it becomes a row. A worker killed
between any two of them is followed by the next run, which goes on where it stopped.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.dates import today, years_later
from portal.errors import StorageUnavailable
from portal.evidence.services import evidence_record
from portal.lockbox.store import AlreadyKept, LockboxError, NotKept, Receipt, lockbox
from portal.permissions import Purpose
from privacy.archive import archive_extend, keep_until
from privacy.keeping.models import Destruction, LegalHold
from privacy.keeping.selectors import hold_lock, on_hold
from privacy.models import ArchiveCopy
from records.models import Encounter

_log = logging.getLogger(__name__)
EVIDENCE = "archive.destruction"
FOLDER = "certificates"


def copies_due() -> QuerySet[ArchiveCopy]:
    """Copies whose last day has passed, the oldest first; those of people on hold left out."""
    holds = LegalHold.objects.filter(subject_id=OuterRef("subject_id"), released_at__isnull=True)
    due = ArchiveCopy.objects.filter(destroyed_at__isnull=True, retain_until__lt=today())
    return due.exclude(Exists(holds)).order_by("retain_until", "pk")


def destroy_due(*, most: int = 1000) -> dict[str, int]:
    """Destroy what is due; one that fails does not stop the others. Leaves evidence with the counts.

    ``kept`` are copies whose record had a later service meanwhile, ``held`` those a hold was placed
    on in the last moment.
    """
    counts = {"due": 0, "destroyed": 0, "kept": 0, "held": 0, "failed": 0}
    for copy in list(copies_due()[:most]):
        counts["due"] += 1
        try:
            counts[_end(copy)] += 1
        except (LockboxError, StorageUnavailable, OSError):  # a full disk, among others
            _log.exception("archive copy %s could not be destroyed", copy.pk)
            counts["failed"] += 1
    evidence_record(kind=EVIDENCE, passed=counts["failed"] == 0, facts=dict(counts), valid_for=dt.timedelta(hours=36))
    return counts


def _end(copy: ArchiveCopy) -> str:
    """One copy's way out; returns what became of it. Raises the lockbox's errors."""
    if copy.destroying_at is None:
        if _is_needed_longer(copy):
            return "kept"
        _refuse_lost(copy)
    if not _decide(copy):
        return "held"
    try:
        lockbox().destroy(copy.name, copy.version)
    except NotKept:  # by the worker that was killed after it, or by a faster one
        _log.info("archive copy %s was destroyed before", copy.pk)
    _certify(copy)
    return "destroyed"


def _refuse_lost(copy: ArchiveCopy) -> None:
    """What is missing before its end was decided was lost, not destroyed. Raises the lockbox's errors."""
    try:
        lockbox().receipt(copy.name, copy.version)
    except NotKept:
        copy.refresh_from_db()
        if copy.destroying_at is None:  # else another run has come to it since it was listed
            raise


def _is_needed_longer(copy: ArchiveCopy) -> bool:
    """A later service of a living record moves the day; the nightly run may not have come to it yet."""
    if copy.encounter_id is None:
        return False
    encounter = Encounter.objects.select_related("patient").filter(pk=copy.encounter_id).first()
    until = keep_until(encounter) if encounter is not None else copy.retain_until
    return until >= today() and archive_extend(copy, until)


def _decide(copy: ArchiveCopy) -> bool:
    """Write the decision down unless a hold stands; from here on a hold comes too late."""
    with transaction.atomic():
        hold_lock(copy.subject_id)
        row = ArchiveCopy.objects.select_for_update().get(pk=copy.pk)
        if row.destroying_at is None:
            if on_hold(copy.subject_id):
                return False
            row.destroying_at = timezone.now()
            row.save(update_fields=["destroying_at"])
    copy.destroying_at = row.destroying_at
    return True


def _certify(copy: ArchiveCopy) -> None:
    """File the certificate outside the database, then keep it as a row. Both once."""
    filed, words = _file(copy)
    destroyed_at = dt.datetime.fromisoformat(words["destroyed_at"])
    with transaction.atomic():
        _row, made = Destruction.objects.get_or_create(
            copy_id=copy.pk,
            defaults={
                "subject_id": copy.subject_id, "encounter_id": copy.encounter_id, "name": copy.name,
                "version": copy.version, "sha256": copy.sha256, "size": copy.size, "sealed_at": copy.sealed_at,
                "retain_until": copy.retain_until, "destroyed_at": destroyed_at, "method": words["method"],
                "filed_name": filed.name, "filed_version": filed.version, "filed_sha256": filed.sha256,
            },
        )
        ArchiveCopy.objects.filter(pk=copy.pk).update(destroyed_at=destroyed_at)
        if made:
            access_record(
                by=SYSTEM, action=Action.DELETE, purpose=Purpose.LEGAL_DUTY, subject_id=copy.subject_id,
                object_kind="privacy.archive", object_id=copy.pk, basis="retention",
            )


def _file(copy: ArchiveCopy) -> tuple[Receipt, dict[str, Any]]:
    """The certificate in the lockbox, kept as long again; the one that lies there already counts."""
    store, name = lockbox(), f"{FOLDER}/{copy.pk.hex}.json"
    words = {
        "format": "portal-destruction-1", "clinic": settings.CLINIC_LEGAL_NAME, "copy_id": str(copy.pk),
        "subject_id": str(copy.subject_id), "encounter_id": str(copy.encounter_id), "name": copy.name,
        "version": copy.version, "sha256": copy.sha256, "size": copy.size,
        "sealed_at": copy.sealed_at.isoformat(), "retain_until": copy.retain_until.isoformat(),
        "destroyed_at": timezone.now().isoformat(), "destroyed_by": "the portal, by the retention rule",
        "method": settings.LOCKBOX_STORE.rsplit(".", 1)[-1],
    }
    try:
        data = json.dumps(words, sort_keys=True, indent=1).encode()
        return store.put(name, data, years_later(today(), settings.RETENTION_ADULT_YEARS)), words
    except AlreadyKept:
        version = next(version for found, version in store.names(name) if found == name)
        receipt = store.receipt(name, version)
        with store.open(name, version) as source:
            data = source.read()
        if hashlib.sha256(data).hexdigest() != receipt.sha256:
            raise LockboxError("the certificate that lies there is spoiled") from None
        return receipt, json.loads(data)
