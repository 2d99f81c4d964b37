"""A patient hands in a lab result, sees it prepared, reads it and takes it back (P07)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.accounts.models import User
from records.documents.models import Document
from records.documents.processing import document_process
from tests.documents.building import a_document, jpeg
from tests.records.building import person

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
