"""The sections that the patient keeps: conditions, allergies, medicines, and two answers with codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

from records.export.fhir import codes
from records.export.fhir.base import (
    IPS,
    US_CORE,
    Resource,
    absent,
    concept,
    instant,
    own_id,
    pruned,
    ref,
    said,
    text_of,
    us_core,
)
from records.vault.content import UNREADABLE
from records.vault.sections import AllergyView, ConditionView, MedicationView, SectionsView, TopicView

YEAR = re.compile(r"(?:19|20)[0-9]{2}(?:-(?:0[1-9]|1[0-2]))?")
# Only what an answer says for certain is coded; "yes, now" may be vaping alone, so it stays text.
SMOKING = {"never": codes.NEVER_SMOKED}
PREGNANT = {"pregnant": codes.PREGNANT, "no": codes.NOT_PREGNANT, "possible": codes.POSSIBLY_PREGNANT}
UNSAID = "unsaid"
OBSERVED = {
    "smoking": (codes.TOBACCO, SMOKING, "smokingstatus"),
    "pregnancy": (codes.PREGNANCY, PREGNANT, "observation-pregnancystatus"),
}


def section_resources(patient_id: UUID, sections: SectionsView) -> Iterator[Resource]:
    """One resource an entry; "I have none" is a statement of its own."""
    yield from (_problem(patient_id, item) for item in sections.conditions)
    yield from (_allergy(patient_id, item) for item in sections.allergies)
    yield from (_medication(patient_id, item) for item in sections.medications)
    yield from _none(patient_id, sections)
    for topic in (*sections.history, *sections.private):
        if topic.topic in OBSERVED:
            yield _observation(patient_id, topic)


def since_parts(since: object, name: str) -> Resource:
    """``onset``/``effective`` from free words: a date where they are one, else the words where FHIR takes any."""
    words = text_of(since).strip()
    if YEAR.fullmatch(words):
        return {f"{name}DateTime": words}
    return {"onsetString": words} if name == "onset" else {}


def _problem(patient_id: UUID, item: ConditionView) -> Resource:
    status = codes.CONDITION_ACTIVE if item.status == "active" else codes.CONDITION_INACTIVE
    return pruned(
        {
            "resourceType": "Condition",
            "id": str(item.id),
            "meta": {**us_core("condition-problems-health-concerns"), "lastUpdated": instant(item.updated_at)},
            "clinicalStatus": concept(status),
            "verificationStatus": concept(codes.UNCONFIRMED),
            "category": [concept(codes.PROBLEM_LIST_ITEM)],
            "code": said(item.name),
            "subject": ref(patient_id),
            **since_parts(item.since, "onset"),
            "recordedDate": instant(item.updated_at),
            "asserter": ref(patient_id),
            "note": [{"text": str(item.note)}] if item.note else [],
        }
    )


def _allergy(patient_id: UUID, item: AllergyView) -> Resource:
    manifestation = said(item.reaction)
    severity = codes.SEVERITY.get(item.severity)
    known = bool(text_of(item.reaction)) or item.reaction is UNREADABLE or severity is not None
    return pruned(
        {
            "resourceType": "AllergyIntolerance",
            "id": str(item.id),
            "meta": {**us_core("allergyintolerance"), "lastUpdated": instant(item.updated_at)},
            "clinicalStatus": concept(codes.ALLERGY_ACTIVE),
            "verificationStatus": concept(codes.ALLERGY_UNCONFIRMED),
            "code": said(item.substance),
            "patient": ref(patient_id),
            "recordedDate": instant(item.updated_at),
            "asserter": ref(patient_id),
            "reaction": [{"manifestation": [manifestation], "severity": severity}] if known else [],
            "note": [{"text": str(item.note)}] if item.note else [],
        }
    )


def _medication(patient_id: UUID, item: MedicationView) -> Resource:
    """What the person says they take. When it began stands as a date only where it is one (IPS wants a reason else)."""
    dose = ", ".join(part for part in (text_of(item.dose), text_of(item.how)) if part)
    began = since_parts(item.since, "effective")
    since = text_of(item.since)
    notes = [words for words in (str(item.reason), "" if began or not since else f"Since: {since}") if words]
    return pruned(
        {
            "resourceType": "MedicationStatement",
            "id": str(item.id),
            "meta": {"profile": [IPS.format("MedicationStatement")], "lastUpdated": instant(item.updated_at)},
            "status": "active" if item.status == "taking" else "stopped",
            "category": concept(codes.STATEMENT_COMMUNITY),
            "medicationCodeableConcept": said(item.name),
            "subject": ref(patient_id),
            **(began or {"_effectiveDateTime": {"extension": [absent("unknown")]}}),
            "dateAsserted": instant(item.updated_at),
            "informationSource": ref(patient_id),
            "note": [{"text": words} for words in [*notes, _origin(item.kind)]],
            "dosage": [{"text": dose}] if dose else [],
        }
    )


def _origin(kind: str) -> str:
    return "Prescribed by a clinician." if kind == "prescribed" else "Bought without a prescription."


def _none(patient_id: UUID, sections: SectionsView) -> Iterator[Resource]:
    """ "I have none" as FHIR says it; a section that was never filled in says nothing."""
    if "allergies" in sections.stated_none:
        yield pruned(
            {
                "resourceType": "AllergyIntolerance",
                "id": str(own_id("no allergies", patient_id)),
                "meta": us_core("allergyintolerance"),
                "clinicalStatus": concept(codes.ALLERGY_ACTIVE),
                "verificationStatus": concept(codes.ALLERGY_UNCONFIRMED),
                "code": concept(codes.NO_KNOWN_ALLERGY, text="No known allergies"),
                "patient": ref(patient_id),
                "asserter": ref(patient_id),
            }
        )
    if "medications" in sections.stated_none:
        yield pruned(
            {
                "resourceType": "MedicationStatement",
                "id": str(own_id("no medications", patient_id)),
                "meta": {"profile": [IPS.format("MedicationStatement")]},
                "status": "unknown",
                "medicationCodeableConcept": concept(codes.NO_KNOWN_MEDICATIONS, text="No medicines"),
                "subject": ref(patient_id),
                "_effectiveDateTime": {"extension": [absent("not-applicable")]},
                "informationSource": ref(patient_id),
            }
        )
    if "conditions" in sections.stated_none:
        yield pruned(
            {
                "resourceType": "Condition",
                "id": str(own_id("no conditions", patient_id)),
                "meta": us_core("condition-problems-health-concerns"),
                "clinicalStatus": concept(codes.CONDITION_ACTIVE),
                "verificationStatus": concept(codes.UNCONFIRMED),
                "category": [concept(codes.PROBLEM_LIST_ITEM)],
                "code": concept(codes.NO_KNOWN_PROBLEMS, text="No known conditions"),
                "subject": ref(patient_id),
                "asserter": ref(patient_id),
            }
        )


def _observation(patient_id: UUID, topic: TopicView) -> Resource:
    """Smoking and pregnancy: the chosen answer by its code where it is certain, and in the person's words."""
    code, values, profile = OBSERVED[topic.topic]
    chosen = values.get(topic.choice)
    value: Resource = {"valueCodeableConcept": concept(chosen, text=text_of(topic.text))}
    if topic.text is UNREADABLE:
        chosen = None
        value = {"dataAbsentReason": concept(codes.ABSENT_ERROR)}
    elif topic.choice == UNSAID:
        value = {"dataAbsentReason": concept(codes.ABSENT_DECLINED, text=text_of(topic.text))}
    return pruned(
        {
            "resourceType": "Observation",
            "id": str(own_id(topic.topic, patient_id)),
            "meta": {
                "profile": [US_CORE.format(profile)] if chosen else [],
                "lastUpdated": instant(topic.updated_at),
            },
            "status": "final",
            "category": [concept(codes.SOCIAL_HISTORY)],
            "code": concept(code, text=topic.label),
            "subject": ref(patient_id),
            "effectiveDateTime": instant(topic.updated_at),
            "performer": [ref(patient_id)],
            **value,
        }
    )
