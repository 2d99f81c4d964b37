"""The files of a record, one after the other: the same for the patient's copy and the archive.

``record.pdf`` and ``record.fhir.json`` bear the day of the last change, not of the copying, so an
unchanged record gives the same bytes again. A photo that cannot be read is named, not fatal.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.context import SYSTEM, Actor
from portal.permissions import Purpose
from portal.subjects import Subject
from records.export.fhir import PhotoFile, record_bundle
from records.export.pdf import record_pdf
from records.photos.models import Photo, PhotoState
from records.vault.content import EncounterView, RecordView
from records.vault.files import FileUnreadable, read_photo
from records.vault.rooms import open_record

Tell = Callable[[str, int, int], None]


def _silent(_message: str, _done: int, _total: int) -> None:
    """Nobody waits."""


@dataclass
class RecordFiles:
    """Yields (name, bytes) once; afterwards ``notes`` says what could not be put in, in words.

    Photos come first, each held in memory only while it is handed over.
    """

    record: RecordView
    tell: Tell = _silent
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        files: dict[UUID, PhotoFile] = {}
        thumbs: dict[UUID, bytes] = {}
        yield from self._photos(files, thumbs)
        self.tell("pdf", 1, 1)
        changed_at = last_change(self.record)
        pdf = record_pdf(self.record, changed_at=changed_at, thumbs=thumbs, notes=self.notes)
        if pdf.replaced:
            self.notes.append(
                _("Some letters could not be printed in record.pdf and stand there as codes like [U+0041].")
            )
        yield "record.pdf", pdf.data
        bundle = record_bundle(self.record, changed_at=changed_at, files=files)
        yield "record.fhir.json", json.dumps(bundle, indent=1, ensure_ascii=False, default=str).encode()

    def _photos(self, files: dict[UUID, PhotoFile], thumbs: dict[UUID, bytes]) -> Iterator[tuple[str, bytes]]:
        names = photo_names(self.record)
        for done, photo in enumerate(_rows(names)):
            self.tell("photos", done, len(names))
            name = names[photo.pk]
            with suppress(FileUnreadable):  # the PDF says so in the picture's place
                thumbs[photo.pk] = read_photo(photo, "thumb")
            try:
                data = read_photo(photo, "image")
            except FileUnreadable:
                self.missing.append(name)
                self.notes.append(_("The photo %(name)s cannot be read.") % {"name": name})
                continue
            files[photo.pk] = PhotoFile(name, len(data))
            yield name, data


def record_files(*, patient_id: UUID, encounter_id: UUID | None = None) -> Iterator[tuple[str, bytes]]:
    """The files of a record, or of one episode, for the archive; read by the portal itself.

    Besides the readable files there is ``record.json`` with everything as kept, former values
    included, and ``notes.txt`` where something could not be read. Raises ``NotVisible``,
    ``StorageUnavailable``; ``RuntimeError`` inside a transaction.
    """
    from records.personal_data import archive_for

    record = open_record(
        by=SYSTEM, patient_id=patient_id, purpose=Purpose.LEGAL_DUTY, action=Action.ARCHIVE, encounter_id=encounter_id
    )
    files = RecordFiles(record)
    yield from files
    kept = archive_for(Subject(patient_id))
    yield "record.json", json.dumps(_only(kept, encounter_id), indent=1, ensure_ascii=False, sort_keys=True).encode()
    if files.notes:
        yield "notes.txt", ("\n".join(files.notes) + "\n").encode()


def open_for_copy(*, by: Actor, patient_id: UUID, purpose: Purpose) -> RecordView:
    """The whole record for a copy; the log says that a copy was made, not just a look."""
    return open_record(by=by, patient_id=patient_id, purpose=purpose, action=Action.EXPORT)


def last_change(record: RecordView) -> dt.datetime:
    """When anything in the record last changed."""
    times = [record.patient.updated_at]
    for encounter in record.encounters:
        times += _times(encounter)
    return max(times)


def photo_names(record: RecordView) -> dict[UUID, str]:
    """The file's name in the copy, by photo: ``photos/2026-11-25-front-1.jpg``; no names of people."""
    names: dict[UUID, str] = {}
    for encounter in reversed(record.encounters):
        for photo in encounter.photos:
            if photo.ready:
                day = photo.received_at.date().isoformat()
                names[photo.id] = f"photos/{day}-{photo.view.value}-{len(names) + 1}.jpg"
    return names


def _rows(names: dict[UUID, str]) -> Iterator[Photo]:
    """The rows with their keys, a few at a time."""
    rows = Photo.objects.filter(pk__in=list(names), state=PhotoState.READY).defer("quarantine_key")
    found = {row.pk: row for row in rows}
    for photo_id in names:
        if photo_id in found:
            yield found[photo_id]


def _times(encounter: EncounterView) -> list[dt.datetime]:
    times: list[dt.datetime | None] = [encounter.opened_at, encounter.submitted_at, encounter.closed_at]
    times += [answer.answered_at for answer in encounter.answers]
    times += [photo.received_at for photo in encounter.photos]
    for message in encounter.messages:
        times += [message.sent_at, message.read_at]
    times += [written.updated_at for written in (encounter.assessment, encounter.plan) if written is not None]
    return [time for time in times if time is not None]


def _only(kept: dict[str, Any], encounter_id: UUID | None) -> dict[str, Any]:
    """What is kept about one episode, with the patient."""
    if encounter_id is None or not kept:
        return kept
    own = str(encounter_id)
    return {
        **kept,
        "encounters": [row for row in kept["encounters"] if row["id"] == own],
        "former_values": [row for row in kept["former_values"] if row.get("encounter") in (None, own)],
    }
