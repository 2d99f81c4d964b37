"""Opening letters: the trace first, committed, then the words or the file. By the reader, or by the desk."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pikepdf
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record, access_record_each
from portal.context import Actor
from portal.crypto import sealed
from portal.dates import start_of_day, today
from portal.errors import DomainError
from portal.guards import visible_or_404
from portal.permissions import Permission, Purpose, require
from privacy.letters.making import day_text, enclosed_text, reference_shown, salutation
from privacy.letters.models import Letter, PrintState
from privacy.letters.selectors import letter_title, queue, visible_letters
from privacy.letters.services import is_held, letter_printed
from records.export.typesetting import typeset
from records.freezing.selectors import frozen
from records.vault.content import opened

SHEET = Path(__file__).with_name("sheet.typ")
BATCH_MOST, BATCH_PAGES = 200, 2000  # letters, and pages with what is behind them, in one file


@dataclass(frozen=True)
class LetterView:
    """A letter as a page shows it. ``readable`` is false when its words cannot be opened."""

    row: Letter
    title: str
    to: tuple[str, ...]
    salutation: str
    blocks: tuple[dict[str, Any], ...]
    content: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    enclosed: str = ""
    readable: bool = True

    @property
    def reference(self) -> str:
        return reference_shown(self.row.reference)

    @property
    def has_address(self) -> bool:
        return len(self.to) > 1


def _view(row: Letter) -> LetterView:
    content = opened(row, "content", None)
    to = opened(row, "recipient", None) or {}
    name, address = to.get("name", ""), to.get("lines", [])
    return LetterView(
        row, title=(content or {}).get("title") or letter_title(row.kind), to=(name, *address) if name else (),
        salutation=salutation(name), blocks=tuple((content or {}).get("blocks", ())), content=content or {},
        note=opened(row, "delivery_note"), enclosed=enclosed_text(row), readable=content is not None,
    )


def letter_open(*, by: Actor, letter_id: UUID) -> LetterView:
    """The words of one's own letter. Raises ``NotVisible``."""
    row = visible_or_404(visible_letters(by), pk=letter_id)
    _trace(by, row, Action.VIEW, Purpose.COMMUNICATING)
    if row.read_at is None:
        Letter.objects.filter(pk=row.pk, read_at=None).update(read_at=timezone.now())
    return _view(row)


def letter_file(*, by: Actor, letter_id: UUID) -> tuple[Letter, Iterator[bytes]]:
    """The PDF of one's own letter, piece by piece. Raises ``NotVisible``."""
    row = visible_or_404(visible_letters(by), pk=letter_id)
    _trace(by, row, Action.DOWNLOAD, Purpose.COMMUNICATING)
    return row, sealed.chunks(row.pdf_name, bytes(row.pdf_key or b""))


def desk_open(*, by: Actor, letter_id: UUID) -> LetterView:
    """Any letter, for the officer. Raises ``NotVisible``."""
    require(by, Permission.REQUESTS_HANDLE)
    row = visible_or_404(Letter.objects.all(), pk=letter_id)
    _trace(by, row, Action.VIEW, Purpose.LEGAL_DUTY)
    return _view(row)


def desk_queue(by: Actor, state: PrintState) -> list[LetterView]:
    """Paper in this state with its addresses, each traced. Raises ``NotAllowed``."""
    require(by, Permission.REQUESTS_HANDLE)
    rows = list(queue(state))
    access_record_each(
        by=by, action=Action.LIST, purpose=Purpose.LEGAL_DUTY, object_kind="privacy.letter", durable=True,
        looks=[(row.subject_id, row.pk, f"letter:{row.kind}") for row in rows],
    )
    return [_address_view(row) for row in rows]


def _address_view(row: Letter) -> LetterView:
    to = opened(row, "recipient", None) or {}
    name = to.get("name", "")
    return LetterView(
        row, title=letter_title(row.kind), to=(name, *to.get("lines", [])) if name else (), salutation="", blocks=(),
        enclosed=enclosed_text(row),
    )


