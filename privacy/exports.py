"""The patient's own copy: built by a job, kept sealed for some days, then gone (P31, P32)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import IO, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.crypto import sealed
from portal.crypto.sealed import SealedRef
from portal.errors import NotVisible
from portal.jobs.models import Job
from portal.jobs.registry import JobKind, Progress, register
from portal.permissions import Purpose
from portal.spreadsheets import csv_lines
from privacy import mails
from privacy import personal_data as desk_held
from privacy.dossier import BESIDES, export_of, subject_of
from privacy.letters.personal_data import files_for
from privacy.looks.selectors import who_looked_lines
from privacy.models import RecordCopy, RightsRequest
from privacy.requests.selectors import asker
from privacy.requests.services import request_complete, request_failed, request_resume
from privacy.requests.state import RequestState
from records.access import accounts_of, require_open
from records.export.archive_file import SealedSpool, build_record_zip
from records.export.pdf_words import Looked
from records.freezing.selectors import is_frozen
from records.vault.given import given_cells, given_each, given_header
from records.withholding.selectors import held_now
from records.withholding.services import still_held

FOLDER = "copies"
LOOKS_SHOWN = 30  # in record.pdf; all of them stand in who-looked.csv


def _run(job: Job, progress: Progress) -> dict[str, str | int]:
    """Build the ZIP, seal it, keep its row, tell the patient. Safe to run again after a crash."""
    assert job.ref is not None
    done = RecordCopy.objects.filter(request_id=job.ref).first()
    if done is not None:
        return {"copy": str(done.pk)}
    request = request_resume(job.ref)
    if request.state != RequestState.CARRYING_OUT or request.subject_id is None:  # taken back, or deleted
        return {"request": str(request.pk)}
    held = held_now(request.subject_id)
    with _zip(request, progress) as spool:
        ref = sealed.write_stream(cast("IO[bytes]", spool), folder=FOLDER)
    try:
        copy = _keep(request.pk, ref, held)
    except BaseException:
        sealed.delete(ref.name)
        raise
    return {"copy": str(copy.pk)}


def _zip(request: RightsRequest, progress: Progress) -> SealedSpool:
    """The record's own files, and one file with what each other app holds (RULES 1.1)."""
    assert request.subject_id is not None
    subject = subject_of(request.subject_id)
    own = request.account_id is None or request.account_id in subject.account_ids
    # Who looks after somebody gets nothing of that person's own sign-in, reports and mails.
    shown = subject if own else replace(subject, account_ids=())
    besides = export_of(shown, [app for app in BESIDES if app != "privacy"])
    besides["privacy"] = desk_held.export_for(subject, request.account_id)
    more = {
        f"other/{app}.json": json.dumps(held, indent=1, ensure_ascii=False, default=str).encode()
        for app, held in besides.items()
    }
    looks: dict[tuple[str, str], Looked] = {}
    lines = _counted(who_looked_lines(request.subject_id, account_id=request.account_id), looks)
    more["who-looked.csv"] = "".join(
        csv_lines(
            [_("When"), _("Who"), _("As"), _("What"), _("Why")],
            ([line["when"], line["who"], line["role"], line["what"], line["why"]] for line in lines),
        )
    ).encode()
    more |= files_for(subject, request.account_id)
    more["who-received.csv"] = "".join(csv_lines(given_header(), given_cells(given_each(request.subject_id)))).encode()
    return build_record_zip(
        by=asker(request), patient_id=request.subject_id, purpose=Purpose.COMMUNICATING, progress=progress, more=more,
        looks=sorted(looks.values(), key=lambda look: look.last, reverse=True)[:LOOKS_SHOWN],
    )


def _counted(lines: Iterator[dict[str, str]], looks: dict[tuple[str, str], Looked]) -> Iterator[dict[str, str]]:
    """The same lines; ``looks`` then holds each person with how often and when last, for the PDF."""
    for line in lines:
        who, at = (line["who"], line["role"]), dt.datetime.fromisoformat(line["when"])
        before = looks.get(who)
        looks[who] = Looked(*who, 1, at) if before is None else replace(
            before, times=before.times + 1, last=max(before.last, at)
        )
        yield line


