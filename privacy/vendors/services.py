"""Keeping the register of companies, and reading in the disclosures that they made for us (RULES 1.28, 1.62)."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.crypto.values import must_be_read
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from portal.spreadsheets import CsvUnreadable, csv_read
from privacy.vendors.models import NOTICE_DAYS_MOST, Vendor, VendorImport
from records.disclosures.models import BASES_OF, PURPOSES_OF, DisclosureBasis
from records.disclosures.services import NAME_LENGTH, WORDS_LENGTH, Entry, disclosures_record_many
from records.models import Merge, Patient
from records.people.public_id import public_id_read

HEADER = ("record", "day", "recipient", "address", "what", "purpose", "basis")
LINES_MOST = 2000
BYTES_MOST = 1_000_000
OLDEST = dt.date(1990, 1, 1)


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with one line of a file; ``line`` counts from 1, the header included."""

    line: int
    words: str


@dataclass
class Preview:
    """What a file would write. Nothing is written while ``errors`` holds one."""

    sha256: str
    entries: list[Entry] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)


def vendor_save(*, by: Actor, vendor_id: UUID | None = None, **values: Any) -> Vendor:
    """Add a company, or change what is known of one. ``values`` are columns of ``Vendor``.

    Raises ``DomainError``: ``name_missing``, ``gets_missing``, ``notice_late``, ``end_before_start``,
    ``code_taken``; ``NotVisible``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    if not values["name"].strip():
        raise DomainError("name_missing", _("Write the company’s name."), "name")
    if not values["gets"].strip():
        raise DomainError("gets_missing", _("Write what it gets and what for."), "gets")
    most = min(settings.VENDOR_NOTICE_DAYS, NOTICE_DAYS_MOST)
    if not 1 <= values["notice_days"] <= most:
        late = _("A company must tell us of a breach within %(days)d days.") % {"days": most}
        raise DomainError("notice_late", late, "notice_days")
    if values["ends_on"] is not None and (values["agreed_on"] is None or values["ends_on"] < values["agreed_on"]):
        raise DomainError("end_before_start", _("The agreement would end before it begins."), "ends_on")
    try:
        with transaction.atomic():
            row = Vendor() if vendor_id is None else Vendor.objects.select_for_update().filter(pk=vendor_id).first()
            if row is None:
                raise NotVisible
            if vendor_id is not None:
                must_be_read(row, "contact")
            for name, value in values.items():
                setattr(row, name, value)
            row.save()
            _logged(by, Action.CREATE if vendor_id is None else Action.CHANGE, row)
    except IntegrityError:
        raise DomainError("code_taken", _("Another company has this short name."), "code") from None
    return row


def vendor_end(*, by: Actor, vendor_id: UUID) -> Vendor:
    """The work with a company is over: it gets nothing from now on. Its row stays."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        row = Vendor.objects.select_for_update().filter(pk=vendor_id).first()
        if row is None:
            raise NotVisible
        if row.ended_at is None:
            row.ended_at = timezone.now()
            row.save(update_fields=["ended_at", "updated_at"])
            _logged(by, Action.CHANGE, row)
    return row


def import_preview(*, by: Actor, data: bytes) -> Preview:
    """Read a company's list without writing anything: each line becomes an entry or an error that says why.

    Raises ``DomainError`` on the field ``file`` for what is no such list at all.
    """
    require(by, Permission.REQUESTS_HANDLE)
    if len(data) > BYTES_MOST:
        raise DomainError("too_big", _("This file is larger than 1 MB. Please split it."), "file")
    try:
        rows = csv_read(data, HEADER, most=LINES_MOST)
    except CsvUnreadable as error:
        raise DomainError(error.code, _unreadable(error), "file") from None
    if not rows:
        raise DomainError("empty", _("There is no line below the header."), "file")
    preview = Preview(hashlib.sha256(data).hexdigest())
    people = _people({cells["record"] for _line, cells in rows})
    for line, cells in rows:
        entry = _entry(cells, people)
        if isinstance(entry, str):
            preview.errors.append(LineError(line, entry))
        else:
            preview.entries.append(entry)
    return preview


