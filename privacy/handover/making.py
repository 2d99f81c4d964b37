"""Making the export, part by part, so that a killed worker is followed by one that goes on (P16).

A part: some patients are chosen, their records sealed into one file, and then, in one transaction, the file's
row, a row for each of them and a line in the register of disclosures. Killed before that, the file is written
again under its name; nobody is ever written down twice, since each person has one row and the register takes
one entry a person of an assignment.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Sequence
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.context import Actor
from portal.dates import today
from portal.errors import DomainError, NotVisible, StorageUnavailable
from portal.evidence.services import evidence_record
from portal.jobs.models import Job
from portal.jobs.registry import JobKind, Progress, register
from portal.lockbox import age
from portal.locks import alone
from portal.permissions import Role
from privacy.disclosing.assignments import assignment_entries, releasable
from privacy.disclosing.models import Assignment
from privacy.handover import folder
from privacy.handover.choosing import left_out
from privacy.handover.content import PartContent
from privacy.handover.models import Handover, HandoverPart, HandoverPerson, SkipReason
from privacy.keeping.bundles import bundle_write
from records.models import Patient

_log = logging.getLogger(__name__)
KIND = "privacy.handover"
EVIDENCE = "handover.made"
MANIFEST = "manifest.json.age"
FORMAT = "portal-handover-1"


# What breaks for a reason that has nothing to do with the record at hand: then all of it is tried again.
NOT_THE_RECORDS = (OSError, MemoryError, StorageUnavailable, DatabaseError, InterfaceError)


class Busy(RuntimeError):
    """Another process is making this very export."""


def make(handover_id: UUID, progress: Progress) -> dict[str, str | int]:
    """Go on until everybody is in a part or on the list of those who stay; returns the counts.

    Raises ``DomainError`` where the export may not go on (called off, no undertaking), ``OSError`` for the
    folder, ``Busy``. Safe to repeat and to kill at any step.
    """
    with alone(f"{KIND}:{handover_id}") as mine:
        if not mine:
            raise Busy
        handover = Handover.objects.select_related("assignment").get(pk=handover_id)
        if handover.passed_at is not None:
            return _counts(handover)
        total = Patient.objects.count()
        while ids := _next(handover):
            require_ready(handover.assignment)
            _part(handover, ids)
            progress(min(handover.people.count(), total), total, "parts")
        _finish(handover)
    return _counts(handover)


def require_ready(assignment: Assignment) -> None:
    """Nothing passes before the undertaking is here, all patients are told, and the day has come (P16)."""
    assignment.refresh_from_db()
    releasable(assignment=assignment, subject_ids=())
    if assignment.passes_on > today():
        raise DomainError("too_early", _("The day on which the practice passes is still to come."))


def _next(handover: Handover) -> list[UUID]:
    """The next patients without a row of this export, in the order of their ids."""
    done = HandoverPerson.objects.filter(handover=handover, subject_id=OuterRef("pk"))
    rows = Patient.objects.filter(~Exists(done)).order_by("pk").values_list("pk", flat=True)
    return list(rows[: settings.ASSIGNMENT_PART_PATIENTS])


def _part(handover: Handover, ids: Sequence[UUID]) -> None:
    """Seal these people's records into one file and write down that they went; or why they stay."""
    skipped = left_out(handover.assignment, ids)
    goes = [one for one in ids if one not in skipped]
    if not goes:
        _skip(handover, skipped)
        return
    number = (handover.parts.aggregate(last=Max("number"))["last"] or 0) + 1
    content, name = PartContent(number, goes), f"part-{number:04}.tar.age"

    def fill(sink: BinaryIO) -> None:
        bundle_write(
            sink, content, recipients=[handover.recipient_key],
            manifest=lambda _hashes: {
                "format": FORMAT, "part": number, "patients": len(goes), "fhir": "4.0.1",
                "clinic": settings.CLINIC_LEGAL_NAME, "counts": dict(content.counts),
                # Something of these records could not be read; their notes.txt says what.
                "incomplete": [str(one) for one in content.incomplete],
            },
        )

    try:
        digest, size = folder.keep(handover.pk, name, fill)
    except OSError:
        if not _stays(handover, content):
            raise
        return
    with transaction.atomic():
        if Handover.objects.select_for_update().get(pk=handover.pk).passed_at is not None:
            folder.remove(handover.pk, [name, MANIFEST])
            raise DomainError("passed", _("It was handed over meanwhile: nothing more goes into it."))
        still = left_out(handover.assignment, goes)
        there = set(Patient.objects.select_for_update(no_key=True).filter(pk__in=goes).values_list("pk", flat=True))
        if still or there != set(goes):  # changed their mind, or were deleted, while it was sealed
            folder.remove(handover.pk, [name])
            return
        part = HandoverPart.objects.create(
            handover=handover, number=number, name=name, sha256=digest, size=size, patients=len(goes),
            counts=content.counts, made_at=timezone.now(),
        )
        HandoverPerson.objects.bulk_create(
            HandoverPerson(handover=handover, subject_id=one, part=part) for one in goes
        )
        _skip(handover, skipped)
        # One entry a person in the register, however often the export was begun (P14).
        assignment_entries(
            by=Actor(handover.started_by, Role.OFFICER), assignment=handover.assignment, subject_ids=goes,
            what=_("The whole record, since the practice passed to a new owner"),
        )


