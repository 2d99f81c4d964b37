"""FIELD_FAULTS 103: a key is lost, and everybody goes on working: no form writes over a value that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client

from tests.sweeps import hostile
from tests.sweeps.test_canary_models import sealed_columns
from tests.sweeps.test_urls import undone
from tests.sweeps.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P17"), pytest.mark.slow]
Browser = Callable[..., Client]


def tokens() -> dict[tuple[str, str, str], str]:
    """What lies in each sealed column of each row, by table, key and column."""
    found: dict[tuple[str, str, str], str] = {}
    with connection.cursor() as cursor:
        for model, columns in sealed_columns():
            names = ", ".join(f'md5("{column.column}"::text)' for column in columns)
            cursor.execute(f'SELECT "{model._meta.pk.column}"::text, {names} FROM "{model._meta.db_table}"')
            for key, *marks in cursor.fetchall():
                found |= {
                    (model._meta.label, key, column.name): mark
                    for column, mark in zip(columns, marks, strict=True) if mark
                }
    return found


def blanks() -> set[tuple[str, str, str]]:
    """Columns in which nothing was said yet: the first words may be written there."""
    return {
        (model._meta.label, str(row.pk), column.name)
        for model, columns in sealed_columns() for row in model._default_manager.all() for column in columns
        if not getattr(row, column.name)
    }


def test_no_form_writes_over_what_cannot_be_read(world: World, as_: Browser, settings: Any) -> None:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 100_000
    with_key = {persona: as_(user) for persona, user in world.people.items()}
    forms = list(hostile.forms_shown(world, lambda persona: with_key[persona]))
    empty = blanks()
    before = {place: mark for place, mark in tokens().items() if place not in empty}
    assert len(before) > 100 and len(forms) > 120
    settings.FIELD_ENCRYPTION_KEY = Fernet.generate_key().decode()
    without = {persona: as_(user, raise_request_exception=False) for persona, user in world.people.items()}
    wrong = []
    for form in forms:
        with undone():
            client = Client(raise_request_exception=False)
            client.cookies = without[form.persona].cookies
            answer = client.generic("POST", form.address, hostile.body(form.fields), content_type=hostile.FORM)
            now = tokens()
        changed = {place[::2] for place, mark in before.items() if now.get(place, mark) != mark}
        if changed:
            wrong.append(f"{form.persona} at {form.route} ({answer.status_code}): {sorted(changed)}")
    assert wrong == [], "\n".join(wrong)
