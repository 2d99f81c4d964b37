"""Deleting a person, so that nothing is left where the portal works (P39).

Order: intent into the erasure ledger (outside the database, so that a later restore can repeat
it), a last archive copy of what was ever sent, written and read back, then everything out of
every app with the closing letter queued in the same transaction. Each step may be repeated: a
worker killed anywhere is found by the sweep, and the next one goes on.
"""

from __future__ import annotations

import datetime as dt
import json
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import address_of
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.dates import today, years_later
from portal.jobs.models import Job
from portal.jobs.registry import JobKind, Progress, register
from portal.lockbox.store import AlreadyKept, lockbox
from portal.permissions import Purpose
from portal.subjects import Subject
from privacy import mails
from privacy.archive import archive_patient, archive_verify
from privacy.dossier import erase_all, subject_of
from privacy.models import ArchiveCopy, ArchiveReason, RightsRequest
from privacy.services import request_complete, request_failed
from privacy.state import RequestState
from records.models import Patient

LEDGER = "erasures"


def _ledger_put(request: RightsRequest, subject: Subject) -> None:
    """Random ids only. Kept longer than any backup; written before anything is removed."""
    entry = {
        "format": "portal-erasure-1",
        "request_id": str(request.pk),
        "subject_id": str(subject.subject_id),
        "account_ids": [str(account_id) for account_id in subject.account_ids],
    }
    name = f"{LEDGER}/{request.pk.hex}.json"
    keep = years_later(today(), settings.RETENTION_ADULT_YEARS)
    try:
        lockbox().put(name, json.dumps(entry, sort_keys=True).encode(), keep)
    except AlreadyKept:
        return


def _subject(request: RightsRequest) -> Subject:
    """The person with their accounts; after a half-done erasure, the account that asked."""
    found = subject_of(request.subject_id)
    own = set(found.account_ids)
    return Subject(request.subject_id, tuple(sorted(own)))


def _run(job: Job, progress: Progress) -> dict[str, str | int]:
    """Erase the person of one request. Ends in the same state however often it is started."""
    assert job.ref is not None
    request = RightsRequest.objects.get(pk=job.ref)
    if request.state == RequestState.COMPLETED:
        return {"request": str(request.pk)}
    subject = _subject(request)
    progress(0, 3, "archive")
    _ledger_put(request, subject)
    copies: list[ArchiveCopy] = []
    if Patient.objects.filter(pk=subject.subject_id).exists():
        copies = archive_patient(patient_id=subject.subject_id, reason=ArchiveReason.ERASURE)
        if not all(archive_verify(copy) for copy in copies):
            raise RuntimeError("an archive copy could not be read back")
    progress(1, 3, "erase")
    kept_until = max((copy.retain_until for copy in copies), default=None)
    removed = _erase(request.pk, subject, kept_until)
    progress(3, 3, "done")
    return {"request": str(request.pk), "rows": removed}


def _erase(request_id: UUID, subject: Subject, kept_until: dt.date | None) -> int:
    """Everything out, the letter in, the request done: one transaction."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().get(pk=request_id)
        if request.state != RequestState.CARRYING_OUT:
            return 0
        address = address_of(request.account_id)
        removed = erase_all(subject)
        if address is not None:
            mails.record_erased(request=request, address=address, kept_until=kept_until)
        access_record(
            by=SYSTEM, action=Action.ERASE, purpose=Purpose.LEGAL_DUTY, subject_id=subject.subject_id,
            object_kind="privacy.request", object_id=request.pk, basis=f"request:{request.pk}",
        )
        request.refresh_from_db()
        request_complete(request)
    return sum(removed.values())


def _failed(job: Job) -> None:
    if job.ref is not None:
        request_failed(job.ref)


def register_job() -> None:
    """Called once at start."""
    register(
        JobKind(
            "privacy.erase", _run, title=_("Deleting a record"), keep=timedelta(days=30), failed=_failed,
            messages={"archive": _("Sealing the last copy"), "erase": _("Deleting"), "done": _("Done")},
        )
    )
