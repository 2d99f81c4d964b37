"""The front page of the bundle: an International Patient Summary, then all the rest by kind (RULES 9.10-9.12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

from django.conf import settings

from records.export.fhir import codes
from records.export.fhir.base import (
    IPS,
    Resource,
    concept,
    instant,
    organization_id,
    own_id,
    pruned,
    ref,
    software_id,
)
from records.export.fhir.codes import Code
from records.export.fhir.corrections import is_correction
from records.vault.content import UNREADABLE, RecordView
from records.withholding.words import left_out

XHTML = "http://www.w3.org/1999/xhtml"
REQUIRED = {"conditions": "Problems", "allergies": "Allergies", "medications": "Medicines"}


def composition(record: RecordView, resources: list[Resource], changed_at: dt.datetime) -> Resource:
    """``resources`` are all the others; each stands in one section, so that nothing lies loose in the bundle."""
    return pruned(
        {
            "resourceType": "Composition",
            "id": str(own_id("composition", record.patient.id)),
            "meta": {"profile": [IPS.format("Composition")]},
            "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{own_id('summary', record.patient.id)}"},
            "status": "final",
            "type": concept(codes.PATIENT_SUMMARY),
            "subject": ref(record.patient.id),
            "date": instant(changed_at),
            "author": [ref(software_id())],
            "title": f"Health record from {settings.CLINIC_NAME}",
            "confidentiality": "N",
            "custodian": ref(organization_id()),
            "section": [*_required(record, resources), *_further(resources), *_left_out(record)],
        }
    )


def _required(record: RecordView, resources: list[Resource]) -> list[Resource]:
    """The three sections that every summary has: entries, or why there are none."""
    active = [item for item in _of(resources, "Condition") if _code(item["clinicalStatus"]) == "active"]
    real = [item for item in active if not _says_none(item)]
    parts = (
        ("conditions", codes.PROBLEMS, real or active),
        ("allergies", codes.ALLERGIES, _of(resources, "AllergyIntolerance")),
        ("medications", codes.MEDICATIONS, _of(resources, "MedicationStatement", "MedicationRequest")),
    )
    sections = []
    for name, code, found in parts:
        section = _section(REQUIRED[name], code, found)
        if not found:
            hidden = (record.sections.private_hidden or record.withheld) and name in record.sections.checked_at
            reason = codes.WITHHELD if hidden else codes.NOT_ASKED
            section["emptyReason"] = concept(reason)
        sections.append(section)
    return sections


def _further(resources: list[Resource]) -> list[Resource]:
    conditions = _of(resources, "Condition")
    past = [item for item in conditions if _code(item["clinicalStatus"]) != "active"]
    none = [item for item in conditions if _says_none(item)] if len(conditions) > 1 else []
    letters = _of(resources, "Communication")
    parts: list[tuple[str, Code | None, list[Resource]]] = [
        ("Past problems", codes.PAST_PROBLEMS, [*past, *none]),
        ("Habits and private answers", codes.SOCIAL, _of(resources, "Observation")),
        ("Plans", codes.PLAN_OF_CARE, _of(resources, "CarePlan")),
        ("Consults", codes.ENCOUNTERS, _of(resources, "Encounter")),
        ("Questions and answers", None, _of(resources, "QuestionnaireResponse", "Questionnaire")),
        ("Photos", None, _of(resources, "Media")),
        ("Documents", None, _of(resources, "DocumentReference")),
        ("Messages", None, [item for item in letters if not is_correction(item)]),
        ("Corrections and disagreements", None, [item for item in letters if is_correction(item)]),
        ("Agreements", None, _of(resources, "Consent")),
        ("Where it comes from", None, _of(resources, "Provenance")),
    ]
    return [_section(title, code, found) for title, code, found in parts if found]


def _left_out(record: RecordView) -> list[Resource]:
    """That parts are kept back by an answer of the clinic; not which ones (RULES 1.16)."""
    lines = left_out(record.withheld)
    if not lines:
        return []
    section = _section("Left out", None, [])
    section["text"] = _text(lines)
    return [section | {"emptyReason": concept(codes.WITHHELD)}]


def _section(title: str, code: Code | None, entries: list[Resource]) -> Resource:
    lines = [line for line in map(line_of, entries) if line] or ["Nothing is recorded here."]
    return {
        "title": title,
        "code": concept(code, text=title),
        "text": _text(lines),
        "entry": [ref(entry["id"]) for entry in entries],
    }


def _text(lines: Iterable[str]) -> Resource:
    items = "".join(f"<li>{escape(line, quote=False)}</li>" for line in lines)
    return {"status": "generated", "div": f'<div xmlns="{XHTML}"><ul>{items}</ul></div>'}


def line_of(resource: Resource) -> str:
    """One resource in a line of words for the section's text."""
    words = _WORDS.get(resource["resourceType"])
    return _plain(words(resource)) if words else ""


