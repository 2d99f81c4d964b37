"""Deleting a person, so that nothing is left where the portal works (P39).

Order: open consults end, what has no answer is paid back; a last archive copy of what was ever
sent, written and read back; the erasure ledger outside the database, so that a later restore can
repeat it; then everything out of every app, with the closing letter queued in the same
transaction. Each step may be repeated: a worker killed anywhere is found by the sweep, and the
next one goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.models import Order, Refund
from consults.services import consults_end
from consults.services.moves import ORDER_KIND, REFUND_REASON
from portal.accounts.models import User
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.dates import due_on, today
from portal.jobs.models import Job
from portal.jobs.registry import JobKind, Progress, register
from portal.permissions import Purpose
from portal.subjects import Subject
from privacy import deidentified, ledger, mails
from privacy.archive import archive_patient, archive_verify
from privacy.closing import closing_letter, paper_address, young_mailed
from privacy.disclosing.closing import given_lines
from privacy.dossier import erase_all, subject_of
from privacy.keeping.accounting import accounting_keep
from privacy.keeping.selectors import hold_lock, on_hold
from privacy.letters.services import Recipient
from privacy.mails import Closing
from privacy.models import ArchiveCopy, ArchiveReason, DeidentifiedCase, RightsRequest
from privacy.replay import erasure_done
from privacy.requests.deletion import request_held
from privacy.requests.models import RequestKind
from privacy.requests.services import request_complete, request_failed, requests_lapse
from privacy.requests.state import RequestState
from privacy.selectors import afoot, changed_since_copy
from records.models import Patient


class ChangedMeanwhile(RuntimeError):
    """Something was sent after the last copy was read; the job begins again."""


class Held(RuntimeError):
    """A legal hold was placed after the job began; nothing has been removed."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who gets a last letter: who asked, by post at ``paper`` or else by mail; accounts of ``young`` by mail."""

    paper: Recipient | None
    young: list[UUID]


def _run(job: Job, progress: Progress) -> dict[str, str | int]:
    """Erase the person of one request. Ends in the same state however often it is started."""
    assert job.ref is not None
    request = RightsRequest.objects.get(pk=job.ref)
    if request.state != RequestState.CARRYING_OUT:
        return {"request": str(request.pk)}
    if on_hold(request.subject_id):
        request_held(request.pk)
        return {"request": str(request.pk)}
    subject = subject_of(request.subject_id)
    progress(0, 4, "consults")
    consults_end(by=SYSTEM, patient_id=subject.subject_id)
    progress(1, 4, "archive")
    _archive(subject)
    progress(2, 4, "ledger")
    ledger.erasure_put(request.pk, subject)
    progress(3, 4, "erase")
    told = Told(paper_address(request), young_mailed(request, subject))
    try:
        removed = _erase(request.pk, subject, deidentified.rows_before_erasure(subject.subject_id), told)
    except Held:
        request_held(request.pk)
        removed = 0
    return {"request": str(request.pk), "rows": removed}


def _archive(subject: Subject) -> None:
    for copy in archive_patient(patient_id=subject.subject_id, reason=ArchiveReason.ERASURE):
        if not archive_verify(copy):
            raise RuntimeError("an archive copy could not be read back")
    facts = accounting_keep(subject)
    if facts is not None and not archive_verify(facts):
        raise RuntimeError("the accounting could not be read back")


def _erase(request_id: UUID, subject: Subject, statistics: list[DeidentifiedCase], told: Told) -> int:
    """Everything out, the last letters in, the request done: one transaction."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().get(pk=request_id)
        if request.state != RequestState.CARRYING_OUT:
            return 0
        # Waits for whoever is writing to this record, and keeps everybody else out.
        Patient.objects.select_for_update().only("pk").filter(pk=subject.subject_id).first()
        hold_lock(subject.subject_id)
        if on_hold(subject.subject_id):
            raise Held
        _refuse_if_changed(subject)
        closing = _closing(request)
        # Read in here: the newest address counts, whenever it was changed.
        addresses = dict(User.objects.filter(pk__in=[request.account_id, *told.young]).values_list("pk", "email"))
        requests_lapse(subject_id=subject.subject_id, but=request.pk)
        deidentified.keep(statistics)
        removed = erase_all(subject)
        _tell(request, told, closing, addresses)
        access_record(
            by=SYSTEM, action=Action.ERASE, purpose=Purpose.LEGAL_DUTY, subject_id=subject.subject_id,
            object_kind="privacy.request", object_id=request.pk, basis=f"request:{request.pk}",
        )
        request.refresh_from_db()
        request_complete(request)
        erasure_done(request.pk)
    return sum(removed.values())


def _tell(request: RightsRequest, told: Told, closing: Closing, addresses: dict[UUID, str]) -> None:
    """The last letters, once the record is out."""
    if told.paper is not None:
        closing_letter(request=request, to=told.paper, closing=closing)
    elif request.account_id in addresses:
        mails.record_erased(request=request, address=addresses[request.account_id], closing=closing)
    for account_id in told.young:
        mails.record_erased(request=request, address=addresses[account_id], closing=closing, young=account_id)


def _refuse_if_changed(subject: Subject) -> None:
    """Raises ``ChangedMeanwhile`` where a consult was begun, or added to, since the last copy was read."""
    kept = ArchiveCopy.objects.filter(subject_id=subject.subject_id).values("encounter_id")
    fresh = changed_since_copy(subject.subject_id).filter(pk__in=kept).exists()
    if fresh or afoot(subject.subject_id).consults:
        raise ChangedMeanwhile


def _closing(request: RightsRequest) -> Closing:
    """The facts of the closing letter, read before they go (P39, P41)."""
    copies = ArchiveCopy.objects.filter(subject_id=request.subject_id, damaged_at=None, destroyed_at=None)
    orders = Order.objects.filter(subject_id=request.subject_id)
    back = Refund.objects.filter(
        payment__order__in=orders.filter(kind=ORDER_KIND), reason_code=REFUND_REASON, created_at__gte=request.created_at
    )
    return Closing(
        child=request.kind == RequestKind.GUARDIAN_DELETION,
        list_only=not copies.filter(encounter_id__isnull=False).exists(),
        kept_until=max(copies.values_list("retain_until", flat=True), default=None),
        paid=orders.filter(payments__isnull=False).exists(), paid_back=back.exists(),
        given=given_lines(request.subject_id),
        # The last night's dump lives so long; a file of the mirror leaves up to two nights later.
        backups_until=due_on(today(), settings.BACKUP_DAYS + 2),
    )


def _failed(job: Job) -> None:
    if job.ref is not None:
        request_failed(job.ref)


def register_job() -> None:
    """Called once at start."""
    register(
        JobKind(
            "privacy.erase", _run, title=_("Deleting a record"), keep=timedelta(days=30), failed=_failed,
            messages={
                "consults": _("Ending open consults"), "archive": _("Sealing the last copy"),
                "ledger": _("Writing it down"), "erase": _("Deleting"),
            },
        )
    )
