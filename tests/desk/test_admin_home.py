"""The admin's first page, and its lists: each role finds its own work and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.models import User
from portal.admin_site import CappedPaginator
from tests.desk.building import waiting

pytestmark = pytest.mark.django_db(transaction=True)


def _home(client: Any) -> str:
    response = client.get(reverse("admin:index"))
    assert response.status_code == 200
    return response.content.decode()


def test_the_clinician_finds_the_queue_with_its_count_and_no_lists(clinician: User, as_: Any) -> None:
    waiting(), waiting()
    page = _home(as_(clinician))
    assert reverse("admin:consults_queue") in page and "2 waiting" in page
    assert "Karin Lind" in page and "Clinician" in page
    assert "changelist" not in page and "Outgoing mail" not in page


@pytest.mark.promise("P21")
def test_the_queue_is_not_even_named_to_other_staff(officer: User, support: User, owner: User, as_: Any) -> None:
    for person in (officer, support, owner):
        assert reverse("admin:consults_queue") not in _home(as_(person))


def test_support_finds_accounts_and_mail_without_health_information(support: User, as_: Any) -> None:
    page = _home(as_(support))
    assert reverse("admin:accounts_user_changelist") in page and reverse("admin:mail_stuck") in page


@pytest.mark.parametrize("persona", ["ana", "guardian", None])
def test_nobody_else_comes_in(request: pytest.FixtureRequest, as_: Any, persona: str | None) -> None:
    person = request.getfixturevalue(persona) if persona else None
    assert as_(person).get(reverse("admin:index")).status_code in (302, 404)


def test_no_model_of_the_record_is_registered(clinician: User) -> None:
    from django.contrib import admin

    labels = {model._meta.app_label for model in admin.site._registry}
    assert labels.isdisjoint({"records", "consults"})


@pytest.mark.parametrize("persona", ["officer", "support", "owner"])
def test_every_list_and_row_opens_in_the_clinics_look(
    request: pytest.FixtureRequest, clinician: User, as_: Any, persona: str
) -> None:
    client = as_(request.getfixturevalue(persona))
    links = set(re.findall(r'href="(/admin/[a-z]+/[a-z]+/)"', _home(client)))
    assert links
    for link in links:
        page = client.get(link)
        assert page.status_code == 200, link
        text = page.content.decode()
        assert "portal/admin.css" in text and "<style" not in text and 'style="' not in text, link
        assert not re.search(r"<script(?![^>]*src=)", text), link
    row = client.get(reverse("admin:accounts_user_change", args=[clinician.pk])).content.decode()
    assert "karin@clinic.example" in row and "<script>" not in row and "<input" not in _main(row)


def test_a_list_never_counts_more_than_ten_thousand_rows(officer: User, as_: Any, monkeypatch: Any) -> None:
    client, link = as_(officer), reverse("admin:audit_accessevent_changelist")
    client.get(link)
    with CaptureQueriesContext(connection) as queries:
        client.get(link)
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts and all("LIMIT 10000" in sql for sql in counts)
    monkeypatch.setattr(CappedPaginator, "STOPS_AT", 2)
    waiting()
    shown = client.get(link).content.decode()
    assert "the first 2 are listed" in shown


def _main(page: str) -> str:
    return page[page.index('id="content-main"'):page.index("</main>")]
