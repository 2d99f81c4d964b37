"""Papers about parts of a record into content. Whoever calls it has asked access and left the trace."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from portal.context import Actor
from portal.permissions import Purpose
from records.amendments.models import AmendmentPaper, PaperKind, PartKind
from records.encounters.models import Answer
from records.history.models import Entry
from records.people.models import GrantKind
from records.vault.content import opened
from records.vault.entries import NOT_PRIVATE
from records.vault.gate import look
from records.vault.load import grouped, names_of
from records.vault.papers import NO_NOTES, DisputeView, Notes, PaperView
from records.withholding.selectors import shown

# Whether the patient of a row has any, asked along with the row itself.
HAS_NOTES = Exists(AmendmentPaper.objects.filter(patient_id=OuterRef("patient_id")))


def open_notes(*, by: Actor, patient_id: UUID, purpose: Purpose) -> Notes:
    """The notes for a page that has opened their parts already. A trace of its own where there are any."""
    if not AmendmentPaper.objects.filter(patient_id=patient_id).exists():
        return NO_NOTES
    grant = look(by=by, patient_id=patient_id, purpose=purpose, kind="records.amendment", object_id=patient_id)
    return notes_of(patient_id, grant=grant)


def notes_of(patient_id: UUID, *, grant: GrantKind) -> Notes:
    """Corrections and disputes as this grant may see them. One query, and one for names where there are any."""
    rows = AmendmentPaper.objects.filter(patient_id=patient_id)
    if grant in NOT_PRIVATE:
        rows = rows.filter(private=False).exclude(_of_a_private_part(patient_id))
    papers = list(shown(rows, grant, part="part_id"))
    return notes_from(paper_views(papers)) if papers else NO_NOTES


def paper_views(rows: Iterable[AmendmentPaper]) -> list[PaperView]:
    """Rows, opened, in their order."""
    found = list(rows)
    names = names_of(row.author_id for row in found)
    return [
        PaperView(
            id=row.pk, request_id=row.request_id, kind=row.kind, label=str(PaperKind(row.kind).label),
            part_kind=row.part_kind, part_id=row.part_id, words=opened(row, "words"), reason=opened(row, "reason"),
            told_by=opened(row, "told_by"), author_id=row.author_id,
            author=names.get(row.author_id, "") if row.author_id else "", written_at=row.written_at,
        )
        for row in found
    ]


def notes_from(papers: Iterable[PaperView]) -> Notes:
    """What stands: amendments, and the packets of refusals that were not taken back."""
    by_request = grouped((paper.request_id, paper) for paper in papers)
    amendments: list[PaperView] = []
    disputes: list[DisputeView] = []
    for request_id, found in by_request.items():
        amendments += [paper for paper in found if paper.kind == PaperKind.AMENDMENT]
        packet = _packet(found)
        if packet:
            disputes.append(DisputeView(request_id, packet[0].part_kind, packet[0].part_id, packet))
    return Notes(tuple(amendments), tuple(disputes))


def _packet(papers: tuple[PaperView, ...]) -> tuple[PaperView, ...]:
    """Request, refusal and what followed; nothing unless a refusal stands."""
    ends = {PaperKind.DENIAL: True, PaperKind.OVERTURNED: False, PaperKind.AMENDMENT: False}
    stands = False
    for paper in papers:
        stands = ends.get(PaperKind(paper.kind), stands)
    return tuple(paper for paper in papers if paper.kind != PaperKind.AMENDMENT) if stands else ()


def _of_a_private_part(patient_id: UUID) -> Q:
    """Parts that were made private since the paper was written (RULES 4.14)."""
    entries = Entry.objects.filter(patient_id=patient_id, private=True).values("pk")
    answers = Answer.objects.filter(patient_id=patient_id, private=True).values("pk")
    return Q(part_kind=PartKind.ENTRY, part_id__in=entries) | Q(part_kind=PartKind.ANSWER, part_id__in=answers)
