"""Staff find a patient by what people really say, type and misspell; the table of hashes tells nobody anything."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from records import vault
from records.models import Patient, SearchToken, TokenKind
from records.people import search_words as words
from records.people.public_id import public_id_shown
from records.people.search import find, led_query
from records.people.search_tokens import token_of, tokens_wanted, tokens_write
from records.people.services import patient_update
from tests.records.building import broken, person

pytestmark = [pytest.mark.django_db]
TODAY = dt.date(2026, 11, 25)


def made(given: str = "Ana", family: str = "Okafor", born: str = "1970-04-04", **more: Any) -> Patient:
    return Patient.objects.create(given_name=given, family_name=family, birth_date=dt.date.fromisoformat(born), **more)


def found(text: str) -> list[UUID]:
    return list(find(text).ids)


@pytest.mark.promise("P21")
@pytest.mark.parametrize(
    ("given", "family", "typed"),
    [
        ("Anne-Marie", "Dupont", "annemarie"), ("Anne-Marie", "Dupont", "anne marie"),
        ("Anne-Marie", "Dupont", "ANNE-MARIE"), ("Anne-Marie", "Dupont", "Anne–Marie Dupont"),
        ("Anne-Marie", "Dupont", "marie"), ("Anne Marie", "Dupont", "annemarie"), ("Annemarie", "Dupont", "anne marie"),
        ("Sean", "O'Brien", "obrien"), ("Sean", "O'Brien", "o brien"), ("Sean", "O’Brien", "O'BRIEN"),
        ("Sean", "O Brien", "o'brien"), ("Sean", "OʼBrien", "O’Brien sean"), ("Simon", "O'Grady", "o‘grady"),
        ("André", "Núñez", "andre nunez"), ("Andre", "Nunez", "André Núñez"), ("Văn", "Nguyễn", "nguyen"),
        ("Wanjiku", "Ngũgĩ", "ngugi"), ("Đặng", "Łukasz", "dang lukasz"), ("Jörg", "Weiß", "jorg weiss"),
        ("", "李", "李"), ("小明", "李", "李小明"), ("李小明", "", "李"), ("", "부산시", "부산"), ("عمر", "", "عمر"),
        ("שרה", "כהן", "כהן שרה"), ("Ольга", "Иванова", "ОЛЬГА"), ("Sukarno", "", "sukarno"), ("Null", "", "null"),
        ("Smith & Sons", "", "sons smith"), ("María José", "de la Cruz", "delacruz"), ("<b>x</b>", "Lee", "lee"),
        ("J.R.", "Ewing", "jr ewing"), ("Maximilian", "Roth", "max"), ("Maximilian", "Roth", "roth maxi"),
        ("Keihanaikukauakahihuliheekahaunaele", "", "keihanaikukauakahihuliheekahaunaele"), ("👩🏽", "", "👩🏽"),
    ],
)
def test_a_name_is_found_however_it_is_written(given: str, family: str, typed: str) -> None:
    made("Somebody", "Else")
    patient = made(given, family)
    assert found(typed) == [patient.pk]


@pytest.mark.parametrize("typed", ["ann", "dupon", "du", "mari dupo"])
def test_the_beginning_of_a_name_is_enough_from_three_letters_on(typed: str) -> None:
    patient = made("Anne-Marie", "Dupont")
    assert found(typed) == ([] if typed == "du" else [patient.pk])


@pytest.mark.parametrize(
    "typed",
    ["1970-04-05", "4/5/1970", "04/05/1970", "April 5 1970", "april 5, 1970", "5 Apr 1970", "5th April 1970",
     "05.04.1970", "1970/4/5", "4-5-1970", "4/5/70"],
)
def test_a_birth_date_is_found_in_several_ways_of_writing_it(typed: str) -> None:
    made(born="1970-05-04")
    patient = made(born="1970-04-05")
    assert found(typed) == [patient.pk]
    assert found(f"okafor {typed}") == found(f"{typed}, Ana") == [patient.pk]
    assert found(f"smith {typed}") == []


@pytest.mark.parametrize(
    "typed", ["(320) 555-0142", "3205550142", "+1 320 555 0142", "1-320-555-0142", "555-0142", "5550142"]
)
def test_a_phone_number_is_found_with_and_without_its_country_and_area(typed: str) -> None:
    made(phone="(320) 555-0143")
    patient = made(phone="+1 (320) 555-0142 x 12")
    assert found(typed) == [patient.pk]


def test_a_number_from_abroad_is_found_with_its_own_zero() -> None:
    patient = made(phone="+44 20 7946 0958")
    assert found("020 7946 0958") == found("+442079460958") == [patient.pk]


@pytest.mark.parametrize(
    "typed", ["12 Lakeshore Drive", "lakeshore dr 12", "55319", "clear lake 55319", "12 55319 okafor"]
)
def test_an_address_is_found_by_its_words_its_house_number_and_its_zip_code(typed: str) -> None:
    made(address={"street": "14 Oak Street", "city": "Big Lake", "state": "MN", "postal_code": "55309"})
    patient = made(
        address={"street": "12 Lakeshore Drive", "city": "Clear Lake", "state": "MN", "postal_code": "55319-0100"}
    )
    assert found(typed) == [patient.pk]


def test_every_word_must_be_true_and_none_alone_is_enough() -> None:
    made("Ana", "Okafor", phone="320 555 0100")
    patient = made("Ana", "Okafor", born="1980-01-01", phone="320 555 0142")
    assert found("ana okafor 1980-01-01 320 555 0142") == [patient.pk]
    assert found("ana okafor 1980-01-01 320 555 0100") == []
    assert found("") == found("   ") == found("…") == []


def test_a_patient_is_found_by_their_number_alone() -> None:
    patient = made()
    made()
    shown = public_id_shown(patient.public_id)
    assert found(shown) == found(shown.lower()) == found(patient.public_id) == [patient.pk]


@pytest.mark.promise("P05")
def test_the_table_holds_no_word_and_the_key_is_not_the_field_key(settings: Any) -> None:
    patient = made("Anne-Marie", "Dupont", phone="320 555 0142", address={"street": "12 Elm Road"})
    rows = dict(SearchToken.objects.filter(patient=patient).values_list("token", "kind"))
    assert {TokenKind(kind) for kind in rows.values()} == set(TokenKind)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row::text, ' ') FROM records_searchtoken AS row")
        dump = cursor.fetchone()[0].lower()
    assert not [word for word in ("anne", "dupont", "5550142", "1970", "elm") if word in dump]
    before = token_of(TokenKind.NAME, "dupont")
    assert before in rows
    settings.SEARCH_HMAC_KEY = [settings.FIELD_ENCRYPTION_KEY[0]]
    assert token_of(TokenKind.NAME, "dupont") != before
    assert token_of(TokenKind.NAME, "dupont") != token_of(TokenKind.ADDRESS, "dupont")


@pytest.mark.promise("P05")
def test_tokens_change_with_the_row_and_in_its_transaction(ana: User) -> None:
    patient = person(ana, given="Ana", family="Okafor")
    patient_update(by=ana.actor, patient_id=patient.pk, family_name="Bauer")
    assert found("bauer") == [patient.pk]
    assert found("okafor") == []
    with pytest.raises(DomainError):
        patient_update(by=ana.actor, patient_id=patient.pk, given_name="Zoe", family_name="x" * 300)
    assert found("zoe") == []
    assert found("ana bauer") == [patient.pk]


def test_what_cannot_be_read_keeps_the_tokens_it_had() -> None:
    patient = made("Ana", "Okafor", phone="320 555 0142")
    broken(Patient, "family_name", pk=patient.pk)
    again = Patient.objects.get(pk=patient.pk)
    _wanted, unknown = tokens_wanted(again)
    assert TokenKind.NAME in unknown and TokenKind.PHONE not in unknown
    assert tokens_write(again) == 0
    assert found("okafor 5550142") == [patient.pk]


@pytest.mark.promise("P39")
def test_erasing_a_patient_leaves_no_token() -> None:
    patient = made()
    patient.delete()
    assert not SearchToken.objects.filter(patient_id=patient.pk).exists()
    assert found("okafor") == []


def test_while_keys_change_both_find_and_the_newest_writes(settings: Any) -> None:
    old = settings.SEARCH_HMAC_KEY[0]
    first = made("Ana", "Okafor")
    settings.SEARCH_HMAC_KEY = ["another key, drawn for this test, long enough", old]
    second = made("Ben", "Okafor")
    assert set(found("okafor")) == {first.pk, second.pk}
    assert set(found("okafor 1970-04-04")) == {first.pk, second.pk}
    settings.SEARCH_HMAC_KEY = settings.SEARCH_HMAC_KEY[:1]
    assert found("okafor") == [second.pk]


@pytest.mark.promise("P21")
@pytest.mark.django_db(transaction=True)
def test_a_search_is_logged_without_its_words_and_each_person_shown_by_name(clinician: User) -> None:
    patient = made()
    made("Ben", "Tran", born="1988-01-01")
    view = vault.search_patients(by=clinician.actor, text="okafor", purpose=Purpose.CARE)
    assert [hit.person.full_name for hit in view.hits] == ["Ana Okafor"]
    assert view.hits[0].grant is None
    rows = AccessEvent.objects.filter(actor_id=clinician.pk, action=Action.SEARCH).order_by("number")
    assert [(row.object_kind, row.subject_id, row.basis) for row in rows] == [
        ("records.search", None, "hits:1"), ("records.patient", patient.pk, "grant:search"),
    ]


@pytest.mark.promise("P21")
@pytest.mark.django_db(transaction=True)
def test_too_many_hits_show_nobody_and_ask_for_another_word(clinician: User, settings: Any) -> None:
    settings.SEARCH_MAX_HITS = 3
    people = [made("Ana", "Okafor", born=f"19{70 + year}-01-01") for year in range(5)]
    view = vault.search_patients(by=clinician.actor, text="okafor", purpose=Purpose.CARE)
    assert (view.hits, view.too_many) == ((), True)
    assert not AccessEvent.objects.filter(subject_id__in=[patient.pk for patient in people]).exists()
    narrowed = vault.search_patients(by=clinician.actor, text="okafor 1/1/1972", purpose=Purpose.CARE)
    assert [hit.person.id for hit in narrowed.hits] == [people[2].pk]


@pytest.mark.promise("P21")
@pytest.mark.django_db(transaction=True)
def test_nobody_trawls_through_the_patients(clinician: User, other_clinician: User, settings: Any) -> None:
    settings.SEARCHES_PER_HOUR = 3
    made()
    for _again in range(3):
        vault.search_patients(by=clinician.actor, text="okafor", purpose=Purpose.CARE)
    with pytest.raises(DomainError) as stop:
        vault.search_patients(by=clinician.actor, text="okafor", purpose=Purpose.CARE)
    assert stop.value.code == "too_often"
    assert AccessEvent.objects.filter(actor_id=clinician.pk, action=Action.DENIED, purpose=Purpose.ABUSE).exists()
    assert vault.search_patients(by=other_clinician.actor, text="okafor", purpose=Purpose.CARE).hits


@pytest.mark.promise("P21")
@pytest.mark.django_db(transaction=True)
def test_only_clinicians_and_the_officer_look_for_patients(
    clinician: User, officer: User, support: User, owner: User, ana: User, guardian: User
) -> None:
    made("Ben", "Tran")
    assert vault.search_patients(by=clinician.actor, text="tran", purpose=Purpose.CARE).hits
    assert vault.search_patients(by=officer.actor, text="tran", purpose=Purpose.LEGAL_DUTY).hits
    for nobody in (support, owner, ana, guardian):
        for purpose in Purpose:
            with pytest.raises(NotVisible):
                vault.search_patients(by=nobody.actor, text="tran", purpose=purpose)
    assert AccessEvent.objects.filter(actor_id=support.pk, action=Action.DENIED).exists()


@pytest.mark.django_db(transaction=True)
def test_a_hit_that_cannot_be_read_says_so_and_the_others_stay(clinician: User) -> None:
    patient = made("Ana", "Okafor")
    made("Ben", "Okafor")
    broken(Patient, "given_name", pk=patient.pk)
    view = vault.search_patients(by=clinician.actor, text="okafor", purpose=Purpose.CARE)
    assert {hit.person.full_name for hit in view.hits} == {"cannot be read Okafor", "Ben Okafor"}


@pytest.mark.django_db(transaction=True)
def test_a_search_takes_as_many_queries_for_one_hit_as_for_twenty(clinician: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection, ) as seen:
            vault.search_patients(by=clinician.actor, text="okafor ana", purpose=Purpose.CARE)
        return len([query for query in seen.captured_queries if query["sql"].startswith(("SELECT", "WITH", "(SELECT"))])

    made()
    one = queries()
    for day in range(1, 21):
        made(born=f"1970-01-{day:02}")
    assert queries() == one <= 8


def test_common_words_go_by_pairs_of_whole_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.people.search.RARE", 4)
    wanted = made("Mary", "Smith")
    for number in range(6):
        made("Mary", f"Baker{number}")
        made(f"Tom{number}", "Smith")
    assert found("mary smith") == found("Smith, Mary") == [wanted.pk]
    assert find("mary smith").common
    beginnings = find("mar smi")
    assert (beginnings.ids, beginnings.too_many, beginnings.common) == ((), True, True)


@pytest.mark.promise("P21")
def test_the_plan_of_a_search_reads_the_index_and_stops(settings: Any) -> None:
    for number in range(40):
        made("Mary", "Smith", born=f"19{50 + number}-01-01")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE records_searchtoken")
        cursor.execute("SET LOCAL enable_seqscan = off")  # so few rows that the planner would read them all
        sql, values = led_query([token_of(TokenKind.NAME, "smith")], [[token_of(TokenKind.NAME, "mary")]], 26)
        cursor.execute(f"EXPLAIN {sql}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan and "Sort" not in plan, plan
    assert plan.count("search_token_once") == 2, plan


@pytest.mark.parametrize("text", ["13/13/1970", "2/30/1970", "1970-13-32", "12 55319", "99", "5 6"])
def test_what_is_no_date_and_no_phone_is_left_as_words(text: str) -> None:
    days, rest = words.dates_in(text, today=TODAY)
    phones, rest = words.phones_in(rest)
    assert (days, phones, rest.split()) == ([], [], text.split())


def test_two_figures_of_a_year_are_never_in_the_future() -> None:
    assert words.dates_in("4/4/70", today=TODAY)[0] == [dt.date(1970, 4, 4)]
    assert words.dates_in("4/4/26", today=TODAY)[0] == [dt.date(2026, 4, 4)]
    assert words.dates_in("4/4/27", today=TODAY)[0] == [dt.date(1927, 4, 4)]
