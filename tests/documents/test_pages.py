"""A patient hands in a lab result, sees it prepared, reads it and takes it back (P07)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from portal.accounts.models import User
from records.access import grant_open
from records.documents.models import Document
from records.documents.processing import document_process
from records.people.models import GrantKind, GrantScope
from tests.documents.building import a_document, jpeg
from tests.reading import sent_back
from tests.records.building import broken, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P07")]
As = Callable[[User | None], Client]
LIST = "/record/documents/"


def sent(browser: Client, data: bytes, **more: Any) -> Any:
    fields = {"form_key": uuid4(), "kind": "lab_result", "title": "Blood test", **more}
    return browser.post(LIST, {**fields, "document": SimpleUploadedFile("x.pdf", data)})


def test_a_document_is_received_prepared_shown_and_taken_back(as_: As, ana: User) -> None:
    person(ana)
    browser = as_(ana)
    assert "Nothing stands here yet" in browser.get(LIST).content.decode()
    assert sent(browser, jpeg()).status_code == 302
    row = Document.objects.get()
    assert "Being prepared" in browser.get(LIST).content.decode()
    document_process(document_id=row.pk)
    page = browser.get(f"/record/documents/{row.pk}/").content.decode()
    assert "Blood test" in page and "Download" in page and "Remove this document" in page
    got = browser.get(f"/record/documents/{row.pk}/file/1/")
    assert got["Content-Disposition"].startswith("attachment;") and "sandbox" in got["Content-Security-Policy"]
    assert got["Cache-Control"] == "private, no-store" and got["X-Content-Type-Options"] == "nosniff"
    assert browser.post(f"/record/documents/{row.pk}/remove/").status_code == 302
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty"), (b"MZ\x90\x00 a program", "not a document we can open"), (b"<html><script>", "not a document")],
)
def test_a_file_that_is_no_document_is_refused_and_what_was_typed_stays(
    data: bytes, said: str, as_: As, ana: User
) -> None:
    person(ana)
    page = sent(as_(ana), data, title="From Dr. Lee").content.decode()
    assert said in page and "From Dr. Lee" in page
    assert not Document.objects.exists()


def test_five_presses_keep_one_document(as_: As, ana: User) -> None:
    person(ana)
    browser, key = as_(ana), uuid4()
    assert {sent(browser, jpeg(), form_key=key).status_code for _press in range(5)} == {302}
    assert Document.objects.count() == 1


def test_another_patient_finds_nothing(as_: As, ana: User, ben: User) -> None:
    row = a_document(person(ana))
    person(ben, given="Ben")
    browser = as_(ben)
    for path in ("", "file/1/", "preview/1/", "thumb/1/"):
        assert browser.get(f"/record/documents/{row.pk}/{path}").status_code == 404
    assert browser.post(f"/record/documents/{row.pk}/remove/").status_code == 404
    assert Document.objects.filter(pk=row.pk).exists()


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_many(
    as_: As, ana: User, django_assert_max_num_queries: Any
) -> None:
    patient = person(ana)
    a_document(patient)
    browser = as_(ana)
    browser.get(LIST)
    with django_assert_max_num_queries(14) as few:
        browser.get(LIST)
    for _more in range(8):
        a_document(patient)
    with django_assert_max_num_queries(len(few.captured_queries)):
        browser.get(LIST)


@pytest.mark.promise("P38", "P07")
def test_name_kind_and_date_are_set_right_and_the_former_ones_kept(as_: As, ana: User) -> None:
    row = a_document(person(ana), title="Blod test")
    browser, page = as_(ana), f"/record/documents/{row.pk}/change/"
    assert page in browser.get(f"/record/documents/{row.pk}/").content.decode()
    assert "Blod test" in browser.get(page).content.decode()
    given = {"kind": "outside_record", "title": "Blood test", "dated": "2026-03-01"}
    assert browser.post(page, given).status_code == 302
    row.refresh_from_db()
    assert (row.kind, row.title, row.dated) == ("outside_record", "Blood test", dt.date(2026, 3, 1))
    former = former_values(row)
    assert [(event.title, event.kind, event.pgh_context.metadata["basis"]) for event in former] == [
        ("Blod test", "lab_result", "patient_edit")
    ]
    assert "Blod test" in browser.get("/record/changes/?part=documents").content.decode()
    browser.post(page, given)
    assert len(former_values(row)) == 1, "the same again is no change"


def test_a_page_that_was_open_meanwhile_changes_only_what_was_changed_on_it(as_: As, ana: User) -> None:
    row = a_document(person(ana), title="Blod test")
    browser, page = as_(ana), f"/record/documents/{row.pk}/change/"
    older = sent_back(browser.get(page))
    browser.post(page, {**sent_back(browser.get(page)), "title": "Blood test"})
    browser.post(page, {**older, "dated": "2026-03-01"})
    row.refresh_from_db()
    assert (row.title, row.dated) == ("Blood test", dt.date(2026, 3, 1))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "lab_result", "dated": "2099-01-01"}, "still to come"), ({"kind": "nonsense"}, "valid choice"),
        ({"kind": "other", "title": "x" * 121}, "at most 120"), ({"kind": "other", "dated": "soon"}, "like 2027-03-31"),
    ],
)
def test_what_cannot_be_right_is_not_saved(given: dict[str, str], said: str, as_: As, ana: User) -> None:
    row = a_document(person(ana))
    page = as_(ana).post(f"/record/documents/{row.pk}/change/", given)
    assert page.status_code == 200 and said in page.content.decode()
    assert not former_values(row)


@pytest.mark.parametrize("column", ["title", "dated"])
def test_what_cannot_be_read_is_never_saved_over(column: str, as_: As, ana: User) -> None:
    row = a_document(person(ana), dated=dt.date(2026, 3, 1))
    broken(Document, column, pk=row.pk)
    browser, page = as_(ana), f"/record/documents/{row.pk}/change/"
    assert "cannot be read at the moment" in browser.get(page).content.decode()
    assert f'href="{page}"' not in browser.get(f"/record/documents/{row.pk}/").content.decode()
    answer = browser.post(page, {"kind": "other", "title": "New", "dated": "2026-01-01"})
    assert "so it cannot be changed" in answer.content.decode()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT kind, {column} FROM records_document")
        assert cursor.fetchone() == ("lab_result", "gAAAAABnotatoken")


@pytest.mark.promise("P21")
def test_a_guardian_who_may_only_see_is_shown_no_way_to_change_it(as_: As, ana: User, guardian: User) -> None:
    row = a_document(patient := person(ana))
    grant_open(
        by=ana.actor, patient_id=patient.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk, scope=GrantScope.VIEW
    )
    browser, page = as_(guardian), f"/record/documents/{row.pk}/change/"
    shown = browser.get(f"/record/documents/{row.pk}/").content.decode()
    assert page not in shown and "Remove this document" not in shown
    assert browser.get(page).status_code == 404
    assert browser.post(page, {"kind": "other", "title": "New"}).status_code == 404
    assert Document.objects.get().title == "Blood test"


def former_values(row: Document) -> list[Any]:
    events = apps.get_model("records", "DocumentEvent")._default_manager.filter(pgh_obj_id=row.pk)
    return list(events.select_related("pgh_context").order_by("pgh_id"))
