"""Corrections and disputes as Communication, each about the resource of its part (RULES 1.26).

FHIR R4 has no resource of its own for them. A dispute is one Communication a paper, so that
whoever reads the part through its references finds what was asked, refused, said and answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import UUID

from records.amendments.models import PaperKind, PartKind
from records.export.fhir.base import Resource, instant, organization_id, own_id, pruned, ref
from records.vault.content import RecordView
from records.vault.papers import PaperView

# By the clinic; the others are the patient's words.
OF_THE_CLINIC = frozenset(PaperKind) - {PaperKind.REQUEST, PaperKind.STATEMENT}


def corrections(record: RecordView, there: Collection[str]) -> Iterator[Resource]:
    """One resource a paper. ``there`` are the ids of the record's other resources: only those are pointed at."""
    targets = _targets(record)
    for amendment in record.notes.amendments:
        yield _paper(record.patient.id, amendment, targets, there)
    for dispute in record.notes.disputes:
        for paper in dispute.papers:
            yield _paper(record.patient.id, paper, targets, there)


def is_correction(resource: Resource) -> bool:
    """Tells these from the messages of a consult."""
    return resource["resourceType"] == "Communication" and "category" in resource


def _paper(patient_id: UUID, paper: PaperView, targets: dict[UUID, UUID], there: Collection[str]) -> Resource:
    about = targets.get(paper.part_id, paper.part_id)
    patient, clinic = ref(patient_id), ref(organization_id())
    ours = paper.kind in OF_THE_CLINIC
    return pruned(
        {
            "resourceType": "Communication",
            "id": str(paper.id),
            "status": "completed",
            "category": [{"text": paper.label}],
            "subject": patient,
            "topic": {"text": str(PartKind(paper.part_kind).label)},
            "about": [ref(about)] if str(about) in there else [],
            "sent": instant(paper.written_at),
            "recipient": [patient if ours else clinic],
            "sender": clinic if ours else patient,
            "payload": [{"contentString": str(text)} for text in (paper.words, paper.reason) if text],
        }
    )


def _targets(record: RecordView) -> dict[UUID, UUID]:
    """Parts that stand in a resource with another id than their own."""
    patient_id, found = record.patient.id, {}
    for name, topics in (("Health history", record.sections.history), ("Private answers", record.sections.private)):
        found.update(dict.fromkeys((topic.id for topic in topics), own_id(name, patient_id)))
    found.update(dict.fromkeys((number.id for number in record.sections.identifiers), patient_id))
    for encounter in record.encounters:
        answers = own_id("answers", encounter.id)
        found.update(dict.fromkeys((answer.id for answer in encounter.answers), answers))
    return found
