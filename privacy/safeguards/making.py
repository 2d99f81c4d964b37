"""Making a binder: asked for by the officer, typeset by a job, sealed, downloaded, and gone after some days."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.crypto import sealed
from portal.crypto.sealed import SealedRef
from portal.dates import today, years_later
from portal.errors import DomainError, NotVisible
from portal.jobs.models import Job, JobState
from portal.jobs.registry import JobKind, Progress, register
from portal.jobs.services import job_start
from portal.permissions import Permission, Purpose, require
from privacy.letters.making import page_count
from privacy.models import RequestKind, RightsRequest
from privacy.requests.models import WORDS
from privacy.safeguards.binding import Section, moment_text, request_sections
from privacy.safeguards.models import Binder
from privacy.safeguards.yearly import year_sections
from records.export.typesetting import typeset
from records.intake.files import SLICES, drop, sweep

JOB_KIND = "privacy.binder"
TEMPLATE = Path(__file__).with_name("binder.typ")
FOLDER = "binders"
AT_WORK = (JobState.WAITING, JobState.RUNNING)


def years() -> list[int]:
    """The years that a binder can be made of, this one first: as far back as such papers are kept (RULES 1.58)."""
    this = today()
    return list(range(this.year, years_later(this, -settings.RISK_KEEP_YEARS).year - 1, -1))


def binder_start(*, by: Actor, form_key: UUID, request_id: UUID | None = None, year: int | None = None) -> Binder:
    """Ask for the binder of a request or of a year; the same ``form_key`` again gives the same one.

    While that of a request is being made, asking again gives the one that is coming.
    Raises ``NotVisible`` for no such request, ``DomainError`` ``year_odd``, ``NotAllowed``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    if year is not None and year not in years():
        raise DomainError("year_odd", _("There is no binder of that year."), "year")
    with transaction.atomic():
        subject_id, coming = _coming(request_id) if request_id is not None else (None, None)
        if coming is not None:
            return coming
        row, new = Binder.objects.get_or_create(
            form_key=form_key,
            defaults={
                "request_id": request_id, "year": year, "asked_by": by.account,
                "expires_at": timezone.now() + timedelta(days=settings.BINDER_LIFE_DAYS),
            },
        )
        if new:
            job = job_start(by=by, kind=JOB_KIND, subject_id=subject_id, ref=row.pk, once_key=f"binder:{row.pk}")
            row.job_id = job.pk
            row.save(update_fields=["job_id"])
            _logged(by, Action.EXPORT, row, subject_id)
    return row


def _coming(request_id: UUID) -> tuple[UUID | None, Binder | None]:
    """Whom a request is about, and the binder of it that a job is at. The request stays locked: two presses wait."""
    request = RightsRequest.objects.select_for_update(no_key=True).only("subject_id").filter(pk=request_id).first()
    if request is None:
        raise NotVisible
    at_work = Job.objects.filter(state__in=AT_WORK, kind=JOB_KIND).values("pk")
    rows = Binder.objects.defer("key").filter(request_id=request_id, made_at=None, job_id__in=at_work)
    return request.subject_id, rows.first()


def binder_open(*, by: Actor, binder_id: UUID) -> bytes:
    """The PDF, for an officer; the look is logged first. Raises ``NotVisible`` once its time has passed."""
    require(by, Permission.REQUESTS_HANDLE)
    row = Binder.objects.filter(pk=binder_id, made_at__isnull=False, expires_at__gt=timezone.now()).first()
    if row is None or row.key is None:
        raise NotVisible
    request = _request(row)
    subject_id = request.subject_id if request else None
    with transaction.atomic(durable=True):
        _logged(by, Action.DOWNLOAD, row, subject_id)
    return sealed.read(row.name, row.key)


def binders_expire() -> int:
    """Remove binders past their time, and files that no row names: a worker was killed. Returns how many."""
    gone = 0
    for row in Binder.objects.defer("key").filter(expires_at__lt=timezone.now())[:200]:
        with transaction.atomic():
            _logged(SYSTEM, Action.DELETE, row, None)
            row.delete()
        drop([row.name])
        gone += 1
    return gone + sum(sweep(folders=[FOLDER], known=_known, part=part) for part in range(SLICES))


