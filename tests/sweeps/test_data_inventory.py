"""Every field of every model is classed, and is encrypted or stands on the list of exceptions (P05)."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models

from portal.subjects import FieldClass
from privacy.dossier import MODULES

pytestmark = pytest.mark.promise("P05")

OWN_APPS = {
    "accounts", "agreements", "audit", "billing", "consults", "evidence", "jobs", "outbox", "privacy", "records",
    "account", "mfa", "usersessions", "sessions",
}
# Tables of packages that hold nothing about a person, with the reason.
NOT_ABOUT_PEOPLE = {
    "admin.LogEntry": "not written: the portal has its own access log (portal/admin_site.py)",
    "auth.Group_permissions": "not used: portal/permissions.py is",
    "auth.Group": "not used: portal/permissions.py is", "auth.Permission": "not used: portal/permissions.py is",
    "auth.User": "swapped for accounts.User",
    "contenttypes.ContentType": "names of tables", "pghistory.MiddlewareEvents": "a view without rows of its own",
    "pghistory.Events": "a view over the event tables",
    "pghistory.Context": "ids and codes of why something was changed; removed with its events",
}


def _models() -> list[type[models.Model]]:
    models = apps.get_models(include_auto_created=True)
    return [model for model in models if not model.__module__.startswith("tests.")]


def _classed() -> dict[str, dict[str, FieldClass]]:
    table: dict[str, dict[str, FieldClass]] = {}
    for module in MODULES.values():
        table.update(module.FIELDS)
    return table


def _is_encrypted(field: models.Field) -> bool:
    return type(field).__module__.startswith("portal.crypto")


@pytest.mark.parametrize("model", _models(), ids=lambda model: model._meta.label)
def test_every_field_of_the_model_is_classed(model: type[models.Model]) -> None:
    label = model._meta.label
    if label in NOT_ABOUT_PEOPLE:
        return
    classed = _classed().get(label)
    assert classed is not None, f"{label} is in no app's personal_data.FIELDS"
    names = {field.name for field in model._meta.concrete_fields}
    assert names - set(classed) == set(), f"unclassed fields of {label}"
    assert set(classed) - names == set(), f"personal_data names fields that {label} does not have"


def test_no_table_is_listed_that_does_not_exist() -> None:
    labels = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert set(_classed()) - labels == set()


def test_identifiers_and_clinical_fields_are_encrypted_or_on_the_closed_list() -> None:
    exceptions: dict[str, str] = {}
    for module in MODULES.values():
        exceptions.update(module.CLEAR_TEXT)
    bare = []
    for model in _models():
        for name, kind in _classed().get(model._meta.label, {}).items():
            field = model._meta.get_field(name)
            path = f"{model._meta.label}.{name}"
            clear = not _is_encrypted(field) and kind in (FieldClass.IDENTIFIER, FieldClass.CLINICAL)
            if clear and not exceptions.get(path):
                bare.append(path)
    assert bare == []


def test_every_exception_names_a_field_that_exists_and_a_reason() -> None:
    for module in MODULES.values():
        for path, reason in module.CLEAR_TEXT.items():
            label, name = path.rsplit(".", 1)
            assert name in {field.name for field in apps.get_model(label)._meta.concrete_fields}, path
            assert len(reason) > 15, path


def test_every_app_with_a_table_about_people_is_in_the_dossier() -> None:
    own = {model._meta.app_label for model in _models()} - {label.split(".")[0] for label in NOT_ABOUT_PEOPLE}
    assert own <= OWN_APPS | set(MODULES), "an app whose tables nobody exports, archives or erases"