def _stays(handover: Handover, content: PartContent) -> bool:
    """One record that cannot be read must not stop all others: it is listed, and the part is made without it."""
    if content.failed is None or isinstance(content.failed[1], NOT_THE_RECORDS):
        return False
    patient_id, error = content.failed
    _log.error("the export goes on without record %s", patient_id, exc_info=error)
    if Patient.objects.filter(pk=patient_id).exists():  # else it was deleted meanwhile, and is not asked for again
        why = left_out(handover.assignment, [patient_id]).get(patient_id, SkipReason.UNREADABLE)
        _skip(handover, {patient_id: why})
    return True


def _skip(handover: Handover, skipped: dict[UUID, SkipReason]) -> None:
    HandoverPerson.objects.bulk_create(
        HandoverPerson(handover=handover, subject_id=one, skipped=why) for one, why in skipped.items()
    )


def _finish(handover: Handover) -> None:
    """The list of the parts, sealed as they are. It tells of nobody who stays."""
    parts = list(handover.parts.order_by("number"))
    told = json.dumps(_manifest(handover, parts), indent=1).encode()
    folder.keep(handover.pk, MANIFEST, lambda sink: _write(sink, age.seal(told, [handover.recipient_key])))
    done = Handover.objects.filter(pk=handover.pk, finished_at=None).update(finished_at=timezone.now())
    if done:
        evidence_record(
            kind=EVIDENCE, passed=True, valid_for=dt.timedelta(days=3650), facts={
                "handover": str(handover.pk), **{name: int(value) for name, value in _counts(handover).items()
                                                 if isinstance(value, int)},
            },
        )


def _manifest(handover: Handover, parts: list[HandoverPart]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for part in parts:
        for kind, count in part.counts.items():
            counts[kind] = counts.get(kind, 0) + count
    return {
        "format": FORMAT, "clinic": settings.CLINIC_LEGAL_NAME, "fhir": "4.0.1",
        "begun_at": handover.started_at.isoformat(timespec="seconds"),
        "patients": sum(part.patients for part in parts), "counts": counts,
        "parts": [
            {"name": part.name, "sha256": part.sha256, "size": part.size, "patients": part.patients} for part in parts
        ],
    }


def _write(sink: BinaryIO, data: bytes) -> None:
    sink.write(data)


def _counts(handover: Handover) -> dict[str, str | int]:
    people = HandoverPerson.objects.filter(handover=handover)
    return {
        "handover": str(handover.pk), "parts": handover.parts.count(),
        "given": people.filter(skipped="").count(), "left_out": people.exclude(skipped="").count(),
    }


def _run(job: Job, progress: Progress) -> dict[str, str | int]:
    if job.ref is None or not Handover.objects.filter(pk=job.ref).exists():
        raise NotVisible
    return make(job.ref, progress)


def register_job() -> None:
    """Called once at start."""
    register(
        JobKind(
            KIND, _run, title=gettext_lazy("The export for the new owner"), keep=None, max_attempts=20,
            lease=dt.timedelta(minutes=30), messages={"parts": gettext_lazy("Sealing records, part by part")},
        )
    )