def _known(names: list[str]) -> set[str]:
    return set(Binder.objects.filter(name__in=names).values_list("name", flat=True))


def binder_title(row: Binder) -> str:
    """What stands on its cover."""
    return titled([row])[0][1]


def titled(rows: Iterable[Binder]) -> list[tuple[Binder, str]]:
    """Binders with what stands on their covers; one query for any number."""
    rows = list(rows)
    ids = [row.request_id for row in rows if row.request_id]
    kinds = dict(RightsRequest.objects.filter(pk__in=ids).values_list("pk", "kind")) if ids else {}
    return [(row, _title(row, kinds)) for row in rows]


def _title(row: Binder, kinds: dict[UUID, str]) -> str:
    if row.request_id is None:
        return _("Binder of the year %(year)d") % {"year": row.year}
    kind = kinds.get(row.request_id)
    return _("Binder: %(kind)s") % {"kind": RequestKind(kind).label if kind else _("a request that is gone")}


def binder_pdf(row: Binder) -> bytes:
    """The binder's bytes, tagged PDF/A-2a and PDF/UA-1."""
    now = timezone.now()
    content = {
        "title": binder_title(row), "clinic": settings.CLINIC_LEGAL_NAME,
        "lang": (get_language() or "en").split("-")[0],
        "day": [today().year, today().month, today().day], "made": moment_text(now),
        "officer": settings.CLINIC_OFFICER_NAME,
        "words": {
            "made": _("Made"), "officer": _("Compliance officer:"), "fact": _("Fact"), "value": _("As written down"),
        },
        "sections": [section.as_json() for section in _sections(row)],
    }
    return typeset(TEMPLATE, content, dated=now).data


def _sections(row: Binder) -> list[Section]:
    if row.year is not None:
        return year_sections(row.year)
    request = _request(row)
    return request_sections(request) if request else []


def _request(row: Binder) -> RightsRequest | None:
    """The request that a binder is of, without anybody's words; None for a year's."""
    return None if row.request_id is None else RightsRequest.objects.filter(pk=row.request_id).defer(*WORDS).first()


def _run(job: Job, progress: Progress) -> dict[str, str | int]:
    """Make one binder; again after a crash, it is made once."""
    row = Binder.objects.filter(pk=job.ref).first() if job.ref else None
    if row is None or row.made_at is not None:
        return {}
    progress(0, 1)
    pdf = binder_pdf(row)
    ref = sealed.write(pdf, folder=FOLDER)
    try:
        kept = _keep(row, ref, pdf)
    except BaseException:
        sealed.delete(ref.name)
        raise
    if not kept:
        sealed.delete(ref.name)
    return {"binder": str(row.pk)}


def _keep(seen: Binder, ref: SealedRef, pdf: bytes) -> bool:
    """Of two workers one keeps its file."""
    return bool(
        Binder.objects.filter(pk=seen.pk, made_at=None).update(
            name=ref.name, key=ref.key, size=ref.size, pages=page_count(pdf), made_at=timezone.now(),
            sha256=hashlib.sha256(pdf).hexdigest(),
        )
    )


def _logged(by: Actor, action: Action, row: Binder, subject_id: UUID | None) -> None:
    basis = f"request:{row.request_id}" if row.request_id else f"year:{row.year}"
    access_record(
        by=by, action=action, purpose=Purpose.OPERATIONS, subject_id=subject_id, object_kind="privacy.binder",
        object_id=row.pk, basis=basis,
    )


def register_job() -> None:
    """Called once at start."""
    register(
        JobKind(
            JOB_KIND, _run, title=gettext_lazy("A binder"), keep=timedelta(days=settings.BINDER_LIFE_DAYS),
            done_url=lambda job: reverse("admin:binder", args=[job.ref]),
        )
    )
