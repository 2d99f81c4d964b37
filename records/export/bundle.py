"""The files of a record, one after the other: the same for the patient's copy and the archive.

``record.pdf`` and ``record.fhir.json`` bear the day of the last change, not of the copying, so an
unchanged record gives the same bytes again. A photo that cannot be read is named, not fatal.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.agreements.models import Agreement
from portal.agreements.selectors import agreements_of
from portal.audit.models import Action
from portal.context import SYSTEM, Actor
from portal.dates import clinic_day
from portal.permissions import Purpose
from portal.subjects import Subject
from records.access import accounts_of
from records.documents.models import Document
from records.documents.selectors import DocumentCard
from records.export.fhir import FileRef, record_bundle
from records.export.pdf import record_pdf
from records.export.pdf_words import Extras, Looked
from records.photos.models import Photo, PhotoState
from records.vault.content import EncounterView, RecordView
from records.vault.files import FileUnreadable, read_document, read_photo
from records.vault.rooms import open_record
from records.withholding.words import left_out

Tell = Callable[[str, int, int], None]


def _silent(_message: str, _done: int, _total: int) -> None:
    """Nobody waits."""


SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg"}


@dataclass
class RecordFiles:
    """Yields (name, bytes) once; afterwards ``notes`` says what could not be put in, in words.

    Photos and documents come first, each held in memory only while it is handed over. ``numbers``
    are whole ID numbers by their id, where the copy may hold them; ``looks`` who looked, added up.
    """

    record: RecordView
    tell: Tell = _silent
    numbers: Mapping[UUID, str] = field(default_factory=dict)
    looks: tuple[Looked, ...] = ()
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    _files: dict[UUID, FileRef] = field(default_factory=dict)
    _thumbs: dict[UUID, bytes] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        self.notes.extend(left_out(self.record.withheld))
        yield from self._photos()
        yield from self._documents()
        self.tell("pdf", 1, 1)
        changed_at = last_change(self.record)
        names = {ident: file.url for ident, file in self._files.items()}
        extras = Extras(names=names, numbers=self.numbers, looks=self.looks, notes=tuple(self.notes))
        pdf = record_pdf(self.record, changed_at=changed_at, thumbs=self._thumbs, extras=extras)
        self._thumbs.clear()
        if pdf.replaced:
            self.notes.append(
                _("Some letters could not be printed in record.pdf and stand there as codes like [U+0041].")
            )
        yield "record.pdf", pdf.data
        bundle = record_bundle(
            self.record, changed_at=changed_at, files=self._files, numbers=self.numbers,
            agreements=agreements_about(self.record.patient.id),
        )
        yield "record.fhir.json", json.dumps(bundle, indent=1, ensure_ascii=False, default=str).encode()

    def _photos(self) -> Iterator[tuple[str, bytes]]:
        names = photo_names(self.record)
        for done, photo in enumerate(_rows(names)):
            self.tell("photos", done, len(names))
            with suppress(FileUnreadable):  # the PDF says so in the picture's place
                self._thumbs[photo.pk] = read_photo(photo, "thumb")
            try:
                data = read_photo(photo, "image")
            except FileUnreadable:
                self._lost(names[photo.pk], _("The photo %(name)s cannot be read."))
                continue
            yield self._kept(photo.pk, names[photo.pk], data)

    def _documents(self) -> Iterator[tuple[str, bytes]]:
        names = document_names(self.record)
        rows = {row.pk: row for row in Document.objects.filter(pk__in=list(names)).defer("quarantine_key")}
        for done, (ident, name) in enumerate(names.items()):
            self.tell("documents", done, len(names))
            try:
                if ident not in rows:  # removed since the record was opened
                    raise FileUnreadable
                data = read_document(rows[ident])
            except FileUnreadable:
                self._lost(name, _("The document %(name)s cannot be read."))
                continue
            yield self._kept(ident, name, data)

    def _kept(self, ident: UUID, name: str, data: bytes) -> tuple[str, bytes]:
        # FHIR's Attachment.hash is SHA-1 and nothing else; SHA256SUMS is what the copy is checked with.
        sha1 = base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
        self._files[ident] = FileRef(name, len(data), sha1)
        return name, data

    def _lost(self, name: str, words: str) -> None:
        self.missing.append(name)
        self.notes.append(words % {"name": name})


def agreements_about(patient_id: UUID) -> list[Agreement]:
    """What those who use the portal for this patient agreed to, oldest first."""
    found = [agreement for account_id in accounts_of(patient_id) for agreement in agreements_of(account_id)]
    return sorted(found, key=lambda agreement: (agreement.agreed_at, agreement.pk))


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
    times = [record.patient.updated_at, *record.sections.checked_at.values()]
    times += [card.received_at for card in record.documents]
    times += record.notes.last_at
    for encounter in record.encounters:
        times += _times(encounter)
    return max(times)


def photo_names(record: RecordView) -> dict[UUID, str]:
    """The file's name in the copy, by photo: ``photos/2026-11-25-front-1.jpg``; no names of people."""
    names: dict[UUID, str] = {}
    for encounter in reversed(record.encounters):
        for photo in encounter.photos:
            if photo.ready:
                day = clinic_day(photo.received_at).isoformat()
                names[photo.id] = f"photos/{day}-{photo.view.value}-{len(names) + 1}.jpg"
    return names


def document_names(record: RecordView) -> dict[UUID, str]:
    """As for photos: ``documents/2026-11-25-lab-result-1.pdf``, by the day on the document where it has one."""
    names: dict[UUID, str] = {}
    for card in sorted((card for card in record.documents if card.ready), key=_document_order):
        day = (card.dated or clinic_day(card.received_at)).isoformat()
        kind, suffix = card.kind.value.replace("_", "-"), SUFFIXES.get(card.content_type, "bin")
        names[card.id] = f"documents/{day}-{kind}-{len(names) + 1}.{suffix}"
    return names


def _document_order(card: DocumentCard) -> tuple[dt.datetime, UUID]:
    return card.received_at, card.id


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