def _keep(request_id: UUID, ref: SealedRef, held: frozenset[UUID]) -> RecordCopy:
    """The row, the request's end and the mail: all or nothing. Two workers keep one copy.

    Raises ``Overtaken`` when other parts than ``held`` are kept back by now: the job makes it once more.
    """
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().get(pk=request_id)
        assert request.subject_id is not None and request.account_id is not None
        still_held(request.subject_id, held)
        copy = RecordCopy.objects.create(
            request=request, subject_id=request.subject_id, account_id=request.account_id,
            name=ref.name, key=ref.key, size=ref.size,
            expires_at=timezone.now() + dt.timedelta(days=settings.EXPORT_LIFE_DAYS),
        )
        request_complete(request)
        mails.copy_ready(copy)
    return copy


def _failed(job: Job) -> None:
    if job.ref is not None:
        request_failed(job.ref)


def register_job() -> None:
    """Called once at start."""
    register(
        JobKind(
            "privacy.copy", _run, title=_("A copy of your record"), keep=dt.timedelta(days=settings.EXPORT_LIFE_DAYS),
            messages={
                "record": _("Reading your record"), "photos": _("Adding your photos"), "pdf": _("Writing the PDF"),
                "zip": _("Packing it all"),
            },
            done_url=lambda job: reverse("privacy:request", args=[job.ref]), failed=_failed,
        )
    )


def copy_open(*, by: Actor, copy_id: UUID) -> tuple[RecordCopy, Iterator[bytes]]:
    """The copy's row and its content piece by piece, for its owner; the look is logged first.

    Raises ``NotVisible`` for anybody else, when its time has passed, or when the person may not open the
    record itself any more: a guardian whose access ended (FIELD_FAULTS 70).
    """
    copy = RecordCopy.objects.filter(pk=copy_id, account_id=by.account, expires_at__gt=timezone.now()).first()
    if copy is None or is_frozen(copy.subject_id):  # what may not be used does not leave (P47)
        raise NotVisible
    require_open(by=by, patient_id=copy.subject_id, purpose=Purpose.COMMUNICATING, looking=True)
    with transaction.atomic(durable=True):
        access_record(
            by=by, action=Action.DOWNLOAD, purpose=Purpose.COMMUNICATING, subject_id=copy.subject_id,
            object_kind="privacy.copy", object_id=copy.pk, basis=f"request:{copy.request_id}",
        )
        RecordCopy.objects.filter(pk=copy.pk, downloaded_at=None).update(downloaded_at=timezone.now())
    return copy, sealed.chunks(copy.name, copy.key)


def copies_close(subject_id: UUID, *, but: Collection[UUID] = ()) -> int:
    """Copies that lie ready are given out no more, but to these accounts; the sweep removes their files."""
    now = timezone.now()
    ready = RecordCopy.objects.filter(subject_id=subject_id, expires_at__gt=now).exclude(account_id__in=list(but))
    return ready.update(expires_at=now)


def copies_expire() -> int:
    """Remove what is past its time, file first. Returns how many."""
    gone = 0
    for copy in RecordCopy.objects.defer("key").filter(expires_at__lt=timezone.now())[:200]:
        sealed.delete(copy.name)
        access_record(
            by=SYSTEM, action=Action.DELETE, purpose=Purpose.OPERATIONS, subject_id=copy.subject_id,
            object_kind="privacy.copy", object_id=copy.pk, basis="expired",
        )
        copy.delete()
        gone += 1
    return gone


def orphans_remove() -> int:
    """Delete copies that no row names. Returns how many."""
    return sealed.orphans_remove(FOLDER, lambda: RecordCopy.objects.values_list("name", flat=True))


def copy_of(request: RightsRequest) -> RecordCopy | None:
    """The download that a request led to, without its key; None while it is made or once it is gone.

    Also None for whom the record itself is closed by now, as ``copy_open`` says.
    """
    copy = RecordCopy.objects.defer("key").filter(request=request, expires_at__gt=timezone.now()).first()
    return copy if copy is not None and copy.account_id in accounts_of(copy.subject_id) else None
