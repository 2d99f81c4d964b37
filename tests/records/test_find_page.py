"""The page on which staff find a patient: nothing of it in an address, closed to the wrong role, sane after Back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from records.access import grant_open
from records.models import GrantKind, Patient, ToldApart
from records.people.public_id import public_id_shown
from records.people.services import patient_update
from tests.records.building import broken, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P21")]
FIND = "/admin/patients/"


def made(given: str, family: str, born: str = "1970-04-04", **more: Any) -> Patient:
    return Patient.objects.create(given_name=given, family_name=family, birth_date=dt.date.fromisoformat(born), **more)


def test_a_clinician_finds_a_patient_whose_record_is_closed_to_them(as_: Any, clinician: User) -> None:
    patient = made("Simon", "O'Grady <b>x</b>")
    page = as_(clinician).post(FIND, {"words": "ogrady 4/4/1970"})
    text = page.content.decode()
    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    assert "Simon O&#x27;Grady &lt;b&gt;x&lt;/b&gt;" in text
    assert public_id_shown(patient.public_id) in text and "April 4, 1970" in text
    assert reverse("admin:break_glass", args=[patient.pk]) in text
    assert reverse("admin:patient_record", args=[patient.pk]) not in text


def test_a_record_that_is_open_to_the_looker_is_linked(as_: Any, clinician: User) -> None:
    patient = made("Ana", "Okafor")
    grant_open(by=clinician.actor, patient_id=patient.pk, kind=GrantKind.CARE_TEAM, account_id=clinician.pk)
    text = as_(clinician).post(FIND, {"words": "okafor"}).content.decode()
    assert reverse("admin:patient_record", args=[patient.pk]) in text
    assert reverse("admin:break_glass", args=[patient.pk]) not in text


def test_the_officer_finds_but_has_no_emergency(as_: Any, officer: User) -> None:
    patient = made("Ana", "Okafor")
    text = as_(officer).post(FIND, {"words": "okafor"}).content.decode()
    assert "Ana Okafor" in text and "This record is closed to you." in text
    assert reverse("admin:break_glass", args=[patient.pk]) not in text


def test_words_in_the_address_find_nobody(as_: Any, clinician: User) -> None:
    made("Ana", "Okafor")
    page = as_(clinician).get(FIND, {"words": "okafor"})
    assert page.status_code == 200 and "Okafor" not in page.content.decode()
    assert not AccessEvent.objects.filter(action=Action.SEARCH).exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [("nobody at all", "Nobody found"), ("", "This field is required"), ("okafor", "Too many people match")],
)
def test_nobody_too_many_and_nothing_typed_each_say_what_to_do(
    as_: Any, clinician: User, settings: Any, words: str, said: str
) -> None:
    settings.SEARCH_MAX_HITS = 1
    made("Ana", "Okafor")
    made("Ben", "Okafor")
    text = as_(clinician).post(FIND, {"words": words}).content.decode()
    assert said in text and "Ana Okafor" not in text


def test_after_too_many_searches_the_page_says_wait(as_: Any, clinician: User, settings: Any) -> None:
    settings.SEARCHES_PER_HOUR = 1
    made("Ana", "Okafor")
    browser = as_(clinician)
    assert "Ana Okafor" in browser.post(FIND, {"words": "okafor"}).content.decode()
    page = browser.post(FIND, {"words": "okafor"})
    assert page.status_code == 429 and "Please wait a while" in page.content.decode()
    assert "Ana Okafor" not in page.content.decode()


def test_an_unreadable_name_is_shown_as_such(as_: Any, clinician: User) -> None:
    patient = made("Ana", "Okafor")
    broken(Patient, "family_name", pk=patient.pk)
    broken(Patient, "birth_date", pk=patient.pk)
    text = as_(clinician).post(FIND, {"words": public_id_shown(patient.public_id)}).content.decode()
    assert text.count("cannot be read") == 2


def test_likely_the_same_person_is_a_hint_for_staff_and_never_for_the_patient(
    as_: Any, clinician: User, ana: User, ben: User
) -> None:
    """B 19: the mail provider closed, so the person came again with another address."""
    first = person(ana, given="Ana", family="Okafor")
    second = person(ben, given="OKAFOR", family="Ana")
    text = as_(clinician).post(FIND, {"words": "okafor"}).content.decode()
    assert text.count("Possible same person:") == 2
    for user, other in ((ana, second), (ben, first)):
        for page in ("/record/", "/home/", "/privacy/", "/account/"):
            shown = as_(user).get(page, follow=True).content.decode()
            assert "same person" not in shown and other.public_id not in shown
            assert public_id_shown(other.public_id) not in shown and str(other.pk) not in shown


def test_the_same_birth_date_and_phone_is_a_hint_and_the_same_name_alone_is_none(as_: Any, clinician: User) -> None:
    made("Ana", "Okafor", phone="+1 320 555 0142")
    made("Anna", "Smith", phone="(320) 555-0142")
    made("Ana", "Okafor", born="1980-01-01")
    text = as_(clinician).post(FIND, {"words": "okafor 1970-04-04"}).content.decode()
    assert text.count("Possible same person:") == 1 and "Anna Smith" in text
    text = as_(clinician).post(FIND, {"words": "okafor 1980-01-01"}).content.decode()
    assert "Possible same person:" not in text


def test_a_hint_that_was_told_apart_stays_away_and_says_who_did_it(as_: Any, clinician: User, officer: User) -> None:
    first, second = made("Ana", "Okafor"), made("Ana", "Okafor")
    browser = as_(clinician)
    for _press in range(2):
        page = browser.post(f"{FIND}apart/", {"one": str(second.pk), "other": str(first.pk), "words": "okafor"})
        assert page.status_code == 200 and "Possible same person:" not in page.content.decode()
    note = ToldApart.objects.get()
    assert {note.first_id, note.second_id} == {first.pk, second.pk} and note.said_by == clinician.pk
    assert "Possible same person:" not in as_(officer).post(FIND, {"words": "okafor"}).content.decode()
    assert not AccessEvent.objects.filter(object_kind="records.toldapart").exclude(subject_id=None).exists()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_telling_apart_never_leads_off_the_site(as_: Any, clinician: User, back: str) -> None:
    first, second = made("Ana", "Okafor"), made("Ana", "Okafor")
    page = as_(clinician).post(f"{FIND}apart/", {"one": str(first.pk), "other": str(second.pk), "back": back})
    assert page.status_code == 200


@pytest.mark.promise("P05")
def test_two_accounts_with_one_name_birth_date_and_phone_never_see_each_other(as_: Any, ana: User, ben: User) -> None:
    """B 15 and 18: a contact point is no identity, and changing one of them changes nothing either."""
    mine = person(ana, given="John", family="Doe", phone="320 555 0142", address={"street": "1 Ana Street"})
    theirs = person(ben, given="John", family="Doe", phone="320 555 0142", address={"street": "2 Ben Street"})
    for user, own, other in ((ana, mine, theirs), (ben, theirs, mine)):
        shown = as_(user).get("/record/").content.decode()
        assert own.address["street"] in shown and other.address["street"] not in shown
        assert as_(user).get(f"/record/of/{other.pk}/").status_code == 404
    patient_update(by=ana.actor, patient_id=mine.pk, phone="320 555 0199")
    assert as_(ana).get("/record/").status_code == as_(ben).get("/record/").status_code == 200
    assert "320 555 0199" not in as_(ben).get("/record/").content.decode()
