"""The record for machines: every resource in its place, by the rules of US Core and IPS (RULES 9).

What other readers say about the same bundles stands in `tests/fhir`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from portal.accounts.models import User
from records.export.fhir import codes, search_set
from records.export.fhir.bundle import record_resources
from records.people.services import patient_update
from records.vault.content import UNREADABLE
from records.vault.sections import SectionsView
from tests.fhir.building import AT, bundle_of, documents, opened, sections, topic_views, whole
from tests.records.building import Kept, filled, person

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P32", "P16")]
Bundle = dict[str, Any]


def resources(bundle: Bundle, *kinds: str) -> list[Bundle]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [resource for resource in found if not kinds or resource["resourceType"] in kinds]


def one(bundle: Bundle, kind: str) -> Bundle:
    (found,) = resources(bundle, kind)
    return found


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        # A Consent names its items in a part that is called "reference" too.
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [ref for item in value.values() for ref in references(item)]
    return [ref for item in value for ref in references(item)] if isinstance(value, list) else []


def code_of(value: Bundle) -> str:
    return str(value["coding"][0]["code"])


def section(bundle: Bundle, title: str) -> Bundle:
    (found,) = [item for item in one(bundle, "Composition")["section"] if item["title"] == title]
    return found


@pytest.fixture
def bundle(anas: Kept) -> Bundle:
    """A record with everything."""
    return bundle_of(whole(opened(anas.id)))


# --- The document (RULES 9.10 to 9.13) ---------------------------------------------------------------------


def test_it_is_a_document_with_its_only_composition_in_front(bundle: Bundle) -> None:
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "document")
    assert bundle["identifier"]["value"] and bundle["timestamp"]
    first = bundle["entry"][0]["resource"]
    assert first["resourceType"] == "Composition" and len(resources(bundle, "Composition")) == 1
    assert all(entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}" for entry in bundle["entry"])
    assert all(set(entry) == {"fullUrl", "resource"} for entry in bundle["entry"])
    assert code_of(first["type"]) == "60591-5" and first["status"] == "final" and first["date"]
    author = first["author"][0]["reference"]
    assert author == f"urn:uuid:{one(bundle, 'Device')['id']}"


def test_each_reference_leads_to_an_entry_and_each_entry_stands_in_a_section(bundle: Bundle) -> None:
    there = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(there) == len(bundle["entry"])
    named = references(resources(bundle))
    assert named and set(named) <= there
    shelved = {entry["reference"] for part in one(bundle, "Composition")["section"] for entry in part.get("entry", [])}
    loose = {item["resourceType"] for item in resources(bundle) if f"urn:uuid:{item['id']}" not in shelved}
    assert loose == {"Composition", "Patient", "Organization", "Practitioner", "Device"}


def test_nothing_in_it_is_empty(bundle: Bundle) -> None:
    def empty(value: Any) -> bool:
        if isinstance(value, dict | list):
            items = value.values() if isinstance(value, dict) else value
            return not value or any(map(empty, items))
        return value in ("", None)

    assert not empty(bundle)


def test_the_three_sections_of_a_summary_are_always_there(bundle: Bundle, ben: User) -> None:
    bare = bundle_of(opened(person(ben, given="Ben").pk))
    for found in (bundle, bare):
        parts = one(found, "Composition")["section"]
        assert [code_of(part["code"]) for part in parts[:3]] == ["11450-4", "48765-2", "10160-0"]
        for part in parts:
            assert part["title"] and part["text"]["status"] == "generated"
            assert ElementTree.fromstring(part["text"]["div"]).tag == "{http://www.w3.org/1999/xhtml}div"
            assert ("entry" in part) != ("emptyReason" in part)
    assert {code_of(part["emptyReason"]) for part in one(bare, "Composition")["section"][:3]} == {"notasked"}


def test_none_is_said_as_none_and_never_guessed(ben: User) -> None:
    record = opened(person(ben, given="Ben").pk)
    none = SectionsView(stated_none=frozenset({"allergies", "medications", "conditions"}))
    said = bundle_of(dataclasses.replace(record, sections=none))
    assert code_of(one(said, "AllergyIntolerance")["code"]) == "716186003"
    assert code_of(one(said, "MedicationStatement")["medicationCodeableConcept"]) == "no-known-medications"
    assert code_of(one(said, "Condition")["code"]) == "no-known-problems"
    for title in ("Problems", "Allergies", "Medicines"):
        assert "emptyReason" not in section(said, title)
    assert resources(bundle_of(record), "AllergyIntolerance", "MedicationStatement", "Condition") == []


def test_none_beside_a_diagnosis_does_not_stand_among_the_problems(anas: Kept) -> None:
    none = SectionsView(stated_none=frozenset({"conditions"}))
    said = bundle_of(dataclasses.replace(opened(anas.id), sections=none))
    shown = {entry["reference"] for entry in section(said, "Problems")["entry"]}
    found = resources(said, "Condition")
    (diagnosis,) = [item for item in found if code_of(item["category"][0]) != "problem-list-item"]
    assert shown == {f"urn:uuid:{diagnosis['id']}"}


def test_what_is_kept_from_a_guardian_is_called_withheld(ben: User) -> None:
    hidden = SectionsView(private_hidden=True, checked_at={"conditions": AT})
    said = bundle_of(dataclasses.replace(opened(person(ben, given="Ben").pk), sections=hidden))
    assert code_of(section(said, "Problems")["emptyReason"]) == "withheld"
    assert code_of(section(said, "Allergies")["emptyReason"]) == "notasked"


# --- The resources (RULES 9.1 to 9.9) ----------------------------------------------------------------------

MUST = {
    "us-core-patient": ("identifier", "name", "gender", "birthDate"),
    "us-core-condition-problems-health-concerns": ("category", "code", "subject", "clinicalStatus"),
    "us-core-condition-encounter-diagnosis": ("category", "code", "subject", "encounter", "recordedDate"),
    "us-core-medicationrequest": (
        "status", "intent", "medicationCodeableConcept", "subject", "requester", "authoredOn",
    ),
    "us-core-allergyintolerance": ("clinicalStatus", "verificationStatus", "code", "patient"),
    "us-core-documentreference": ("status", "type", "category", "subject", "content", "identifier", "date", "author"),
    "us-core-encounter": (
        "status", "class", "type", "subject", "identifier", "period", "reasonCode", "serviceProvider",
    ),
    "us-core-provenance": ("target", "recorded", "agent"),
    "us-core-smokingstatus": ("status", "category", "code", "subject", "effectiveDateTime", "valueCodeableConcept"),
    "us-core-observation-pregnancystatus": ("status", "category", "code", "subject", "valueCodeableConcept"),
    "us-core-organization": ("active", "name", "telecom", "address"),
    "Composition-uv-ips": ("status", "type", "subject", "date", "author", "title", "section"),
    "MedicationStatement-uv-ips": ("status", "medicationCodeableConcept", "subject"),
}


def test_each_claimed_profile_has_its_must_haves(bundle: Bundle) -> None:
    claimed = set()
    for resource in resources(bundle):
        for profile in resource.get("meta", {}).get("profile", []):
            name, _bar, version = profile.rpartition("/")[2].partition("|")
            assert version == ("9.0.0" if name.startswith("us-core") else "2.0.1")
            claimed.add(name)
            missing = [part for part in MUST[name] if part not in resource and f"_{part}" not in resource]
            assert not missing, (name, missing)
    assert claimed == set(MUST)


def test_every_kind_of_resource_is_there(bundle: Bundle) -> None:
    assert {resource["resourceType"] for resource in resources(bundle)} == {
        "AllergyIntolerance", "CarePlan", "Communication", "Composition", "Condition", "Device", "DocumentReference",
        "Encounter", "Media", "MedicationRequest", "MedicationStatement", "Observation", "Organization", "Patient",
        "Practitioner", "Provenance", "Questionnaire", "QuestionnaireResponse",
    }


def test_it_holds_the_words_of_the_whole_record(ana: User, clinician: User) -> None:
    found = bundle_of(opened(filled(ana, clinician, word="ZQX").id))
    told = [item for item in resources(found) if item["resourceType"] != "Composition"]
    assert str(told).count("ZQX") == 9
    diagnosis = one(found, "Condition")
    assert diagnosis["code"]["coding"] == [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "L70.0"}]
    assert one(found, "MedicationRequest")["medicationCodeableConcept"]["text"] == "Adapalene 0.1 %"
    activities = one(found, "CarePlan")["activity"]
    assert [set(activity) for activity in activities] == [{"detail"}, {"reference"}]


def test_the_patient_is_known_by_number_name_and_gender(anas: Kept, ana: User) -> None:
    patient_update(by=ana.actor, patient_id=anas.id, phone="(320) 555-0123")
    record = opened(anas.id)
    cards = sections(anas.id).identifiers
    found = one(bundle_of(whole(record), numbers={cards[1].id: "D123-456"}), "Patient")
    values = {item["system"].rpartition("/")[2]: item.get("value") for item in found["identifier"]}
    assert values == {
        "public-id": record.patient.public_id, "record-number": str(anas.id), "medical-id": None,
        "drivers-license": "D123-456",
    }
    assert found["identifier"][2]["_value"]["extension"][0]["valueCode"] == "masked"
    assert found["gender"] == "unknown" and found["birthDate"] == "1990-04-04"
    assert found["telecom"][0]["value"]
    told = dataclasses.replace(record, patient=dataclasses.replace(record.patient, gender="female"))
    assert one(bundle_of(told), "Patient")["gender"] == "female"


def test_questions_stand_as_they_were_asked(bundle: Bundle) -> None:
    forms = {item["url"]: item for item in resources(bundle, "Questionnaire")}
    for answered in resources(bundle, "QuestionnaireResponse"):
        asked = {item["linkId"]: item for item in forms[answered["questionnaire"]]["item"]}
        for item in answered["item"]:
            assert asked[item["linkId"]]["text"] == item["text"]
            kinds = {"valueCoding": "open-choice", "valueQuantity": "quantity", "valueDecimal": "decimal"}
            for answer in item.get("answer", []):
                assert asked[item["linkId"]]["type"] == kinds.get(next(iter(answer)), "text")
                assert item.get("answer") and (len(item["answer"]) == 1 or asked[item["linkId"]]["repeats"])


def test_the_same_questions_are_one_form(ana: User, clinician: User, anas: Kept) -> None:
    filled(ana, clinician, patient=anas.patient)
    found = bundle_of(opened(anas.id))
    assert len(resources(found, "QuestionnaireResponse")) == 2 and len(resources(found, "Questionnaire")) == 1


@pytest.mark.parametrize(
    ("choice", "code"),
    [("never", "266919005"), ("now", None), ("former", None), ("unsaid", "asked-declined")],
)
def test_smoking_is_coded_only_where_the_answer_is_certain(choice: str, code: str | None, ben: User) -> None:
    said = SectionsView(history=topic_views([("smoking", choice)]))
    found = one(bundle_of(dataclasses.replace(opened(person(ben, given="Ben").pk), sections=said)), "Observation")
    value = found.get("valueCodeableConcept") or found["dataAbsentReason"]
    assert (value["coding"][0]["code"] if "coding" in value else None) == code
    assert value["text"] == choice and bool(found["meta"].get("profile")) == (choice == "never")


def test_a_date_is_a_date_and_other_words_stay_words(bundle: Bundle) -> None:
    onsets = {item["code"]["text"]: (item.get("onsetDateTime"), item.get("onsetString"))
              for item in resources(bundle, "Condition") if "asserter" in item}
    assert onsets["Asthma"] == ("2011", None) and onsets["Migraine"] == ("2019-04", None)
    assert onsets["Eczema"] == (None, "as a child")


def test_what_cannot_be_read_says_so_and_breaks_nothing(anas: Kept) -> None:
    spoilt = whole(opened(anas.id), sections=sections(anas.id, lambda _words: UNREADABLE))
    found = bundle_of(spoilt)
    for item in resources(found, "AllergyIntolerance", "MedicationStatement"):
        named = item.get("code") or item["medicationCodeableConcept"]
        assert named["extension"][0]["valueCode"] == "error"
    assert "cannot be read" in section(found, "Allergies")["text"]["div"]


def test_who_wrote_it_stands_by_each_thing(bundle: Bundle) -> None:
    patient, clinic = one(bundle, "Patient")["id"], one(bundle, "Organization")["id"]
    practitioner = one(bundle, "Practitioner")["id"]
    wrote: dict[str, str] = {}
    for item in resources(bundle, "Provenance"):
        author, transmitter = item["agent"]
        assert code_of(transmitter["type"]) == "transmitter"
        writer = author["who"]["reference"].removeprefix("urn:uuid:")
        assert ("onBehalfOf" in author) == (writer == practitioner)
        for target in item["target"]:
            assert wrote.setdefault(target["reference"].removeprefix("urn:uuid:"), writer) == writer
    by_kind = {(item["resourceType"], wrote[item["id"]]) for item in resources(bundle) if item["id"] in wrote}
    assert ("MedicationRequest", practitioner) in by_kind and ("CarePlan", practitioner) in by_kind
    assert ("AllergyIntolerance", patient) in by_kind and ("Encounter", clinic) in by_kind
    assert {writer for kind, writer in by_kind if kind == "Communication"} == {patient, practitioner}


def test_files_are_named_with_their_size_and_hash_or_said_to_be_lost(anas: Kept) -> None:
    record = whole(opened(anas.id))
    there, lost = bundle_of(record), bundle_of(record, lost=True)
    for found, name in ((there, "url"), (lost, "_url")):
        contents = [item["content"] for item in resources(found, "Media")]
        contents += [item["content"][0]["attachment"] for item in resources(found, "DocumentReference")]
        assert len(contents) == 1 + len(documents(anas.id))
        assert all(name in content and ("hash" in content) == (found is there) for content in contents)


# --- The table of codes ------------------------------------------------------------------------------------

EVERY = {name: code for name, code in vars(codes).items() if isinstance(code, codes.Code)}
CODES = [*EVERY.values()]


def test_the_table_names_each_code_once_with_its_publishers_words() -> None:
    assert len({(code.system, code.code) for code in CODES}) == len(CODES)
    assert all(code.display and code.system.startswith("http") for code in CODES)


def loinc_check_digit(code: str) -> bool:
    """LOINC ends in a Luhn digit."""
    number, _dash, check = code.partition("-")
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(number))]
    return (10 - sum(sum(map(int, str(value))) for value in doubled) % 10) % 10 == int(check)


VERHOEFF_TURN = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4))


def snomed_check_digit(code: str) -> bool:
    """SNOMED CT ends in a Verhoeff digit: the dihedral group of ten, with a permutation for each place."""
    turns = [list(VERHOEFF_TURN[0]), list(VERHOEFF_TURN[1])]
    while len(turns) < 8:
        turns.append([VERHOEFF_TURN[1][value] for value in turns[-1]])

    def times(left: int, right: int) -> int:
        if left < 5:
            return (left + right) % 5 if right < 5 else (left + right - 5) % 5 + 5
        return (left - 5 - right) % 5 + 5 if right < 5 else (left - right) % 5

    check = 0
    for place, digit in enumerate(reversed(code)):
        check = times(check, turns[place % 8][int(digit)])
    return check == 0


def test_codes_with_a_check_digit_are_typed_rightly() -> None:
    loinc = [code.code for code in CODES if code.system == codes.LOINC]
    snomed = [code.code for code in CODES if code.system == codes.SNOMED]
    assert len(loinc) > 10 and all(map(loinc_check_digit, loinc)), loinc
    assert len(snomed) > 3 and all(map(snomed_check_digit, snomed)), snomed
    assert not loinc_check_digit("60591-4") and not snomed_check_digit("716186004")


@pytest.mark.parametrize("word", ["L70.0", "A00", "C44.1121", "Z3A.20"])
def test_a_diagnosis_code_of_the_form_of_icd_10_is_coded(word: str) -> None:
    assert codes.ICD_10_FORM.fullmatch(word)


@pytest.mark.parametrize("word", ["", "acne", "L7", "U07.1 ", "70.0", "l70.0", "L70.00000"])
def test_other_words_are_not(word: str) -> None:
    assert not codes.ICD_10_FORM.fullmatch(word)


def test_every_code_in_the_bundle_stands_in_the_table(bundle: Bundle) -> None:
    def coded(value: Any) -> list[tuple[str, str]]:
        if isinstance(value, dict):
            own = [(value["system"], value["code"])] if {"system", "code"} <= set(value) else []
            return own + [pair for item in value.values() for pair in coded(item)]
        return [pair for item in value for pair in coded(item)] if isinstance(value, list) else []

    used = {pair for pair in coded(bundle) if pair[0] != codes.ICD_10_CM}
    assert used and used <= {(code.system, code.code) for code in CODES}


# --- The same resources as a server's answer ----------------------------------------------------------------


def test_a_search_set_refers_by_kind_and_id(anas: Kept) -> None:
    found = record_resources(whole(opened(anas.id)), changed_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), files={})
    answer = search_set(found)
    assert answer["type"] == "searchset" and answer["total"] == len(found)
    there = {f"{resource['resourceType']}/{resource['id']}" for resource in resources(answer)}
    assert set(references(resources(answer))) <= there
    address = re.compile(r"https?://[^/]+/fhir/[A-Za-z]+/[0-9a-f-]{36}")
    assert all(address.fullmatch(entry["fullUrl"]) for entry in answer["entry"])
    assert "urn:uuid" not in str(answer)
