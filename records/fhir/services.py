"""What the address answers with: the same resources as in the copy, and who it is (P16, P32).

Every record is opened through the vault, as a copy is; only resources of the opened record go out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.access import patients_of
from records.export.bundle import agreements_about, last_change, open_for_copy
from records.export.fhir import FileRef, Resource, record_resources, search_set
from records.export.fhir.base import US_CORE, instant, pruned
from records.export.fhir.bundle import pointing_by_kind
from records.freezing.selectors import frozen_of
from records.vault.content import RecordView
from records.withholding.words import left_out

OPERATION = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
# What is offered, with the profiles of US Core that the builders follow.
KINDS: dict[str, tuple[str, ...]] = {
    "AllergyIntolerance": ("allergyintolerance",),
    "CarePlan": (),
    "Communication": (),
    "Condition": ("condition-problems-health-concerns", "condition-encounter-diagnosis"),
    "Consent": (),
    "DocumentReference": ("documentreference",),
    "Encounter": ("encounter",),
    "Media": (),
    "MedicationRequest": ("medicationrequest",),
    "MedicationStatement": (),
    "Observation": ("smokingstatus", "observation-pregnancystatus"),
    "Organization": ("organization",),
    "Patient": ("patient",),
    "Practitioner": (),
    "Provenance": ("provenance",),
    "Questionnaire": (),
    "QuestionnaireResponse": (),
}


def resources_of(record: RecordView) -> list[Resource]:
    """Every resource of an opened record. ID numbers stay covered."""
    return record_resources(
        record, changed_at=last_change(record), files=_addresses(record),
        agreements=agreements_about(record.patient.id),
    )


def everything(*, by: Actor, patient_id: UUID, kinds: Collection[str] = (), address: str) -> Resource:
    """The record, or what is of these kinds, as the bundle that a search gives. Raises ``NotVisible``."""
    record = open_for_copy(by=by, patient_id=patient_id, purpose=Purpose.COMMUNICATING)
    resources = resources_of(record)
    chosen = [item for item in resources if not kinds or item["resourceType"] in kinds]
    return search_set(chosen, within=resources, address=address, notes=left_out(record.withheld))


def one_of(*, by: Actor, kind: str, ident: UUID) -> Resource:
    """One resource out of the records that this person uses the portal for. Raises ``NotVisible``."""
    patients = patients_of(by.account)
    stopped = frozen_of(patients)  # nothing is taken out of these, and they hide none of the others
    for patient_id in patients:
        if patient_id in stopped or (kind == "Patient" and ident != patient_id):
            continue
        resources = resources_of(open_for_copy(by=by, patient_id=patient_id, purpose=Purpose.COMMUNICATING))
        for resource in resources:
            if (resource["resourceType"], resource["id"]) == (kind, str(ident)):
                return pointing_by_kind(resource, resources)
    raise NotVisible


def _addresses(record: RecordView) -> dict[UUID, FileRef]:
    """Photos and documents where the portal shows them; their bytes are not looked at here."""
    found = {
        photo.id: FileRef(_url("records:photo", photo.id, "image"))
        for encounter in record.encounters for photo in encounter.photos if photo.ready
    }
    return found | {
        card.id: FileRef(_url("records:document_file", card.id, "file", 1)) for card in record.documents if card.ready
    }


def _url(name: str, *parts: object) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=parts)}"


def outcome(status: int, words: str) -> Resource:
    """Why there is no answer. ``status`` is that of the response."""
    code = _CODES.get(status, "exception" if status >= 500 else "invalid")
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": words}],
    }


_CODES = {
    401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 406: "not-supported", 429: "throttled",
    503: "transient",
}


def capability(released: dt.datetime) -> Resource:
    """What can be asked here, for whom. ``released``: when this description was made."""
    return pruned(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": instant(released),
            "publisher": settings.CLINIC_LEGAL_NAME,
            "kind": "instance",
            "software": {"name": "Patient portal"},
            "implementation": {"description": settings.CLINIC_NAME, "url": f"{settings.SITE_URL}/fhir"},
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json"],
            "rest": [
                {
                    "mode": "server",
                    "documentation": "Read only. A patient reads the own record; a guardian that of a child.",
                    "security": {"description": "The sign-in of the portal, not older than a sensitive step allows."},
                    "resource": [_offered(kind, profiles) for kind, profiles in KINDS.items()],
                    "operation": [{"name": "everything", "definition": OPERATION}],
                }
            ],
        }
    )


def _offered(kind: str, profiles: Sequence[str]) -> Resource:
    return {
        "type": kind,
        "supportedProfile": [US_CORE.format(name) for name in profiles],
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": "_id" if kind == "Patient" else "patient", "type": "reference"}],
        "operation": [{"name": "everything", "definition": OPERATION}] if kind == "Patient" else [],
    }
