"""Who outside the clinic received something of a record, in words: for pages, statements and letters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Count, Max
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.context import Actor
from portal.dates import today
from portal.permissions import Purpose, Role
from records.disclosures.models import Disclosure, DisclosureBasis
from records.disclosures.recipients import recipient_key
from records.disclosures.selectors import disclosures_of
from records.people.selectors import birth_dates
from records.releases.models import ConsentKind, ReleaseConsent
from records.releases.selectors import consents_of, last_day
from records.vault.content import opened
from records.vault.gate import look

_REPEATED = ("same_key", "purpose", "basis")


@dataclass(frozen=True, slots=True)
class GivenView:
    """One disclosure, or the first of repeats to the same recipient for the same purpose (RULES 1.31).

    ``on`` is the first day, ``last_on`` the last one, ``times`` how often. ``counted``: the law makes an
    accounting count it (RULES 1.29). ``note`` says that it went without the patient's signed consent.
    """

    id: UUID
    on: dt.date
    last_on: dt.date
    times: int
    recipient: str
    recipient_address: str
    what: str
    purpose: str
    basis: str
    counted: bool
    note: str
    reference: UUID | None

    @property
    def purpose_words(self) -> str:
        return str(Purpose(self.purpose).label)

    @property
    def basis_words(self) -> str:
        return str(DisclosureBasis(self.basis).label)


@dataclass(frozen=True, slots=True)
class ConsentView:
    """One consent to release. ``expires_on`` is its last day, that of a minor's childhood at the latest.

    None: it lasts until it is taken back.
    """

    id: UUID
    kind: str
    recipient: str
    what: str
    signed_name: str
    signed_for: str
    signed_on: dt.date
    expires_on: dt.date | None
    on_paper: bool
    revoked_at: dt.datetime | None

    @property
    def kind_words(self) -> str:
        return str(ConsentKind(self.kind).label)

    @property
    def in_force(self) -> bool:
        return self.revoked_at is None and (self.expires_on is None or self.expires_on >= today())


def open_disclosures(
    *, by: Actor, patient_id: UUID, purpose: Purpose, since: dt.date | None = None, until: dt.date | None = None
) -> tuple[GivenView, ...]:
    """Who received something, repeats together, the newest first. The officer sees what is suspended, too."""
    look(by=by, patient_id=patient_id, purpose=purpose, kind="records.disclosure", object_id=patient_id,
         action=Action.LIST)
    return given_grouped(patient_id, since=since, until=until, suspended=by.role == Role.OFFICER)


def open_consents(*, by: Actor, patient_id: UUID, purpose: Purpose) -> tuple[ConsentView, ...]:
    """All consents to release, the newest first."""
    look(by=by, patient_id=patient_id, purpose=purpose, kind="records.releaseconsent", object_id=patient_id,
         action=Action.LIST)
    return consent_views(patient_id)


def given_grouped(
    patient_id: UUID, *, since: dt.date | None = None, until: dt.date | None = None, suspended: bool = False
) -> tuple[GivenView, ...]:
    """As ``open_disclosures``, for statements and letters whose trace is kept elsewhere. Two queries.

    Only the first of each group is opened, so that a hundred thousand entries are a page in a moment.
    """
    rows = disclosures_of(patient_id, since=since, until=until, suspended=suspended).order_by()
    counts = {
        (same, purpose, basis): (times, last)
        for same, purpose, basis, times, last in rows.values_list(*_REPEATED).annotate(Count("pk"), Max("on"))
    }
    firsts = rows.order_by(*_REPEATED, "on", "recorded_at", "pk").distinct(*_REPEATED)
    found: dict[Any, GivenView] = {}
    for row in firsts:
        times, last = counts.get((row.same_key, row.purpose, row.basis), (1, row.on))
        _gather(found, replace(given_view(row), times=times, last_on=last))
    return tuple(sorted(found.values(), key=lambda view: (view.last_on, view.on, str(view.id)), reverse=True))


def given_each(patient_id: UUID, *, suspended: bool = False) -> Iterator[GivenView]:
    """Every disclosure by itself, the newest first, read in portions: for files."""
    return map(given_view, disclosures_of(patient_id, suspended=suspended).iterator(chunk_size=500))


def given_view(row: Disclosure) -> GivenView:
    """One row in words; what cannot be read says so in its place."""
    return GivenView(
        id=row.pk, on=row.on, last_on=row.on, times=1, recipient=opened(row, "recipient"),
        recipient_address=opened(row, "recipient_address"), what=opened(row, "what"), purpose=row.purpose,
        basis=row.basis, counted=row.accountable, reference=row.reference,
        note=_("Given without your signed consent.") if row.without_consent else "",
    )


def given_cells(views: Iterable[GivenView]) -> Iterator[list[Any]]:
    """Rows of a table with ``GIVEN_HEADER``."""
    for view in views:
        yield [
            view.on, view.recipient, view.recipient_address, view.what, view.purpose_words, view.basis_words,
            _("yes") if view.counted else _("no"), view.note,
        ]


def given_header() -> list[str]:
    """The first line of a table of disclosures."""
    return [
        _("Day"), _("Who received it"), _("Address"), _("What"), _("Why"), _("On what basis"), _("Counted by law"),
        _("Note"),
    ]


def consent_views(patient_id: UUID) -> tuple[ConsentView, ...]:
    """All consents of a person in words, the newest first; their trace is kept elsewhere. Two queries."""
    born = birth_dates([patient_id]).get(patient_id)
    return tuple(_consent_view(row, born) for row in consents_of(patient_id))


def _consent_view(row: ReleaseConsent, born: dt.date | None) -> ConsentView:
    return ConsentView(
        id=row.pk, kind=row.kind, recipient=opened(row, "recipient"), what=opened(row, "what"),
        signed_name=opened(row, "signed_name"), signed_for=opened(row, "signed_for"), signed_on=row.signed_on,
        expires_on=last_day(row.signed_on, row.expires_on, born), on_paper=row.on_paper, revoked_at=row.revoked_at,
    )


def _gather(found: dict[Any, GivenView], view: GivenView) -> None:
    """Groups that a change of keys has parted are one again."""
    key = (recipient_key(view.recipient, view.recipient_address), view.purpose, view.basis)
    there = found.get(key)
    if there is None:
        found[key] = view
        return
    first = min(there, view, key=lambda one: (one.on, str(one.id)))
    found[key] = replace(first, times=there.times + view.times, last_on=max(there.last_on, view.last_on))
