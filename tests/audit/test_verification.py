"""Whoever owns the database changes the log: what is found, and which row is named (P21, RULES 2.6).

Each deed here is real SQL with triggers and constraints off, as a database owner could do it.
"""

from __future__ import annotations

import time
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.audit import tasks
from portal.audit.chain import digests_make, name_of
from portal.audit.models import AccessEvent, AuditDigest
from portal.audit.verification import Fault, Found, audit_verify
from portal.evidence.models import Evidence
from portal.evidence.selectors import holds
from tests.audit.conftest import intruder, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P21"), pytest.mark.usefixtures("box")]


def insert(cursor: Any, row: dict[str, Any]) -> None:
    columns = ", ".join(row)
    cursor.execute(
        f"INSERT INTO audit_accessevent ({columns}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
    )


def row_of(number: int) -> dict[str, Any]:
    return AccessEvent.objects.filter(number=number).values().get()


@pytest.fixture
def log(looks: Any) -> list[int]:
    """Two digests over three rows each, and two rows that wait."""
    made = looks(3)
    digests_make()
    made += looks(3)
    digests_make()
    return [*made, *looks(2)]


def faults() -> list[tuple[Fault, int | None, int | None]]:
    return [(found.fault, found.row, found.digest) for found in audit_verify().faults]


def test_an_untouched_log_is_whole_and_that_is_evidence(log: list[int]) -> None:
    out = StringIO()
    call_command("audit_verify", stdout=out)
    assert "the log is whole: 8 rows and 2 digests checked" in out.getvalue()
    assert "2 rows wait" in out.getvalue()
    proof = Evidence.objects.get(kind="audit.verify")
    assert proof.passed and (proof.facts["rows"], proof.facts["digests"], proof.facts["waiting"]) == (8, 2, 2)


