"""Corrections and disagreements as they leave the vault: frozen, opened, by the part they speak of."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PaperView:
    """One paper. ``kind`` and ``part_kind`` are codes; ``author`` a shown name, empty when not known."""

    id: UUID
    request_id: UUID
    kind: str
    label: str
    part_kind: str
    part_id: UUID
    words: str
    reason: str
    told_by: str
    author_id: UUID | None
    author: str
    written_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A refused correction with all its papers, in the order in which they were written (RULES 1.26)."""

    request_id: UUID
    part_kind: str
    part_id: UUID
    papers: tuple[PaperView, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """The corrections of a record and the disputes about it. What is still being decided is not here."""

    amendments: tuple[PaperView, ...] = ()
    disputes: tuple[DisputeView, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.amendments or self.disputes)

    def of(self, part_id: UUID) -> Notes:
        """Those about one part."""
        if not self:
            return self
        return Notes(
            tuple(paper for paper in self.amendments if paper.part_id == part_id),
            tuple(dispute for dispute in self.disputes if dispute.part_id == part_id),
        )

    def only(self, *part_kinds: str) -> Notes:
        """Those about parts of these kinds."""
        return Notes(
            tuple(paper for paper in self.amendments if paper.part_kind in part_kinds),
            tuple(dispute for dispute in self.disputes if dispute.part_kind in part_kinds),
        )

    @property
    def part_ids(self) -> frozenset[UUID]:
        """Parts that have any."""
        return frozenset([*(one.part_id for one in self.amendments), *(one.part_id for one in self.disputes)])

    @property
    def last_at(self) -> list[dt.datetime]:
        """When each paper was written."""
        papers = [*self.amendments, *(paper for dispute in self.disputes for paper in dispute.papers)]
        return [paper.written_at for paper in papers]


NO_NOTES = Notes()
