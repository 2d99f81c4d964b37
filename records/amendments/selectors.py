"""The papers of one correction, for the desk that works on it; a record's own are in ``records.vault.notes``.

No access is asked here: whoever calls has looked whether the request is theirs.
"""

from __future__ import annotations

from uuid import UUID

from records.amendments.models import AmendmentPaper, PaperKind, Telling
from records.vault.notes import paper_views
from records.vault.papers import PaperView


def papers_of_request(request_id: UUID) -> list[PaperView]:
    """All papers of one request, oldest first, opened."""
    return paper_views(AmendmentPaper.objects.filter(request_id=request_id))


def has_paper(request_id: UUID, kind: PaperKind) -> bool:
    """Whether there is such a paper; nothing is opened."""
    return AmendmentPaper.objects.filter(request_id=request_id, kind=kind).exists()


def tellings_of(request_id: UUID) -> list[Telling]:
    """Who may rely on the old version, in the order in which they were named."""
    return list(Telling.objects.filter(request_id=request_id).order_by("named_by_patient", "pk"))
