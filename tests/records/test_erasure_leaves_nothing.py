"""P39 and P05 for the vault: what is held is classed, copied, and wholly removable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from pghistory.models import Context

from portal.accounts.models import User
from portal.crypto import sealed
from portal.crypto.base import SealedField
from portal.subjects import FieldClass, Subject
from records import personal_data
from records.encounters.services import answer_save, answers_clear_hidden
from records.models import Patient
from records.people.services import patient_update
from records.photos.models import Photo
from tests.records.building import Kept, filled

WORD = "ZQX-unique"


def own_models() -> list[type[models.Model]]:
    return [*apps.get_app_config("records").get_models(), Context]


def changed(user: User, kept: Kept) -> None:
    """Leave history in each tracked table that a patient can change."""
    patient_update(by=user.actor, patient_id=kept.id, given_name=f"Anna {WORD}", phone="(320) 555-0100")
    patient_update(by=user.actor, patient_id=kept.id, given_name="Ana")
    answer_save(
        by=user.actor, encounter_id=kept.encounter.pk, question_id="since", question_text="For how long?",
        value={"text": f"long {WORD}"}, position=2,
    )
    answers_clear_hidden(by=user.actor, encounter_id=kept.encounter.pk, shown=["where", "since"])


def rows_naming(ident: Any) -> dict[str, int]:
    """Rows of any table of the database that hold this id in any column."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" AS row WHERE row::text LIKE %s', [f"%{ident}%"])
            count = cursor.fetchone()[0]
            if count:
                found[table] = count
    return found


def test_every_field_of_the_vault_is_classed() -> None:
    for model in own_models():
        names = {field.name for field in model._meta.concrete_fields}
        assert set(personal_data.FIELDS[model._meta.label]) == names, model._meta.label


# The clinic's own random number of a person is an identifier, and is looked up in clear.
IN_CLEAR = {"records.Patient.public_id", "records.PatientEvent.public_id", "records.Merge.old_public_id"}


@pytest.mark.promise("P05")
def test_what_identifies_or_is_clinical_is_encrypted() -> None:
    for model in own_models():
        for name, kind in personal_data.FIELDS[model._meta.label].items():
            encrypted = isinstance(model._meta.get_field(name), SealedField)
            sensitive = kind in (FieldClass.IDENTIFIER, FieldClass.CLINICAL)
            assert encrypted == (sensitive and f"{model._meta.label}.{name}" not in IN_CLEAR), (model, name)
            assert encrypted == (f"{model._meta.label}.{name}" not in personal_data.CLEAR_TEXT)


@pytest.mark.promise("P39", "P05")
@pytest.mark.django_db(transaction=True)
def test_erasing_leaves_no_row_no_history_no_context_and_no_file(
    ana: User, ben: User, clinician: User, bens: Kept
) -> None:
    kept = filled(ana, clinician, word=WORD)
    changed(ana, kept)
    changed(ben, bens)
    photo = Photo.objects.get(pk=kept.photo.pk)
    names = [photo.image_name, photo.thumb_name]
    assert all(map(sealed.exists, names))
    bens_rows = rows_naming(bens.id)
    contexts = Context.objects.count()

    removed = personal_data.erase_for(Subject(kept.id, (ana.pk,)))

    assert removed["records.Patient"] == 1 and removed["records.AnswerEvent"] >= 2
    assert removed["pghistory.Context"] >= 3
    assert set(rows_naming(kept.id)) == {"audit_accessevent"}, "only the access log may still tell of somebody"
    assert not any(map(sealed.exists, names))
    assert rows_naming(bens.id) == bens_rows
    assert sealed.exists(Photo.objects.get(pk=bens.photo.pk).image_name)
    used = {
        context
        for name in personal_data.TRACKED
        for context in apps.get_model("records", f"{name}Event")._default_manager.values_list("pgh_context", flat=True)
    }
    assert set(Context.objects.values_list("pk", flat=True)) == used and len(used) < contexts


@pytest.mark.promise("P39")
def test_erasing_twice_is_the_same_as_once(anas: Kept) -> None:
    subject = Subject(anas.id)
    assert personal_data.erase_for(subject)
    assert personal_data.erase_for(subject) == {}


@pytest.mark.django_db(transaction=True)
def test_an_erasure_that_fails_keeps_rows_and_files_together(anas: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_contexts: Any) -> Any:
        raise RuntimeError("killed")

    monkeypatch.setattr(personal_data, "_orphans", fails)
    with pytest.raises(RuntimeError):
        personal_data.erase_for(Subject(anas.id))
    assert Patient.objects.filter(pk=anas.id).exists()
    assert sealed.exists(Photo.objects.get(pk=anas.photo.pk).image_name)


@pytest.mark.promise("P31", "P32")
def test_the_export_holds_everything_said_and_signed(ana: User, clinician: User) -> None:
    kept = filled(ana, clinician, word=WORD)
    record = json.loads(json.dumps(personal_data.export_for(Subject(kept.id))))
    assert json.dumps(record, ensure_ascii=False).count(WORD) == 9
    assert record["patient"]["birth_date"] == "1990-04-04"


@pytest.mark.promise("P38", "P40")
def test_the_archive_also_holds_former_values_with_their_basis(ana: User, clinician: User) -> None:
    kept = filled(ana, clinician)
    changed(ana, kept)
    held = json.loads(json.dumps(personal_data.archive_for(Subject(kept.id))))
    former = {(row["of"], row.get("given_name") or str(row.get("value"))) for row in held["former_values"]}
    assert ("records.PatientEvent", f"Anna {WORD}") in former
    assert any(of == "records.AnswerEvent" and "3" in value for of, value in former)
    assert {row["context"]["basis"] for row in held["former_values"]} <= {"patient_edit", "clinical_care"}
    assert {row["kind"] for row in held["grants"]} == {"self", "care_team"}
