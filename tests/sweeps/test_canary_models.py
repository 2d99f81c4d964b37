"""A word of its own in every encrypted field of every table, found from the models, and then: where is it?

``test_canary.py`` lives through a patient's way; here nothing has to be remembered: a field that is
added tomorrow is marked by itself, and a table without a row to mark fails. Then every page is opened
by everybody, every periodic task runs, copies are made, and the rest of the house is searched.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import re
from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from typing import Any
from uuid import uuid4

import pghistory
import pytest
from django.apps import apps
from django.conf import settings
from django.core import mail as mailbox
from django.core.management import call_command
from django.db import connection, models, transaction
from django.test import Client
from django.utils.module_loading import module_has_submodule

import portal.celery
from portal.crypto import fields, sealed
from portal.crypto.base import SealedField
from portal.jobs.runner import run_job
from portal.logs import JsonFormatter
from portal.outbox.delivery import drain
from privacy.models import RequestKind
from privacy.requests.services import request_open
from records.changes import Basis, basis
from records.documents.files import KEPT
from records.documents.models import DocumentPage
from records.messages.services import message_send
from records.models import Encounter
from records.people.search_models import Merge
from tests.sweeps.access_table import TABLE
from tests.sweeps.routes import all_routes
from tests.sweeps.test_canary import Traces, Watched, rows_in_clear, traces
from tests.sweeps.world import World, address_of

__all__ = ["traces"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P05", "P07", "P17")]

MARK = "zqxrow"
DAY = dt.date(1923, 7, 19)
NUMBER = 73_169_013
# Codes have a meaning to pages and stay; words of people have blanks, capitals or other signs.
CODE = re.compile(r"[a-z0-9_]*")
# What people and their browsers give never begins so; a word is found whatever follows.
FOUND = "[Zz]qxrow|1923-07-19|July 19, 1923|73169013|73,169,013"
# Tasks of the beat that reach out of the house, or run for hours; their own tests watch them.
NOT_RUN = {"billing.reconcile", "privacy.backup_nightly", "privacy.backup_daily", "privacy.drill"}


def sealed_columns() -> Iterator[tuple[type[models.Model], list[SealedField]]]:
    for model in apps.get_models(include_auto_created=True):
        found = [column for column in model._meta.local_concrete_fields if isinstance(column, SealedField)]
        if found and model._meta.app_label != "cryptotest" and model._meta.managed:
            yield model, found


def marked(column: SealedField, former: Any) -> Any:
    """A value of this type that cannot come from anywhere else; None where one cannot be made."""
    name = f"{MARK}{column.model.__name__.lower()}{column.name.replace('_', '')}"
    if isinstance(column, fields.EncryptedEmailField):
        return f"{name}@example.org"
    if isinstance(column, fields.EncryptedJSONField):
        return in_json(former, name)
    if isinstance(column, fields.EncryptedDateField):
        return DAY
    if isinstance(column, fields.EncryptedIntegerField) and column.name != "weeks":  # weeks 1 to 52 are no mark
        return NUMBER
    if isinstance(column, fields.EncryptedCharField | fields.EncryptedTextField):
        return None if column.choices else name
    return None


def in_json(value: Any, name: str) -> Any:
    """The same with each text of a person replaced; codes, numbers and the shape stay."""
    if isinstance(value, dict):
        return {key: in_json(inner, name) for key, inner in value.items()}
    if isinstance(value, list):
        return [in_json(inner, name) for inner in value]
    if isinstance(value, str) and not CODE.fullmatch(value):
        return f"{name} words"
    return value


def rows_of_the_rest(world: World) -> None:
    """Tables of which the pages need no row."""
    patient_id, ana, clinician = world.things["patient_id"], world.people["ana"], world.people["clinician"]
    assert ana and clinician
    encounter = Encounter.objects.filter(patient_id=patient_id, submitted_at__isnull=False).first()
    assert encounter is not None
    message_send(by=clinician.actor, encounter_id=encounter.pk, body="How is it today?", form_key=uuid4())
    picture = sealed.write(b"a page", folder=KEPT)
    DocumentPage.objects.create(
        document_id=world.things["document_id"], patient_id=patient_id, number=1, image_name=picture.name,
        image_key=picture.key,
    )
    Merge.objects.create(
        old_id=uuid4(), new_id=uuid4(), old_public_id="AAAA2222", merged_by=clinician.pk,
        reason="Signed up twice, it seems",
    )


def mark_everything() -> dict[str, int]:
    """Put marks into every row, behind the triggers. Returns how many values were marked, by table."""
    counts: dict[str, int] = {}
    for model, columns in sealed_columns():
        counts[model._meta.label] = 0
        for row in model._default_manager.all():
            for column in columns:
                former = getattr(row, column.attname)
                value = None if former is None and column.null else marked(column, former)
                if value is None:
                    continue
                token = column.seal_payload(column.dump_checked(value))
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SET LOCAL session_replication_role = replica")
                    cursor.execute(
                        f'UPDATE "{model._meta.db_table}" SET "{column.column}" = %s '
                        f'WHERE "{model._meta.pk.column}" = %s', [token, row.pk],
                    )
                counts[model._meta.label] += 1
    return counts


def history_of_marks(by: Any) -> None:
    """Seal a value of every tracked row once more: the row as it was, marks and all, becomes a former value."""
    for event in apps.get_models():
        if not issubclass(event, pghistory.models.Event) or event._meta.app_label == "cryptotest":
            continue
        rows = event.pgh_tracked_model._default_manager  # type: ignore[attr-defined]
        kept = {column.name for column in event._meta.concrete_fields}
        with transaction.atomic(), basis(Basis.ERROR_CORRECTION, by=by):
            for row in rows.all():
                sealed_ones = [c for c in row._meta.concrete_fields if isinstance(c, SealedField) and c.name in kept]
                column = next((c for c in sealed_ones if getattr(row, c.attname) is not None), None)
                if column is not None:
                    rows.filter(pk=row.pk).update(**{column.name: getattr(row, column.attname)})


def file_keys() -> list[str]:
    """The keys of sealed files as they could be written somewhere: hex and base64."""
    found = []
    for model, columns in sealed_columns():
        for column in columns:
            if isinstance(column, fields.EncryptedBinaryField):
                for row in model._default_manager.all():
                    if key := getattr(row, column.attname):
                        coded = (key.hex(), base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode())
                        found += [text[:24] for text in coded]
    return found


def everybody_looks(traces: Traces, world: World, as_: Any) -> int:
    """Every page by everybody who may open it. Returns how many answered with content."""
    opened = 0
    for persona, user in world.people.items():
        signed_in: Client = as_(user)
        for route in all_routes():
            access = TABLE.get(route.name)  # test_urls names a route that is missing there
            if access is None or access.deed or access.gets[persona] != "200":
                continue
            client = Watched(traces, raise_request_exception=False)
            client.cookies = signed_in.cookies.copy()
            response = client.get(address_of(route, world))
            content = b"".join(response.streaming_content) if response.streaming else response.content
            assert response.status_code < 500, (persona, route.name)
            opened += bool(content)
    return opened


def every_task() -> set[str]:
    """Every task of the beat once, as the worker runs it."""
    for config in apps.get_app_configs():  # by hand: Celery's own way sets logging anew
        if module_has_submodule(config.module, "tasks"):
            import_module(f"{config.name}.tasks")
    run = set()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        if entry["task"] not in NOT_RUN:
            portal.celery.app.tasks[entry["task"]]()
            run.add(entry["task"])
    return run


def test_no_mark_of_any_encrypted_field_leaves_its_column(
    traces: Traces, world: World, as_: Any, standin: Any
) -> None:
    ana = world.people["ana"]
    assert ana is not None
    rows_of_the_rest(world)
    counts = mark_everything()
    history_of_marks(ana.actor)
    unmarked = {
        label for label, count in counts.items()
        if not count and not apps.get_model(label)._default_manager.exists()
    }
    assert unmarked == set(), "make a row of these tables in rows_of_the_rest"
    assert sum(counts.values()) > 60
    keys = file_keys()
    assert keys
    traces.logs.clear(), traces.addresses.clear()
    _alive(traces)

    assert everybody_looks(traces, world, as_) > 150
    _alive(traces)
    page = as_(ana).get("/record/").content.decode()
    assert f"{MARK}patientgivenname" in page, "the marks were never shown, so this test would prove nothing"
    wish = request_open(
        by=ana.actor, kind=RequestKind.ACCESS, subject_id=world.things["patient_id"], account_id=ana.pk,
        form_key=uuid4(),
    )
    run_job(wish.job_id)
    _alive(traces)
    assert len(every_task()) > 10
    drain()
    _alive(traces)
    assert traces.holding(FOUND) == []
    assert traces.holding("|".join(map(re.escape, keys))) == []
    assert rows_in_clear(FOUND) == []
    assert rows_in_clear("|".join(map(re.escape, keys))) == []
    for message in mailbox.outbox:
        assert not re.search(FOUND, f"{message.subject}\n{message.body}\n{message.extra_headers}")


def _alive(traces: Traces) -> None:
    """The net over the log is up: something else may have set logging anew."""
    sign = uuid4().hex
    logging.getLogger("portal.canary").debug("the net is up: %s", sign)
    assert traces.logs and sign in traces.logs[-1]


def test_no_object_tells_its_marks_when_it_is_printed_logged_or_dumped(world: World) -> None:
    counts = mark_everything()
    assert sum(counts.values()) > 60
    for model, _columns in sealed_columns():
        for row in model._default_manager.all():
            line = JsonFormatter().format(_line(row))
            for said in (str(row), repr(row), line, json.dumps(str(model._default_manager.filter(pk=row.pk).values()))):
                assert not re.search(FOUND, said), f"{model._meta.label} tells: {said[:200]}"
    out = StringIO()
    call_command("dumpdata", exclude=["contenttypes", "auth", "cryptotest"], stdout=out)
    dumped = out.getvalue()
    assert "gAAAA" in dumped and not re.search(FOUND, dumped)


def _line(row: Any) -> Any:
    return logging.LogRecord("portal.x", logging.INFO, "", 0, "a row: %s %r", (row, row), None)


def test_every_type_of_encrypted_field_can_be_marked_or_is_no_text() -> None:
    """A new type of field would be skipped in silence otherwise."""
    known = (
        fields.EncryptedCharField, fields.EncryptedTextField, fields.EncryptedEmailField, fields.EncryptedDateField,
        fields.EncryptedIntegerField, fields.EncryptedBooleanField, fields.EncryptedJSONField,
        fields.EncryptedBinaryField,
    )
    assert [str(c) for _model, columns in sealed_columns() for c in columns if not isinstance(c, known)] == []
