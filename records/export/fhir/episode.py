"""One episode: the encounter, its pictures, the finding, the plan, what is prescribed, and the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from records.export.fhir import codes
from records.export.fhir.base import (
    Resource,
    absent,
    concept,
    instant,
    organization_id,
    own_id,
    pruned,
    ref,
    said,
    system,
    text_of,
    us_core,
)
from records.photos.selectors import PhotoCard
from records.vault.content import UNREADABLE, AssessmentView, EncounterView, MessageView, PlanView, StepView


@dataclass(frozen=True)
class FileRef:
    """A file that a resource points at: where, how many bytes, and its SHA-1 in base64 (as FHIR has it)."""

    url: str
    size: int | None = None
    sha1: str = ""


def episode(encounter: EncounterView, files: Mapping[UUID, FileRef]) -> Iterator[Resource]:
    """All but the answers, which ``questions`` builds."""
    yield _encounter(encounter)
    for photo in encounter.photos:
        if photo.ready:
            yield _media(encounter, photo, files.get(photo.id))
    if encounter.assessment is not None:
        yield _condition(encounter, encounter.assessment)
    if encounter.plan is not None:
        yield _care_plan(encounter, encounter.plan)
        yield from _prescriptions(encounter, encounter.plan)
    for message in encounter.messages:
        yield _communication(encounter, message)


def signers(encounter: EncounterView) -> list[UUID]:
    """Who signed for this episode, each once."""
    written = (encounter.assessment, encounter.plan)
    return list(dict.fromkeys(item.signed_by for item in written if item is not None and item.signed_by is not None))


def _encounter(encounter: EncounterView) -> Resource:
    status = "finished" if encounter.closed_at else "in-progress" if encounter.submitted_at else "planned"
    return pruned(
        {
            "resourceType": "Encounter",
            "id": str(encounter.id),
            "meta": {
                **us_core("encounter"),
                "lastUpdated": instant(encounter.closed_at or encounter.submitted_at or encounter.opened_at),
            },
            "identifier": [{"system": system("encounter"), "value": str(encounter.id)}],
            "status": status,
            "class": codes.VIRTUAL.coding(),
            "type": [{"text": "Online skin consult"}],
            "subject": ref(encounter.patient_id),
            "participant": [{"individual": ref(signer)} for signer in signers(encounter)],
            "period": {"start": instant(encounter.opened_at), "end": instant(encounter.closed_at)},
            "reasonCode": [said(encounter.concern_label)],
            "serviceProvider": ref(organization_id()),
        }
    )


def _media(encounter: EncounterView, photo: PhotoCard, file: FileRef | None) -> Resource:
    label = str(photo.view.label)
    return pruned(
        {
            "resourceType": "Media",
            "id": str(photo.id),
            "status": "completed",
            "type": concept(codes.IMAGE),
            "subject": ref(encounter.patient_id),
            "encounter": ref(encounter.id),
            "createdDateTime": instant(photo.received_at),
            "bodySite": {"text": label},
            "width": photo.width,
            "height": photo.height,
            "content": attachment(file, "image/jpeg", label),
        }
    )


def attachment(file: FileRef | None, content_type: str, title: str) -> Resource:
    """Where the file lies; without one, that it cannot be read."""
    content: Resource = {"contentType": content_type, "title": title}
    if file is None:
        return {**content, "_url": {"extension": [absent("error")]}}
    return {**content, "url": file.url, "size": file.size, "hash": file.sha1}


def _condition(encounter: EncounterView, assessment: AssessmentView) -> Resource:
    code, words = text_of(assessment.diagnosis_code), text_of(assessment.diagnosis_text)
    coding = [{"system": codes.ICD_10_CM, "code": code}] if codes.ICD_10_FORM.fullmatch(code) else []
    verified = codes.CONFIRMED if assessment.signed_at else codes.PROVISIONAL
    return pruned(
        {
            "resourceType": "Condition",
            "id": str(assessment.id),
            "meta": {**us_core("condition-encounter-diagnosis"), "lastUpdated": instant(assessment.updated_at)},
            "clinicalStatus": concept(codes.CONDITION_ACTIVE),
            "verificationStatus": concept(verified),
            "category": [concept(codes.ENCOUNTER_DIAGNOSIS)],
            "code": {"coding": coding, "text": words or code or str(encounter.concern_label)},
            "subject": ref(encounter.patient_id),
            "encounter": ref(encounter.id),
            "recordedDate": instant(assessment.signed_at or assessment.updated_at),
            "asserter": ref(assessment.signed_by) if assessment.signed_by else None,
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
            "category": [concept(codes.ASSESS_PLAN)],
            "title": "Treatment plan",
            "description": str(plan.letter),
            "subject": ref(encounter.patient_id),
            "encounter": ref(encounter.id),
            "created": instant(plan.signed_at or plan.updated_at),
            "author": ref(plan.signed_by) if plan.signed_by else None,
            "addresses": [ref(encounter.assessment.id)] if encounter.assessment else [],
            "activity": [
                _activity(plan, when, place, step) for when, place, step in _steps(plan)
            ],
            "note": [{"text": note} for note in notes],
        }
    )


def _steps(plan: PlanView) -> Iterator[tuple[str, int, StepView]]:
    """(when, its place, step) of the whole day."""
    for when, steps in (("Morning", plan.morning), ("Evening", plan.evening)):
        for place, step in enumerate(steps):
            yield when, place, step


def _activity(plan: PlanView, when: str, place: int, step: StepView) -> Resource:
    """A prescribed step is a request of its own (``cpl-3``: a reference or a detail, never both)."""
    if step.prescription:
        return {"reference": ref(_request_id(plan, when, place))}
    return {
        "detail": {
            "code": {"text": step.what}, "status": "scheduled", "scheduledString": when, "description": step.how,
        }
    }


def _request_id(plan: PlanView, when: str, place: int) -> UUID:
    return own_id(f"prescription {when} {place}", plan.id)


def _prescriptions(encounter: EncounterView, plan: PlanView) -> Iterator[Resource]:
    """What the plan prescribes. ``plan``, not ``order``: the pharmacy's order is no part of this record."""
    for when, place, step in _steps(plan):
        if step.prescription:
            yield pruned(
                {
                    "resourceType": "MedicationRequest",
                    "id": str(_request_id(plan, when, place)),
                    "meta": us_core("medicationrequest"),
                    "status": "active" if plan.signed_at else "draft",
                    "intent": "plan",
                    "category": [concept(codes.REQUEST_COMMUNITY)],
                    "reportedBoolean": False,
                    "medicationCodeableConcept": said(step.what),
                    "subject": ref(encounter.patient_id),
                    "encounter": ref(encounter.id),
                    "authoredOn": instant(plan.signed_at or plan.updated_at),
                    "requester": ref(plan.signed_by or organization_id()),
                    "reasonReference": [ref(encounter.assessment.id)] if encounter.assessment else [],
                    "dosageInstruction": [{"text": f"{when}: {step.how}" if step.how else when}],
                }
            )


def _communication(encounter: EncounterView, message: MessageView) -> Resource:
    patient, clinic = ref(encounter.patient_id), ref(organization_id())
    return pruned(
        {
            "resourceType": "Communication",
            "id": str(message.id),
            "status": "completed",
            "subject": patient,
            "encounter": ref(encounter.id),
            "sent": instant(message.sent_at),
            "received": instant(message.read_at),
            "recipient": [patient if message.from_staff else clinic],
            "sender": ref(message.author_id) if message.from_staff else patient,
            "payload": [{"contentString": str(message.body)}],
        }
    )
