"""A value is opened when it is looked at, once, and its token is kept until it really changes."""

from __future__ import annotations

import copy
import datetime
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from django.db import models
from django.forms import modelform_factory
from django.forms.models import model_to_dict
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext

from portal.crypto.fields import DecryptionError, LazyValue
from tests.crypto.testapp.models import Everything

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P17")]
ALL = ("name", "notes", "email", "birth_date", "count", "smoker", "answers", "key")
Column = Callable[..., list[Any]]


@pytest.fixture
def row() -> Everything:
    """A full row, freshly loaded."""
    made = Everything.objects.create(
        name="Ana",
        notes="dry skin",
        email="ana@example.org",
        birth_date=datetime.date(1970, 4, 4),
        count=3,
        smoker=False,
        answers={"where": ["face"]},
        key=b"k" * 32,
    )
    return Everything.objects.get(pk=made.pk)


def tokens(column: Column) -> list[Any]:
    return [column(Everything, field)[0] for field in ALL]


def test_opening_a_list_does_not_decrypt_undisplayed_fields(opened: list[str]) -> None:
    Everything.objects.bulk_create([Everything(name=f"n{i}", notes="n", answers=[i], count=i) for i in range(20)])
    opened.clear()
    rows = list(Everything.objects.all())
    assert opened == []
    assert {row.name for row in rows} == {f"n{i}" for i in range(20)}
    assert opened == ["cryptotest.everything.name"] * 20
    _ = [row.name for row in rows]
    assert len(opened) == 20, "a value is opened once"


def test_saving_an_unchanged_row_opens_nothing_and_keeps_every_token(
    row: Everything, column: Column, opened: list[str]
) -> None:
    before = tokens(column)
    row.plain = "changed"
    row.save()
    assert opened == []
    assert tokens(column) == before


def test_looking_at_values_and_saving_keeps_every_token(row: Everything, column: Column) -> None:
    before = tokens(column)
    _ = [getattr(row, field) for field in ALL]
    row.save()
    row.save(update_fields=list(ALL))
    assert tokens(column) == before


def test_assigning_the_same_value_keeps_the_token_and_another_value_changes_only_its_own(
    row: Everything, column: Column
) -> None:
    before = tokens(column)
    for field in ALL:
        setattr(row, field, getattr(row, field))
    row.birth_date = "1970-04-04"
    row.save()
    assert tokens(column) == before
    row.name = "Bea"
    row.save()
    after = tokens(column)
    assert after[0] != before[0] and after[1:] == before[1:]
    row.save()
    assert tokens(column) == after, "a second save writes the same tokens again"


def test_json_changed_in_place_is_saved(row: Everything, column: Column) -> None:
    row.answers["where"].append("back")
    row.save()
    assert Everything.objects.get().answers == {"where": ["face", "back"]}


def test_none_and_back_again(row: Everything) -> None:
    row.name = None
    row.save()
    assert Everything.objects.get().name is None
    row.name = ""
    row.save()
    assert Everything.objects.get().name == ""


def test_a_row_with_one_bad_value_is_listed_read_and_saved_without_touching_it(
    row: Everything, overwrite: Any, column: Column
) -> None:
    overwrite(row, "name", "damaged")
    Everything.objects.create(name="Bea", notes="fine")
    listed = {found.notes for found in Everything.objects.all()}
    assert listed == {"dry skin", "fine"}
    bad = Everything.objects.get(pk=row.pk)
    with pytest.raises(DecryptionError):
        _ = bad.name
    bad.notes = "oily skin"
    bad.save()
    bad.refresh_from_db()
    assert bad.notes == "oily skin"
    assert "damaged" in column(Everything, "name")
    form = modelform_factory(Everything, fields=["notes", "count"])({"notes": "again", "count": "4"}, instance=bad)
    assert form.is_valid()
    form.save()
    assert "damaged" in column(Everything, "name")
    bad.name = "typed anew"
    bad.save()
    assert Everything.objects.get(pk=row.pk).name == "typed anew"


def test_a_page_shows_cannot_be_read_for_a_bad_value_and_the_others_as_they_are(
    row: Everything, overwrite: Any
) -> None:
    overwrite(row, "name", "damaged")
    bad = Everything.objects.get(pk=row.pk)
    page = Template('{% load sealed %}{{ row|opened:"name" }}, {{ row|opened:"notes" }}, {{ row.notes }}')
    assert page.render(Context({"row": bad})) == "(cannot be read), dry skin, dry skin"
    with pytest.raises(DecryptionError):
        Template("{{ row.name }}").render(Context({"row": bad}))


def test_deferred_fields_are_fetched_alone_and_only_when_looked_at(
    row: Everything, opened: list[str], django_assert_num_queries: Any
) -> None:
    lean = Everything.objects.only("plain").get(pk=row.pk)
    assert lean.get_deferred_fields() == set(ALL)
    with django_assert_num_queries(1):
        assert lean.name == "Ana"
    with django_assert_num_queries(0):
        assert lean.name == "Ana"
    assert opened == ["cryptotest.everything.name"]
    without = Everything.objects.defer("notes").get(pk=row.pk)
    without.name = "Bea"
    without.save()
    assert without.notes == "dry skin"
    assert Everything.objects.get().name == "Bea"


