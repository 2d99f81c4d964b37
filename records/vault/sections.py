"""The sections of a record as they leave the vault: frozen, opened, with numbers covered (P07)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

# The id of what stands in no row.
NOT_KEPT = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ConditionView:
    """``status`` is ``active`` or ``past``."""

    id: UUID
    name: str
    since: str
    status: str
    note: str
    private: bool
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class AllergyView:
    """``severity`` is ``mild``, ``moderate``, ``severe`` or ``unknown``."""

    id: UUID
    substance: str
    reaction: str
    severity: str
    note: str
    updated_at: dt.datetime
    private: bool = False


@dataclass(frozen=True, slots=True)
class MedicationView:
    """``kind`` is ``prescribed`` or ``over_the_counter``, ``status`` ``taking`` or ``stopped``."""

    id: UUID
    name: str
    kind: str
    dose: str
    how: str
    since: str
    status: str
    reason: str
    updated_at: dt.datetime
    private: bool = False


@dataclass(frozen=True, slots=True)
class IdentifierView:
    """``kind`` is ``medical_id`` or ``drivers_license``. The number itself: ``reveal_identifier``."""

    id: UUID
    kind: str
    masked: str
    issuer: str
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class TopicView:
    """One answered topic. ``text`` is all of it in words: ``choice``, a chosen code, and ``note``."""

    topic: str
    label: str
    text: str
    private: bool
    updated_at: dt.datetime
    choice: str = ""
    note: str = ""
    id: UUID = NOT_KEPT


@dataclass(frozen=True, slots=True)
class SectionsView:
    """All sections. ``stated_none`` names sections where "I have none" was chosen and nothing stands.

    ``checked_at`` is the newest change or check of each section that was ever touched.
    ``private_hidden``: this reader never sees private answers, whether there are any or not.
    """

    conditions: tuple[ConditionView, ...] = ()
    allergies: tuple[AllergyView, ...] = ()
    medications: tuple[MedicationView, ...] = ()
    identifiers: tuple[IdentifierView, ...] = ()
    history: tuple[TopicView, ...] = ()
    private: tuple[TopicView, ...] = ()
    stated_none: frozenset[str] = frozenset()
    private_hidden: bool = False
    checked_at: Mapping[str, dt.datetime] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything at all stands in any section."""
        return bool(self.checked_at)


@dataclass(frozen=True, slots=True)
class RemovedView:
    """An entry that was taken out lately; ``event_id`` puts it back (``entry_restore``)."""

    event_id: int
    words: str
    removed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class SectionPage:
    """One section as its page shows it."""

    sections: SectionsView
    removed: tuple[RemovedView, ...] = ()
