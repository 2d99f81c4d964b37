"""Who wrote what: the patient, a clinician for the clinic, or the clinic itself; and who passed it on."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from records.export.fhir import codes
from records.export.fhir.base import (
    Resource,
    concept,
    instant,
    organization_id,
    own_id,
    pruned,
    ref,
    us_core,
)
from records.export.fhir.corrections import OF_THE_CLINIC
from records.vault.content import RecordView

# Written about the forms of the copy itself, not about the person.
UNWRITTEN = ("Organization", "Practitioner", "Device", "Composition", "Questionnaire")


def provenances(record: RecordView, resources: list[Resource], changed_at: dt.datetime) -> list[Resource]:
    """One for each writer, over all that is theirs (RULES 9.9)."""
    theirs: dict[UUID, list[str]] = {}
    writers = _writers(record)
    for resource in resources:
        if resource["resourceType"] not in UNWRITTEN:
            theirs.setdefault(writers.get(resource["id"], record.patient.id), []).append(resource["id"])
    return [_provenance(record.patient.id, writer, ids, changed_at) for writer, ids in theirs.items()]


def _writers(record: RecordView) -> dict[str, UUID]:
    """The writer by resource; who is not named here is the patient."""
    clinic = organization_id()
    found: dict[str, UUID] = {}
    for encounter in record.encounters:
        found[str(encounter.id)] = clinic
        for message in encounter.messages:
            if message.from_staff:
                found[str(message.id)] = message.author_id
        for written in (encounter.assessment, encounter.plan):
            if written is not None:
                found[str(written.id)] = written.signed_by or clinic
        if encounter.plan is not None:
            signer = encounter.plan.signed_by or clinic
            for when, steps in (("Morning", encounter.plan.morning), ("Evening", encounter.plan.evening)):
                for place in range(len(steps)):
                    found[str(own_id(f"prescription {when} {place}", encounter.plan.id))] = signer
    papers = [*record.notes.amendments, *(one for dispute in record.notes.disputes for one in dispute.papers)]
    found.update({str(paper.id): clinic for paper in papers if paper.kind in OF_THE_CLINIC})
    return found


def _provenance(patient_id: UUID, writer: UUID, ids: list[str], changed_at: dt.datetime) -> Resource:
    clinic = organization_id()
    author: Resource = {"type": concept(codes.AUTHOR), "who": ref(writer)}
    if writer not in (clinic, patient_id):
        author["onBehalfOf"] = ref(clinic)
    return pruned(
        {
            "resourceType": "Provenance",
            "id": str(own_id(f"provenance {writer}", patient_id)),
            "meta": us_core("provenance"),
            "target": [ref(ident) for ident in ids],
            "recorded": instant(changed_at),
            "agent": [author, {"type": concept(codes.TRANSMITTER), "who": ref(clinic)}],
        }
    )
