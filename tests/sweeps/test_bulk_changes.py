"""FIELD_FAULTS 81: ``queryset.update()`` and bulk deletes call no ``save()``, so the database itself must see them.

For every table with health information: a bulk change without a basis is refused, one with a basis
leaves each row's former values, and the admin has no bulk actions at all.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pghistory
import pgtrigger
import pytest
from django.apps import apps
from django.contrib import admin
from django.db import IntegrityError, connection, models, transaction

from portal.crypto.base import SealedField
from portal.subjects import FieldClass
from privacy.dossier import MODULES
from records.changes import Basis, basis
from tests.records import building

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P38")]

TRACKED: dict[type[models.Model], list[type[models.Model]]] = {}
for _model in apps.get_models():
    if issubclass(_model, pghistory.models.Event) and _model._meta.app_label != "cryptotest":
        TRACKED.setdefault(_model.pgh_tracked_model, []).append(_model)  # type: ignore[attr-defined]

# Tables with health information or identifiers that keep no former values, each for a reason.
NOT_TRACKED = {
    "privacy.RightsRequest": "a request and its answer, each written once by its state machine",
    "privacy.LookReport": "a report and its answer, each written once by its state machine",
    "privacy.LegalProcess": "paper and decision are written once each by their service",
    "privacy.Assignment": "a new owner and their promise, written once each",
    "privacy.Vendor": "whom to call at a company: no patient is told of by it",
    "records.ReleaseConsent": "signed once: a trigger refuses other words; taking it back is added",
    "records.Suspension": "stated once: a trigger refuses other words; its early end is added",
    "accounts.Suspension": "note and lifting are written once each",
    "privacy.Denial": "the refusal, the wish for a review and its finding are written once each",
    "records.ContactChoice": "each choice is a row of its own; the one before it only ends",
    "records.Freeze": "the note of its end is written once",
    "records.Restriction": "asked once; only its start and its end are added",
    "records.Telling": "named once; only the yes to it and its day are added",
    "privacy.LegalHold": "reason and release are written once each",
    "privacy.Letter": "its words are written once: a trigger refuses others; notes are added with their day",
    "privacy.FeeQuote": "a wish is written once, with the no to a price",
    "records.Emergency": "words and finding are written once each; the access log tells both",
    "records.Encounter": "the concern is chosen when the episode opens and has no way to change",
    "records.Photo": "keys of sealed files: a photo is added or removed, never changed; both are logged",
    "records.DocumentPage": "keys of sealed files, written by the worker",
    "records.Message": "sent once: a trigger refuses another text",
    "outbox.OutgoingMail": "emptied when it has gone out",
    "accounts.User": "the account's own page; changes are logged and mailed (P25)",
    "account.EmailAddress": "changes are logged and mailed to the old address (P25)",
    "usersessions.UserSession": "ends with the session",
}


def with_personal_data() -> set[str]:
    told = (FieldClass.IDENTIFIER, FieldClass.CLINICAL)
    return {
        label for module in MODULES.values() for label, fields in module.FIELDS.items()
        if any(kind in told for kind in fields.values())
    }


def test_every_table_with_health_information_is_tracked_append_only_or_says_why_not() -> None:
    closed = {model._meta.label for model, trigger in pgtrigger.registered() if trigger.name == "append_only"}
    tracked = {model._meta.label for model in TRACKED}
    open_tables = {label for label in with_personal_data() if label not in closed | tracked}
    assert open_tables == set(NOT_TRACKED)


def test_the_triggers_stand_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
        )
        there = set(cursor.fetchall())
    for model, trigger in pgtrigger.registered():
        if model._meta.app_label == "cryptotest":
            continue
        assert (model._meta.db_table, trigger.get_pgid(model)) in there, f"{model._meta.label}:{trigger.name}"


@pytest.fixture
def full(ana: Any, clinician: Any) -> building.Kept:
    """A row in every tracked table."""
    kept = building.filled(ana, clinician)
    building.allergy(ana, kept.patient)
    apps.get_model("records", "Document").objects.create(
        patient=kept.patient, kind="lab_result", title="Bloods", state="refused", refusal_code="broken",
        uploaded_by=ana.pk,
    )
    return kept


def another_value(column: models.Field[Any, Any]) -> Any:
    kinds: list[tuple[type, Any]] = [
        (models.DateField, dt.date(1955, 5, 5)), (models.IntegerField, 7), (models.BooleanField, False),
        (models.JSONField, {"text": "another"}), (models.BinaryField, b"another"),
    ]
    return next((value for kind, value in kinds if isinstance(column, kind)), "another")


def changed_column(model: type[models.Model], event: type[models.Model]) -> models.Field[Any, Any]:
    """The first sealed column that the history keeps."""
    kept = {field.name for field in event._meta.concrete_fields}
    return next(f for f in model._meta.concrete_fields if isinstance(f, SealedField) and f.name in kept)


@pytest.mark.parametrize("model", sorted(TRACKED, key=lambda model: model._meta.label), ids=lambda m: m._meta.label)
def test_a_bulk_update_is_refused_without_a_basis_and_kept_with_one(
    model: type[models.Model], full: building.Kept, ana: Any
) -> None:
    (event,) = TRACKED[model]
    column = changed_column(model, event)
    rows, former = model._default_manager.all(), event._default_manager
    assert rows.exists(), "the fixture lacks a row of this table"
    change = {column.name: another_value(column)}
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(**change)
    before = former.count()
    with basis(Basis.ERROR_CORRECTION, by=ana.actor):
        changed = rows.update(**change)
    assert former.count() - before == changed > 0
    for row in former.order_by("-pgh_id")[:changed]:
        assert row.pgh_context.metadata["basis"] == "error_correction"  # type: ignore[attr-defined]
        assert getattr(row, column.name) != another_value(column), "the former value, not the new one"


@pytest.mark.parametrize("model", sorted(TRACKED, key=lambda model: model._meta.label), ids=lambda m: m._meta.label)
def test_a_bulk_delete_is_refused_without_a_basis_and_kept_with_one(
    model: type[models.Model], full: building.Kept, ana: Any
) -> None:
    """A patient goes with everything below, which is an erasure; what stood below is kept until that removes it."""
    (event,) = TRACKED[model]
    rows, former = model._default_manager.all(), event._default_manager
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.delete()
    before, count = former.count(), rows.count()
    below = {table: table._default_manager.count() for table in TRACKED if table is not model}
    with basis(Basis.ERROR_CORRECTION, by=ana.actor):
        rows.delete()
    if model._meta.label == "records.Patient":
        lost = [table for table, rows_below in below.items() if TRACKED[table][0]._default_manager.count() < rows_below]
        assert lost == []
    else:
        assert former.count() - before == count > 0


def test_the_admin_has_no_bulk_actions() -> None:
    assert [cls for cls in admin.site._registry.values() if cls.actions is not None] == []
