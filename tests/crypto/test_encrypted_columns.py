"""Encrypted columns in their models: history, child tables, pinned names, and what the start check refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models

from portal.crypto.checks import contexts_are_pinned_once
from portal.crypto.fields import EncryptedCharField
from tests.crypto.testapp.models import Child, Everything, Parent, Tracked

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P17")]
Column = Callable[..., list[Any]]


def test_a_child_table_reads_and_saves_both_rows() -> None:
    child = Child.objects.create(name="Ana", nickname="Anni")
    found = Child.objects.get()
    assert (found.name, found.nickname) == ("Ana", "Anni")
    found.nickname = "Nan"
    found.save()
    found.refresh_from_db()
    assert (found.name, found.nickname) == ("Ana", "Nan")
    assert Parent.objects.get(pk=child.pk).child.nickname == "Nan"


def test_history_keeps_the_former_value_and_shows_no_change_that_was_none(history: None, column: Column) -> None:
    event = Tracked.pgh_event_model
    row = Tracked.objects.create(name="Ana")
    row = Tracked.objects.get()
    assert event.objects.count() == 1
    row.save()
    _ = row.name
    row.name = "Ana"
    row.save()
    assert event.objects.count() == 1, "saving what is there already is no change"
    row.name = "Bea"
    row.save()
    assert [found.name for found in event.objects.order_by("pgh_id")] == ["Ana", "Bea"]
    assert all(token.startswith("gAAAA") for token in column(event, "name"))
    assert event._meta.get_field("name").context == Tracked._meta.get_field("name").context


def test_the_context_is_required_pinned_and_part_of_the_migration() -> None:
    with pytest.raises(TypeError):
        EncryptedCharField(max_length=5)
    for bad in ("", "x" * 256, "naïve"):
        with pytest.raises(ValueError):
            EncryptedCharField(max_length=5, context=bad)
    _, path, _, kwargs = EncryptedCharField(max_length=5, context="a.b.c").deconstruct()
    assert path == "portal.crypto.fields.EncryptedCharField" and kwargs == {"context": "a.b.c"}
    assert EncryptedCharField(max_length=5, context="a.b.c").clone().context == "a.b.c"


def test_the_start_check_finds_a_context_used_twice_a_stock_field_and_a_useless_index() -> None:
    found = {(error.id, str(getattr(error.obj, "name", ""))) for error in contexts_are_pinned_once(None)}
    assert found == {("crypto.E004", "name"), ("crypto.E004", "other"), ("crypto.E004", "count")}
    field = Everything._meta.get_field("notes")
    field.context, kept = "cryptotest.everything.name", field.context
    Everything._meta.indexes.append(models.Index(fields=["name"], name="useless"))
    try:
        ids = {error.id for error in contexts_are_pinned_once(None)}
    finally:
        field.context = kept
        Everything._meta.indexes.pop()
    assert {"crypto.E003", "crypto.E005"} <= ids
    Everything._meta.ordering, ordering = ["-name"], Everything._meta.ordering
    try:
        ids = {error.id for error in contexts_are_pinned_once(None)}
    finally:
        Everything._meta.ordering = ordering
    assert "crypto.E005" in ids
