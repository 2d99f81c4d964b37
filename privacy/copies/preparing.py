"""Making the copy that is printed: the record's own PDF, then the papers in it; its pages are counted."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pikepdf
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from PIL import Image

from portal.accounts.models import User
from portal.audit.models import Action
from portal.context import Actor
from portal.crypto import sealed
from portal.crypto.sealed import SealedRef
from portal.jobs.models import Job
from portal.jobs.registry import JobKind, Progress, register
from portal.permissions import Purpose, Role
from privacy.copies.models import PrintCopy
from privacy.denials.selectors import withheld_from
from privacy.letters.making import FOLDER, page_count, ref_of
from privacy.requests import mails
from privacy.requests.models import RightsRequest
from records.export.bundle import RecordFiles
from records.export.withheld import without
from records.models import GrantKind
from records.vault.content import RecordView
from records.vault.rooms import open_record
from records.withholding.selectors import held_now, kept_back, withheld_of
from records.withholding.services import still_held

JOB_KIND = "privacy.print_copy"
PAPER, EDGE = (612, 792), 36  # points: a letter page, and the edge that is left white around a picture


def _run(job: Job, progress: Progress) -> dict[str, str | int]:
    """Make one copy; again after a crash, it makes it once."""
    copy = PrintCopy.objects.filter(pk=ref_of(job), made_at=None).first()
    if copy is None:
        return {}
    request, held = RightsRequest.objects.get(pk=copy.request_id), held_now(copy.subject_id)
    pdf, missing = _pdf(request, copy, progress)
    ref = sealed.write(pdf, folder=FOLDER)
    try:
        kept = _keep(copy, ref, page_count(pdf), missing, held)
    except BaseException:
        sealed.delete(ref.name)
        raise
    if not kept:
        sealed.delete(ref.name)
    return {"copy": str(copy.pk)}


def _pdf(request: RightsRequest, copy: PrintCopy, progress: Progress) -> tuple[bytes, int]:
    """``record.pdf`` and behind it every paper, pictures on pages of their own; and how many files cannot be read."""
    files = RecordFiles(_read(request, copy), tell=lambda message, done, total: progress(done, total, message))
    target, papers = pikepdf.new(), []
    for name, data in files:
        if name == "record.pdf":
            _add(target, data)
        elif name.startswith("documents/"):
            papers.append(data if name.endswith(".pdf") else picture_page(data))
    for data in papers:
        _add(target, data)
    made = io.BytesIO()
    target.save(made)
    return made.getvalue(), len(files.missing)


def _read(request: RightsRequest, copy: PrintCopy) -> RecordView:
    """The record as whoever asked may see it, without what this request or an earlier one was refused."""
    by, purpose = _reader(request, copy)
    record = open_record(
        by=by, patient_id=copy.subject_id, purpose=purpose, action=Action.EXPORT, encounter_id=copy.encounter_id
    )
    if by.role == Role.OFFICER:  # who sees all: what is kept from the family is kept from this copy
        kept = withheld_of(copy.subject_id, GrantKind.SELF)
        record = replace(without(record, {row.part_id for row in kept}), withheld=kept_back(kept))
    return without(record, withheld_from(request.pk))


def _add(target: pikepdf.Pdf, data: bytes) -> None:
    with pikepdf.open(io.BytesIO(data)) as source:
        target.pages.extend(source.pages)


def picture_page(jpeg: bytes) -> bytes:
    """A JPEG of ours (RGB or grey, upright) on a letter page, as large as it fits; its bytes stay as they are."""
    with Image.open(io.BytesIO(jpeg)) as image:
        (width, height), grey = image.size, image.mode == "L"
    scale = min((PAPER[0] - 2 * EDGE) / width, (PAPER[1] - 2 * EDGE) / height)
    wide, high = width * scale, height * scale
    with pikepdf.new() as pdf:
        picture = pdf.make_stream(
            jpeg, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=width, Height=height,
            ColorSpace=pikepdf.Name.DeviceGray if grey else pikepdf.Name.DeviceRGB, BitsPerComponent=8,
            Filter=pikepdf.Name.DCTDecode,
        )
        page = pdf.add_blank_page(page_size=PAPER)
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Picture=picture))
        left, low = (PAPER[0] - wide) / 2, (PAPER[1] - high) / 2
        page.Contents = pdf.make_stream(f"q {wide:.2f} 0 0 {high:.2f} {left:.2f} {low:.2f} cm /Picture Do Q".encode())
        made = io.BytesIO()
        pdf.save(made)
        return made.getvalue()


def _reader(request: RightsRequest, copy: PrintCopy) -> tuple[Actor, Purpose]:
    """A copy holds what who asked may see; for somebody without an account the officer reads it."""
    if request.account_id is not None:
        role = User.objects.values_list("role", flat=True).filter(pk=request.account_id).first()
        return Actor(request.account_id, Role(role or Role.ANONYMOUS)), Purpose.COMMUNICATING
    return Actor(copy.asked_by, Role.OFFICER), Purpose.LEGAL_DUTY


def _keep(seen: PrintCopy, ref: SealedRef, pages: int, missing: int, held: frozenset[UUID]) -> bool:
    """The row and the word to the officer; of two workers one keeps its file.

    Raises ``Overtaken`` when other parts than ``held`` are kept back by now: the job makes it once more.
    """
    with transaction.atomic():
        copy = PrintCopy.objects.select_for_update().filter(pk=seen.pk, made_at=None, job_id=seen.job_id).first()
        if copy is None:
            return False
        still_held(copy.subject_id, held)  # after the row's own lock, as a refusal takes them
        copy.name, copy.key, copy.pages, copy.missing = ref.name, ref.key, pages, missing
        copy.made_at = timezone.now()
        copy.save(update_fields=["name", "key", "pages", "missing", "made_at"])
        mails.request_waits(RightsRequest.objects.get(pk=copy.request_id), f"counted-{copy.pk.hex}")
    return True


def _failed(job: Job) -> None:
    """Given up: the officer hears that it waits, and may have it made again."""
    copy = PrintCopy.objects.filter(pk=ref_of(job), made_at=None).first()
    if copy is not None:
        mails.request_waits(RightsRequest.objects.get(pk=copy.request_id), f"not-counted-{job.pk.hex}")


def register_job() -> None:
    """Called once at start."""
    register(
        JobKind(
            JOB_KIND, _run, title=_("A copy to be printed"), keep=timedelta(days=30), failed=_failed,
            messages={
                "photos": _("Adding photos"), "documents": _("Adding papers"), "pdf": _("Writing the PDF"),
            },
        )
    )


def known_files() -> set[str]:
    """The sealed files that a row names; the sweep of the letters' folder leaves them."""
    return set(PrintCopy.objects.exclude(name="").values_list("name", flat=True))


def copy_remove(request_id: UUID) -> None:
    """The copy is not wanted any more: row now, file once this is committed."""
    copy = PrintCopy.objects.filter(request_id=request_id).only("pk", "name").first()
    if copy is None:
        return
    name = copy.name
    copy.delete()
    if name:
        transaction.on_commit(lambda: sealed.delete(name), robust=True)
