"""The patient's own copy: one ZIP for people and for machines, built piece by piece (P31, P32)."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, cast
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.translation import gettext as _

from portal.context import Actor
from portal.permissions import Purpose
from records.export.bundle import RecordFiles, last_change, open_for_copy
from records.export.pdf_words import Looked
from records.vault.entries import numbers_to_take

Progress = Callable[[int, int, str], None]
CHUNK = 1 << 20
TAG = 16


class SealedSpool(io.RawIOBase):
    """A temporary file that never holds a plain byte: written to the end, then read from the start.

    Sealed in pieces of 1 MiB under a key that lives only in this object; the file has no name.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        self._cipher = AESGCM(secrets.token_bytes(32))
        self._pending = bytearray()
        self._pieces = 0
        self._reading: int | None = None
        self.size = 0

    def writable(self) -> bool:
        return self._reading is None

    def readable(self) -> bool:
        return self._reading is not None

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pending += piece
        self.size += len(piece)
        while len(self._pending) >= CHUNK:
            self._seal(bytes(self._pending[:CHUNK]))
            del self._pending[:CHUNK]
        return len(piece)

    def rewind(self) -> None:
        """End the writing; the next read gives the first byte. Reading may be begun anew."""
        if self._reading is None:
            self._seal(bytes(self._pending))
        self._pending = bytearray()
        self._file.seek(0)
        self._reading = 0

    def readinto(self, buffer: Any) -> int:
        if self._reading is None:
            raise io.UnsupportedOperation("still being written")
        while not self._pending and self._reading < self._pieces:
            sealed = self._file.read(CHUNK + TAG)
            self._pending += self._cipher.decrypt(_nonce(self._reading), sealed, None)
            self._reading += 1
        count = min(len(buffer), len(self._pending))
        buffer[:count] = self._pending[:count]
        del self._pending[:count]
        return count

    def close(self) -> None:
        self._file.close()
        self._pending = bytearray()
        super().close()

    def _seal(self, piece: bytes) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._pieces), piece, None))
        self._pieces += 1


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def build_record_zip(
    *, by: Actor, patient_id: UUID, purpose: Purpose, progress: Progress | None = None,
    more: Mapping[str, bytes] | None = None, looks: Sequence[Looked] = (),
) -> SealedSpool:
    """The copy, ready to be read; ``close()`` it, or use it in a ``with``. Its length is ``size``.

    ``progress(done, total, code)`` is told ``record``, ``photos``, ``pdf``, ``zip``. Memory stays
    near one photo. A file that cannot be read is named in the copy. ``more`` are further files by
    name: what the apps above hold; ``looks`` who looked, added up. A patient's own copy has the ID
    numbers whole, and the log says so. Raises ``NotVisible``, ``StorageUnavailable``.
    """
    report = progress or (lambda _done, _total, _message: None)
    report(0, 1, "record")
    files = RecordFiles(
        open_for_copy(by=by, patient_id=patient_id, purpose=purpose),
        tell=lambda message, done, total: report(done, total, message),
        numbers=numbers_to_take(by=by, patient_id=patient_id, purpose=purpose), looks=tuple(looks),
    )
    spool = SealedSpool()
    try:
        with zipfile.ZipFile(cast("IO[bytes]", spool), "w", zipfile.ZIP_DEFLATED) as target:
            _fill(target, files, more or {})
        report(1, 1, "zip")
        spool.rewind()
    except BaseException:
        spool.close()
        raise
    return spool


def _fill(target: zipfile.ZipFile, files: RecordFiles, more: Mapping[str, bytes]) -> None:
    day = last_change(files.record).timetuple()[:6]
    hashes: dict[str, str] = {}

    def add(name: str, data: bytes) -> None:
        entry = zipfile.ZipInfo(name, date_time=(max(day[0], 1980), *day[1:]))
        entry.compress_type = zipfile.ZIP_STORED if name.endswith(".jpg") else zipfile.ZIP_DEFLATED
        target.writestr(entry, data)
        hashes[name] = hashlib.sha256(data).hexdigest()

    for name, data in files:
        add(name, data)
    for name, data in more.items():
        add(name, data)
    # As ``sha256sum -c`` takes it; the manifest says the same to programs.
    add("SHA256SUMS", "".join(f"{digest}  {name}\n" for name, digest in hashes.items()).encode())
    add("README.txt", readme(files.notes, more=bool(more)).encode())
    manifest = {"format": "portal-record-1", "clinic": settings.CLINIC_LEGAL_NAME, "sha256": dict(hashes)}
    if files.missing:
        manifest["missing"] = list(files.missing)
    add("manifest.json", json.dumps(manifest, indent=1).encode())


def readme(notes: list[str], *, more: bool = False) -> str:
    """How to open the copy, in plain words; Windows line ends, so that any editor shows them."""
    lines = [
        _("Your health record from %(clinic)s") % {"clinic": settings.CLINIC_NAME},
        "",
        _("This is a ZIP file. Save it first. On a phone, tap it in your files. On Windows, right-click it and choose "
          "Extract All. On a Mac, double-click it. Then open record.pdf."),
        "",
        _("record.pdf - read it with any PDF reader, or print it."),
        _("photos - your photos, as JPEG pictures."),
        _("documents - lab results and other papers that you sent, as PDF or JPEG."),
        _("record.fhir.json - the same record for other clinics and apps (HL7 FHIR R4)."),
        *([_("other - what else we hold: account, agreements, payments, requests, who looked.")] if more else []),
        *([_("letters - our letters to you, as PDF, if there were any.")] if more else []),
        *([_("who-looked.csv - who opened your record, when and why; for any spreadsheet program.")] if more else []),
        *([_("who-received.csv - who outside the clinic received something of it, and why.")] if more else []),
        _("SHA256SUMS - to check all files at once, with the command: sha256sum -c SHA256SUMS"),
        _("manifest.json - a list of the files with their SHA-256 hashes, to check that nothing changed."),
        "",
        _("For your next clinic: give them the whole ZIP file. Their software takes in record.fhir.json: one FHIR R4 "
          "(4.0.1) document, an International Patient Summary with US Core resources. It names photos and documents by "
          "where they lie in this ZIP. record.pdf is PDF/A-2a, made to be kept for many years."),
        "",
        _("This copy is not encrypted. Keep it where only you can open it."),
        _("Questions? Write to %(email)s or call %(phone)s.")
        % {"email": settings.CLINIC_OFFICER_EMAIL, "phone": settings.CLINIC_PHONE},
    ]
    if notes:
        lines += ["", _("What is missing here:"), *(f"- {note}" for note in notes)]
    return "\r\n".join(lines) + "\r\n"