def test_refreshing_opens_nothing_and_sees_what_others_wrote(
    row: Everything, opened: list[str], column: Column
) -> None:
    Everything.objects.update(name="Bea")
    row.notes = "not saved"
    opened.clear()
    row.refresh_from_db()
    assert opened == []
    assert (row.name, row.notes) == ("Bea", "dry skin")
    before = tokens(column)
    row.save()
    assert tokens(column) == before
    Everything.objects.update(name="Cleo", notes="new")
    row.refresh_from_db(fields=["name"])
    assert (row.name, row.notes) == ("Cleo", "dry skin")


def test_values_hand_out_lazy_values_that_open(row: Everything, opened: list[str]) -> None:
    found = Everything.objects.values("name", "birth_date").get()
    assert isinstance(found["name"], LazyValue) and opened == []
    assert (found["name"].open(), found["birth_date"].open()) == ("Ana", datetime.date(1970, 4, 4))
    (name,) = Everything.objects.values_list("name", flat=True)
    assert Template("{{ name }}").render(Context({"name": name})) == "Ana"
    assert Everything.objects.annotate(alias=models.F("name")).get().alias.open() == "Ana"


def test_a_lazy_value_shows_nothing_by_itself(row: Everything) -> None:
    value = Everything.objects.values_list("name", flat=True).get()
    assert repr(value) == str(value) == f"{value}" == "<encrypted cryptotest.everything.name>"
    with pytest.raises(TypeError):
        bool(value)
    value.open()
    assert "Ana" not in repr(value)
    row.name = "Bea"
    assert "Bea" not in repr(row.__dict__)


def test_lazy_values_compare_and_hash_by_their_token(row: Everything) -> None:
    first, second = (Everything.objects.values_list("name", flat=True).get() for _ in range(2))
    assert first == second and len({first, second}) == 1
    assert first != "Ana"


def test_a_pickle_never_holds_the_plain_value_and_opens_again(row: Everything) -> None:
    _ = [getattr(row, field) for field in ALL]
    row.notes = "Zyxwv"
    row.answers["where"] = "Zyxwv"
    frozen = pickle.dumps([row, Everything(name="Zyxwv"), Everything.objects.values_list("name", flat=True).get()])
    assert b"Zyxwv" not in frozen and b"Ana" not in frozen and b"face" not in frozen
    again, made, value = pickle.loads(frozen)
    assert (again.name, again.notes, again.answers) == ("Ana", "Zyxwv", {"where": "Zyxwv"})
    assert (made.name, value.open()) == ("Zyxwv", "Ana")
    again.save()
    assert Everything.objects.get(pk=row.pk).notes == "Zyxwv"


def test_copies_do_not_share_what_is_assigned_later(row: Everything) -> None:
    _ = row.answers
    shallow, deep = copy.copy(row), copy.deepcopy(row)
    shallow.name = "Bea"
    deep.answers["where"] = "back"
    assert (row.name, row.answers) == ("Ana", {"where": ["face"]})
    assert (deep.name, deep.birth_date) == ("Ana", datetime.date(1970, 4, 4))


def test_a_value_carried_to_another_column_is_sealed_anew_for_it(row: Everything, column: Column) -> None:
    other = Everything.objects.create(notes=Everything.objects.values_list("name", flat=True).get(), plain="other")
    assert Everything.objects.get(pk=other.pk).notes == "Ana"
    same = Everything.objects.create(
        name=Everything.objects.values_list("name", flat=True).get(pk=row.pk), plain="same"
    )
    assert Everything.objects.get(pk=same.pk).name == "Ana"
    Everything.objects.filter(pk=other.pk).update(
        name=Everything.objects.values_list("notes", flat=True).get(pk=row.pk)
    )
    assert Everything.objects.get(pk=other.pk).name == "dry skin"


def test_a_form_shows_the_values_and_knows_what_changed(row: Everything, column: Column) -> None:
    form_class = modelform_factory(Everything, fields=["name", "notes", "email", "birth_date", "count", "answers"])
    html = form_class(instance=row).as_p()
    for shown in ("Ana", "dry skin", "ana@example.org", "1970-04-04", 'value="3"', "face"):
        assert shown in html
    assert "gAAAA" not in html
    before = tokens(column)
    posted = {
        "name": "Ana",
        "notes": "dry skin",
        "email": "ana@example.org",
        "birth_date": "1970-04-04",
        "count": "3",
        "answers": '{"where": ["face"]}',
    }
    form = form_class(posted, instance=row)
    assert form.is_valid() and not form.has_changed()
    form.save()
    assert tokens(column) == before, "a form saved unchanged writes no change into the history"
    form = form_class({**posted, "name": "Bea", "birth_date": ""}, instance=row)
    assert form.is_valid() and form.changed_data == ["name", "birth_date"]
    form.save()
    assert (Everything.objects.get().name, Everything.objects.get().birth_date) == ("Bea", None)
    assert isinstance(model_to_dict(row)["name"], LazyValue)


def test_listing_costs_one_query_however_many_encrypted_columns(row: Everything) -> None:
    from django.db import connection

    with CaptureQueriesContext(
        connection,
    ) as seen:
        _ = [(found.name, found.answers) for found in Everything.objects.all()]
    assert len(seen) == 1
