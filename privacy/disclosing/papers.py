"""Papers that the officer keeps beside a legal process or an assignment: cleaned, sealed, shown to officers only.

They never become documents of the record: a patient must not find a paper there that a court wants kept from
them. The file is taken apart in the same bounded process as any upload (docs/decisions/0182).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.files.base import File

from portal.crypto import sealed
from privacy.disclosing.models import Assignment, LegalProcess
from records.documents import pipeline
from records.intake.receiving import seal, whole

FOLDER = "legal"


@dataclass(frozen=True, slots=True)
class Paper:
    """A sealed file, not yet named by a row; whoever fails to write the row drops it."""

    name: str
    key: bytes
    content_type: str

    def columns(self) -> dict[str, Any]:
        """As the row keeps it."""
        return {"paper_name": self.name, "paper_key": self.key, "paper_type": self.content_type}


def paper_keep(upload: File[bytes]) -> Paper:
    """Clean and seal one upload. Raises ``DocumentRefused`` (a ``DomainError`` on the field ``document``)."""
    cleaned = pipeline.process(whole(upload, check=pipeline.check))
    ref = seal(cleaned.file, folder=FOLDER, or_else=pipeline.DocumentRefused("failed"))
    return Paper(ref.name, ref.key, cleaned.content_type)


def paper_drop(paper: Paper | None) -> None:
    """Remove a file whose row was not written."""
    if paper is not None:
        sealed.delete(paper.name)


def paper_read(row: LegalProcess | Assignment) -> bytes:
    """The clean file of a row that has one."""
    return sealed.read(row.paper_name, row.paper_key)


def papers_sweep() -> int:
    """Delete papers that no row names. Returns how many."""
    return sealed.orphans_remove(FOLDER, _named)


def _named() -> set[str]:
    tables: tuple[type[LegalProcess | Assignment], ...] = (LegalProcess, Assignment)
    return {name for table in tables for name in table._default_manager.values_list("paper_name", flat=True)}