def import_apply(*, by: Actor, vendor_id: UUID, data: bytes) -> VendorImport:
    """Write all entries of a list, or none. The same file a second time: ``DomainError`` ``imported_already``.

    Raises ``DomainError`` ``lines_wrong`` where a line has an error; ``NotVisible``.
    """
    preview = import_preview(by=by, data=data)
    if preview.errors:
        raise DomainError("lines_wrong", _("Some lines are wrong: nothing was written."), "file")
    try:
        with transaction.atomic():
            vendor = Vendor.objects.filter(pk=vendor_id).first()
            if vendor is None:
                raise NotVisible
            made = VendorImport.objects.create(
                vendor=vendor, sha256=preview.sha256, entries=len(preview.entries), imported_by=by.account
            )
            disclosures_record_many(
                by=by, entries=[
                    Entry(
                        one.subject_id, one.purpose, one.basis, one.recipient, one.what, one.on,
                        one.recipient_address, made.pk,
                    )
                    for one in preview.entries
                ],
            )
    except IntegrityError:
        raise DomainError("imported_already", _("This very file has been read in before."), "file") from None
    return made


def _people(numbers: set[str]) -> dict[str, UUID]:
    """Whose each record number is, merged ones too; two queries for any number of lines."""
    stored = {number: public_id_read(number) for number in numbers}
    wanted = {one for one in stored.values() if one}
    found = dict(Patient.objects.filter(public_id__in=wanted).values_list("public_id", "pk"))
    merged = dict(Merge.objects.filter(old_public_id__in=wanted - set(found)).values_list("old_public_id", "new_id"))
    known = {**found, **merged}
    return {number: known[one] for number, one in stored.items() if one in known}


def _entry(cells: Mapping[str, str], people: Mapping[str, UUID]) -> Entry | str:
    """One line as an entry, or the sentence that says what is wrong with it."""
    whose = people.get(cells["record"])
    if whose is None:
        return _("There is no record with the number “%(number)s”.") % {"number": cells["record"][:20]}
    try:
        day = dt.date.fromisoformat(cells["day"])
    except ValueError:
        return _("“%(day)s” is no day; write it like 2026-03-31.") % {"day": cells["day"][:20]}
    if not OLDEST <= day <= today():
        return _("This day is still to come, or too long ago.")
    for name, most in (("recipient", NAME_LENGTH), ("what", WORDS_LENGTH)):
        if not cells[name] or len(cells[name]) > most:
            return _("The column “%(name)s” is empty or too long.") % {"name": name}
    if cells["purpose"] not in Purpose.values:
        return _("“%(code)s” is no purpose of the list.") % {"code": cells["purpose"][:20]}
    if cells["basis"] not in DisclosureBasis.values:
        return _("“%(code)s” is no basis of the list.") % {"code": cells["basis"][:20]}
    purpose, basis = Purpose(cells["purpose"]), DisclosureBasis(cells["basis"])
    if purpose not in PURPOSES_OF.get(basis, (purpose,)) or basis not in BASES_OF.get(purpose, (basis,)):
        return _("This purpose and this basis do not go together.")
    return Entry(whose, purpose, basis, cells["recipient"], cells["what"], day, cells["address"])


def _unreadable(error: CsvUnreadable) -> str:
    return {
        "encoding": _("Save the file as CSV in UTF-8."),
        "header": _("The first line must name the column “%(name)s”.") % {"name": error.name},
        "too_many": _("There are more than %(count)d lines. Please split it.") % {"count": LINES_MOST},
    }.get(error.code, _("This is no CSV file that can be read."))


def _logged(by: Actor, action: Action, row: Vendor) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.OPERATIONS, subject_id=None, object_kind="privacy.vendor",
        object_id=row.pk, basis=f"vendor:{row.code}",
    )
