"""The patient's pages of the record, in the browser of each persona."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from records.access import grant_open
from records.models import Answer, Message, Patient, Plan
from records.people.models import GrantKind
from records.people.services import patient_update
from records.photos.models import Photo, PhotoState
from tests.reading import sent_back
from tests.records.building import Kept, broken, filled, person, photo

pytestmark = pytest.mark.django_db
As = Callable[[User | None], Client]
RECORD = reverse("records:record")
CONTACT = reverse("records:contact")


def pages(kept: Kept) -> list[str]:
    return [
        reverse("records:record_of", args=[kept.id]),
        reverse("records:photo", args=[kept.photo.pk, "image"]),
        reverse("records:photo", args=[kept.photo.pk, "thumb"]),
    ]


@pytest.mark.promise("P31")
def test_a_patient_sees_everything_at_once(as_: As, ana: User, clinician: User) -> None:
    kept = filled(ana, clinician, word="ZQX")
    page = as_(ana).get(RECORD)
    text = page.content.decode()
    assert page.status_code == 200 and text.count("ZQX") == 9
    for part in ("April 4, 1990", "Ana Okafor", "Are you pregnant?", "3 months", "Adapalene", "Karin Lind", "L70.0"):
        assert part in text, part
    assert reverse("records:photo", args=[kept.photo.pk, "thumb"]) in text


@pytest.mark.promise("P21")
def test_nobody_else_finds_any_page_of_the_record(
    as_: As, anas: Kept, ben: User, guardian: User, other_clinician: User, support: User, officer: User, owner: User
) -> None:
    for stranger in (ben, guardian, other_clinician, support, officer, owner):
        for page in pages(anas):
            assert as_(stranger).get(page).status_code == 404, (stranger.role, page)
    assert {event.actor_id for event in AccessEvent.objects.filter(action=Action.DENIED)} >= {ben.pk, guardian.pk}
    for page in (*pages(anas), RECORD, CONTACT):
        answer = as_(None).get(page)
        assert answer.status_code == 302 and "login" in answer["Location"]


def test_the_clinician_of_the_case_sees_its_photos(as_: As, anas: Kept, clinician: User) -> None:
    assert as_(clinician).get(pages(anas)[1]).status_code == 200
    assert as_(clinician).get(RECORD).status_code == 404, "clinicians read cases at their desk"


def test_a_guardian_reads_the_record_of_the_child_and_its_own_way_to_it(
    as_: As, anas: Kept, guardian: User, ana: User
) -> None:
    grant_open(by=ana.actor, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    text = as_(guardian).get(RECORD).content.decode()
    assert "Ana Okafor" in text and "Are you pregnant?" not in text


def test_without_a_record_the_page_says_what_will_be_there(as_: As, ben: User) -> None:
    page = as_(ben).get(RECORD)
    assert page.status_code == 200 and "first consult" in page.content.decode()
    assert as_(ben).get(CONTACT).status_code == 404


def test_a_picture_is_kept_by_nobody_between(as_: As, anas: Kept, ana: User) -> None:
    for page in pages(anas)[1:]:
        picture = as_(ana).get(page)
        assert picture.status_code == 200 and picture.content.startswith(b"\xff\xd8")
        assert picture["Content-Type"] == "image/jpeg"
        assert picture["Cache-Control"] == "private, no-store"
        assert picture["X-Content-Type-Options"] == "nosniff"
        assert picture["Content-Disposition"] == 'inline; filename="photo.jpg"'
        assert picture["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert as_(ana).get(RECORD)["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("variant", ["original", "quarantine", "image.jpg", ".."])
def test_there_are_two_variants_and_no_other(variant: str, as_: As, anas: Kept, ana: User) -> None:
    path = f"/record/photos/{anas.photo.pk}/{variant}/"
    assert as_(ana).get(path).status_code == 404


def test_a_photo_that_is_not_ready_has_no_picture(as_: As, anas: Kept, ana: User) -> None:
    waiting = Photo.objects.create(
        encounter=anas.encounter, patient=anas.patient, view="left", state=PhotoState.RECEIVED, uploaded_by=ana.pk,
        quarantine_name="photo-uploads/aa/b", quarantine_key=b"k" * 32,
    )
    assert as_(ana).get(reverse("records:photo", args=[waiting.pk, "image"])).status_code == 404
    assert "Being prepared" in as_(ana).get(RECORD).content.decode()


def test_a_missing_file_is_not_found_and_a_store_that_is_down_asks_to_come_back(
    as_: As, anas: Kept, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Photo.objects.get(pk=anas.photo.pk)
    storages["sealed"].delete(row.thumb_name)
    assert as_(ana).get(pages(anas)[2]).status_code == 404

    def down(*_args: Any) -> bytes:
        raise ConnectionError

    monkeypatch.setattr("records.vault.files.sealed.read", down)
    answer = as_(ana).get(pages(anas)[1])
    assert answer.status_code == 503 and answer["Retry-After"]


@pytest.mark.promise("P17", "P31")
def test_what_cannot_be_read_says_so_and_its_neighbours_stay(as_: As, anas: Kept, ana: User) -> None:
    broken(Answer, "value", question_id="where")
    broken(Message, "body", from_staff=True)
    broken(Plan, "morning")
    broken(Patient, "phone", pk=anas.id)
    text = as_(ana).get(RECORD).content.decode()
    assert text.count("cannot be read") >= 4
    assert "3 months" in text and "A little." in text and "Adapalene" in text and "Ana Okafor" in text
    assert "gAAAA" not in text


@pytest.mark.promise("P17")
def test_a_broken_value_is_never_saved_over_by_its_neighbours(as_: As, anas: Kept, ana: User) -> None:
    broken(Patient, "phone", pk=anas.id)
    page = as_(ana).get(CONTACT).content.decode()
    assert "left as it is" in page and 'name="phone" value' not in page
    sent = as_(ana).post(CONTACT, {"given_name": "Anna", "family_name": "Okafor", "phone": ""})
    assert sent.status_code == 302
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone FROM records_patient WHERE id = %s", [anas.id])
        assert cursor.fetchone()[0] == "gAAAAABnotatoken"
    assert Patient.objects.get(pk=anas.id).given_name == "Anna"
    as_(ana).post(CONTACT, {"given_name": "Anna", "family_name": "Okafor", "phone": "(320) 555-0101"})
    assert Patient.objects.get(pk=anas.id).phone == "(320) 555-0101"


@pytest.mark.promise("P06", "P30", "P38")
def test_a_patient_changes_how_to_be_reached_and_sees_what_it_was(as_: As, anas: Kept, ana: User) -> None:
    browser = as_(ana)
    for phone in ("(320) 555-0101", "(320) 555-0102"):
        browser.post(
            CONTACT, {"given_name": "Ana", "family_name": "Okafor", "phone": phone, "city": "Sartell", "state": "MN"}
        )
    text = browser.get(CONTACT).content.decode()
    assert "(320) 555-0101" in text and "(320) 555-0102" in text and "You changed it, Ana Okafor" in text
    assert "Sartell, MN" in text
    assert "Sartell, MN" in browser.get(RECORD).content.decode()


def test_a_page_that_was_open_meanwhile_saves_only_what_was_changed_on_it(as_: As, anas: Kept, ana: User) -> None:
    """Two tabs: the older one must not put back the number that the newer one changed."""
    browser = as_(ana)
    older = sent_back(browser.get(CONTACT))
    browser.post(CONTACT, {**sent_back(browser.get(CONTACT)), "phone": "(320) 555-0199", "city": "Sartell"})
    browser.post(CONTACT, {**older, "given_name": "Anna", "street": "5 Elm Street"})
    now = Patient.objects.get(pk=anas.id)
    assert (now.given_name, now.phone) == ("Anna", "(320) 555-0199")
    assert (now.address["street"], now.address["city"]) == ("5 Elm Street", "Sartell")
    browser.post(CONTACT, {**sent_back(browser.get(CONTACT)), "phone": ""})
    assert Patient.objects.get(pk=anas.id).phone == ""


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"given_name": "", "family_name": "  \u202e "}, "given_name"),
        ({"given_name": "A" * 201, "family_name": ""}, "given_name"),
        ({"given_name": "Ana", "family_name": "", "phone": "call me maybe"}, "phone"),
        ({"given_name": "Ana", "family_name": "", "phone": "12"}, "phone"),
        ({"given_name": "Ana", "family_name": "", "phone": "1" * 41}, "phone"),
        ({"given_name": "Ana", "family_name": "", "city": "x" * 101}, "city"),
        ({"given_name": "Ana\x00", "family_name": ""}, "given_name"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_and_what_was_typed_is_kept(
    sent: dict[str, str], field: str, as_: As, anas: Kept, ana: User
) -> None:
    page = as_(ana).post(CONTACT, sent)
    assert page.status_code == 200
    assert page.context["form"].errors[field]
    assert sent[field].strip().replace("\x00", "") in page.content.decode().replace("\x00", "")
    assert Patient.objects.get(pk=anas.id).full_name == "Ana Okafor"


def test_words_of_a_patient_are_shown_as_words(as_: As, ana: User) -> None:
    """FIELD_FAULTS 9."""
    person(ana, given="<b>x</b>", family="Smith & Sons O'Grady")
    text = as_(ana).get(RECORD).content.decode()
    assert "&lt;b&gt;x&lt;/b&gt; Smith &amp; Sons O&#x27;Grady" in text and "<b>x</b>" not in text


def test_the_birth_date_is_the_same_day_in_every_zone(as_: As, ana: User) -> None:
    """FIELD_FAULTS 1."""
    person(ana, born=dt.date(1970, 4, 4))
    for zone in ("America/New_York", "Pacific/Kiritimati", "Etc/GMT+12"):
        ana.time_zone = zone
        ana.save()
        for page in (RECORD, CONTACT):
            assert "April 4, 1970" in as_(ana).get(page).content.decode()


def test_the_page_takes_as_many_queries_for_a_full_record_as_for_a_short_one(
    as_: As, anas: Kept, ana: User, clinician: User
) -> None:
    def queries() -> int:
        browser = as_(ana)
        browser.get(RECORD)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(RECORD).status_code == 200
        return len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]])

    short = queries()
    filled(ana, clinician, patient=anas.patient)
    for view in ("left", "right"):
        photo(anas.encounter, view=view)
    patient_update(by=ana.actor, patient_id=anas.id, phone="(320) 555-0101")
    assert queries() == short <= 12


def test_no_health_information_stands_in_an_address(as_: As, anas: Kept, ana: User) -> None:
    text = as_(ana).get(RECORD).content.decode()
    addresses = [part.split('"')[0] for part in text.split('href="')[1:] + text.split('src="')[1:]]
    assert addresses
    assert not [url for url in addresses if any(word in url.lower() for word in ("okafor", "acne", "ana-", "1990"))]


def test_only_reading_is_allowed_where_nothing_is_changed(as_: As, anas: Kept, ana: User) -> None:
    for page in (RECORD, *pages(anas)):
        assert as_(ana).post(page).status_code == 405
    assert as_(ana).get(reverse("records:photo", args=[uuid4(), "image"])).status_code == 404