@pytest.mark.parametrize("place", [0, 4, 7])
@pytest.mark.parametrize("column", ["actor_id", "subject_id", "object_id", "event_id", "at", "basis", "mac", "purpose"])
def test_one_flipped_bit_is_found_wherever_it_is(log: list[int], place: int, column: str) -> None:
    changes = {
        "at": "at + interval '1 microsecond'", "basis": "'grant:abb'", "purpose": "'support'",
        "mac": "translate(left(mac, 1), '0123456789abcdef', '1032547698badcfe') || substr(mac, 2)",
    }
    turned = "'0123456789abcdef', '1032547698badcfe'"
    flipped = f"(translate(left({column}::text, 1), {turned}) || substr({column}::text, 2))::uuid"
    with intruder() as cursor:
        cursor.execute(
            f"UPDATE audit_accessevent SET {column} = {changes.get(column, flipped)} WHERE number = %s", [log[place]]
        )
    with pytest.raises(CommandError, match=rf"^first: row {log[place]} ") as stopped:
        call_command("audit_verify")
    assert stopped.value.returncode == 1 and not holds("audit.verify")


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_row_taken_out_is_named_by_its_number(log: list[int], place: int) -> None:
    with intruder() as cursor:
        cursor.execute("DELETE FROM audit_accessevent WHERE number = %s", [log[place]])
    assert faults() == [(Fault.MISSING, log[place], place // 3 + 1)]


def test_a_row_taken_out_before_its_digest_is_the_limit_of_it(log: list[int]) -> None:
    """Numbers have gaps by themselves, so this one shows nowhere: docs/decisions/0156 says so."""
    with intruder() as cursor:
        cursor.execute("DELETE FROM audit_accessevent WHERE number = %s", [log[-1]])
    assert faults() == []


def test_a_row_put_in_is_named_even_with_an_old_rows_code(log: list[int]) -> None:
    with intruder() as cursor:
        insert(cursor, {**row_of(log[1]), "number": log[-1] + 50, "event_id": uuid4()})
    assert faults() == [(Fault.ADDED, log[-1] + 50, 1)]


def test_a_row_put_in_among_the_newest_is_named(log: list[int]) -> None:
    copied = row_of(log[1])
    copied.pop("transaction_id")
    with intruder() as cursor:
        insert(cursor, {**copied, "number": log[-1] + 50, "event_id": uuid4()})
    assert faults() == [(Fault.CODE, log[-1] + 50, None)]


def test_a_genuine_row_copied_to_the_newest_is_named(log: list[int]) -> None:
    """Its code is genuine; only the unique id stands in the way, which an owner can take away."""
    copied = row_of(log[1])
    copied.pop("transaction_id")
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = 'audit_accessevent'::regclass"
                       " AND contype = 'u'")
        (unique,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE audit_accessevent DROP CONSTRAINT {unique}")
    try:
        with intruder() as cursor:
            insert(cursor, {**copied, "number": log[-1] + 50})
        assert faults() == [(Fault.REPEATED, log[-1] + 50, None)]
    finally:
        with intruder() as cursor:
            cursor.execute("DELETE FROM audit_accessevent WHERE number = %s", [log[-1] + 50])
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE audit_accessevent ADD CONSTRAINT {unique} UNIQUE (event_id)")


def test_a_renumbered_row_is_named(log: list[int]) -> None:
    with intruder() as cursor:
        cursor.execute("UPDATE audit_accessevent SET number = %s WHERE number = %s", [log[-1] + 9, log[1]])
    assert faults() == [(Fault.RENUMBERED, log[-1] + 9, 1)]


def test_two_rows_that_changed_places_are_named(log: list[int]) -> None:
    with intruder() as cursor:
        cursor.execute(
            "UPDATE audit_accessevent SET number = -number WHERE number = ANY(%s)", [[log[0], log[1]]]
        )
        cursor.execute(
            "UPDATE audit_accessevent SET number = %s + number WHERE number < 0", [log[0] + log[1]]
        )
    assert {row for _fault, row, _digest in faults()} == {log[0], log[1]}


def test_a_row_moved_to_another_transaction_is_missed_where_it_was(log: list[int]) -> None:
    with intruder() as cursor:
        cursor.execute(
            "UPDATE audit_accessevent SET transaction_id = (SELECT max(transaction_id) FROM audit_accessevent)"
            " WHERE number = %s", [log[0]],
        )
    assert (Fault.MISSING, log[0], 1) in faults()


@pytest.mark.parametrize("change", ["number = -5", "transaction_id = -5"])
def test_a_row_pushed_out_of_every_digest_is_found(log: list[int], change: str) -> None:
    with intruder() as cursor:
        cursor.execute(f"UPDATE audit_accessevent SET {change} WHERE number = %s", [log[7]])
    assert [fault for fault, _row, _digest in faults()] == [Fault.UNCOVERED]


def test_the_first_broken_row_is_the_one_with_the_lowest_number(log: list[int]) -> None:
    with intruder() as cursor:
        cursor.execute("DELETE FROM audit_accessevent WHERE number = %s", [log[4]])
        cursor.execute("UPDATE audit_accessevent SET basis = '' WHERE number = ANY(%s)", [[log[7], log[2]]])
    report = audit_verify()
    assert report.first == Found(Fault.CODE, log[2], 1) and len(report.faults) == 3


@pytest.mark.parametrize("number", [1, 2])
def test_a_digest_whose_row_is_taken_out_is_found(log: list[int], number: int) -> None:
    with intruder() as cursor:
        cursor.execute("DELETE FROM audit_auditdigest WHERE number = %s", [number])
    assert faults() == [(Fault.DIGEST_GONE, None, number)]
    with pytest.raises(CommandError, match=f"first: digest {number} is in the lockbox, and its row is gone"):
        call_command("audit_verify")


def test_the_whole_tail_cut_off_with_its_digest_is_found_row_by_row(log: list[int]) -> None:
    with intruder() as cursor:
        cursor.execute("DELETE FROM audit_auditdigest WHERE number = 2")
        cursor.execute("DELETE FROM audit_accessevent WHERE number >= %s", [log[3]])
    assert faults() == [(Fault.DIGEST_GONE, None, 2), *((Fault.MISSING, row, 2) for row in log[3:6])]
    look()
    digests_make()  # takes the digest over from the lockbox, and with it the list of what is gone
    assert faults() == [(Fault.MISSING, row, 2) for row in log[3:6]]


def test_everything_cut_off_is_found(log: list[int]) -> None:
    with intruder() as cursor:
        cursor.execute("TRUNCATE audit_auditdigest, audit_accessevent")
    found = faults()
    assert [row for fault, row, _ in found if fault is Fault.MISSING] == log[:6]


def test_a_digest_made_anew_over_a_changed_log_is_not_believed(log: list[int]) -> None:
    with intruder() as cursor:
        cursor.execute("UPDATE audit_auditdigest SET count = 2, rows_sha256 = %s WHERE number = 1", ["a" * 64])
    assert faults() == [(Fault.DIGEST_CHANGED, None, 1)]


def test_a_copy_that_is_gone_or_changed_is_found(log: list[int], box: Path) -> None:
    copy = box / f"{name_of(1)}@kept" / "data"
    good = copy.read_bytes()
    copy.chmod(0o644)
    copy.write_bytes(good.replace(b'"count":3', b'"count":2'))
    assert faults() == [(Fault.COPY_GONE, None, 1)]
    copy.write_bytes(good[:-2] + b"0\n" if good[-2:-1] != b"0" else good[:-2] + b"1\n")
    assert faults() == [(Fault.COPY_GONE, None, 1)]
    with intruder() as cursor:  # then the hash in the row still tells that something is missing
        cursor.execute("DELETE FROM audit_accessevent WHERE number = %s", [log[0]])
    assert faults() == [(Fault.COPY_GONE, None, 1), (Fault.ROWS, None, 1)]


def test_a_digest_written_under_another_key_is_not_believed(log: list[int], settings: Any) -> None:
    settings.AUDIT_HMAC_KEY = ["another key"]
    found = faults()
    assert (Fault.COPY_GONE, None, 1) in found and (Fault.CODE, log[7], None) in found


def test_keys_are_changed_while_the_log_goes_on(log: list[int], settings: Any) -> None:
    old = settings.AUDIT_HMAC_KEY
    settings.AUDIT_HMAC_KEY = ["a new key of the clinic", *old]
    look()
    digests_make()
    assert faults() == [] and AuditDigest.objects.count() == 3
    settings.AUDIT_HMAC_KEY = ["a new key of the clinic"]
    assert faults(), "the old key is needed as long as rows of its time are held"


def test_the_nightly_task_makes_the_digest_checks_and_says_when_it_is_bad(
    log: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    tasks.digest()
    tasks.verify()
    assert holds("audit.verify") and AuditDigest.objects.count() == 3 and not caplog.records
    with intruder() as cursor:
        cursor.execute("UPDATE audit_accessevent SET basis = '' WHERE number = %s", [log[5]])
    tasks.verify()
    assert f"1 faults, the first: row {log[5]} does not match" in caplog.text and not holds("audit.verify")


def test_a_hundred_thousand_rows_are_checked_in_seconds() -> None:
    """Real rows, written by the service's own code; the bound is wide for slow machines."""
    from portal.audit.models import Action
    from portal.audit.services import access_record_each
    from portal.permissions import Purpose
    from tests.audit.conftest import KARIN, SUBJECT

    for _ in range(10):
        access_record_each(
            by=KARIN, action=Action.LIST, purpose=Purpose.CARE, object_kind="records.patient",
            looks=[(SUBJECT, uuid4(), "queue") for _ in range(2_000)],
        )
    digests_make()
    begun = time.perf_counter()
    report = audit_verify()
    took = time.perf_counter() - begun
    assert report.rows == 20_000 and not report.faults
    assert took * 5 < 30, f"100,000 rows would take {took * 5:.1f} s"
