"""The whole record as one FHIR document, and the same resources as an answer of the FHIR address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings

from portal.agreements.models import Agreement
from records.export.fhir.base import IPS, URN, Resource, instant, own_id, pruned
from records.export.fhir.composition import composition
from records.export.fhir.consents import consent
from records.export.fhir.corrections import corrections
from records.export.fhir.documents import documents
from records.export.fhir.episode import FileRef, episode
from records.export.fhir.people import organization, patient_resource, practitioners, software
from records.export.fhir.provenance import provenances
from records.export.fhir.questions import Answered, encounter_answers, topic_answers
from records.export.fhir.sections import section_resources
from records.vault.content import RecordView


def record_resources(
    record: RecordView, *, changed_at: dt.datetime, files: Mapping[UUID, FileRef],
    agreements: Iterable[Agreement] = (), numbers: Mapping[UUID, str] | None = None,
) -> list[Resource]:
    """Every resource of the record, each once. ``files`` are the photos and documents that can be read."""
    patient_id, sections = record.patient.id, record.sections
    resources = [patient_resource(record.patient, sections.identifiers, numbers), organization()]
    resources += practitioners(record)
    resources += section_resources(patient_id, sections)
    answered: list[Answered] = [*topic_answers(patient_id, sections)]
    for encounter in record.encounters:
        resources += episode(encounter, files)
        if (answers := encounter_answers(encounter)) is not None:
            answered.append(answers)
    resources += {item.form["id"]: item.form for item in answered}.values()
    resources += [item.response for item in answered]
    resources += documents(record.documents, files)
    resources += [consent(patient_id, agreement) for agreement in agreements]
    resources += corrections(record, {resource["id"] for resource in resources})
    return resources + provenances(record, resources, changed_at)


def record_bundle(
    record: RecordView, *, changed_at: dt.datetime, files: Mapping[UUID, FileRef],
    agreements: Iterable[Agreement] = (), numbers: Mapping[UUID, str] | None = None,
) -> Resource:
    """A document: the composition first, then all it speaks of. The same record gives the same bundle."""
    resources = record_resources(
        record, changed_at=changed_at, files=files, agreements=agreements, numbers=numbers
    )
    front = composition(record, resources, changed_at)
    ident = own_id("bundle", record.patient.id)
    return {
        "resourceType": "Bundle",
        "id": str(ident),
        "meta": {"profile": [IPS.format("Bundle")]},
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"{URN}{ident}"},
        "type": "document",
        "timestamp": instant(changed_at),
        "entry": [
            {"fullUrl": f"{URN}{resource['id']}", "resource": resource} for resource in (front, *resources, software())
        ],
    }


def search_set(
    resources: list[Resource], *, within: list[Resource] | None = None, address: str = "", notes: Iterable[str] = ()
) -> Resource:
    """The resources as what a FHIR server answers: each at its own address, referring by kind and id.

    ``within`` is the whole record where only a part of it is answered; ``address`` what was asked;
    ``notes`` say what is kept back.
    """
    kinds = kinds_by_reference(within or resources)
    return pruned(
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(resources),
            "link": [{"relation": "self", "url": address}] if address else [],
            "entry": [
                {
                    "fullUrl": f"{settings.SITE_URL}/fhir/{resource['resourceType']}/{resource['id']}",
                    "resource": relative(resource, kinds),
                    "search": {"mode": "match"},
                }
                for resource in resources
            ] + [{"resource": _suppressed(words), "search": {"mode": "outcome"}} for words in notes],
        }
    )


def _suppressed(words: str) -> Resource:
    """Not an error: the reader is told that the answer leaves something out (RULES 1.16)."""
    issue = {"severity": "information", "code": "suppressed", "diagnostics": words}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def pointing_by_kind(resource: Resource, within: list[Resource]) -> Resource:
    """One resource of a record, referring by kind and id."""
    found: Resource = relative(resource, kinds_by_reference(within))
    return found


def kinds_by_reference(resources: Iterable[Resource]) -> dict[str, str]:
    return {f"{URN}{resource['id']}": resource["resourceType"] for resource in resources}


def relative(value: Any, kinds: Mapping[str, str]) -> Any:
    """With ``urn:uuid:`` references as ``Kind/id``."""
    if isinstance(value, dict):
        return {
            key: f"{kinds[item]}/{item.removeprefix(URN)}"
            if key == "reference" and isinstance(item, str) and item in kinds
            else relative(item, kinds)
            for key, item in value.items()
        }
    return [relative(item, kinds) for item in value] if isinstance(value, list) else value
