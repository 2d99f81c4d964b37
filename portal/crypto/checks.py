"""System checks over all models: each pinned name stands for one column and its history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error
from django.db.models import Model
from encrypted_model_fields.fields import EncryptedMixin

from portal.crypto.base import SealedField


def _tracked(model: type[Model]) -> type[Model]:
    """The model a pghistory event model belongs to, or ``model`` itself."""
    return getattr(model, "pgh_tracked_model", None) or model


def contexts_are_pinned_once(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Two columns with one context would open each other's tokens; a stock field has all the faults."""
    found: list[CheckMessage] = []
    owners: dict[str, tuple[str, str]] = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy:
            continue
        for column in model._meta.local_concrete_fields:
            if isinstance(column, SealedField):
                owner = (_tracked(model)._meta.label, column.name)
                if owners.setdefault(column.context, owner) != owner:
                    message = f"the context {column.context} already belongs to {'.'.join(owners[column.context])}"
                    found.append(Error(message, obj=column, id="crypto.E003"))
            elif isinstance(column, EncryptedMixin):
                found.append(Error("use the field of portal.crypto.fields instead", obj=column, id="crypto.E004"))
        found.extend(_useless_indexes(model))
    return found


def _useless_indexes(model: type[Model]) -> list[CheckMessage]:
    sealed = {column.name for column in model._meta.local_concrete_fields if isinstance(column, SealedField)}
    named: list[tuple[str, Sequence[str]]] = [
        ("ordering", [part for part in model._meta.ordering or () if isinstance(part, str)]),
        *((index.name, index.fields) for index in model._meta.indexes),
        *((rule.name, getattr(rule, "fields", ())) for rule in model._meta.constraints),
        *(("unique_together", names) for names in model._meta.unique_together),
    ]
    return [
        Error(f"{name} rests on an encrypted field and means nothing", obj=model, id="crypto.E005")
        for name, names in named
        if sealed.intersection(part.lstrip("-") for part in names)
    ]
