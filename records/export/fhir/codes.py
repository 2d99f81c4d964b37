"""Every code that the clinic writes into FHIR, in one table, with where it comes from (RULES 9).

Words of people are never coded by guessing: only what is certain gets a code, the rest stays text.
A test looks each of these up in the value set that the standard binds its element to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HL7 = "http://terminology.hl7.org/CodeSystem/"
US_CORE_SYSTEM = "http://hl7.org/fhir/us/core/CodeSystem/"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_10_FORM = re.compile(r"[A-TV-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
# FHIR R4, extension "data-absent-reason"; its codes are in the code system of that name.
ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


@dataclass(frozen=True, slots=True)
class Code:
    """One code of one system, with the words that its publisher gives it."""

    system: str
    code: str
    display: str = ""

    def coding(self) -> dict[str, str]:
        parts = {"system": self.system, "code": self.code, "display": self.display}
        return {name: part for name, part in parts.items() if part}


# Encounter.class: v3 ActCode, in value set v3-ActEncounterCode.
VIRTUAL = Code(f"{HL7}v3-ActCode", "VR", "virtual")

# Identifier.type: HL7 v2 table 0203.
RECORD_NUMBER = Code(f"{HL7}v2-0203", "MR", "Medical record number")
DRIVERS_LICENSE = Code(f"{HL7}v2-0203", "DL", "Driver's license number")

# Condition: clinical status, verification status, category (FHIR R4 and US Core).
CONDITION_ACTIVE = Code(f"{HL7}condition-clinical", "active", "Active")
CONDITION_INACTIVE = Code(f"{HL7}condition-clinical", "inactive", "Inactive")
CONFIRMED = Code(f"{HL7}condition-ver-status", "confirmed", "Confirmed")
PROVISIONAL = Code(f"{HL7}condition-ver-status", "provisional", "Provisional")
UNCONFIRMED = Code(f"{HL7}condition-ver-status", "unconfirmed", "Unconfirmed")
PROBLEM_LIST_ITEM = Code(f"{HL7}condition-category", "problem-list-item", "Problem List Item")
ENCOUNTER_DIAGNOSIS = Code(f"{HL7}condition-category", "encounter-diagnosis", "Encounter Diagnosis")

# AllergyIntolerance: clinical and verification status.
ALLERGY_ACTIVE = Code(f"{HL7}allergyintolerance-clinical", "active", "Active")
ALLERGY_UNCONFIRMED = Code(f"{HL7}allergyintolerance-verification", "unconfirmed", "Unconfirmed")
ALLERGY_CONFIRMED = Code(f"{HL7}allergyintolerance-verification", "confirmed", "Confirmed")
# Severity of a reaction: value set reaction-event-severity. "Unknown" has no code there.
SEVERITY = {"mild": "mild", "moderate": "moderate", "severe": "severe"}

# "I have none", said by the person. SNOMED CT for allergies (US Core, IPS); IPS 2.0.1 "absent-unknown" else.
ABSENT_OR_UNKNOWN = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
NO_KNOWN_ALLERGY = Code(SNOMED, "716186003", "No known allergy")
NO_KNOWN_PROBLEMS = Code(ABSENT_OR_UNKNOWN, "no-known-problems", "No known problems")
NO_KNOWN_MEDICATIONS = Code(ABSENT_OR_UNKNOWN, "no-known-medications", "No known medications")

# List.emptyReason, used by Composition.section: code system list-empty-reason.
NOT_ASKED = Code(f"{HL7}list-empty-reason", "notasked", "Not Asked")
NIL_KNOWN = Code(f"{HL7}list-empty-reason", "nilknown", "Nil Known")
WITHHELD = Code(f"{HL7}list-empty-reason", "withheld", "Information Withheld")

# Where a medication is taken: MedicationStatement.category, MedicationRequest.category.
STATEMENT_COMMUNITY = Code(f"{HL7}medication-statement-category", "community", "Community")
REQUEST_COMMUNITY = Code(f"{HL7}medicationrequest-category", "community", "Community")

# Observation.category; Observation.code from LOINC.
SOCIAL_HISTORY = Code(f"{HL7}observation-category", "social-history", "Social History")
TOBACCO = Code(LOINC, "72166-2", "Tobacco smoking status")
PREGNANCY = Code(LOINC, "82810-3", "Pregnancy status")
# Their values: SNOMED CT, from the value sets of the US Core profiles for smoking and pregnancy status.
NEVER_SMOKED = Code(SNOMED, "266919005", "Never smoked tobacco")
PREGNANT = Code(SNOMED, "77386006", "Pregnancy")
NOT_PREGNANT = Code(SNOMED, "60001007", "Not pregnant")
POSSIBLY_PREGNANT = Code(SNOMED, "146799005", "Possible pregnancy")
# Observation.dataAbsentReason: code system data-absent-reason.
ABSENT_ERROR = Code(f"{HL7}data-absent-reason", "error", "Error")
ABSENT_DECLINED = Code(f"{HL7}data-absent-reason", "asked-declined", "Asked But Declined")

# Media.type; CarePlan.category (US Core).
IMAGE = Code(f"{HL7}media-type", "image", "Image")
ASSESS_PLAN = Code(f"{US_CORE_SYSTEM}careplan-category", "assess-plan", "Assessment and Plan of Treatment")

# DocumentReference: type from LOINC, category from US Core.
CLINICAL_NOTE = Code(f"{US_CORE_SYSTEM}us-core-documentreference-category", "clinical-note", "Clinical Note")
LAB_REPORT = Code(LOINC, "11502-2", "Laboratory report")
OUTSIDE_RECORD = Code(LOINC, "11503-0", "Medical records")
UNKNOWN_DOCUMENT = Code(f"{HL7}v3-NullFlavor", "UNK", "unknown")

# Consent: scope and category (FHIR R4 value sets consent-scope and consent-category).
PATIENT_PRIVACY = Code(f"{HL7}consentscope", "patient-privacy", "Privacy Consent")
TREATMENT = Code(f"{HL7}consentscope", "treatment", "Treatment")
PRIVACY_PRACTICES = Code(f"{HL7}consentcategorycodes", "npp", "Notice of Privacy Practices")
CONSENT_DOCUMENT = Code(LOINC, "59284-0", "Consent Document")

# Provenance.agent.type: FHIR R4, and US Core's own for the transmitter.
AUTHOR = Code(f"{HL7}provenance-participant-type", "author", "Author")
TRANSMITTER = Code(f"{US_CORE_SYSTEM}us-core-provenance-participant-type", "transmitter", "Transmitter")

# Composition: the International Patient Summary (IPS 2.0.1) and its sections, all LOINC.
PATIENT_SUMMARY = Code(LOINC, "60591-5", "Patient summary Document")
PROBLEMS = Code(LOINC, "11450-4", "Problem list - Reported")
ALLERGIES = Code(LOINC, "48765-2", "Allergies and adverse reactions Document")
MEDICATIONS = Code(LOINC, "10160-0", "History of Medication use Narrative")
PAST_PROBLEMS = Code(LOINC, "11348-0", "History of Past illness Narrative")
SOCIAL = Code(LOINC, "29762-2", "Social history Narrative")
PLAN_OF_CARE = Code(LOINC, "18776-5", "Plan of care note")
ENCOUNTERS = Code(LOINC, "46240-8", "History of Hospitalizations+Outpatient visits Narrative")
