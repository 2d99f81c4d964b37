"""Who is in the record: the patient, those who wrote, the clinic, and the portal as its software."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from django.conf import settings

from records.export.fhir import codes
from records.export.fhir.base import (
    Resource,
    absent,
    concept,
    instant,
    organization_id,
    pruned,
    ref,
    software_id,
    system,
    text_of,
    us_core,
)
from records.vault.content import UNREADABLE, PatientView, RecordView
from records.vault.sections import IdentifierView

IDENTIFIER_TYPES = {"drivers_license": codes.DRIVERS_LICENSE}


def organization() -> Resource:
    return pruned(
        {
            "resourceType": "Organization",
            "id": str(organization_id()),
            "meta": us_core("organization"),
            "active": True,
            "name": settings.CLINIC_LEGAL_NAME,
            "telecom": [
                {"system": "phone", "value": settings.CLINIC_PHONE}, {"system": "email", "value": settings.CLINIC_EMAIL}
            ],
            "address": [{"line": list(settings.CLINIC_ADDRESS)}],
        }
    )


def software() -> Resource:
    """The portal, which puts the document together (RULES 9.11)."""
    return pruned(
        {
            "resourceType": "Device",
            "id": str(software_id()),
            "status": "active",
            "deviceName": [{"name": settings.CLINIC_NAME, "type": "user-friendly-name"}],
            "type": {"text": "Patient portal"},
            "owner": ref(organization_id()),
        }
    )


def patient_resource(
    patient: PatientView, identifiers: tuple[IdentifierView, ...] = (), numbers: Mapping[UUID, str] | None = None
) -> Resource:
    """``numbers`` are the plain numbers by identifier where the copy holds them; else they stay covered."""
    return pruned(
        {
            "resourceType": "Patient",
            "id": str(patient.id),
            "meta": {**us_core("patient"), "lastUpdated": instant(patient.updated_at)},
            # US Core up to 6 looks for the reason at the patient, from 7 on at the name (us-core-6).
            "extension": _name(patient).get("extension", []),
            "identifier": [
                *_own_numbers(patient), *(_identifier(item, (numbers or {}).get(item.id)) for item in identifiers)
            ],
            "active": True,
            "name": [_name(patient)],
            "telecom": [{"system": "phone", "value": phone}] if (phone := text_of(patient.phone)) else [],
            "gender": text_of(patient.gender) or "unknown",
            "birthDate": patient.birth_date.isoformat() if patient.birth_date else None,
            "_birthDate": None if patient.birth_date else {"extension": [absent("error")]},
            "address": [_address(patient)] if patient.address else [],
            "managingOrganization": ref(organization_id()),
        }
    )


def _own_numbers(patient: PatientView) -> list[Resource]:
    """The short id that people read out, and the record's own."""
    shown = {"use": "usual", "type": concept(codes.RECORD_NUMBER), "system": system("public-id")}
    own = {"use": "secondary", "system": system("record-number"), "value": str(patient.id)}
    return [{**shown, "value": patient.public_id}, own] if patient.public_id else [own]


def _identifier(item: IdentifierView, number: str | None) -> Resource:
    kind = IDENTIFIER_TYPES.get(item.kind)
    known = number is not None and number is not UNREADABLE
    return {
        "type": concept(kind) if kind else {"text": "Medical ID"},
        "system": system(item.kind.replace("_", "-")),
        "value": number if known else None,
        "_value": None if known else {"extension": [absent("error" if number is UNREADABLE else "masked")]},
        "assigner": {"display": text_of(item.issuer)},
    }


def _name(patient: PatientView) -> Resource:
    name: Resource = {"use": "official", "text": text_of(patient.full_name), "family": text_of(patient.family_name)}
    name["given"] = [given] if (given := text_of(patient.given_name)) else []
    return name if name["family"] or name["given"] else {"extension": [absent("error")]}


def _address(patient: PatientView) -> Resource:
    address = patient.address
    return {
        "use": "home", "line": [address.street] if address.street else [], "city": address.city, "state": address.state,
        "postalCode": address.postal_code, "text": ", ".join(address.lines),
    }


def practitioners(record: RecordView) -> Iterator[Resource]:
    """Who wrote or signed for the clinic, by name where it is known."""
    names: dict[UUID, str] = {}
    for encounter in record.encounters:
        for message in encounter.messages:
            if message.from_staff:
                names.setdefault(message.author_id, message.author)
        for written in (encounter.assessment, encounter.plan):
            if written is not None and written.signed_by is not None:
                names[written.signed_by] = written.signer or names.get(written.signed_by, "")
    for account_id, name in sorted(names.items()):
        yield pruned(
            {
                "resourceType": "Practitioner",
                "id": str(account_id),
                "active": True,
                "identifier": [{"system": system("staff"), "value": str(account_id)}],
                "name": [{"text": name} if name else {"extension": [absent("unknown")]}],
            }
        )