def desk_file(*, by: Actor, letter_id: UUID) -> bytes:
    """What is printed for one letter: the letter and what is enclosed and not held. Raises ``NotVisible``."""
    require(by, Permission.REQUESTS_HANDLE)
    row = visible_or_404(Letter.objects.filter(made_at__isnull=False), pk=letter_id)
    _trace(by, row, Action.PRINT, Purpose.LEGAL_DUTY)
    return _merged([row], enclosed=not is_held(row))


def batch(*, by: Actor) -> bytes:
    """The letters that wait and have an address, in one file to print on both sides; they count as printed then.

    A sheet with the addresses comes first; each letter begins on a front page. What is too much for
    one file waits for the next. Raises ``DomainError`` ``nothing_to_print``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    rows = _printable()
    if not rows:
        raise DomainError("nothing_to_print", _("Nothing waits to be printed."))
    access_record_each(
        by=by, action=Action.PRINT, purpose=Purpose.LEGAL_DUTY, object_kind="privacy.letter", durable=True,
        looks=[(row.subject_id, row.pk, f"letter:{row.kind}") for row in rows],
    )
    printed = _merged(rows, before=_sheet(rows))
    with transaction.atomic():
        letter_printed([row.pdf_name for row in rows], by=by)
    return printed


def _printable() -> list[Letter]:
    """What waits longest and can be posted. One without an address, or held back, stops none behind it."""
    free = Q(enclosure_name="") | ~Q(frozen("subject_id"))
    waiting = Letter.objects.filter(free, paper=PrintState.TO_PRINT, made_at__isnull=False)
    rows: list[Letter] = []
    pages = 0
    for row in waiting.defer("fields", "content", "delivery_note").order_by("written_at").iterator(BATCH_MOST):
        if not (opened(row, "recipient", None) or {}).get("lines"):
            continue
        pages += row.pages + row.enclosure_pages
        if rows and (pages > BATCH_PAGES or len(rows) == BATCH_MOST):
            break
        rows.append(row)
    return rows


def _sheet(rows: list[Letter]) -> bytes:
    """The list of what is in the batch, with the addresses: for whoever fills the envelopes."""
    content = {
        "title": _("Letters to post"), "clinic": settings.CLINIC_LEGAL_NAME, "lang": settings.LANGUAGE_CODE[:2],
        "day": [today().year, today().month, today().day],
        "said": _("%(day)s. Letters: %(n)d. Tick each one when it is in its envelope.") % {
            "day": day_text(today()), "n": len(rows),
        },
        "head": [_("No."), _("Reference"), _("To"), _("Pages")],
        "rows": [
            [str(number), reference_shown(row.reference), "\n".join(_address_view(row).to),
             str(row.pages + row.enclosure_pages)]
            for number, row in enumerate(rows, start=1)
        ],
    }
    return typeset(SHEET, content, dated=start_of_day(today())).data


def _merged(rows: Iterable[Letter], *, before: bytes = b"", enclosed: bool = True) -> bytes:
    """Letters with their enclosures in one PDF. Each begins on the front of a sheet."""
    target = pikepdf.new()
    if before:
        _add(target, before)
    for row in rows:
        _add(target, sealed.read(row.pdf_name, bytes(row.pdf_key or b"")))
        if enclosed and row.enclosure_name:
            _add(target, sealed.read(row.enclosure_name, bytes(row.enclosure_key or b"")))
    made = io.BytesIO()
    target.save(made, linearize=False)
    return made.getvalue()


def _add(target: pikepdf.Pdf, data: bytes) -> None:
    with pikepdf.open(io.BytesIO(data)) as source:
        target.pages.extend(source.pages)
        if len(source.pages) % 2:
            target.add_blank_page(page_size=(612, 792))


def _trace(by: Actor, row: Letter, action: Action, purpose: Purpose) -> None:
    access_record(
        by=by, action=action, purpose=purpose, subject_id=row.subject_id, object_kind="privacy.letter",
        object_id=row.pk, basis=f"letter:{row.kind}", durable=True,
    )
