"""Keys are changed on a filled installation without loss, without downtime, without a history entry."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, models, transaction

from portal.crypto import rotation
from portal.crypto.fields import DecryptionError
from portal.crypto.keys import key_list
from portal.crypto.rotation import Column, Place, places, rotate
from portal.crypto.tokens import seal_text, unseal_text
from tests.crypto.testapp.models import Child, Everything, Sealed, Tracked

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P17")]
NEW_KEY = Fernet.generate_key().decode()
Columns = Callable[..., list[Any]]


@pytest.fixture
def filled(history: None) -> None:
    """Rows of every kind of table: UUID and integer keys, history, append-only, a child table, NULLs."""
    Everything.objects.bulk_create(
        [Everything(name=f"n{i}", notes=None if i % 3 else "note", answers=[i], key=bytes([i])) for i in range(25)]
    )
    for i in range(7):
        row = Tracked.objects.create(name=f"t{i}")
        row.name = f"u{i}"
        row.save()
        Sealed.objects.create(note=f"s{i}")
    Child.objects.create(name="Ana", nickname="Anni")


@pytest.fixture
def new_key(settings: Any) -> Callable[..., None]:
    """Called: a new key stands in front. ``only=True``: the old ones are gone."""
    old = list(settings.FIELD_ENCRYPTION_KEY)

    def change(only: bool = False) -> None:
        settings.FIELD_ENCRYPTION_KEY = [NEW_KEY] if only else [NEW_KEY, *old]

    return change


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("rotate_keys", *args, stdout=out, stderr=out)
    return out.getvalue()


def contents() -> dict[str, list[Any]]:
    """Everything readable, in plain."""
    return {
        model._meta.label: sorted(
            [repr(getattr(row, field.attname)) for field in model._meta.concrete_fields]
            for row in model._base_manager.all()
        )
        for model in (Everything, Tracked, Tracked.pgh_event_model, Sealed, Child)
    }


def test_all_columns_history_and_append_only_tables_open_under_the_new_key_alone(
    filled: None, new_key: Callable[..., None]
) -> None:
    before = contents()
    new_key()
    out = run("--batch", "4")
    new_key(only=True)
    assert contents() == before
    assert "0 unreadable" in out.splitlines()[-1]
    # 25 names, answers, keys; 9 notes; 7 tracked, their 14 events; 7 sealed; the parent's and the child's.
    assert out.splitlines()[-1].startswith("total: 114 moved, 0 under the newest key")
    assert not re.search(r"\b(n1|Ana)\b", out)


def test_every_table_with_encrypted_columns_is_found_by_itself() -> None:
    found = {place.label: {column.name for column in place.columns} for place in places()}
    assert found["cryptotest.TrackedEvent"] == {"name"}
    assert found["cryptotest.Child"] == {"nickname"}
    assert found["cryptotest.Everything"] == {
        "name",
        "notes",
        "email",
        "birth_date",
        "count",
        "smoker",
        "answers",
        "key",
    }


def test_rotation_writes_no_history_and_the_guards_hold_afterwards(filled: None, new_key: Any) -> None:
    events = Tracked.pgh_event_model.objects.count()
    new_key()
    run()
    assert Tracked.pgh_event_model.objects.count() == events
    with pytest.raises(ProgrammingError), transaction.atomic():
        Sealed.objects.update(note="changed")
    row = Tracked.objects.first()
    row.name = "changed"
    row.save()
    assert Tracked.pgh_event_model.objects.count() == events + 1


def test_a_dry_run_counts_and_changes_nothing(filled: None, new_key: Any, column: Columns) -> None:
    assert "total: 0 to move, 114 under the newest key" in run("--dry-run")
    before = column(Everything, "name"), column(Sealed, "note")
    new_key()
    assert "total: 114 to move, 0 under the newest key" in run("--dry-run")
    assert (column(Everything, "name"), column(Sealed, "note")) == before
    run()
    assert "total: 0 to move, 114 under the newest key" in run("--dry-run")


def test_an_interrupted_run_keeps_its_batches_and_the_next_ends_the_work(
    filled: None, new_key: Any, column: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents()
    new_key()
    batches: list[int] = []
    put = rotation._put

    def dies_in_the_third_batch(place: Place, using: str, fresh: list[Any]) -> None:
        batches.append(len(fresh))
        put(place, using, fresh)
        if len(batches) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "_put", dies_in_the_third_batch)
        with pytest.raises(KeyboardInterrupt):
            run("--model", "cryptotest.Everything", "--batch", "5")
    newest = Fernet(NEW_KEY)
    assert batches == [5, 5, 5]
    assert sum(_opens(newest, token) for token in column(Everything, "name")) == 10, "two of three batches stand"
    out = run("--model", "cryptotest.Everything", "--batch", "5")
    moved, current = (int(part.split()[0]) for part in out.splitlines()[-1].removeprefix("total: ").split(", ")[:2])
    assert moved + current == 84 and current >= 30, "what was moved before is skipped"
    assert all(_opens(newest, token) for token in column(Everything, "name"))
    run()
    new_key(only=True)
    assert contents() == before


def _opens(key: Fernet, token: str) -> bool:
    try:
        key.decrypt(token)
    except Exception:
        return False
    return True


def test_a_run_can_start_after_a_given_row(filled: None, new_key: Any, column: Columns) -> None:
    new_key()
    keys = sorted(Everything.objects.values_list("pk", flat=True))
    run("--model", "cryptotest.Everything", "--after", str(keys[19]))
    newest = Fernet(NEW_KEY)
    assert [_opens(newest, token) for token in column(Everything, "name")] == [False] * 20 + [True] * 5


def test_unreadable_values_are_named_by_row_and_left_alone(
    filled: None, new_key: Any, column: Columns, overwrite: Any
) -> None:
    first, second, third = Everything.objects.order_by("pk")[:3]
    swapped = Everything.objects.values_list("name", flat=True).get(pk=second.pk).token
    overwrite(first, "name", "damaged secret")
    overwrite(second, "answers", swapped)
    before = column(Everything, "name")[0], column(Everything, "answers")[1]
    new_key()
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 values cannot be read"):
        call_command("rotate_keys", stdout=out, stderr=out)
    said = out.getvalue()
    assert f"cryptotest.Everything {first.pk} name: cannot be read (key)" in said
    assert f"cryptotest.Everything {second.pk} answers: cannot be read (context)" in said
    assert "damaged" not in said and "gAAAA" not in said and str(third.pk) not in said
    assert (column(Everything, "name")[0], column(Everything, "answers")[1]) == before
    new_key(only=True)
    first = Everything.objects.get(pk=first.pk)
    assert first.answers is not None, "the other columns of the row were moved"
    with pytest.raises(DecryptionError):
        _ = first.name


def test_values_written_while_a_run_goes_on_are_not_lost(filled: None, new_key: Any, monkeypatch: Any) -> None:
    new_key()
    place = next(place for place in places() if place.model is Everything)
    keys = sorted(Everything.objects.values_list("pk", flat=True))
    stale = Everything.objects.get(pk=keys[0])

    def somebody_saves(outcome: Any) -> None:
        stale.plain = "saved"
        stale.save()  # loaded before its turn: writes its old tokens back
        Everything.objects.filter(pk=keys[-1]).update(name="written during the run")

    rotate(place, batch=5, dry_run=False, progress=somebody_saves)
    assert rotate(place, batch=100, dry_run=True).turned > 0, "the dry run finds what came back"
    rotate(place, batch=100, dry_run=False)
    new_key(only=True)
    assert Everything.objects.get(pk=keys[0]).name.startswith("n")
    assert Everything.objects.get(pk=keys[-1]).name == "written during the run"


def test_the_wrong_key_stops_a_rotation_without_a_change(filled: None, settings: Any, column: Columns) -> None:
    before = column(Everything, "name")
    settings.FIELD_ENCRYPTION_KEY = [NEW_KEY]
    with pytest.raises(CommandError, match="114 values cannot be read"):
        run()
    assert column(Everything, "name") == before


class Elsewhere(models.Model):
    """Stands for a table of another package whose JSON holds our tokens."""

    data = models.JSONField()

    class Meta:
        app_label = "cryptotest"
        managed = False

    def __str__(self) -> str:
        return str(self.pk)


def test_tokens_inside_another_packages_json_are_moved_too(new_key: Any, monkeypatch: Any) -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Elsewhere)
        editor.execute('CREATE TABLE IF NOT EXISTS "cryptotest_elsewhere" (id serial PRIMARY KEY, data jsonb)')
    token = seal_text("TOTP secret", context="mfa.Authenticator.data")
    row = Elsewhere.objects.create(data={"secret": token, "list": [token, 1], "plain": "x"})
    other = Elsewhere.objects.create(data={"secret": "gAAAAdamaged"})
    new_key()
    place = Place(Elsewhere, (Column("data", "data", None),))
    outcome = rotate(place, batch=10, dry_run=False)
    assert (outcome.turned, outcome.unreadable) == (1, [(str(other.pk), "data", "key")])
    assert rotate(place, batch=10, dry_run=False).current == 1
    new_key(only=True)
    row.refresh_from_db()
    assert row.data["plain"] == "x" and row.data["list"][1] == 1
    for kept in (row.data["secret"], row.data["list"][0]):
        assert unseal_text(kept, context="mfa.Authenticator.data") == "TOTP secret"
    other.refresh_from_db()
    assert other.data == {"secret": "gAAAAdamaged"}
    monkeypatch.setattr(Elsewhere._meta, "managed", True)
    monkeypatch.setattr(rotation, "_foreign_columns", set())
    rotation.also_rotate("cryptotest.Elsewhere", "data")
    assert "cryptotest.Elsewhere" in {place.label for place in places()}


@pytest.mark.parametrize("args", [("--batch", "0"), ("--model", "cryptotest.Nothing"), ("--after", str(uuid4()))])
def test_nonsense_on_the_command_line_is_refused(args: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*args)


@pytest.mark.parametrize("bad", [None, "", [], [""], ["too short"], [Fernet.generate_key().decode(), "x" * 44]])
def test_a_missing_or_broken_key_is_refused_and_not_quoted(settings: Any, bad: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    settings.FIELD_ENCRYPTION_KEY = bad
    with pytest.raises(ImproperlyConfigured) as caught:
        seal_text("x", context="a.b.c")
    assert "short" not in str(caught.value) and "xxx" not in str(caught.value)


def test_one_key_as_plain_text_works_like_a_list_of_one(settings: Any) -> None:
    settings.FIELD_ENCRYPTION_KEY = NEW_KEY
    assert key_list() == (NEW_KEY,)
    assert unseal_text(seal_text("é", context="a.b.c"), context="a.b.c") == "é"


def test_the_secrets_of_second_factors_are_moved_too(new_key: Any, ana: Any) -> None:
    from allauth.mfa.adapter import get_adapter
    from allauth.mfa.models import Authenticator

    made = Authenticator.objects.create(
        user=ana, type=Authenticator.Type.TOTP, data={"secret": get_adapter().encrypt("JBSWY3DP")}
    )
    new_key()
    run()
    new_key(only=True)
    made.refresh_from_db()
    assert get_adapter().decrypt(made.data["secret"]) == "JBSWY3DP"
