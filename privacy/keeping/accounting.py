"""The facts of an accounting, sealed by themselves for somebody of whom no consult is archived (RULES 1.35).

Who received what is kept six years, also of a person who never sent a consult and now wants to be deleted.
Everybody else's facts are in their bundles (``accounting.json``).
"""

from __future__ import annotations

import hashlib
import json
from typing import BinaryIO
from uuid import uuid5

from django.conf import settings
from django.utils import timezone

from portal.dates import today, years_later
from portal.lockbox.store import lockbox
from portal.subjects import Subject
from privacy.archive import current_keys, put
from privacy.disclosing.personal_data import archive_for
from privacy.keeping.bundles import bundle_write
from privacy.models import ArchiveCopy, ArchiveReason
from records.models import Disclosure, Encounter

NAME = "accounting.json"


def accounting_keep(subject: Subject) -> ArchiveCopy | None:
    """Seal the facts where no bundle holds them; None where there are none, or a bundle does.

    Started twice, it ends with one object and one row. Raises the lockbox's errors.
    """
    given = Disclosure.objects.filter(patient_id=subject.subject_id)
    sent = Encounter.objects.filter(patient_id=subject.subject_id, submitted_at__isnull=False)
    if not given.exists() or sent.exists():
        return None
    read_at, until = timezone.now(), years_later(today(), settings.ACCOUNTING_WINDOW_YEARS)
    facts = json.dumps(archive_for(subject), indent=1, sort_keys=True, default=str, ensure_ascii=False).encode()
    content, keys = hashlib.sha256(facts).hexdigest(), ",".join(current_keys())

    def fill(sink: BinaryIO, ending: str) -> str:
        bundle_write(
            sink, iter([(NAME, facts)]), recipients=settings.ARCHIVE_RECIPIENTS,
            manifest=lambda _hashes: {
                "format": "portal-accounting-1", "subject_id": str(subject.subject_id),
                "clinic": settings.CLINIC_LEGAL_NAME, "made_at": timezone.now().isoformat(timespec="seconds"),
            },
        )
        return f"archive/{uuid5(subject.subject_id, f'{content} {until} {keys}').hex}{ending}"

    receipt = put(lockbox(), fill, until)
    copy, _made = ArchiveCopy.objects.get_or_create(
        name=receipt.name,
        defaults={
            "subject_id": subject.subject_id, "reason": ArchiveReason.ERASURE, "version": receipt.version,
            "sha256": receipt.sha256, "content_sha256": content, "size": receipt.size,
            "retain_until": receipt.retain_until, "read_at": read_at, "verified_at": timezone.now(), "key_ids": keys,
        },
    )
    return copy
