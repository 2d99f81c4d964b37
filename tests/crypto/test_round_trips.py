"""Every type comes back as it went in, on PostgreSQL."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.crypto.tokens import TOKEN_START
from tests.crypto.testapp.models import Everything

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P17")]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXT,
    "notes": TEXT,
    "email": st.emails(),
    "birth_date": st.dates(),
    "count": st.integers(),
    "smoker": st.booleans(),
    "answers": JSON.filter(lambda value: value is not None),
    "key": st.binary(max_size=64),
}
ODD_TEXT = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "👩🏽‍⚕️",
    "Ngũgĩ",
    "עִבְרִית",
    "gAAAAAB-not-a-token",
    "x" * 100_000,
    "\u202e",
    "Null",
]


def stored(field: str, pk: Any) -> str | None:
    """What really stands in the column."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{field}" FROM cryptotest_everything WHERE id = %s', [pk])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("field", STRATEGIES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_value_comes_back_as_it_went_in(field: str, data: st.DataObject) -> None:
    value = data.draw(STRATEGIES[field] | st.none())
    with transaction.atomic():
        row = Everything.objects.create(**{field: value})
        again = getattr(Everything.objects.get(pk=row.pk), field)
        assert again == value
        assert type(again) is type(value)
        token = stored(field, row.pk)
    assert (token is None) == (value is None)
    assert token is None or token.startswith(TOKEN_START)


@pytest.mark.parametrize("text", ODD_TEXT)
def test_odd_text_comes_back_as_it_went_in(text: str) -> None:
    row = Everything.objects.create(name=text, notes=text, answers={"a": text})
    row = Everything.objects.get(pk=row.pk)
    assert (row.name, row.notes, row.answers) == (text, text, {"a": text})


def test_the_empty_string_is_not_nothing() -> None:
    row = Everything.objects.create(name="", notes=None, answers={}, key=b"")
    assert stored("name", row.pk).startswith(TOKEN_START)
    assert stored("notes", row.pk) is None
    row = Everything.objects.get(pk=row.pk)
    assert (row.name, row.notes, row.answers, row.key) == ("", None, {}, b"")
    assert list(Everything.objects.filter(notes__isnull=True, name__isnull=False)) == [row]


def test_the_column_never_holds_the_value() -> None:
    row = Everything.objects.create(
        name="Zyxwv",
        notes="Zyxwv",
        email="zyxwv@example.org",
        birth_date=datetime.date(1970, 4, 4),
        count=4711,
        answers={"Zyxwv": "Zyxwv"},
        key=b"Zyxwv",
    )
    for field in STRATEGIES:
        token = stored(field, row.pk) or ""
        assert not any(word in token for word in ("Zyxwv", "zyxwv", "1970", "4711"))


def test_bulk_create_update_and_bulk_update_seal_each_value() -> None:
    Everything.objects.bulk_create([Everything(name=f"n{i}", count=i, key=bytes([i])) for i in range(5)])
    rows = sorted(Everything.objects.all(), key=lambda row: row.count)
    assert [(row.name, row.key) for row in rows] == [(f"n{i}", bytes([i])) for i in range(5)]
    assert Everything.objects.update(name="all", birth_date=datetime.date(2000, 2, 29)) == 5
    assert {row.name for row in Everything.objects.all()} == {"all"}
    for row in rows:
        row.name, row.answers = f"m{row.count}", [row.count]
    rows[0].name = None
    Everything.objects.bulk_update(rows, ["name", "answers", "key"])
    again = sorted(Everything.objects.all(), key=lambda row: row.count)
    assert [row.name for row in again] == [None, "m1", "m2", "m3", "m4"]
    assert [row.answers for row in again] == [[i] for i in range(5)]
    assert stored("name", again[1].pk).startswith(TOKEN_START)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birth_date", "1970-13-44"),
        ("birth_date", datetime.datetime(2020, 1, 1, 12)),
        ("birth_date", 12),
        ("count", "many"),
        ("smoker", "perhaps"),
        ("answers", {"a": float("nan")}),
        ("answers", {1, 2}),
        ("key", "text"),
        ("name", "\ud800"),
        ("notes", b"bytes"),
        ("count", float("inf")),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_without_being_quoted(field: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as caught, transaction.atomic():
        Everything.objects.create(**{field: value})
    assert str(caught.value) == f"this value cannot be stored in cryptotest.everything.{field}"
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_text_for_a_date_or_number_is_converted_like_on_a_plain_field() -> None:
    row = Everything.objects.create(birth_date="1970-04-04", count="12", smoker="True")
    row = Everything.objects.get(pk=row.pk)
    assert (row.birth_date, row.count, row.smoker) == (datetime.date(1970, 4, 4), 12, True)


def test_full_clean_holds_length_address_and_range() -> None:
    for bad in ({"name": "x" * 81}, {"email": "no address"}, {"count": 2**31}):
        with pytest.raises(ValidationError):
            Everything(**bad).full_clean()
    Everything(name="x" * 80, email="a@example.org", count=2**31 - 1).full_clean()


def test_two_encrypted_fields_of_one_row_have_different_tokens_for_one_value() -> None:
    row = Everything.objects.create(name="same", notes="same")
    assert stored("name", row.pk) != stored("notes", row.pk)


def test_a_lookup_by_value_is_refused_in_every_form() -> None:
    manager = Everything.objects
    for asked in ("name", "name__exact", "name__in", "name__icontains", "name__gt", "answers__a", "birth_date__year"):
        with pytest.raises(FieldError):
            manager.filter(**{asked: "1"}).exists()
        with pytest.raises(FieldError):
            manager.exclude(**{asked: "1"}).exists()
    with pytest.raises(FieldError):
        manager.filter(name=None).exists()
    with pytest.raises(FieldError):
        manager.get_or_create(name="x")
    with pytest.raises(FieldError):
        manager.update_or_create(name="x", defaults={"plain": "y"})
    assert manager.count() == 0
