"""Corrections and disputes of a record, for what goes out of the house: copies, archive, disclosures.

No access is asked here: whoever gives a record out has been allowed to, and the papers go with it
(RULES 1.26). Pages read them through the vault.
"""

from __future__ import annotations

from uuid import UUID

from records.amendments.models import AmendmentPaper, PaperKind, Telling
from records.people.models import GrantKind
from records.vault.notes import notes_of, paper_views
from records.vault.papers import DisputeView, PaperView


def amendments_of(patient_id: UUID, *, grant: GrantKind = GrantKind.PORTAL) -> tuple[PaperView, ...]:
    """Every correction that stands beside a part of the record, oldest first."""
    return notes_of(patient_id, grant=grant).amendments


def disputes_of(patient_id: UUID, *, grant: GrantKind = GrantKind.PORTAL) -> tuple[DisputeView, ...]:
    """Every refused correction with its papers: request, refusal, statement, rebuttal."""
    return notes_of(patient_id, grant=grant).disputes


def papers_of_request(request_id: UUID) -> list[PaperView]:
    """All papers of one request, oldest first, opened."""
    return paper_views(AmendmentPaper.objects.filter(request_id=request_id))


def has_paper(request_id: UUID, kind: PaperKind) -> bool:
    """Whether there is such a paper; nothing is opened."""
    return AmendmentPaper.objects.filter(request_id=request_id, kind=kind).exists()


def tellings_of(request_id: UUID) -> list[Telling]:
    """Who may rely on the old version, in the order in which they were named."""
    return list(Telling.objects.filter(request_id=request_id).order_by("named_by_patient", "pk"))
