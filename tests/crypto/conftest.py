"""Keys and counters for the tests of the encrypted fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pgtrigger
import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.db.models import Model
from pytest_django import Settings

from portal.crypto import values

OTHER_KEY = Fernet.generate_key().decode()


@pytest.fixture
def wrong_key(settings: Settings) -> Callable[[], None]:
    """Called in mid-test: from then on the configured key is another one."""

    def change() -> None:
        settings.FIELD_ENCRYPTION_KEY = [OTHER_KEY]

    return change


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pinned names of all values decrypted during the test, in order."""
    seen: list[str] = []
    unseal = values.unseal

    def counting(token: Any, *, context: str) -> bytes:
        seen.append(context)
        return unseal(token, context=context)

    monkeypatch.setattr(values, "unseal", counting)
    return seen


@pytest.fixture
def history(db: None) -> Iterator[None]:
    """The triggers of the test models: migrations install them elsewhere, this app has none."""
    uris = [
        f"{model._meta.label}:{trigger.name}"
        for model, trigger in pgtrigger.registered()
        if model._meta.app_label == "cryptotest"
    ]
    pgtrigger.install(*uris)
    yield
    pgtrigger.uninstall(*uris)


@pytest.fixture
def column() -> Callable[..., list[str | None]]:
    """``column(Model, "field")``: what stands in the database, ordered by primary key."""

    def read(model: type[Model], field: str) -> list[str | None]:
        options = model._meta
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT "{field}" FROM "{options.db_table}" ORDER BY "{options.pk.column}"')
            return [row[0] for row in cursor.fetchall()]

    return read


@pytest.fixture
def overwrite() -> Callable[..., None]:
    """``overwrite(row, "field", text)``: put text into one column, past Django."""

    def write(row: Model, field: str, text: str) -> None:
        options = row._meta
        with connection.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{options.db_table}" SET "{field}" = %s WHERE "{options.pk.column}" = %s', [text, row.pk]
            )

    return write
