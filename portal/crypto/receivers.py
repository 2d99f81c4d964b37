"""Fixtures hold tokens: ``dumpdata`` wrote them, ``loaddata`` must not seal them a second time."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from portal.crypto.base import SealedField
from portal.crypto.tokens import TOKEN_START
from portal.crypto.values import LazyValue


def adopt_fixture_tokens(sender: type[Model], instance: Model, raw: bool = False, **kwargs: Any) -> None:
    """Before a raw save, turn token texts into the stored values they are.

    Only a fixture saves raw, and an operator loads it: text that looks like a token and comes from
    a form stays text. A token that no key opens raises ``DecryptionError`` and stops the loading.
    """
    if not raw:
        return
    for column in sender._meta.concrete_fields:
        if not isinstance(column, SealedField):
            continue
        value = instance.__dict__.get(column.attname)
        text = value.plain if isinstance(value, LazyValue) and value.assigned else None
        if isinstance(text, str) and text.startswith(TOKEN_START):
            instance.__dict__[column.attname] = LazyValue(column, text)
