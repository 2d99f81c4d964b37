"""Two readers that are not ours take every kind of copy: `make fhir` (RULES 9, P32)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from portal.accounts.models import User
from records.history.models import SHEET, Entry, Section
from records.withholding.services import parts_withhold
from tests.fhir import bindings, building

pytestmark = [pytest.mark.fhir, pytest.mark.django_db, pytest.mark.promise("P32", "P16")]
HERE = Path(__file__).parent
NODE = Path(sys.executable).with_name("node")


@pytest.fixture
def made(ana: User, ben: User, guardian: User, clinician: User) -> dict[str, dict[str, Any]]:
    return building.made(ana, ben, guardian, clinician)


def judged(bundles: dict[str, dict[str, Any]], folder: Path) -> tuple[list[str], set[str]]:
    """What the standard's definitions say against the bundles, and the US Core profiles that were tried."""
    files = {}
    for place, (name, bundle) in enumerate(bundles.items()):
        file = folder / f"{place}.json"
        file.write_text(json.dumps(bundle))
        files[str(file)] = name
    done = subprocess.run(
        [NODE, "validate.mjs", *files], cwd=HERE, capture_output=True, text=True, check=True, timeout=300
    )
    problems, profiled = [], set()
    for file, said in json.loads(done.stdout).items():
        profiled |= set(said["profiled"])
        problems += [
            f"{files[file]}: {issue['place']} {issue.get('expression')} {issue['details']['text']}"
            for issue in said["problems"]
        ]
    return problems, profiled


def read_again(bundle: dict[str, Any]) -> dict[str, Any]:
    """Through the objects of SMART's own client and back; it raises for whatever it does not know."""
    from fhirclient.models.bundle import Bundle  # only `make fhir` installs it

    again: dict[str, Any] = Bundle(bundle, strict=True).as_json()
    return again


def without_reasons(value: Any) -> Any:
    """That client knows nothing of what stands beside a value (``_birthDate``): why it is not there."""
    if isinstance(value, dict):
        return {name: without_reasons(item) for name, item in value.items() if not name.startswith("_")}
    return [without_reasons(item) for item in value] if isinstance(value, list) else value


def test_no_kind_of_record_breaks_the_standard(made: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    problems, profiled = judged(made, tmp_path)
    assert problems == []
    assert {"us-core-patient", "us-core-medicationrequest", "us-core-smokingstatus"} <= profiled


def test_the_copies_of_the_seeded_patients_break_it_neither(
    db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundles = building.seeded(monkeypatch, patients=10)
    assert len(bundles) >= 10
    assert judged(bundles, tmp_path)[0] == []
    assert [bindings.problems(bundle) for bundle in bundles.values()] == [[]] * len(bundles)
    for bundle in bundles.values():
        assert read_again(bundle) == without_reasons(bundle)


@pytest.mark.django_db(transaction=True)
def test_what_the_address_for_apps_answers_breaks_it_neither(
    ana: User, clinician: User, as_: Callable[[User], Client], tmp_path: Path
) -> None:
    """The same judges over the answers of ``/fhir/``: the record, a part of it, a refusal, and what is offered."""
    record = building.kept(ana, clinician)
    part = Entry.objects.filter(patient_id=record, section=Section.CONDITIONS).exclude(code=SHEET).first()
    parts_withhold(by=ana.actor, patient_id=record, request_id=uuid4(), part_ids=[part.pk])  # type: ignore[union-attr]
    browser = as_(ana)
    asked = ("Patient/$everything", f"Patient/{record}", "Condition", "AllergyIntolerance", "metadata", "Basic/1")
    answers = {address: json.loads(browser.get(f"/fhir/{address}").content) for address in asked}
    outcomes = [one for one in answers["Patient/$everything"]["entry"] if one["search"]["mode"] == "outcome"]
    assert [one["resource"]["issue"][0]["code"] for one in outcomes] == ["suppressed"]
    assert answers["Basic/1"]["resourceType"] == "OperationOutcome" and answers["Patient/$everything"]["total"] > 20
    assert judged(answers, tmp_path)[0] == []
    for address, answer in answers.items():
        assert bindings.problems(answer) == [], address
        if answer["resourceType"] == "Bundle":
            assert read_again(answer) == without_reasons(answer), address


def test_the_judge_finds_what_is_wrong(made: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """A judge that passes everything would prove nothing."""
    spoilt = made["whole"]
    by_kind = {entry["resource"]["resourceType"]: entry["resource"] for entry in spoilt["entry"]}
    by_kind["Patient"].pop("identifier")
    by_kind["Encounter"]["bogus"] = 1
    by_kind["CarePlan"].pop("intent")
    by_kind["Observation"]["effectiveDateTime"] = "yesterday"
    problems = " ".join(judged({"spoilt": spoilt}, tmp_path)[0])
    for word in ("identifier", "bogus", "intent", "effective"):
        assert word in problems, word


def test_a_second_reader_takes_them_whole(made: dict[str, dict[str, Any]]) -> None:
    """SMART's own client builds its objects from each bundle and gives back the same JSON."""
    for name, bundle in made.items():
        assert read_again(bundle) == without_reasons(bundle), name


def test_every_code_is_in_the_value_set_that_the_standard_demands(made: dict[str, dict[str, Any]]) -> None:
    for name, bundle in made.items():
        assert bindings.problems(bundle) == [], name


def test_a_code_of_no_value_set_is_found(made: dict[str, dict[str, Any]]) -> None:
    bundle = made["whole"]
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            entry["resource"]["gender"] = "purple"
            entry["resource"]["telecom"] = [{"system": "pigeon", "value": "1"}]
        if entry["resource"]["resourceType"] == "AllergyIntolerance":
            entry["resource"]["clinicalStatus"]["coding"][0]["code"] = "actve"
    found = " ".join(bindings.problems(bundle))
    assert "purple" in found and "pigeon" in found and "actve" in found
