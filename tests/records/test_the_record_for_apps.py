"""The read-only FHIR address: what a signed-in person's app gets, and what everybody else is told (P16, P32)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from records.access import grant_close, grant_open
from records.fhir.services import KINDS, capability
from records.freezing.models import FreezeReason
from records.freezing.services import freeze
from records.history.models import Section
from records.models import GrantKind, GrantScope, Patient
from tests.documents.building import a_document
from tests.records.building import Kept, entry, private_answers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P32", "P16")]
As = Callable[[User | None], Client]
ALL = "/fhir/Patient/$everything"


def told(answer: Any) -> dict[str, Any]:
    """The answer's JSON; whatever the status, it is FHIR and nobody keeps it."""
    assert answer.headers["Content-Type"] == "application/fhir+json"
    assert "no-store" in answer.headers.get("Cache-Control", "") or answer.request["PATH_INFO"].endswith("metadata")
    found: dict[str, Any] = json.loads(answer.content)
    return found


def refused(answer: Any, status: int, code: str) -> str:
    found = told(answer)
    assert answer.status_code == status and found["resourceType"] == "OperationOutcome"
    (issue,) = found["issue"]
    assert (issue["severity"], issue["code"]) == ("error", code)
    return str(issue["diagnostics"])


def kinds(bundle: dict[str, Any]) -> set[str]:
    return {item["resource"]["resourceType"] for item in bundle["entry"]}


def test_everything_is_one_bundle_that_an_app_can_follow(as_: As, ana: User, anas: Kept) -> None:
    a_document(anas.patient)
    browser = as_(ana)
    bundle = told(browser.get(ALL))
    assert bundle["type"] == "searchset" and bundle["total"] == len(bundle["entry"]) > 8
    assert bundle["link"] == [{"relation": "self", "url": f"{settings.SITE_URL}{ALL}"}]
    assert {"Patient", "Encounter", "Condition", "CarePlan", "Media", "DocumentReference"} <= kinds(bundle)
    assert kinds(bundle) <= set(KINDS), "what is given is also offered"
    named = {item["fullUrl"]: item["resource"] for item in bundle["entry"]}
    for address, resource in named.items():
        assert told(browser.get(address.removeprefix(settings.SITE_URL))) == resource
    assert "urn:uuid" not in json.dumps(bundle)


def test_files_are_where_the_portal_shows_them(as_: As, ana: User, anas: Kept) -> None:
    a_document(anas.patient)
    browser = as_(ana)
    found = told(browser.get(f"{ALL}?_type=Media,DocumentReference"))
    assert kinds(found) == {"Media", "DocumentReference"}
    for item in found["entry"]:
        content = item["resource"].get("content")
        url = content["url"] if isinstance(content, dict) else content[0]["attachment"]["url"]
        assert browser.get(url.removeprefix(settings.SITE_URL)).headers["Content-Type"] == "image/jpeg"


@pytest.mark.promise("P21")
def test_each_reading_is_in_the_log_before_anything_is_read(as_: As, ana: User, anas: Kept) -> None:
    as_(ana).get(ALL)
    row = AccessEvent.objects.filter(subject_id=anas.id, action=Action.EXPORT).get()
    assert (row.actor_id, row.purpose, row.basis) == (ana.pk, "communicating", "grant:self")


def test_one_kind_of_one_patient(as_: As, ana: User, anas: Kept) -> None:
    browser = as_(ana)
    for patient in ("", f"?patient={anas.id}", f"?patient=Patient/{anas.id}"):
        found = told(browser.get(f"/fhir/Communication{patient}"))
        assert found["total"] == 2 and kinds(found) == {"Communication"}
        assert all(item["resource"]["subject"] == {"reference": f"Patient/{anas.id}"} for item in found["entry"])
    assert told(browser.get(f"/fhir/Patient?_id={anas.id}"))["total"] == 1
    empty = told(browser.get("/fhir/AllergyIntolerance"))
    assert empty["total"] == 0 and "entry" not in empty, "FHIR has no empty lists"


def test_id_numbers_stay_covered(as_: As, ana: User, anas: Kept) -> None:
    entry(ana, anas.patient, Section.IDENTIFIERS, kind="drivers_license", issuer="Minnesota", number="QX-7-314159")
    answer = as_(ana).get(ALL)
    assert "314159" not in answer.content.decode() and "masked" in answer.content.decode()


# --- Who gets nothing -------------------------------------------------------------------------------------------


@pytest.mark.promise("P21")
def test_other_peoples_records_are_not_found(as_: As, ana: User, ben: User, bens: Kept, anas: Kept) -> None:
    browser = as_(ben)
    for address in (
        f"/fhir/Patient/{anas.id}", f"/fhir/Patient/{anas.id}/$everything", f"/fhir/Condition?patient={anas.id}",
        f"/fhir/Encounter/{anas.encounter.pk}", f"/fhir/Patient/{uuid4()}", "/fhir/Condition?patient=1",
        "/fhir/Basic", "/fhir/Patient/7", f"/fhir/Condition/{anas.id}",
    ):
        refused(browser.get(address), 404, "not-found")
    assert AccessEvent.objects.filter(action=Action.DENIED, actor_id=ben.pk, subject_id=anas.id).count() == 2


