"""Digests over the log: every row in exactly one, made once, and made later when they could not be made."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from portal.audit import chain
from portal.audit.chain import digests_make, name_of, oldest_open_transaction, take_out
from portal.audit.models import AccessEvent, AuditDigest
from portal.audit.verification import audit_verify
from portal.evidence.models import Evidence
from portal.lockbox.folder import FolderStore
from portal.lockbox.store import LockboxError, lockbox
from tests.audit.conftest import intruder, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P21"), pytest.mark.usefixtures("box")]


def covered() -> list[int]:
    """Numbers of the rows on the lockbox's lists, each time they occur."""
    return sorted(
        line[0] for digest in AuditDigest.objects.all() for line in take_out(digest.number)[1].lines
    )


def numbers() -> list[int]:
    return sorted(AccessEvent.objects.values_list("number", flat=True))


def test_new_rows_get_one_digest_with_a_twin_in_the_lockbox(looks: Any) -> None:
    made = looks(3)
    assert digests_make() == 1
    digest = AuditDigest.objects.get()
    assert (digest.number, digest.count, digest.previous) == (1, 3, "0" * 64)
    assert (digest.first_number, digest.last_number) == (made[0], made[-1])
    assert lockbox().verify(name_of(1), digest.version, digest.sha256)
    assert digest.retain_until >= dt.date.today() + dt.timedelta(days=6 * 365)
    assert digests_make() == 0 and covered() == made


def test_each_digest_follows_from_the_one_before(looks: Any) -> None:
    looks(2), digests_make(), looks(1), digests_make()
    first, second = AuditDigest.objects.order_by("number")
    assert second.previous == first.mac and second.from_transaction == first.until_transaction
    assert covered() == numbers() and audit_verify().faults == []


def test_digests_hold_numbers_and_codes_and_nothing_else(looks: Any) -> None:
    looks(1), digests_make()
    text = chain.lockbox().open(name_of(1), AuditDigest.objects.get().version).read().decode()
    event = AccessEvent.objects.get()
    for word in (event.subject_id, event.object_id, event.actor_id, event.event_id, "photo", "grant"):
        assert str(word) not in text


def test_a_row_that_a_slow_transaction_commits_later_falls_into_the_next_digest(looks: Any) -> None:
    """Its number is lower than one already covered; its transaction was open."""
    slow = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            look()
            slow[0].set()
            slow[1].wait(10)
        connections.close_all()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    slow[0].wait(10)
    late = looks(2)
    assert digests_make() == 0, "the slow transaction is older than both"
    slow[1].set()
    thread.join()
    digests_make()
    assert covered() == numbers() and len(covered()) == 3 and min(covered()) < late[0]


def test_a_lower_number_of_a_younger_transaction_is_not_left_out(looks: Any) -> None:
    """Numbers and transactions may come in different orders: the digest goes by transactions."""
    first, second = looks(2)
    digests_make()
    third = look()
    with intruder() as cursor:  # as if ``third`` had drawn its number before the others
        cursor.execute("UPDATE audit_accessevent SET number = %s WHERE number = %s", [first - 1, third])
    assert first - 1 >= 0
    digests_make()
    assert covered() == sorted([first - 1, first, second])


def test_a_transaction_that_is_rolled_back_leaves_a_gap_and_no_fault(looks: Any) -> None:
    looks(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        look()
        raise ZeroDivisionError
    looks(1)
    digests_make()
    assert audit_verify().faults == [] and len(covered()) == 2


def test_rows_are_taken_in_batches_of_whole_transactions(looks: Any) -> None:
    looks(3)
    with transaction.atomic():
        looks(5)
    looks(2)
    assert digests_make(batch=2) >= 4
    counts = list(AuditDigest.objects.order_by("number").values_list("count", flat=True))
    assert 5 in counts and sum(counts) == 10 and covered() == numbers()
    assert audit_verify().faults == []


def test_two_workers_at_once_make_one_chain(looks: Any) -> None:
    looks(40)
    gate = threading.Barrier(4)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            gate.wait(10)
            digests_make(batch=3)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert covered() == numbers() and audit_verify().faults == []


def test_a_worker_killed_between_lockbox_and_row_is_followed_by_one_that_takes_its_digest_over(
    looks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks(2)
    with monkeypatch.context() as patch:
        patch.setattr(chain, "_row", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            digests_make()
    assert not AuditDigest.objects.exists()
    looks(2)
    digests_make()
    assert [digest.count for digest in AuditDigest.objects.order_by("number")] == [2, 2]
    assert covered() == numbers() and audit_verify().faults == []
    assert Evidence.objects.filter(kind=chain.DIGEST_EVIDENCE).first().facts["adopted"] == 1


def test_a_lockbox_that_is_down_delays_the_digest_and_shows(looks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looks(2)
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "put", lambda *_: (_ for _ in ()).throw(LockboxError("down")))
        with pytest.raises(LockboxError):
            digests_make()
    assert not AuditDigest.objects.exists()
    proof = Evidence.objects.get(kind=chain.DIGEST_EVIDENCE)
    assert not proof.passed and proof.facts["failed"] == "LockboxError"
    digests_make()
    assert covered() == numbers()
    assert Evidence.objects.filter(kind=chain.DIGEST_EVIDENCE).first().passed


AHEAD = 10_000_000


def test_after_a_move_to_a_server_that_counts_transactions_anew_every_row_is_still_covered_once(
    looks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``pg_dump`` keeps the rows and not the counter: here the old server was far ahead."""

    def on_the_old_server(count: int) -> None:
        with intruder() as cursor:
            cursor.execute(
                "UPDATE audit_accessevent SET transaction_id = transaction_id + %s WHERE number = ANY(%s)",
                [AHEAD, looks(count)],
            )

    with monkeypatch.context() as patch:
        patch.setattr(chain, "oldest_open_transaction", lambda: oldest_open_transaction() + AHEAD)
        on_the_old_server(2), digests_make(), on_the_old_server(3), digests_make()
    on_the_old_server(2)
    looks(3)
    assert digests_make() == 2, "one for what the old server left over, one for the new count"
    looks(1), digests_make(), looks(1)
    assert covered() == numbers()[:-1] and len(numbers()) == 12
    assert audit_verify().faults == []


def test_the_command_tells_how_many(looks: Any, capsys: pytest.CaptureFixture[str]) -> None:
    looks(1)
    call_command("audit_digest")
    assert capsys.readouterr().out == "1 digests made\n"


def test_the_tables_of_digests_are_append_only(looks: Any) -> None:
    looks(1), digests_make()
    for statement in ("UPDATE audit_auditdigest SET count = 9", "DELETE FROM audit_auditdigest"):
        with pytest.raises(Exception, match="Cannot update or delete"), connection.cursor() as cursor:
            cursor.execute(statement)
