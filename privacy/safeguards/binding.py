"""What stands in the binder of a request, and what every binder is made of: sections with facts or a table.

A binder is for whoever audits the clinic. That of a year (``yearly``) names no patient; that of a request
names its record by number, and the recipients of what was disclosed for it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.accounts.selectors import display_names
from portal.context_processors import money
from portal.crypto import sealed
from portal.crypto.tokens import DecryptionError
from portal.dates import clinic_zone
from portal.permissions import STAFF_ROLES, Role
from privacy.fees.models import FeeQuote
from privacy.letters.making import reference_shown
from privacy.letters.models import Letter
from privacy.letters.selectors import letter_title
from privacy.models import RequestKind, RightsRequest
from privacy.requests.clock import clock_of
from privacy.requests.models import RequestStep
from privacy.requests.state import RequestState
from privacy.requests.words import ground, staff_step
from records.models import Disclosure, Patient
from records.people.public_id import public_id_shown
from records.vault.given import given_view

MOMENT, DAY = "M j, Y, H:i", "M j, Y"
NONE = "–"


@dataclass(frozen=True)
class Table:
    """``widths`` are parts of the width, one a column."""

    header: Sequence[str]
    widths: Sequence[int]
    rows: Sequence[Sequence[str]]


@dataclass
class Section:
    """One chapter: what it is, and its facts or a table. ``empty`` stands where the table has no row."""

    title: str
    words: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    table: Table | None = None
    empty: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def day_text(day: dt.date | None) -> str:
    return date_format(day, DAY) if day else NONE


def moment_text(moment: dt.datetime | None) -> str:
    return date_format(moment.astimezone(clinic_zone()), MOMENT) if moment else NONE


def people(ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """Names of staff by id; who has none stands as the first signs of the id."""
    wanted = [one for one in ids if one is not None]
    names = display_names(wanted)
    return {None: _("the portal"), **{one: names.get(one, str(one)[:8]) for one in wanted}}


def request_sections(row: RightsRequest) -> list[Section]:
    """Everything that proves how one request was handled; nothing of what the record holds."""
    return [_request_facts(row), _steps(row), _letters(row), _fees(row), _given(row)]


def _request_facts(row: RightsRequest) -> Section:
    clock, who = clock_of(row), people([row.officer_id])
    whose = Patient.objects.filter(pk=row.subject_id) if row.subject_id else Patient.objects.none()
    number = whose.values_list("public_id", flat=True).first()
    in_time = {True: _("yes"), False: _("no"), None: _("not answered yet")}[row.in_time]
    return Section(_("The request and its clock"), facts=[
        (_("Asked for"), str(RequestKind(row.kind).label)),
        (_("Record number"), public_id_shown(number) if number else _("the record is gone")),
        (_("Received"), f"{day_text(row.received_on)}, {row.get_channel_display()}"),
        (_("Who asked was proven"), f"{row.get_identity_state_display()}; {row.get_identity_how_display() or NONE}"),
        (_("First due"), day_text(row.first_due_on)), (_("Due"), day_text(row.due_on)),
        (_("Extended"), moment_text(row.extended_at)), (_("First answer"), moment_text(row.answered_at)),
        (_("In time"), in_time), (_("Stands now"), str(RequestState(row.state).label)),
        (_("Ended"), moment_text(row.ended_at)), (_("Days left, or past"), str(clock.left)),
        (_("Works on it"), who[row.officer_id] if row.officer_id else NONE),
        (_("Ground of a refusal"), ground(row) or NONE),
    ])


def _steps(row: RightsRequest) -> Section:
    steps = list(RequestStep.objects.filter(request=row).order_by("pk"))
    who = people(step.by_id for step in steps if step.by_role in STAFF_ROLES)
    cells = [
        (
            moment_text(step.at), staff_step(step.action),
            str(RequestState(step.state).label), f"{Role(step.by_role).label}: {who.get(step.by_id, _('who asked'))}",
        )
        for step in steps
    ]
    table = Table((_("When"), _("Step"), _("Stood then"), _("By")), (3, 4, 4, 4), cells)
    return Section(_("Steps"), table=table, empty=_("No step is written down."))


def _letters(row: RightsRequest) -> Section:
    rows = Letter.objects.filter(request_id=row.pk).defer("fields", "content", "recipient").order_by("written_at")
    cells = [
        (
            f"{letter_title(letter.kind)}\n{reference_shown(letter.reference)}", day_text(letter.dated),
            f"{letter.get_notice_display()}\n{letter.get_paper_display()} {day_text(letter.posted_on)}",
            _sha256(letter),
        )
        for letter in rows
    ]
    table = Table((_("Letter"), _("Dated"), _("On its way"), _("SHA-256 of the PDF")), (4, 2, 4, 5), cells)
    return Section(_("Letters"), table=table, empty=_("No letter was written."))


def _sha256(letter: Letter) -> str:
    """The hash of the letter's PDF as its reader has it."""
    if letter.made_at is None:
        return _("not made yet")
    try:
        assert letter.pdf_key is not None
        digest = hashlib.sha256(sealed.read(letter.pdf_name, letter.pdf_key)).hexdigest()
    except (DecryptionError, OSError):
        return _("cannot be read")
    return "\n".join((digest[:32], digest[32:]))


def _fees(row: RightsRequest) -> Section:
    rows = FeeQuote.objects.filter(request_id=row.pk).defer("wish").order_by("quoted_at")
    cells = [
        (moment_text(fee.quoted_at), money(fee.cents), fee.get_state_display(), moment_text(fee.answered_at),
         moment_text(fee.paid_at))
        for fee in rows
    ]
    table = Table((_("Named"), _("Sum"), _("State"), _("Answered"), _("Paid")), (3, 2, 2, 3, 3), cells)
    return Section(_("Cost"), table=table, empty=_("Nothing was charged."))


def _given(row: RightsRequest) -> Section:
    rows = Disclosure.objects.filter(reference=row.pk).order_by("on", "recorded_at")
    cells = [
        (day_text(view.on), f"{view.recipient}\n{view.recipient_address}".strip(), view.what,
         f"{view.purpose_words}\n{view.basis_words}")
        for view in map(given_view, rows)
    ]
    table = Table((_("Day"), _("To"), _("What"), _("Purpose and basis")), (2, 4, 4, 4), cells)
    return Section(_("Disclosures made by it"), table=table, empty=_("Nothing was given to anybody outside."))
