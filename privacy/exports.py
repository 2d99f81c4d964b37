"""The patient's own copy: built by a job, kept sealed for some days, then gone (P31, P32)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
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
from portal.errors import NotVisible
from portal.jobs.models import Job
from portal.jobs.registry import JobKind, Progress, register
from portal.permissions import Purpose, Role
from privacy import mails
from privacy.models import RecordCopy, RightsRequest
from privacy.services import request_complete, request_failed
from records.export.archive_file import build_record_zip


def _run(job: Job, progress: Progress) -> dict[str, str | int]:
    """Build the ZIP, seal it, keep its row, tell the patient. Safe to run again after a crash."""
    request = RightsRequest.objects.get(pk=job.ref)
    done = RecordCopy.objects.filter(request=request).first()
    if done is not None:
        return {"copy": str(done.pk)}
    owner = Actor(request.account_id, Role(job.owner_role))
    with build_record_zip(by=owner, patient_id=request.subject_id, purpose=Purpose.COMMUNICATING, progress=progress) as z:
        ref = sealed.write(z.read(), folder="copies")
    try:
        with transaction.atomic():
            request = RightsRequest.objects.select_for_update().get(pk=request.pk)
            copy = RecordCopy.objects.create(
                request=request, subject_id=request.subject_id, account_id=request.account_id,
                name=ref.name, key=ref.key, size=ref.size,
                expires_at=timezone.now() + timedelta(days=settings.EXPORT_LIFE_DAYS),
            )
            request_complete(request)
            mails.copy_ready(copy)
    except BaseException:
        sealed.delete(ref.name)
        raise
    return {"copy": str(copy.pk)}


def _failed(job: Job) -> None:
    if job.ref is not None:
        request_failed(job.ref)


def register_job() -> None:
    """Called once at start."""
    register(
        JobKind(
            "privacy.copy", _run, title=_("A copy of your record"), keep=timedelta(days=settings.EXPORT_LIFE_DAYS),
            messages={
                "record": _("Reading your record"), "photos": _("Adding your photos"), "pdf": _("Writing the PDF"),
                "zip": _("Packing it all"),
            },
            done_url=lambda job: reverse("privacy:request", args=[job.ref]), failed=_failed,
        )
    )


def copy_open(*, by: Actor, copy_id: UUID) -> tuple[RecordCopy, Iterator[bytes]]:
    """The copy's row and its content piece by piece, for its owner; the look is logged first.

    Raises ``NotVisible`` for anybody else, or when its time has passed.
    """
    copy = RecordCopy.objects.filter(pk=copy_id, account_id=by.account_id, expires_at__gt=timezone.now()).first()
    if copy is None or by.account_id is None:
        raise NotVisible
    with transaction.atomic(durable=True):
        access_record(
            by=by, action=Action.DOWNLOAD, purpose=Purpose.COMMUNICATING, subject_id=copy.subject_id,
            object_kind="privacy.copy", object_id=copy.pk, basis=f"request:{copy.request_id}",
        )
        RecordCopy.objects.filter(pk=copy.pk, downloaded_at=None).update(downloaded_at=timezone.now())
    return copy, sealed.chunks(copy.name, copy.key)


def copies_expire() -> int:
    """Remove what is past its time, file first. Returns how many."""
    gone = 0
    for copy in RecordCopy.objects.filter(expires_at__lt=timezone.now())[:200]:
        sealed.delete(copy.name)
        access_record(
            by=SYSTEM, action=Action.DELETE, purpose=Purpose.OPERATIONS, subject_id=copy.subject_id,
            object_kind="privacy.copy", object_id=copy.pk, basis="expired",
        )
        copy.delete()
        gone += 1
    return gone


def copy_of(request: RightsRequest) -> RecordCopy | None:
    """The download that a request led to, without its key; None while it is made or once it is gone."""
    return RecordCopy.objects.defer("key").filter(request=request, expires_at__gt=timezone.now()).first()