@pytest.mark.promise("P47")
def test_a_record_that_is_stopped_hides_nothing_of_another_child(
    as_: As, guardian: User, officer: User, anas: Kept, bens: Kept
) -> None:
    for kept in (anas, bens):
        grant_open(by=officer.actor, patient_id=kept.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    freeze(by=officer.actor, patient_id=anas.id, reason=FreezeReason.STOP_USING, reference=uuid4())
    browser = as_(guardian)
    assert told(browser.get(f"/fhir/Encounter/{bens.encounter.pk}"))["resourceType"] == "Encounter"
    refused(browser.get(f"/fhir/Encounter/{anas.encounter.pk}"), 404, "not-found")


@pytest.mark.promise("P21")
def test_a_visitor_is_told_to_sign_in_and_not_led_to_a_page(as_: As, anas: Kept) -> None:
    for address in (ALL, f"/fhir/Patient/{anas.id}", "/fhir/Condition"):
        answer = as_(None).get(address)
        assert "sign in" in refused(answer, 401, "login")
        assert "Location" not in answer.headers and answer.headers["WWW-Authenticate"].startswith("Portal-Session")


@pytest.mark.promise("P18")
def test_an_old_sign_in_has_to_be_renewed_first(as_: As, ana: User, anas: Kept) -> None:
    browser = as_(ana)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0}]
    session.save()
    refused(browser.get(ALL), 401, "login")
    assert not AccessEvent.objects.filter(action=Action.EXPORT).exists()


@pytest.mark.promise("P21")
def test_staff_have_no_business_here(as_: As, anas: Kept, clinician: User, officer: User) -> None:
    for user in (clinician, officer):
        answer = as_(user).get(f"/fhir/Patient/{anas.id}/$everything")
        assert answer.status_code in (401, 404) and told(answer)["resourceType"] == "OperationOutcome"


def test_nothing_can_be_written_and_only_json_is_spoken(as_: As, ana: User, anas: Kept) -> None:
    browser = as_(ana)
    for verb in ("post", "put", "patch", "delete"):
        refused(getattr(browser, verb)(f"/fhir/Patient/{anas.id}"), 405, "not-supported")
    refused(browser.get(ALL, {"_format": "xml"}), 406, "not-supported")
    refused(browser.get(ALL, HTTP_ACCEPT="application/fhir+xml"), 406, "not-supported")
    assert browser.get(ALL, HTTP_ACCEPT="application/fhir+json").status_code == 200
    assert Patient.objects.filter(pk=anas.id).exists()


# --- Guardians --------------------------------------------------------------------------------------------------


@pytest.mark.promise("P47", "P21")
@pytest.mark.parametrize("scope", list(GrantScope))
def test_a_guardian_reads_all_but_what_is_private_as_long_as_the_grant_runs(
    as_: As, ana: User, anas: Kept, guardian: User, scope: GrantScope
) -> None:
    private_answers(ana, anas.patient, pregnancy="Since May, QXSECRET")
    grant_open(by=ana.actor, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk, scope=scope)
    browser = as_(guardian)
    mine = as_(ana).get(ALL).content.decode()
    theirs = browser.get(f"/fhir/Patient/{anas.id}/$everything").content.decode()
    assert "QXSECRET" in mine and "Are you pregnant?" in mine
    assert "QXSECRET" not in theirs and "pregnan" not in theirs.lower().replace("not in pregnancy", "")
    assert told(browser.get(ALL))["total"] > 5, "without an id: the first one looked after"
    grant_close(by=ana.actor, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    refused(browser.get(f"/fhir/Patient/{anas.id}/$everything"), 404, "not-found")


# --- What it says of itself -------------------------------------------------------------------------------------


def test_everybody_may_read_what_can_be_asked(as_: As, db: None) -> None:
    found = told(as_(None).get("/fhir/metadata"))
    assert found["resourceType"] == "CapabilityStatement" and found["fhirVersion"] == "4.0.1"
    (rest,) = found["rest"]
    assert {item["type"] for item in rest["resource"]} == set(KINDS)
    assert {action["code"] for item in rest["resource"] for action in item["interaction"]} == {"read", "search-type"}
    assert rest["operation"][0]["name"] == "everything"


def test_the_description_names_no_profile_twice() -> None:
    named = [
        profile for item in capability(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))["rest"][0]["resource"]
        for profile in item.get("supportedProfile", [])
    ]
    assert len(set(named)) == len(named) > 8


def test_the_copy_page_says_where_apps_find_it(as_: As, ana: User, anas: Kept) -> None:
    page = as_(ana).get("/privacy/copy/").content.decode()
    assert "For apps" in page and ALL in page


def test_an_app_that_asks_again_and_again_waits_and_reads_nothing_meanwhile(
    as_: As, ana: User, anas: Kept, guardian: User, settings: Any
) -> None:
    settings.FHIR_READS_PER_MINUTE = 2
    browser = as_(ana)
    for address in (ALL, "/fhir/Patient"):
        assert browser.get(address).status_code == 200
    before = AccessEvent.objects.count()
    answer = browser.get(f"/fhir/Patient/{anas.patient.pk}")
    assert refused(answer, 429, "throttled") and answer.headers["Retry-After"] == "60"
    assert AccessEvent.objects.count() == before
    assert browser.get("/fhir/metadata").status_code == 200, "what costs nothing is not counted"
    assert as_(guardian).get(ALL).status_code == 404, "each account has a count of its own"