def _plain(text: str) -> str:
    """Without the control characters that XHTML does not allow."""
    return "".join(sign for sign in text if sign in "\t\n" or ord(sign) >= 32)


def _concept_words(value: Resource) -> str:
    named = next((coding.get("display", "") for coding in value.get("coding", [])), "")
    return str(value.get("text") or named or UNREADABLE)


def _day(resource: Resource, name: str) -> str:
    return str(resource.get(name, ""))[:10]


def _allergy_line(item: Resource) -> str:
    reactions = [_concept_words(m) for r in item.get("reaction", []) for m in r["manifestation"] if m.get("text")]
    severities = [r["severity"] for r in item.get("reaction", []) if "severity" in r]
    return ", ".join([_concept_words(item["code"]), *reactions, *severities])


def _medicine_line(item: Resource) -> str:
    given: list[Resource] = item.get("dosage") or item.get("dosageInstruction") or []
    doses = [dose["text"] for dose in given if "text" in dose]
    return ", ".join([_concept_words(item["medicationCodeableConcept"]), *doses, item["status"]])


def _observation_line(item: Resource) -> str:
    value = item.get("valueCodeableConcept") or item.get("dataAbsentReason") or {}
    return f"{_concept_words(item['code'])}: {_concept_words(value)}"


def _document_line(item: Resource) -> str:
    return f"{item['description']} ({item['content'][0]['attachment'].get('url', UNREADABLE)})"


def _media_line(item: Resource) -> str:
    content = item["content"]
    return f"{content['title']}, {_day(item, 'createdDateTime')} ({content.get('url', UNREADABLE)})"


def _letter_line(item: Resource) -> str:
    """A message is only named; a correction, and what was said about it, is told (RULES 1.26)."""
    if not is_correction(item):
        return f"Message, {_day(item, 'sent')}"
    words = " / ".join(part["contentString"] for part in item.get("payload", []))
    return f"{_concept_words(item['category'][0])}, {_day(item, 'sent')}: {words}"


_WORDS: dict[str, Callable[[Resource], str]] = {
    "Condition": lambda item: ", ".join([_concept_words(item["code"]), _code(item["clinicalStatus"])]),
    "AllergyIntolerance": _allergy_line,
    "MedicationStatement": _medicine_line,
    "MedicationRequest": _medicine_line,
    "Observation": _observation_line,
    "CarePlan": lambda item: f"{item['title']}, {_day(item, 'created')}",
    "Encounter": lambda item: f"{_concept_words(item['reasonCode'][0])}, {str(item['period']['start'])[:10]}",
    "QuestionnaireResponse": lambda item: f"Answers, {_day(item, 'authored')}",
    "Media": _media_line,
    "DocumentReference": _document_line,
    "Communication": _letter_line,
    "Consent": lambda item: f"{_concept_words(item['category'][0])}, {_day(item, 'dateTime')}",
}


def _of(resources: Iterable[Resource], *kinds: str) -> list[Resource]:
    return [resource for resource in resources if resource["resourceType"] in kinds]


def _code(value: Any) -> str:
    return str(value["coding"][0]["code"])


def _says_none(item: Resource) -> bool:
    coding = item["code"].get("coding", [])
    return bool(coding) and coding[0]["code"] == codes.NO_KNOWN_PROBLEMS.code
