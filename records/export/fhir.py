"""The record as a FHIR R4 (4.0.1) Bundle, in plain dictionaries (RULES 9).

One ``collection``; every entry has a ``fullUrl`` and refers to others by it. The same record gives
the same bundle: ids are the record's own, times are when things happened.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings

from records.photos.selectors import PhotoCard
from records.vault.content import (
    UNREADABLE,
    AnswerView,
    AssessmentView,
    EncounterView,
    MessageView,
    PatientView,
    PlanView,
    RecordView,
    StepView,
)

Resource = dict[str, Any]
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
US_CORE_CODES = "http://hl7.org/fhir/us/core/CodeSystem/"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
ICD_10 = re.compile(r"[A-TV-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


@dataclass(frozen=True)
class PhotoFile:
    """A photo's file beside the bundle: its path in the copy, its bytes' length."""

    path: str
    size: int


def record_bundle(record: RecordView, *, changed_at: dt.datetime, files: Mapping[UUID, PhotoFile]) -> Resource:
    """The whole record. ``files`` are the photos that are in the copy; the others have no address."""
    resources = [_organization(), _patient(record.patient), *_practitioners(record)]
    for encounter in record.encounters:
        resources.extend(_episode(encounter, files))
    resources.append(_provenance(record.patient.id, resources, changed_at))
    return {
        "resourceType": "Bundle",
        "id": str(_own_id("bundle", record.patient.id)),
        "type": "collection",
        "timestamp": _instant(changed_at),
        "entry": [{"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} for resource in resources],
    }


def pruned(resource: Resource) -> Resource:
    """Without empty parts: FHIR has no empty strings, lists or objects."""
    kept: Resource = _kept(resource)
    return kept


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        parts = {key: _kept(item) for key, item in value.items()}
        return {key: item for key, item in parts.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        return [item for item in map(_kept, value) if item not in (None, "", [], {})]
    return value


def _episode(encounter: EncounterView, files: Mapping[UUID, PhotoFile]) -> Iterator[Resource]:
    yield _encounter(encounter)
    if encounter.answers:
        yield _answers(encounter)
    for photo in encounter.photos:
        if photo.ready:
            yield _media(encounter, photo, files.get(photo.id))
    if encounter.assessment is not None:
        yield _condition(encounter, encounter.assessment)
    if encounter.plan is not None:
        yield _care_plan(encounter, encounter.plan)
    for message in encounter.messages:
        yield _communication(encounter, message)


def _organization() -> Resource:
    return pruned(
        {
            "resourceType": "Organization",
            "id": str(_organization_id()),
            "active": True,
            "name": settings.CLINIC_LEGAL_NAME,
            "telecom": [
                {"system": "phone", "value": settings.CLINIC_PHONE}, {"system": "email", "value": settings.CLINIC_EMAIL}
            ],
            "address": [{"line": list(settings.CLINIC_ADDRESS)}],
        }
    )


def _patient(patient: PatientView) -> Resource:
    name: Resource = {"use": "official", "text": _text(patient.full_name), "family": _text(patient.family_name)}
    name["given"] = [given] if (given := _text(patient.given_name)) else []
    if not name["family"] and not name["given"]:
        name = {"extension": [_absent("error")]}
    return pruned(
        {
            "resourceType": "Patient",
            "id": str(patient.id),
            "meta": {"profile": [f"{US_CORE}patient"]},
            "identifier": [{"system": f"{settings.SITE_URL}/fhir/record-number", "value": str(patient.id)}],
            "active": True,
            "name": [name],
            "telecom": [{"system": "phone", "value": phone}] if (phone := _text(patient.phone)) else [],
            "gender": "unknown",
            "birthDate": patient.birth_date.isoformat() if patient.birth_date else None,
            "_birthDate": None if patient.birth_date else {"extension": [_absent("error")]},
            "address": [_address(patient)] if patient.address else [],
            "managingOrganization": _ref(_organization_id()),
        }
    )


def _address(patient: PatientView) -> Resource:
    address = patient.address
    return {
        "line": [address.street] if address.street else [], "city": address.city, "state": address.state,
        "postalCode": address.postal_code, "text": ", ".join(address.lines),
    }


def _practitioners(record: RecordView) -> Iterator[Resource]:
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
                "name": [{"text": name} if name else {"extension": [_absent("unknown")]}],
            }
        )


def _encounter(encounter: EncounterView) -> Resource:
    status = "finished" if encounter.closed_at else "in-progress" if encounter.submitted_at else "planned"
    return pruned(
        {
            "resourceType": "Encounter",
            "id": str(encounter.id),
            "meta": {"profile": [f"{US_CORE}encounter"]},
            "status": status,
            "class": {"system": f"{TERMINOLOGY}v3-ActCode", "code": "VR", "display": "virtual"},
            "type": [{"text": "Online skin consult"}],
            "subject": _ref(encounter.patient_id),
            "period": {"start": _instant(encounter.opened_at), "end": _instant(encounter.closed_at)},
            "reasonCode": [{"text": str(encounter.concern_label)}],
            "serviceProvider": _ref(_organization_id()),
        }
    )


def _answers(encounter: EncounterView) -> Resource:
    return pruned(
        {
            "resourceType": "QuestionnaireResponse",
            "id": str(_own_id("answers", encounter.id)),
            "status": "completed" if encounter.submitted_at else "in-progress",
            "subject": _ref(encounter.patient_id),
            "encounter": _ref(encounter.id),
            "authored": _instant(max(answer.answered_at for answer in encounter.answers)),
            "item": [_answer(answer) for answer in encounter.answers],
        }
    )


def _answer(answer: AnswerView) -> Resource:
    item: Resource = {"linkId": answer.question_id, "text": answer.question_text}
    value = answer.value
    if value is None:
        return {**item, "extension": [_absent("error")]}
    if "codes" in value:
        labels = value.get("labels") or value["codes"]
        pairs = zip(value["codes"], labels, strict=False)
        return {**item, "answer": [{"valueCoding": {"code": code, "display": label}} for code, label in pairs]}
    if "number" in value:
        if not value.get("unit"):
            return {**item, "answer": [{"valueDecimal": value["number"]}]}
        return {**item, "answer": [{"valueQuantity": {"value": value["number"], "unit": value["unit"]}}]}
    return {**item, "answer": [{"valueString": str(value.get("text", ""))}]}


def _media(encounter: EncounterView, photo: PhotoCard, file: PhotoFile | None) -> Resource:
    content: Resource = {"contentType": "image/jpeg", "title": str(photo.view.label)}
    if file is None:
        content["_url"] = {"extension": [_absent("error")]}
    else:
        content.update(url=file.path, size=file.size)
    return pruned(
        {
            "resourceType": "Media",
            "id": str(photo.id),
            "status": "completed",
            "type": {"coding": [{"system": f"{TERMINOLOGY}media-type", "code": "image", "display": "Image"}]},
            "subject": _ref(encounter.patient_id),
            "encounter": _ref(encounter.id),
            "createdDateTime": _instant(photo.received_at),
            "bodySite": {"text": str(photo.view.label)},
            "width": photo.width,
            "height": photo.height,
            "content": content,
        }
    )


def _condition(encounter: EncounterView, assessment: AssessmentView) -> Resource:
    code, words = _text(assessment.diagnosis_code), _text(assessment.diagnosis_text)
    coding = [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}] if ICD_10.fullmatch(code) else []
    verified = "confirmed" if assessment.signed_at else "provisional"
    return pruned(
        {
            "resourceType": "Condition",
            "id": str(assessment.id),
            "meta": {"profile": [f"{US_CORE}condition-encounter-diagnosis"]},
            "clinicalStatus": _coded("condition-clinical", "active"),
            "verificationStatus": _coded("condition-ver-status", verified),
            "category": [_coded("condition-category", "encounter-diagnosis")],
            "code": {"coding": coding, "text": words or code or str(encounter.concern_label)},
            "subject": _ref(encounter.patient_id),
            "encounter": _ref(encounter.id),
            "recordedDate": _instant(assessment.signed_at or assessment.updated_at),
            "asserter": _ref(assessment.signed_by) if assessment.signed_by else None,
            "note": [{"text": str(assessment.note)}] if assessment.note else [],
        }
    )


def _care_plan(encounter: EncounterView, plan: PlanView) -> Resource:
    notes = [str(plan.warnings)] if plan.warnings else []
    notes += [f"{name}: {UNREADABLE}" for name in sorted(plan.unreadable)]
    if plan.weeks is not None:
        notes.append(f"Look again after {plan.weeks} weeks.")
    return pruned(
        {
            "resourceType": "CarePlan",
            "id": str(plan.id),
            "status": "active" if plan.signed_at else "draft",
            "intent": "plan",
            "category": [{"coding": [{"system": f"{US_CORE_CODES}careplan-category", "code": "assess-plan"}]}],
            "title": "Treatment plan",
            "description": str(plan.letter),
            "subject": _ref(encounter.patient_id),
            "encounter": _ref(encounter.id),
            "created": _instant(plan.signed_at or plan.updated_at),
            "author": _ref(plan.signed_by) if plan.signed_by else None,
            "activity": [*_steps("Morning", plan.morning), *_steps("Evening", plan.evening)],
            "note": [{"text": note} for note in notes],
        }
    )


def _steps(when: str, steps: tuple[StepView, ...]) -> list[Resource]:
    return [
        {
            "detail": {
                "code": {"text": step.what},
                "status": "scheduled",
                "scheduledString": when,
                "description": f"{step.how} (prescription)".strip() if step.prescription else step.how,
            }
        }
        for step in steps
    ]


def _communication(encounter: EncounterView, message: MessageView) -> Resource:
    patient, clinic = _ref(encounter.patient_id), _ref(_organization_id())
    return pruned(
        {
            "resourceType": "Communication",
            "id": str(message.id),
            "status": "completed",
            "subject": patient,
            "encounter": _ref(encounter.id),
            "sent": _instant(message.sent_at),
            "received": _instant(message.read_at),
            "recipient": [patient if message.from_staff else clinic],
            "sender": _ref(message.author_id) if message.from_staff else patient,
            "payload": [{"contentString": str(message.body)}],
        }
    )


def _provenance(patient_id: UUID, resources: list[Resource], changed_at: dt.datetime) -> Resource:
    return {
        "resourceType": "Provenance",
        "id": str(_own_id("provenance", patient_id)),
        "meta": {"profile": [f"{US_CORE}provenance"]},
        "target": [{"reference": f"urn:uuid:{resource['id']}"} for resource in resources],
        "recorded": _instant(changed_at),
        "agent": [
            {
                "type": _coded("provenance-participant-type", "author"),
                "who": _ref(_organization_id()),
            }
        ],
    }


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}{system}", "code": code}]}


def _absent(reason: str) -> Resource:
    return {"url": ABSENT, "valueCode": reason}


def _text(value: str) -> str:
    """The words, or nothing for a value that cannot be read."""
    return "" if value is UNREADABLE else str(value)


def _ref(ident: UUID) -> Resource:
    return {"reference": f"urn:uuid:{ident}"}


def _own_id(kind: str, ident: UUID) -> UUID:
    """A stable id for what has none in the record."""
    return uuid5(ident, kind)


def _organization_id() -> UUID:
    return uuid5(NAMESPACE_URL, settings.SITE_URL)


def _instant(at: dt.datetime | None) -> str | None:
    return None if at is None else at.astimezone(dt.UTC).isoformat(timespec="seconds")
